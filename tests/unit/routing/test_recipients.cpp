#include <boost/test/unit_test.hpp>
#include <map>
#include <string>
#include <vector>

#include "bridge/routing/recipients.hpp"
#include "tests/support/random_topics.hpp"
#include "tests/unit/routing/routing_support.hpp"

using namespace starling;
using namespace starling::test;
using boost::unit_test::label;

namespace {

const NodeId nobody{};

struct World {
  InterestTable table{3, HashSeed{1, 2}};
  SeededRandom random{1};
  std::map<NodeId, PeerLoad> loads;
  ShareChooser chooser{random, [this](const NodeId& id) {
                         const auto known = loads.find(id);
                         return known == loads.end() ? PeerLoad{true, 0} : known->second;
                       }};

  void wants(std::uint8_t who, MeshIndex mesh, const Interest& what) {
    BOOST_REQUIRE(table.change(peer(who), mesh, InterestChange{what, true}).ok());
  }
  std::vector<Recipient> recipients(const std::vector<LeavingName>& names,
                                    QoS qos = QoS::exactly_once, const NodeId& origin = nobody) {
    return find_recipients(table, names, qos, origin, {});
  }
  std::vector<Recipient> spread(std::string_view topic, bool local_member = false) {
    RecipientRules rules{ShareSpread::one_node, &chooser, {}};
    if (local_member) rules.has_local_member = [](MeshIndex, const ShareGroup&) { return true; };
    return find_recipients(table, {LeavingName{0, name(topic)}}, QoS::exactly_once, nobody, rules);
  }
};
LeavingName leaving(MeshIndex mesh, std::string_view topic) {
  return LeavingName{mesh, name(topic)};
}

/// "1:0:a:2" for peer 1, mesh 0, topic a, QoS 2.
std::string text(const std::vector<Recipient>& recipients) {
  std::string all;
  for (const auto& each : recipients) {
    if (!all.empty()) all += ' ';
    all += std::to_string(each.peer.bytes[0]) + ":" + std::to_string(each.mesh) + ":"
           + std::string(each.topic.text()) + ":" + std::to_string(static_cast<int>(each.qos))
           + (each.durable ? ":d" : "");
    for (const auto& group : each.groups) all += "@" + group.name;
  }
  return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(recipients)

BOOST_AUTO_TEST_CASE(a_peer_with_overlapping_filters_gets_it_once_with_the_greatest_qos,
                     *label("MQTT-3.3.5-1")) {
  World world;
  world.wants(2, 0, interest("a/#", QoS::at_most_once));
  world.wants(2, 0, interest("a/+", QoS::at_least_once, true));
  world.wants(1, 0, interest("a/b", QoS::exactly_once));
  world.wants(3, 0, interest("b", QoS::exactly_once));
  BOOST_TEST(text(world.recipients({leaving(0, "a/b")})) == "1:0:a/b:2 2:0:a/b:1:d");
}

BOOST_AUTO_TEST_CASE(qos_is_lowered_to_what_the_peer_wants_and_never_raised,
                     *label("MQTT-3.8.4-6")) {
  World world;
  world.wants(1, 0, interest("a", QoS::exactly_once));
  world.wants(2, 0, interest("a", QoS::at_most_once));
  BOOST_TEST(text(world.recipients({leaving(0, "a")}, QoS::at_least_once)) == "1:0:a:1 2:0:a:0");
  BOOST_TEST(text(world.recipients({leaving(0, "a")}, QoS::at_most_once)) == "1:0:a:0 2:0:a:0");
}

BOOST_AUTO_TEST_CASE(nothing_goes_back_to_the_origin) {
  World world;
  world.wants(1, 0, interest("#"));
  world.wants(2, 0, interest("#"));
  BOOST_TEST(text(world.recipients({leaving(0, "a")}, QoS::at_most_once, peer(2))) == "1:0:a:0");
}

BOOST_AUTO_TEST_CASE(a_peer_of_several_meshes_gets_it_in_the_one_listed_first) {
  World world;
  world.wants(1, 0, interest("x/#"));
  world.wants(1, 1, interest("y/#", QoS::exactly_once));
  world.wants(2, 1, interest("y/#"));
  world.wants(3, 2, interest("z"));
  world.wants(3, 0, interest("other"));
  BOOST_TEST(text(world.recipients({leaving(0, "x/1"), leaving(1, "y/1"), leaving(2, "z")}))
             == "1:0:x/1:0 2:1:y/1:0 3:2:z:0");
  // Listed the other way round.
  BOOST_TEST(text(world.recipients({leaving(1, "y/1"), leaving(0, "x/1")}))
             == "1:1:y/1:2 2:1:y/1:0");
  BOOST_TEST(world.recipients({}).empty());
}

BOOST_AUTO_TEST_CASE(when_each_node_serves_its_own_every_member_node_gets_it) {
  World world;
  world.wants(1, 0, shared("a", "g", QoS::at_least_once));
  world.wants(2, 0, shared("a", "g"));
  BOOST_TEST(text(world.recipients({leaving(0, "a")})) == "1:0:a:1 2:0:a:0");
}

BOOST_AUTO_TEST_CASE(a_group_that_spans_nodes_is_served_by_one) {
  World world;
  for (std::uint8_t who = 1; who <= 4; ++who) world.wants(who, 0, shared("a/#", "g"));
  std::map<int, int> served;
  for (int i = 0; i < 400; ++i) {
    const auto chosen = world.spread("a/x");
    BOOST_REQUIRE_EQUAL(chosen.size(), 1U);
    BOOST_REQUIRE_EQUAL(chosen[0].groups.size(), 1U);
    BOOST_REQUIRE((chosen[0].groups[0] == ShareGroup{"g", filter("a/#")}));
    ++served[chosen[0].peer.bytes[0]];
  }
  BOOST_TEST(served.size() == 4U);
  for (const auto& [who, times] : served) BOOST_TEST(times > 50);
}

BOOST_AUTO_TEST_CASE(groups_of_one_name_and_two_filters_are_two_groups) {
  World world;
  world.wants(1, 0, shared("a/#", "g"));
  world.wants(2, 0, shared("a/+", "g"));
  BOOST_TEST(text(world.spread("a/x")) == "1:0:a/x:0@g 2:0:a/x:0@g");
}

BOOST_AUTO_TEST_CASE(a_plain_subscriber_gets_it_whoever_serves_the_group) {
  World world;
  world.wants(1, 0, shared("a", "g", QoS::at_least_once));
  world.wants(1, 0, interest("a"));
  world.wants(2, 0, interest("a"));
  BOOST_TEST(text(world.spread("a")) == "1:0:a:1@g 2:0:a:0");
  BOOST_TEST(text(world.spread("a", true)) == "1:0:a:0 2:0:a:0");  // not chosen: without its QoS
}

BOOST_AUTO_TEST_CASE(a_member_of_our_own_is_preferred) {
  World world;
  world.wants(1, 0, shared("a", "g"));
  BOOST_TEST(world.spread("a", true).empty());
  BOOST_TEST(world.spread("a", false).size() == 1U);
}

BOOST_AUTO_TEST_CASE(linked_nodes_are_preferred_and_among_them_idle_ones) {
  World world;
  for (std::uint8_t who = 1; who <= 3; ++who) world.wants(who, 0, shared("a", "g"));
  world.loads[peer(1)] = PeerLoad{false, 0};
  world.loads[peer(2)] = PeerLoad{true, 100};
  world.loads[peer(3)] = PeerLoad{true, 1};
  for (int i = 0; i < 50; ++i) BOOST_TEST(text(world.spread("a")) == "3:0:a:0@g");
  world.loads[peer(3)].linked = false;
  BOOST_TEST(text(world.spread("a")) == "2:0:a:0@g");
  world.loads[peer(2)].linked = false;  // nobody is linked: still one of them, through its outbox
  BOOST_TEST(world.spread("a").size() == 1U);
}

BOOST_AUTO_TEST_CASE(random_tables_agree_with_brute_force) {
  SeededRandom random(51);
  for (int round = 0; round < 200; ++round) {
    World world;
    struct Told {
      int who;
      MeshIndex mesh;
      Interest what;
    };
    std::vector<Told> told;
    for (int i = 0; i < 30; ++i) {
      const int who = 1 + static_cast<int>(random.upto(5));
      const auto mesh = static_cast<MeshIndex>(random.upto(3));
      const std::string text_of = random_filter(random, 3);
      if (text_of[0] == '$') continue;
      const Interest what = interest(text_of, static_cast<QoS>(random.upto(3)));
      world.wants(static_cast<std::uint8_t>(who), mesh, what);
      std::erase_if(told, [&](const Told& each) {
        return each.who == who && each.mesh == mesh && each.what.filter == what.filter;
      });
      told.push_back(Told{who, mesh, what});
    }
    const std::vector<LeavingName> names = {leaving(2, random_name(random)),
                                            leaving(0, random_name(random))};
    std::string expected;
    for (int who = 1; who <= 5; ++who) {
      for (const LeavingName& one : names) {
        int qos = -1;
        for (const Told& each : told)
          if (each.who == who && each.mesh == one.mesh && each.what.filter.matches(one.topic))
            qos = std::max(qos, std::min(1, static_cast<int>(each.what.qos_max)));
        if (qos < 0) continue;
        expected += (expected.empty() ? "" : " ") + std::to_string(who) + ":"
                    + std::to_string(one.mesh) + ":" + std::string(one.topic.text()) + ":"
                    + std::to_string(qos);
        break;
      }
    }
    BOOST_REQUIRE_EQUAL(text(world.recipients(names, QoS::at_least_once)), expected);
  }
}

BOOST_AUTO_TEST_SUITE_END()
