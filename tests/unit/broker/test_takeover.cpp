// Client ids that change hands: at once, and only when two clients fight for one id at a slower pace.
#include <boost/test/unit_test.hpp>

#include "src/broker/takeover_guard.hpp"
#include "tests/support/broker_world.hpp"

using namespace starling;
using namespace starling::test;
using boost::unit_test::label;
using namespace std::chrono_literals;

namespace {

/// Connects "a" so often that the next CONNECT has to wait.
void contest(BrokerWorld& world) {
  for (std::size_t i = 0; i <= limits::takeovers_quick_max; ++i) {
    world.connect("a");
    BOOST_TEST((world.last_connack.reason == ReasonCode::success));
  }
}

const TimePoint start{100s};

}  // namespace

BOOST_AUTO_TEST_SUITE(broker_takeover)

BOOST_AUTO_TEST_CASE(an_id_that_changes_hands_five_times_in_ten_seconds_gets_a_pace,
                     *label("MQTT-3.1.4-2") * label("MQTT5-3.1.4-3")) {
  BrokerWorld world;
  contest(world);
  FakeClient& late = world.open();
  late.send(BrokerWorld::connect_packet("a"));
  BOOST_TEST(late.receive().empty());
  BOOST_TEST(world.broker.counters().clients_connected == 1);
  world.scheduler.run_for(999ms);
  BOOST_TEST(late.receive().empty());
  world.scheduler.run_for(1ms);
  BOOST_TEST((late.expect<mqtt::Connack>().reason == ReasonCode::success));
  BOOST_TEST(world.broker.counters().clients_connected == 1);
  BOOST_TEST(world.broker.counters().connections_delayed == 1);
}

BOOST_AUTO_TEST_CASE(one_line_names_both_sides) {
  BrokerWorld world;
  auto packet = BrokerWorld::connect_packet("a");
  packet.user_name = "first";
  for (std::size_t i = 0; i <= limits::takeovers_quick_max; ++i) world.connect(packet);
  packet.user_name = "second";
  for (int i = 0; i < 3; ++i) world.open().send(packet);
  world.scheduler.run_for(3s);
  BOOST_TEST(world.log.count("client_id_contested client=a addr=127.0.0.1:40007 user=second "
                             "other_addr=127.0.0.1:40006 other_user=first")
             == 1U);
  BOOST_TEST(world.log.count("client_id_contested") == 1U);
}

BOOST_AUTO_TEST_CASE(those_who_wait_get_in_one_a_second_in_their_order) {
  BrokerWorld world;
  contest(world);
  FakeClient& first = world.open();
  FakeClient& second = world.open();
  first.send(BrokerWorld::connect_packet("a"));
  second.send(BrokerWorld::connect_packet("a"));
  world.scheduler.run_for(1s);
  BOOST_TEST((first.expect<mqtt::Connack>().reason == ReasonCode::success));
  BOOST_TEST(second.receive().empty());
  world.scheduler.run_for(1s);
  BOOST_TEST((second.expect<mqtt::Connack>().reason == ReasonCode::success));
  BOOST_TEST(first.closed);
}

BOOST_AUTO_TEST_CASE(who_gives_up_waiting_delays_nobody) {
  BrokerWorld world;
  contest(world);
  for (int i = 0; i < 100; ++i) {
    FakeClient& impatient = world.open();
    impatient.send(BrokerWorld::connect_packet("a"));
    impatient.drop();
  }
  FakeClient& patient = world.open();
  patient.send(BrokerWorld::connect_packet("a"));
  world.scheduler.run_for(1s);
  BOOST_TEST((patient.expect<mqtt::Connack>().reason == ReasonCode::success));
}

BOOST_AUTO_TEST_CASE(other_ids_and_calm_ones_are_served_at_once) {
  BrokerWorld world;
  contest(world);
  world.connect("b");
  world.scheduler.run_for(limits::takeover_window);
  world.connect("a");  // expects its CONNACK
  for (int i = 0; i < 20; ++i) {
    world.connect("c");
    world.scheduler.run_for(3s);
  }
  BOOST_TEST(world.broker.counters().connections_delayed == 0);
}

BOOST_AUTO_TEST_CASE(stopping_refuses_those_who_wait) {
  BrokerWorld world;
  contest(world);
  FakeClient& waiting = world.open();
  waiting.send(BrokerWorld::connect_packet("a"));
  world.broker.stop();
  BOOST_TEST((waiting.expect<mqtt::Connack>().reason == ReasonCode::server_unavailable));
  BOOST_TEST(waiting.closed);
  world.scheduler.run_for(10s);
}

BOOST_AUTO_TEST_CASE(the_guard_remembers_no_more_ids_than_it_may) {
  TakeoverGuard guard;
  for (std::size_t i = 0; i < limits::takeovers_watched_max + 10; ++i)
    BOOST_TEST((guard.on_connect("id" + std::to_string(i), true, start).at == start));
  BOOST_TEST(guard.size() == limits::takeovers_watched_max);
  guard.on_connect("late", true, start + limits::takeover_window);
  BOOST_TEST(guard.size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
