// Announcer, DHT and finders together: a subscription at one node is found from another, through
// the real OpenDHT, at the latencies of a home line and of loopback.
#include <boost/test/unit_test.hpp>

#include "starling/limits.hpp"

#include "dht/interests/announcer.hpp"
#include "dht/interests/interest_finder.hpp"
#include "dht/interests/peer_finder.hpp"
#include "dht/records/interest_record.hpp"
#include "tests/integration/dht/dht_fixture.hpp"
#include "tests/support/seeded_random.hpp"

using namespace starling;
using namespace starling::testing;

namespace {

/// What a node of the mesh runs on top of its DHT engine.
struct Member : InterestFinderHandler, PeerFinderHandler {
  Member(VirtualNode& on, std::uint8_t number, const crypto::MeshKeys& keys = mesh)
      : node(on),
        key(Author(number).key),
        announcer(AnnouncerSettings{key, 1, keys, false}, on.engine, on.scheduler, random, on.log),
        finder(InterestFinderSettings{key.node_id(), keys}, on.engine, on.scheduler, pacer, *this),
        peers(PeerFinderSettings{key.node_id(), keys}, on.engine, on.scheduler, pacer, *this) {}

  void join() {
    announcer.set_reach({node.endpoint});
    peers.watch_members();
  }
  void subscribe(std::string_view filter) {
    announcer.on_interest_change(
        {{*TopicFilter::parse(filter), "", QoS::at_most_once, false}, true});
  }
  Resolution find(std::string_view topic) { return finder.find(*TopicName::parse(topic)); }
  [[nodiscard]] bool finds(std::string_view topic, const Member& other) {
    for (const PeerRecord& peer : finder.peers_wanting(*TopicName::parse(topic)))
      if (peer.id == other.key.node_id()) return true;
    return false;
  }

  void on_peer_seen(const PeerSeen&) override {}
  void on_prefix_resolved(const LiteralPrefix&) override {}
  void on_member_seen(const PeerRecord& peer) override { members.push_back(peer.id); }
  void on_node_not_found(const NodeId&) override {}

  VirtualNode& node;
  crypto::SigningKey key;
  test::SeededRandom random{1};
  LookupPacer pacer;
  std::vector<NodeId> members;
  Announcer announcer;
  InterestFinder finder;
  PeerFinder peers;
};

struct Meshed : World {
  std::vector<std::unique_ptr<Member>> members;

