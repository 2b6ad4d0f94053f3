// A world of real nodes: the first things that must be true of it.
#include <boost/test/unit_test.hpp>

#include "simulations/world/world.hpp"

namespace starling::sim {
namespace {

using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(world)

BOOST_AUTO_TEST_CASE(a_message_crosses_from_home_to_home) {
  World world({.seed = 1});
  const auto homes = world.add_homes(3, 1s);
  ClientConfig reader;
  reader.node = homes[2];
  reader.filters = {{"lamp/#"}};
  reader.keeps_messages = true;
  SimClient& lamp = world.add_client(reader);
  ClientConfig writer;
  writer.node = homes[0];
  SimClient& button = world.add_client(writer);
  BOOST_TEST(world.run_until([&] { return lamp.is_subscribed() && button.is_connected(); }));
  BOOST_TEST(world.run_until([&] { return world.are_linked(homes[0], homes[2]); }, 30s));
  button.publish_text("lamp/kitchen", "on");
  BOOST_TEST(world.run_until([&] { return !lamp.messages().empty(); }, 5s));
  BOOST_TEST(lamp.messages().front().payload == "on");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace starling::sim
