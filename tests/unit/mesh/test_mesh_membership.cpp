// Who is found, who is linked with whom, who is refused; nodes that die, return, move and cannot be
// dialled.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <set>
#include <string>
#include <vector>

#include "dht/records/member_record.hpp"
#include "mesh_world.hpp"

namespace starling::test {
namespace {

using Payloads = std::vector<std::string>;

WorldNode& add(MeshWorld& world, std::vector<MeshConfig> meshes, bool dialable = true) {
  WorldNode::Options options;
  options.meshes = std::move(meshes);
  options.dialable = dialable;
  WorldNode& node = world.add_node(std::move(options));
  node.boot();
  return node;
}

BOOST_AUTO_TEST_CASE(members_of_a_small_mesh_find_and_keep_each_other) {
  MeshWorld world;
  for (int i = 0; i < 5; ++i) world.add_node();
  BOOST_REQUIRE(world.run_until([&] { return world.all_linked(); }, 10s));
  world.run_for(5min);
  BOOST_TEST(world.all_linked());
  for (const auto& node : world.nodes) {
    BOOST_TEST(node->links() == 4U);
    BOOST_TEST(node->log.count("mesh_peer_linked") >= 4U);
    BOOST_TEST(node->mesh().status().members_known == 4U);
  }
}

// Beside the heartbeats of its links, which cost both ends a wake and two arrivals every five seconds.
BOOST_AUTO_TEST_CASE(a_mesh_in_which_nothing_happens_sleeps) {
  MeshWorld world;
  for (int i = 0; i < 3; ++i) world.add_node();
  BOOST_REQUIRE(world.run_until([&] { return world.all_linked(); }, 10s));
  world.run_for(30s);
  const std::size_t before = world.scheduler.turns();
  world.run_for(100s);
  const std::size_t heartbeats = 3 * 2 * 20 * 3;  // nodes, links of each, heartbeats, turns
  const std::size_t turns = world.scheduler.turns() - before;
  BOOST_TEST(turns < heartbeats + 3 * 30);  // was 3 * 100 more
  BOOST_TEST(turns > heartbeats / 3);
  BOOST_TEST(world.all_linked());
}

// Nothing happens when somebody dies of whom nobody hears: that he is missing must be seen all the same.
BOOST_AUTO_TEST_CASE(a_mesh_that_sleeps_wakes_when_somebody_is_missing) {
  MeshWorld world;
  for (int i = 0; i < 3; ++i) world.add_node();
  BOOST_REQUIRE(world.run_until([&] { return world.all_linked(); }, 10s));
  world.run_for(100s);
  world.nodes[2]->kill();
  BOOST_TEST(world.run_until([&] { return world.nodes[0]->links() == 1U; }, 30s));
  world.run_for(60s);
  world.nodes[2]->boot();
  BOOST_TEST(world.run_until([&] { return world.all_linked(); }, 60s));
}

BOOST_AUTO_TEST_CASE(two_nodes_keep_one_link_whatever_meshes_they_share) {
  MeshWorld world;
  const std::vector<MeshConfig> meshes{
      MeshWorld::private_mesh("home", 7, {"both:home/#"}),
      MeshWorld::private_mesh("work", 8, {"both:work/#", "both:home/both"})};
  WorldNode& a = add(world, meshes);
  WorldNode& b = add(world, meshes);
  BOOST_REQUIRE(world.run_until([&] { return world.all_linked(); }, 10s));
  BOOST_TEST(a.links() == 1U);
  BOOST_TEST(a.peer(b)->meshes == (std::vector<std::string>{"home", "work"}),
             boost::test_tools::per_element());
  b.subscribe("#", QoS::at_least_once);
  world.run_for(100ms);
  a.publish("home/both", "once", QoS::at_least_once);
  a.publish("work/x", "work", QoS::at_least_once);
  a.publish("else", "no", QoS::at_least_once);
  world.run_for(1s);
  BOOST_REQUIRE(b.arrivals.size() == 2U);
  BOOST_TEST(b.arrivals[0].mesh == "home");
  BOOST_TEST(b.arrivals[1].mesh == "work");
}

BOOST_AUTO_TEST_CASE(two_meshes_on_one_dht_do_not_see_each_other) {
  MeshWorld world;
  WorldNode& a = add(world, {MeshWorld::private_mesh("home", 7)});
  WorldNode& b = add(world, {MeshWorld::private_mesh("home", 8)});
  b.subscribe("#", QoS::exactly_once);
  world.run_for(30s);
  a.publish("x", "1", QoS::exactly_once);
  world.run_for(30s);
  BOOST_TEST(a.links() == 0U);
  BOOST_TEST(b.arrivals.empty());
  BOOST_TEST(a.dials + b.dials == 0U);
}

BOOST_AUTO_TEST_CASE(a_node_that_holds_another_secret_is_refused_and_the_log_says_why) {
  MeshWorld world;
  WorldNode& a = add(world, {MeshWorld::private_mesh("home", 7)});
  WorldNode& stranger = add(world, {MeshWorld::private_mesh("home", 8)});
  // It has learnt where a lives, and tries.
  const auto forged =
      write_member_record(crypto::SigningKey::from_seed([] {
                            crypto::Seed seed{};
                            seed.fill(1);
                            return seed;
                          }()),
                          MeshWorld::private_mesh("home", 8).keys, RecordStamp{1, 1},
                          world.scheduler.unix_now() + 300, MemberBody{Shard{}, {a.endpoint}});
  BOOST_REQUIRE(forged.ok());
  world.table.put(member_key(MeshWorld::private_mesh("home", 8).keys), 99, *forged);
  world.run_for(30s);
  BOOST_TEST(stranger.dials > 0U);
  BOOST_TEST(a.links() == 0U);
  BOOST_TEST(stranger.links() == 0U);
  BOOST_TEST(a.log.count("mesh_link_refused") > 0U);
}

BOOST_AUTO_TEST_CASE(a_killed_node_returns_under_its_identity_and_everything_resumes) {
  MeshWorld world;
  for (int i = 0; i < 3; ++i) world.add_node();
  BOOST_REQUIRE(world.run_until([&] { return world.all_linked(); }, 10s));
  WorldNode& a = *world.nodes[0];
  WorldNode& b = *world.nodes[1];
  WorldNode& c = *world.nodes[2];
  c.subscribe("#", QoS::at_least_once);
  b.kill();
  world.run_for(1s);
  a.publish("x", "without b", QoS::at_least_once);
  world.run_for(1s);
  BOOST_TEST(c.payloads() == (Payloads{"without b"}), boost::test_tools::per_element());
  world.run_for(2min);
  b.boot();
  b.subscribe("#", QoS::exactly_once);
  BOOST_REQUIRE(world.run_until([&] { return world.all_linked(); }, 10s));
  world.run_for(100ms);
  b.arrivals.clear();
  a.publish("x", "to b", QoS::exactly_once);
  b.publish("x", "from b", QoS::at_least_once);
  world.run_for(1s);
  BOOST_TEST(b.payloads() == (Payloads{"to b"}), boost::test_tools::per_element());
  BOOST_TEST((c.payloads() == Payloads{"without b", "to b", "from b"}));
}

BOOST_AUTO_TEST_CASE(a_bye_ends_interest_at_once) {
  MeshWorld world;
  world.add_node();
  world.add_node();
  BOOST_REQUIRE(world.run_until([&] { return world.all_linked(); }, 10s));
  WorldNode& a = *world.nodes[0];
  WorldNode& b = *world.nodes[1];
  b.subscribe("#", QoS::at_least_once);
  world.run_for(100ms);
  b.stop();
  world.run_for(100ms);
  BOOST_TEST(a.links() == 0U);
  a.publish("x", "1", QoS::at_least_once);
  BOOST_TEST(a.peer(b)->outbox_messages == 0U);
}

BOOST_AUTO_TEST_CASE(a_peer_that_moved_is_found_at_its_new_address) {
  MeshWorld world;
  world.add_node();
  world.add_node();
  BOOST_REQUIRE(world.run_until([&] { return world.all_linked(); }, 10s));
  WorldNode& a = *world.nodes[0];
  WorldNode& b = *world.nodes[1];
  b.kill();
  world.run_for(5s);
  b.endpoint = Endpoint::v4({127, 0, 0, 1}, 29'999);
  b.boot();
  a.subscribe("#", QoS::at_least_once);
  BOOST_REQUIRE(world.run_until([&] { return world.all_linked(); }, 15s));
  b.publish("x", "1", QoS::at_least_once);
  world.run_for(1s);
  BOOST_TEST(a.arrivals.size() == 1U);
}

BOOST_AUTO_TEST_CASE(known_members_are_remembered_on_disk_and_found_without_the_dht) {
  MeshWorld world;
  world.add_node();
  world.add_node();
  BOOST_REQUIRE(world.run_until([&] { return world.all_linked(); }, 10s));
  WorldNode& b = *world.nodes[1];
  world.run_for(30s);
  b.kill();
  world.run_for(1s);
  world.table.values.clear();
  world.table.listeners.clear();
  world.nodes[0]->dialable = true;
  b.boot();
  BOOST_REQUIRE(world.run_until([&] { return world.all_linked(); }, 5s));
}

BOOST_AUTO_TEST_CASE(a_damaged_memory_of_peers_is_only_a_pity) {
  MeshWorld world;
  WorldNode::Options options;
  options.meshes = {MeshWorld::private_mesh()};
  WorldNode& a = world.add_node(options);
  a.files.files["peers"] = Bytes{0xC1, 0xFF, 0x00};
  a.boot();
  world.add_node();
  BOOST_REQUIRE(world.run_until([&] { return world.all_linked(); }, 10s));
}

BOOST_AUTO_TEST_CASE(a_neighbour_is_linked_though_nobody_announces_anything) {
  MeshWorld world;
  WorldNode& a = add(world, {MeshWorld::private_mesh()}, false);
  WorldNode& b = add(world, {MeshWorld::private_mesh()}, false);
  a.dialable = b.dialable = true;  // in their house
  world.run_for(30s);
  BOOST_TEST(!a.is_linked_to(b));
  // Both hear each other at once.
  a.mesh().on_neighbour(0, b.id, b.endpoint);
  b.mesh().on_neighbour(0, a.id, a.endpoint);
  BOOST_REQUIRE(world.run_until([&] { return a.is_linked_to(b) && b.is_linked_to(a); }, 1s));
  a.mesh().on_neighbour(0, b.id, b.endpoint);  // again: nothing follows
  a.mesh().on_neighbour(7, b.id, b.endpoint);  // there is no such mesh
  a.mesh().on_neighbour(0, a.id, a.endpoint);
  const std::size_t dials = a.dials;
  world.run_for(10s);
  BOOST_TEST(a.dials == dials);
  BOOST_TEST(a.links() == 1U);
}

BOOST_AUTO_TEST_CASE(in_a_large_mesh_too_a_neighbour_is_worth_a_link) {
  MeshWorld world;
  for (int i = 0; i < 12; ++i) add(world, {MeshWorld::open_mesh()});
  world.run_for(30s);
  WorldNode& a = *world.nodes.front();
  const auto other = std::find_if(world.nodes.begin() + 1, world.nodes.end(),
                                  [&](const auto& node) { return !a.is_linked_to(*node); });
  BOOST_REQUIRE((other != world.nodes.end()));
  WorldNode& b = **other;
  a.mesh().on_neighbour(0, b.id, b.endpoint);
  BOOST_REQUIRE(world.run_until([&] { return a.is_linked_to(b); }, 1s));
  world.cut_all_between(a, b);
  BOOST_TEST(world.run_until([&] { return a.is_linked_to(b); }, 5s));  // wanted, not just found
}

BOOST_AUTO_TEST_CASE(who_cannot_be_dialled_is_asked_to_dial_back_over_a_common_friend) {
  MeshWorld world;
  WorldNode& hidden = add(world, {MeshWorld::private_mesh()}, false);
  WorldNode& friendly = add(world, {MeshWorld::private_mesh()});
  BOOST_REQUIRE(world.run_until([&] { return world.all_linked(); }, 10s));
  // The third knows the hidden one only by its record, and the hidden one never hears of the third
  // in the DHT.
  hidden.rendezvous()->deaf = true;
  WorldNode& third = add(world, {MeshWorld::private_mesh()});
  BOOST_REQUIRE(world.run_until([&] { return third.is_linked_to(friendly); }, 10s));
  BOOST_REQUIRE(world.run_until([&] { return third.is_linked_to(hidden); }, 30s));
  BOOST_TEST(third.peer(hidden)->inbound);
}

BOOST_AUTO_TEST_CASE(who_does_not_answer_is_looked_up_and_asked_to_dial_back) {
  MeshWorld world;
  WorldNode& node = world.add_node();
  RawPeer helper{world, node, 200, {MeshWorld::private_mesh()}};
  helper.want(0, {});
  wire::Peers::Entry silent;
  silent.node.bytes.fill(9);
  silent.endpoints = {Endpoint::v4({127, 0, 0, 1}, 7)};
  silent.linked = true;
  helper.machine().send_peers(0, std::vector<wire::Peers::Entry>{silent}, helper.out());
  helper.flush();
  world.run_for(1s);
  BOOST_TEST(node.dials > 0U);
  std::size_t requests = 0;
  for (const LinkEvent& event : helper.events) {
    const auto* request = std::get_if<DialMeArrived>(&event);
    if (request == nullptr) continue;
    ++requests;
    BOOST_TEST((request->asked == silent.node));
    BOOST_TEST((request->asker == node.id));
    BOOST_REQUIRE(request->endpoints.size() == 1U);
    BOOST_TEST((request->endpoints[0] == node.endpoint));
  }
  BOOST_TEST(requests == 1U);
  BOOST_TEST(node.rendezvous()->gets[node_key(MeshWorld::private_mesh().keys, silent.node)] == 1U);
}

BOOST_AUTO_TEST_CASE(a_newcomer_is_told_about_members_and_they_about_it) {
  MeshWorld world;
  WorldNode& node = world.add_node();
  RawPeer first{world, node, 200, {MeshWorld::private_mesh()}};
  first.want(0, {});
  RawPeer second{world, node, 201, {MeshWorld::private_mesh()}};
  second.want(0, {});
  BOOST_TEST(second.told().count(first.id) == 1U);
  BOOST_TEST(first.told().count(second.id) == 1U);
}

BOOST_AUTO_TEST_CASE(members_of_one_mesh_are_not_named_to_those_of_another) {
  MeshWorld world;
  WorldNode::Options options;
  options.meshes = {MeshWorld::private_mesh("home", 7), MeshWorld::private_mesh("work", 8)};
  WorldNode& node = world.add_node(options);
  node.boot();
  RawPeer first{world, node, 200, {MeshWorld::private_mesh("home", 7)}};
  first.want(0, {});
  RawPeer second{world, node, 201, {MeshWorld::private_mesh("work", 8)}};
  second.want(0, {});
  BOOST_TEST(second.told().empty());
  BOOST_TEST(first.told().empty());
  const std::vector<Endpoint> endpoints{Endpoint::v4({127, 0, 0, 1}, 7)};
  second.machine().send_dial_me(0, first.id, second.id, endpoints, second.out());
  second.flush();
  world.run_for(10ms);
  for (const LinkEvent& event : first.events) {
    BOOST_TEST(!std::holds_alternative<DialMeArrived>(event));
  }
}

BOOST_AUTO_TEST_CASE(members_tell_each_other_about_members) {
  MeshWorld world;
  WorldNode& a = world.add_node();
  WorldNode& b = world.add_node();
  BOOST_REQUIRE(world.run_until([&] { return world.all_linked(); }, 10s));
  a.rendezvous()->deaf = true;
  WorldNode& c = world.add_node();
  c.rendezvous()->deaf = true;
  world.run_for(100ms);
  b.rendezvous()->deaf = false;
  BOOST_REQUIRE(world.run_until([&] { return a.is_linked_to(c); }, 30s));
}

BOOST_AUTO_TEST_CASE(forged_and_foreign_records_lead_to_nothing) {
  MeshWorld world;
  WorldNode& a = world.add_node();
  const crypto::MeshKeys keys = MeshWorld::private_mesh().keys;
  const DhtKey members = member_key(keys);
  crypto::Seed seed{};
  seed.fill(77);
  const auto outsider = crypto::SigningKey::from_seed(seed);
  const UnixSeconds until = world.scheduler.unix_now() + 300;
  const Endpoint victim = Endpoint::v4({127, 0, 0, 1}, 1'234);
  Bytes good =
      write_member_record(outsider, keys, RecordStamp{1, 1}, until, MemberBody{Shard{}, {victim}})
          .value();
  Bytes broken = good;
  broken[broken.size() / 2] ^= 1;
  world.table.put(members, 1, broken);
  world.table.put(members, 2, Bytes{1, 2, 3});
  world.table.put(members, 3, Bytes(2'000, 0));
  world.table.put(members, 4,
                  write_member_record(outsider, MeshWorld::private_mesh("x", 9).keys,
                                      RecordStamp{1, 1}, until, MemberBody{Shard{}, {victim}})
                      .value());
  world.run_for(1min);
  BOOST_TEST(a.dials == 0U);
  // A signed one of the mesh is dialled, but not for ever: nobody answers with its key.
  world.table.put(members, 5, good);
  world.run_for(1h);
  BOOST_TEST(a.dials > 0U);
  BOOST_TEST(a.dials <= 60U);
}

BOOST_AUTO_TEST_CASE(in_an_open_mesh_a_subscriber_is_found_by_its_topic) {
  MeshWorld world;
  for (int i = 0; i < 12; ++i) add(world, {MeshWorld::open_mesh()});
  world.run_for(20s);
  WorldNode& a = *world.nodes[0];
  for (auto& node : world.nodes) BOOST_TEST(node->links() >= 2U);
  for (std::size_t i = 1; i < world.nodes.size(); ++i) {
    WorldNode& b = *world.nodes[i];
    const std::string topic = "chat/" + std::to_string(i);
    const TimePoint began = world.scheduler.now();
    b.subscribe("chat/" + std::to_string(i) + "/#", QoS::at_least_once);
    int number = 0;
    const bool came = world.run_until(
        [&] {
          if (world.scheduler.now() >= began + number * 50ms) {
            a.publish(topic + "/x", std::to_string(number++),
                      i % 2 == 0 ? QoS::at_most_once : QoS::at_least_once);
          }
          return !b.arrivals.empty();
        },
        3s);
    BOOST_TEST(came, "nothing reached node " << i);
    world.run_for(1s);
    std::set<MessageId> ids;
    for (const Arrival& arrival : b.arrivals) BOOST_TEST(ids.insert(arrival.message->id).second);
  }
}

BOOST_AUTO_TEST_CASE(a_message_published_before_anybody_was_found_still_arrives) {
  MeshWorld world;
  for (int i = 0; i < 8; ++i) add(world, {MeshWorld::open_mesh()});
  world.run_for(20s);
  WorldNode* far = nullptr;
  WorldNode& a = *world.nodes[0];
  for (auto& node : world.nodes) {
    if (node.get() != &a && !a.is_linked_to(*node)) far = node.get();
  }
  BOOST_REQUIRE(far != nullptr);
  far->subscribe("chat/far", QoS::exactly_once);
  world.run_for(2s);
  a.publish("chat/far", "0", QoS::at_most_once);
  a.publish("chat/far", "2", QoS::exactly_once);
  a.publish("chat/near", "no", QoS::exactly_once);
  BOOST_REQUIRE(world.run_until([&] { return far->arrivals.size() >= 2; }, 3s));
  world.run_for(15s);
  BOOST_TEST(far->arrivals.size() == 2U);
  BOOST_TEST(a.mesh().status().parked_messages == 0U);
}

/// Node 0, another one that it has no link with, and `topic` resolved: nobody wants it.
WorldNode& someone_not_linked(MeshWorld& world, const std::string& topic) {
  for (int i = 0; i < 8; ++i) add(world, {MeshWorld::open_mesh()});
  world.run_for(20s);
  WorldNode& a = *world.nodes[0];
  a.publish(topic, "before", QoS::at_most_once);
  world.run_for(12s);
  BOOST_REQUIRE(a.mesh().status().parked_messages == 0U);
  for (auto& node : world.nodes) {
    if (node.get() != &a && !a.is_linked_to(*node)) return *node;
  }
  BOOST_REQUIRE(false);
  return a;
}

BOOST_AUTO_TEST_CASE(a_new_subscriber_of_a_topic_in_use_is_linked_before_the_next_message) {
  MeshWorld world;
  WorldNode& far = someone_not_linked(world, "chat/news");
  WorldNode& a = *world.nodes[0];
  far.subscribe("chat/+", QoS::at_most_once);
  world.run_for(2s);
  BOOST_TEST(a.is_linked_to(far));
  const TimePoint began = world.scheduler.now();
  a.publish("chat/news", "1", QoS::at_most_once);
  world.run_for(100ms);
  BOOST_REQUIRE(far.arrivals.size() == 1U);
  BOOST_TEST((far.arrivals[0].at - began == world.latency));
}

BOOST_AUTO_TEST_CASE(an_acknowledged_message_waits_for_announcements_that_are_under_way) {
  MeshWorld world;
  WorldNode& far = someone_not_linked(world, "chat/news");
  WorldNode& a = *world.nodes[0];
  far.subscribe("chat/+", QoS::exactly_once);
  a.publish("chat/news", "1", QoS::at_least_once);
  BOOST_REQUIRE(world.run_until([&] { return !far.arrivals.empty(); }, 3s));
  world.run_for(20s);
  BOOST_TEST(far.arrivals.size() == 1U);
  BOOST_TEST(a.mesh().status().parked_messages == 0U);
}

BOOST_AUTO_TEST_CASE(links_that_fall_silent_are_given_up_and_made_again) {
  MeshWorld world;
  world.add_node();
  world.add_node();
  BOOST_REQUIRE(world.run_until([&] { return world.all_linked(); }, 10s));
  WorldNode& a = *world.nodes[0];
  WorldNode& b = *world.nodes[1];
  b.subscribe("#", QoS::at_least_once);
  world.run_for(100ms);
  world.partition(a, b, true);  // nothing is cut: bytes just vanish
  a.publish("x", "into the dark", QoS::at_least_once);
  world.run_for(10s);
  BOOST_TEST(a.is_linked_to(b));
  world.run_for(20s);
  BOOST_TEST(!a.is_linked_to(b));
  world.partition(a, b, false);
  BOOST_REQUIRE(world.run_until([&] { return world.all_linked(); }, 90s));
  world.run_for(1s);
  a.publish("x", "in the light", QoS::at_least_once);
  world.run_for(1s);
  BOOST_TEST(b.payloads() == (Payloads{"into the dark", "in the light"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_goes_over_the_wire_in_an_idle_mesh_is_little) {
  MeshWorld world;
  world.add_node();
  world.add_node();
  BOOST_REQUIRE(world.run_until([&] { return world.all_linked(); }, 10s));
  world.run_for(10s);
  const std::uint64_t before = world.nodes[0]->bytes_sent;
  world.run_for(1h);
  BOOST_TEST(world.nodes[0]->bytes_sent - before < 200'000U);
}

}  // namespace
}  // namespace starling::test