  ~Meshed() { members.clear(); }
  Member& join(std::size_t on) {
    members.push_back(
        std::make_unique<Member>(*nodes.at(on), static_cast<std::uint8_t>(members.size() + 1)));
    members.back()->join();
    return *members.back();
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(finding, Meshed)

BOOST_AUTO_TEST_CASE(members_of_a_mesh_find_each_other) {
  populate(10);
  for (std::size_t i = 0; i < 5; ++i) join(i * 2);
  BOOST_TEST(run_until(
      [&] {
        return std::all_of(members.begin(), members.end(),
                           [](const auto& member) { return member->members.size() >= 4; });
      },
      8s));
}

BOOST_AUTO_TEST_CASE(a_subscription_is_found_under_wildcards_within_a_second) {
  populate(30);
  Member& subscriber = join(3);
  Member& publisher = join(17);
  run_for(20s);
  subscriber.subscribe("home/+/temperature");
  subscriber.subscribe("office/#");
  subscriber.subscribe("+/alarm");
  run_for(5s);
  for (const char* topic : {"home/kitchen/temperature", "office/lamp/1", "garage/alarm"}) {
    publisher.find(topic);
    BOOST_TEST(run_until([&] { return publisher.finds(topic, subscriber); }, 1s));
  }
  BOOST_TEST(run_until([&] { return publisher.find("home/kitchen/humidity") == Resolution::known; },
                       2500ms));
  BOOST_TEST(!publisher.finds("home/kitchen/humidity", subscriber));
}

BOOST_AUTO_TEST_CASE(who_subscribes_while_the_topic_is_in_use_is_found_within_a_second) {
  populate(30);
  Member& subscriber = join(3);
  Member& publisher = join(17);
  run_for(20s);
  // Many keys: whether the publisher's own node stores a key or not must make no difference.
  for (int i = 0; i < 15; ++i) {
    const std::string topic = "a" + std::to_string(i) + "/b";
    BOOST_TEST(run_until([&] { return publisher.find(topic) == Resolution::known; }, 2500ms));
    subscriber.subscribe(topic);
    BOOST_TEST(run_until([&] { return publisher.finds(topic, subscriber); }, 1s));
    run_for(2s);
  }
}

BOOST_AUTO_TEST_CASE(on_loopback_a_fresh_topic_is_answered_at_once) {
  latency_min = 50us;
  latency_max = 200us;
  populate(3);
  Member& subscriber = join(1);
  Member& publisher = join(2);
  run_for(20s);
  subscriber.subscribe("a/b");
  run_for(1s);
  publisher.find("a/b");
  BOOST_TEST(run_until([&] { return publisher.finds("a/b", subscriber); }, 100ms));
  BOOST_TEST(run_until([&] { return publisher.find("a/b") == Resolution::known; }, 600ms));
}

BOOST_AUTO_TEST_CASE(a_topic_that_nobody_wants_is_known_soon) {
  latency_min = 50us;
  latency_max = 200us;
  populate(3);
  Member& publisher = join(2);
  run_for(20s);
  publisher.find("a/b");
  BOOST_TEST(run_until([&] { return publisher.find("a/b") == Resolution::known; }, 600ms));
}

BOOST_AUTO_TEST_CASE(a_hot_topic_is_found_whole_though_its_subscribers_stand_in_shards) {
  populate(70);
  for (std::size_t i = 0; i + 1 < nodes.size(); ++i) {
    join(i).subscribe("city/hot/#");
    run_for(300ms);
  }
  run_for(20s);
  Member& publisher = join(nodes.size() - 1);
  publisher.find("city/hot/temperature");
  BOOST_TEST(run_until(
      [&] {
        return publisher.finder.peers_wanting(*TopicName::parse("city/hot/temperature")).size()
               == 69U;
      },
      10s));
  BOOST_TEST(
      run_until([&] { return publisher.find("city/hot/temperature") == Resolution::known; }, 10s));
  // The later ones have moved: the shards are read, and there are some to be read.
  BOOST_TEST(publisher.finder.keys_listened() >= 3U + 4);
  Collected shards;
  for (std::uint32_t index = 0; index < 8; ++index)
    get(publisher.node.engine,
        interest_key(mesh, LiteralPrefix::first_levels("city/hot", 2), {3, index}), shards);
  for (std::uint32_t index = 0; index < 4; ++index)
    get(publisher.node.engine,
        interest_key(mesh, LiteralPrefix::first_levels("city/hot", 2), {2, index}), shards);
  run_for(5s);
  BOOST_TEST(shards.values.size() >= 10U);
}

BOOST_AUTO_TEST_CASE(interests_stay_findable_for_hours_and_lapse_with_their_node) {
  populate(12);
  Member& subscriber = join(3);
  Member& publisher = join(7);
  subscriber.subscribe("a/b");
  for (int hour = 0; hour < 3; ++hour) {
    run_for(1h);
    publisher.find("a/b");
    BOOST_TEST(run_until([&] { return publisher.finds("a/b", subscriber); }, 2s));
  }
  members.erase(members.begin());
  nodes[3].reset();
  run_for(14min);
  Member& other = join(9);
  other.find("a/b");
  BOOST_TEST(run_until([&] { return other.find("a/b") == Resolution::known; }, 3s));
  BOOST_TEST(other.finder.peers_wanting(*TopicName::parse("a/b")).empty());
}

BOOST_AUTO_TEST_CASE(two_meshes_on_one_dht_do_not_see_each_other) {
  populate(6);
  Member& here = join(1);
  Member there(*nodes[2], 9, crypto::derive_mesh_keys({9}));
  there.join();
  there.subscribe("a/b");
  run_for(20s);
  here.find("a/b");
  run_for(5s);
  BOOST_TEST(here.finder.peers_wanting(*TopicName::parse("a/b")).empty());
  BOOST_TEST(here.members.empty());
  BOOST_TEST(there.members.empty());
}

BOOST_AUTO_TEST_CASE(no_datagram_tells_a_topic) {
  std::string all;
  on_datagram = [&](const Endpoint&, const Endpoint&, ByteView bytes) {
    all.append(as_text(bytes));
  };
  populate(4);
  Member& subscriber = join(1);
  Member& publisher = join(2);
  run_for(20s);
  subscriber.subscribe("verysecret/plan/+");
  run_for(3s);
  publisher.find("verysecret/plan/b");
  BOOST_TEST(run_until([&] { return publisher.finds("verysecret/plan/b", subscriber); }, 2s));
  BOOST_TEST(all.size() > 10'000U);
  BOOST_TEST((all.find("verysecret") == std::string::npos));
  BOOST_TEST((all.find("plan") == std::string::npos));
  on_datagram = {};
}

BOOST_AUTO_TEST_SUITE_END()
