// A local reader without room slows down the peers that send to it, and nobody else.
#include <boost/test/unit_test.hpp>

#include "mesh_world.hpp"

namespace starling::test {
namespace {

BOOST_AUTO_TEST_CASE(what_waits_for_a_reader_is_acknowledged_when_it_has_found_its_place) {
  MeshWorld world;
  for (int i = 0; i < 2; ++i) world.add_node();
  BOOST_REQUIRE(world.run_until([&] { return world.all_linked(); }, 30s));
  WorldNode& a = *world.nodes[0];
  WorldNode& b = *world.nodes[1];
  b.subscribe("#", QoS::exactly_once);
  world.run_for(100ms);

  a.publish("x", "before", QoS::at_least_once);
  world.run_for(100ms);
  BOOST_TEST(a.peer(b)->outbox_messages == 0U);

  b.reader_is_full = true;
  const MessageId first = a.publish("x", "1", QoS::at_least_once);
  const MessageId second = a.publish("x", "2", QoS::exactly_once);
  world.run_for(1s);
  b.reader_is_full = false;
  a.publish("x", "3", QoS::at_least_once);
  world.run_for(1s);
  BOOST_TEST(b.payloads().size() == 4U);
  BOOST_TEST(a.peer(b)->outbox_messages == 3U);

  b.mesh().on_message_placed(second);  // not the oldest
  world.run_for(1s);
  BOOST_TEST(a.peer(b)->outbox_messages == 3U);
  b.mesh().on_message_placed(first);
  world.run_for(1s);
  BOOST_TEST(a.peer(b)->outbox_messages == 0U);
}

BOOST_AUTO_TEST_CASE(the_place_that_was_found_must_be_safe_too) {
  MeshWorld world;
  for (int i = 0; i < 2; ++i) world.add_node();
  BOOST_REQUIRE(world.run_until([&] { return world.all_linked(); }, 30s));
  WorldNode& a = *world.nodes[0];
  WorldNode& b = *world.nodes[1];
  b.subscribe("#", QoS::exactly_once);
  b.reader_is_full = true;
  b.commit_delay = 500ms;
  world.run_for(100ms);
  const MessageId id = a.publish("x", "1", QoS::at_least_once);
  world.run_for(1s);
  b.mesh().on_message_placed(id);
  world.run_for(400ms);
  BOOST_TEST(a.peer(b)->outbox_messages == 1U);
  world.run_for(400ms);
  BOOST_TEST(a.peer(b)->outbox_messages == 0U);
}

BOOST_AUTO_TEST_CASE(a_reader_that_never_has_room_costs_its_own_peers_lane_only) {
  MeshWorld world;
  for (int i = 0; i < 3; ++i) world.add_node();
  BOOST_REQUIRE(world.run_until([&] { return world.all_linked(); }, 30s));
  WorldNode& full = *world.nodes[1];
  world.nodes[1]->subscribe("#", QoS::at_least_once);
  world.nodes[2]->subscribe("#", QoS::at_least_once);
  world.run_for(100ms);
  full.reader_is_full = true;
  for (int n = 0; n < 20; ++n) world.nodes[0]->publish("x", std::to_string(n), QoS::at_least_once);
  world.run_for(1s);
  BOOST_TEST(world.nodes[0]->peer(full)->outbox_messages == 20U);
  BOOST_TEST(world.nodes[0]->peer(*world.nodes[2])->outbox_messages == 0U);
  BOOST_TEST(world.nodes[2]->payloads().size() == 20U);
}

}  // namespace
}  // namespace starling::test
