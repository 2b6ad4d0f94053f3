// Wills: when they are published, and when not.
#include <boost/test/unit_test.hpp>

#include "tests/support/broker_world.hpp"

using namespace starling;
using namespace starling::test;
using boost::test_tools::per_element;
using boost::unit_test::label;
using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

namespace {

mqtt::Will will(std::uint32_t delay_s = 0, bool retain = false, QoS qos = QoS::at_least_once) {
  mqtt::Will left;
  left.topic = "gone";
  left.payload = as_bytes("bye");
  left.qos = qos;
  left.retain = retain;
  if (delay_s != 0) left.properties.will_delay_interval_s = delay_s;
  return left;
}

struct WillWorld : BrokerWorld {
  WillWorld() : watcher(connect("watcher")) { subscribe(watcher, "#", QoS::exactly_once); }

  FakeClient& connect_with(mqtt::Will left, std::uint32_t expiry_s = 0,
                           ProtocolVersion version = ProtocolVersion::v5) {
    mqtt::Connect packet = expiry_s == 0 ? connect_packet("mortal", version)
                                         : durable_packet("mortal", version, expiry_s);
    packet.will = left;
    return connect(packet);
  }

  FakeClient& watcher;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(broker_wills)

BOOST_AUTO_TEST_CASE(a_lost_connection_publishes_the_will,
                     *label("MQTT-3.1.2-8") * label("MQTT-3.1.2-9") * label("MQTT5-3.1.2-7")
                         * label("MQTT5-3.1.2-8") * label("MQTT-3.1.2-16")
                         * label("MQTT5-3.1.2-14")) {
  for (const auto version : {ProtocolVersion::v3_1_1, ProtocolVersion::v5}) {
    WillWorld world;
    world.connect_with(will(), 0, version).drop();
    const auto got = world.watcher.messages();
    BOOST_TEST_REQUIRE(got.size() == 1U);
    BOOST_TEST(as_text(got[0].payload) == "bye");
    BOOST_TEST((got[0].qos == QoS::at_least_once));
    BOOST_TEST(world.broker.retained_count() == 0U);
    BOOST_TEST(world.host.published.size() == 1U);  // to the mesh as well
    BOOST_TEST(world.host.published[0]->id.sequence == 1U);
  }
}

BOOST_AUTO_TEST_CASE(a_will_may_be_retained, *label("MQTT-3.1.2-17") * label("MQTT5-3.1.2-15")) {
  WillWorld world;
  world.connect_with(will(0, true)).drop();
  BOOST_TEST(world.broker.retained_count() == 1U);
}

BOOST_AUTO_TEST_CASE(disconnect_takes_the_will_back,
                     *label("MQTT-3.1.2-10") * label("MQTT-3.14.4-3") * label("MQTT5-3.1.2-10")
                         * label("MQTT5-3.14.4-3")) {
  for (const auto version : {ProtocolVersion::v3_1_1, ProtocolVersion::v5}) {
    WillWorld world;
    FakeClient& mortal = world.connect_with(will(), 0, version);
    mortal.send(mqtt::Disconnect{});
    BOOST_TEST(mortal.closed);
    mortal.drop("");
    BOOST_TEST(world.watcher.receive().empty());
  }
}

BOOST_AUTO_TEST_CASE(disconnect_may_ask_for_the_will) {
  WillWorld world;
  world.connect_with(will()).send(mqtt::Disconnect{ReasonCode::disconnect_with_will_message, {}});
  BOOST_TEST(world.watcher.texts() == Texts{"gone=bye"}, per_element());
}

BOOST_AUTO_TEST_CASE(without_a_will_nothing_is_published, *label("MQTT-3.1.2-12")) {
  WillWorld world;
  world.connect("mortal").drop();
  BOOST_TEST(world.watcher.receive().empty());
}

BOOST_AUTO_TEST_CASE(every_end_but_disconnect_publishes_it) {
  WillWorld world;
  FakeClient& rude = world.connect_with(will());
  rude.send(BrokerWorld::connect_packet("mortal"));  // a protocol error
  BOOST_TEST(world.watcher.messages().size() == 1U);

  auto packet = BrokerWorld::connect_packet("mortal");
  packet.will = will();
  packet.keep_alive_s = 1;
  world.connect(packet);
  world.scheduler.run_for(2s);
  BOOST_TEST(world.watcher.messages().size() == 1U);

  world.connect_with(will());
  world.connect("mortal");  // takes over
  BOOST_TEST(world.watcher.messages().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_delayed_will_waits_and_is_void_when_the_client_returns,
                     *label("MQTT5-3.1.2-8") * label("MQTT5-3.1.3-9")) {
  WillWorld world;
  world.connect_with(will(10), 100).drop();
  world.scheduler.run_for(9s);
  BOOST_TEST(world.watcher.receive().empty());
  world.connect_durable("mortal");
  world.scheduler.run_for(60s);
  BOOST_TEST(world.watcher.receive().empty());

  world.connect_with(will(10), 100).drop();
  world.scheduler.run_for(10s);
  BOOST_TEST(world.watcher.texts() == Texts{"gone=bye"}, per_element());
  world.scheduler.run_for(200s);
  BOOST_TEST(world.watcher.receive().empty());  // once
}

BOOST_AUTO_TEST_CASE(a_delayed_will_does_not_outlive_its_session, *label("MQTT5-3.1.2-8")) {
  WillWorld world;
  world.connect_with(will(100), 10).drop();
  world.scheduler.run_for(10s);
  BOOST_TEST(world.watcher.texts() == Texts{"gone=bye"}, per_element());

  world.connect_with(will(100)).drop();  // the session ends at once, and so does the delay
  BOOST_TEST(world.watcher.texts() == Texts{"gone=bye"}, per_element());

  world.connect_with(will(100), 1000).drop();
  world.connect("mortal");  // a clean start ends the session
  BOOST_TEST(world.watcher.texts() == Texts{"gone=bye"}, per_element());
}

BOOST_AUTO_TEST_CASE(the_expiry_of_a_will_counts_from_its_publication) {
  WillWorld world;
  auto left = will(10);
  left.properties.message_expiry_interval_s = 5;
  left.properties.content_type = "text/plain";
  world.connect_with(left, 100).drop();
  world.scheduler.run_for(10s);
  const auto got = world.watcher.messages();
  BOOST_TEST_REQUIRE(got.size() == 1U);
  BOOST_TEST((got[0].properties.message_expiry_interval_s == 5U));
  BOOST_TEST((got[0].properties.content_type == "text/plain"));
}

BOOST_AUTO_TEST_CASE(a_will_passes_the_access_rules) {
  AccessRules rules;
  rules.add_rule(std::nullopt, Access::read, TopicFilter::parse("#").value());
  WillWorld world;
  world.broker.configure({}, BrokerWorld::policies(rules));
  world.connect_with(will()).drop();
  BOOST_TEST(world.watcher.receive().empty());
  BOOST_TEST(world.log.count("will_denied") == 1U);
}

BOOST_AUTO_TEST_CASE(a_will_for_a_topic_too_deep_is_refused) {
  WillWorld world;
  const std::string deep(limits::topic_levels_max, '/');
  auto left = will();
  left.topic = deep;
  auto packet = BrokerWorld::connect_packet("mortal");
  packet.will = left;
  FakeClient& client = world.open();
  client.send(packet);
  BOOST_TEST((client.expect<mqtt::Connack>().reason == ReasonCode::topic_name_invalid));
  BOOST_TEST(client.closed);
}

BOOST_AUTO_TEST_CASE(stopping_publishes_what_would_be_lost) {
  WillWorld world;
  world.connect_with(will(50), 100);
  world.broker.stop();
  BOOST_TEST(world.host.published.size() == 1U);
  BOOST_TEST(world.watcher.messages().size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
