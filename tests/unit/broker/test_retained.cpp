// Retained messages: kept, replaced, erased, expired, and replayed to the last one.
#include <boost/test/unit_test.hpp>

#include "tests/support/broker_world.hpp"

using namespace starling;
using namespace starling::test;
using boost::test_tools::per_element;
using boost::unit_test::label;
using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

namespace {

mqtt::Publish retained(std::string_view topic, std::string_view payload,
                       QoS qos = QoS::at_most_once, std::uint16_t packet_id = 0) {
  return BrokerWorld::message(topic, payload, qos, packet_id, true);
}

/// Subscribes and returns the texts of what comes with it.
Texts texts_for(FakeClient& client, std::string_view filter, QoS qos = QoS::at_most_once) {
  mqtt::Subscription asked;
  asked.filter = filter;
  asked.qos = qos;
  client.send(mqtt::Subscribe{1, {asked}, {}});
  return client.texts();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(broker_retained)

BOOST_AUTO_TEST_CASE(a_new_subscription_brings_what_is_retained,
                     *label("MQTT-3.3.1-5") * label("MQTT-3.3.1-6") * label("MQTT-3.3.1-8")
                         * label("MQTT5-3.3.1-5") * label("MQTT5-3.3.1-9")) {
  for (const auto version : {ProtocolVersion::v3_1_1, ProtocolVersion::v5}) {
    BrokerWorld world;
    FakeClient& writer = world.connect("writer");
    writer.send(retained("t/1", "old", QoS::at_least_once, 1));
    writer.send(retained("t/1", "new", QoS::at_least_once, 2));
    writer.send(retained("t/2", "b"));
    writer.send(retained("u", "elsewhere"));
    FakeClient& reader = world.connect("reader", version);
    mqtt::Subscription asked;
    asked.filter = "t/+";
    asked.qos = QoS::exactly_once;
    reader.send(mqtt::Subscribe{1, {asked}, {}});
    const auto got = reader.messages();
    BOOST_TEST_REQUIRE(got.size() == 2U);
    BOOST_TEST(as_text(got[0].payload) == "new");
    BOOST_TEST(got[0].retain);
    BOOST_TEST((got[0].qos == QoS::at_least_once));
    BOOST_TEST(got[1].retain);
    BOOST_TEST((got[1].qos == QoS::at_most_once));
  }
}

BOOST_AUTO_TEST_CASE(an_exact_filter_finds_its_retained_message) {
  BrokerWorld world;
  world.connect("writer").send(retained("t", "x"));
  FakeClient& reader = world.connect("reader");
  BOOST_TEST(texts_for(reader, "t") == Texts{"t=x"}, per_element());
  BOOST_TEST(texts_for(reader, "t/u").empty());
}

BOOST_AUTO_TEST_CASE(an_empty_payload_erases_and_is_passed_on,
                     *label("MQTT-3.3.1-10") * label("MQTT-3.3.1-11") * label("MQTT5-3.3.1-6")
                         * label("MQTT5-3.3.1-7")) {
  BrokerWorld world;
  FakeClient& watcher = world.connect("watcher");
  BrokerWorld::subscribe(watcher, "t");
  FakeClient& writer = world.connect("writer");
  writer.send(retained("t", "x"));
  writer.send(retained("t", ""));
  BOOST_TEST(watcher.texts() == (Texts{"t=x", "t="}), per_element());
  BOOST_TEST(world.broker.retained_count() == 0U);
  BOOST_TEST(texts_for(world.connect("reader"), "t").empty());
}

BOOST_AUTO_TEST_CASE(a_message_without_the_flag_leaves_what_is_retained_alone,
                     *label("MQTT-3.3.1-12") * label("MQTT5-3.3.1-8")) {
  BrokerWorld world;
  FakeClient& writer = world.connect("writer");
  writer.send(retained("t", "kept"));
  writer.send(BrokerWorld::message("t", "passing"));
  writer.send(BrokerWorld::message("t", ""));
  BOOST_TEST(texts_for(world.connect("reader"), "t") == Texts{"t=kept"}, per_element());
}

BOOST_AUTO_TEST_CASE(retained_messages_outlive_their_publisher,
                     *label("MQTT-3.1.2-7") * label("MQTT-3.3.1-7")) {
  BrokerWorld world;
  FakeClient& writer = world.connect("writer");
  writer.send(retained("t", "x", QoS::at_least_once, 1));
  writer.send(retained("t", "zero"));
  writer.drop();
  BOOST_TEST(texts_for(world.connect("reader"), "t") == Texts{"t=zero"}, per_element());
}

BOOST_AUTO_TEST_CASE(retain_handling_says_when_they_come,
                     *label("MQTT5-3.3.1-9") * label("MQTT5-3.3.1-10") * label("MQTT5-3.3.1-11")
                         * label("MQTT5-3.8.4-4")) {
  BrokerWorld world;
  world.connect("writer").send(retained("t", "x"));
  FakeClient& reader = world.connect("reader");
  const auto ask = [&](mqtt::RetainHandling handling) {
    mqtt::Subscription asked;
    asked.filter = "t";
    asked.retain_handling = handling;
    reader.send(mqtt::Subscribe{1, {asked}, {}});
    return reader.messages().size();
  };
  BOOST_TEST(ask(mqtt::RetainHandling::do_not_send) == 0U);
  BOOST_TEST(ask(mqtt::RetainHandling::send_if_new) == 0U);
  BOOST_TEST(ask(mqtt::RetainHandling::send) == 1U);
  BOOST_TEST(ask(mqtt::RetainHandling::send) == 1U);
  reader.send(mqtt::Unsubscribe{2, {"t"}, {}});
  reader.receive();
  BOOST_TEST(ask(mqtt::RetainHandling::send_if_new) == 1U);
}

BOOST_AUTO_TEST_CASE(shared_subscriptions_bring_no_retained_messages) {
  BrokerWorld world;
  world.connect("writer").send(retained("t", "x"));
  BOOST_TEST(texts_for(world.connect("reader"), "$share/g/t").empty());
}

BOOST_AUTO_TEST_CASE(no_local_holds_for_retained_messages_too, *label("MQTT5-3.8.3-3")) {
  BrokerWorld world;
  FakeClient& client = world.connect("a");
  client.send(retained("t/mine", "x"));
  world.connect("b").send(retained("t/yours", "y"));
  mqtt::Subscription asked;
  asked.filter = "t/#";
  asked.no_local = true;
  client.send(mqtt::Subscribe{1, {asked}, {}});
  BOOST_TEST(client.texts() == Texts{"t/yours=y"}, per_element());
}

BOOST_AUTO_TEST_CASE(retained_messages_expire_and_count_down,
                     *label("MQTT5-3.3.2-5") * label("MQTT5-3.3.2-6")) {
  BrokerWorld world;
  FakeClient& writer = world.connect("writer");
  auto packet = retained("t/1", "x");
  packet.properties.message_expiry_interval_s = 10;
  writer.send(packet);
  auto longer = retained("t/2", "y");
  longer.properties.message_expiry_interval_s = 100;
  writer.send(longer);
  longer.topic = "t/3";
  writer.send(longer);
  writer.send(retained("t/3", "for ever"));  // replaces, expiry included
  world.scheduler.run_for(10s);
  BOOST_TEST(world.broker.retained_count() == 2U);
  FakeClient& reader = world.connect("reader");
  mqtt::Subscription asked;
  asked.filter = "#";
  reader.send(mqtt::Subscribe{1, {asked}, {}});
  const auto got = reader.messages();
  BOOST_TEST_REQUIRE(got.size() == 2U);
  BOOST_TEST((got[0].properties.message_expiry_interval_s == 90U));
  world.scheduler.run_for(1h);
  BOOST_TEST(world.broker.retained_count() == 1U);
}

BOOST_AUTO_TEST_CASE(every_retained_message_arrives_however_many) {
  BrokerSettings settings;
  settings.queued_messages_max = 10;  // the replay does not pass through the queue
  BrokerWorld world(settings);
  FakeClient& writer = world.connect("writer", ProtocolVersion::v3_1_1);
  constexpr std::size_t count = 100'000;
  for (std::size_t i = 0; i < count; ++i)
    writer.send(retained("t/" + std::to_string(i), "x", QoS::at_least_once, 1));
  writer.receive();

  FakeClient& zero = world.connect("zero");
  mqtt::Subscription asked;
  asked.filter = "#";
  zero.send(mqtt::Subscribe{1, {asked}, {}});
  BOOST_TEST(zero.messages().size() <= limits::replay_slice_messages);  // a slice per turn
  world.scheduler.run_for(1s);
  BOOST_TEST(zero.messages().size() == count - limits::replay_slice_messages);

  auto small_window = BrokerWorld::connect_packet("one");
  small_window.properties.receive_maximum = 7;
  FakeClient& one = world.connect(small_window);
  asked.qos = QoS::at_least_once;
  one.send(mqtt::Subscribe{1, {asked}, {}});
  std::size_t got = 0;
  for (;;) {
    world.scheduler.run_for(1ms);
    const auto batch = one.messages();
    if (batch.empty()) break;
    if (batch.size() > 7) BOOST_FAIL("a window of " << batch.size());
    got += batch.size();
    for (const mqtt::Publish& message : batch)
      one.send(mqtt::Puback{message.packet_id, ReasonCode::success, {}});
  }
  BOOST_TEST(got == count);
}

BOOST_AUTO_TEST_CASE(a_replay_waits_for_a_congested_reader_and_loses_nothing) {
  BrokerWorld world;
  FakeClient& writer = world.connect("writer", ProtocolVersion::v3_1_1);
  for (int i = 0; i < 50; ++i) writer.send(retained("t/" + std::to_string(i), "x"));
  FakeClient& reader = world.connect("reader");
  reader.congested = true;
  mqtt::Subscription asked;
  asked.filter = "t/+";
  reader.send(mqtt::Subscribe{1, {asked}, {}});
  BOOST_TEST(reader.messages().empty());
  reader.drain();
  BOOST_TEST(reader.messages().size() == 50U);
}

BOOST_AUTO_TEST_CASE(a_replay_goes_on_after_a_reconnect) {
  BrokerWorld world;
  FakeClient& writer = world.connect("writer", ProtocolVersion::v3_1_1);
  for (int i = 0; i < 100; ++i)
    writer.send(retained("t/" + std::to_string(i), "x", QoS::at_least_once, 1));
  FakeClient& reader = world.connect_durable("reader");
  mqtt::Subscription asked;
  asked.filter = "t/+";
  asked.qos = QoS::at_least_once;
  reader.send(mqtt::Subscribe{1, {asked}, {}});
  const auto first = reader.messages();
  BOOST_TEST(first.size() == limits::inflight_max);
  for (const mqtt::Publish& message : first)
    reader.send(mqtt::Puback{message.packet_id, ReasonCode::success, {}});
  reader.drop();  // the next ones are lost on the way

  FakeClient& back = world.open();
  back.send(BrokerWorld::durable_packet("reader"));
  std::size_t got = 0;
  for (auto batch = back.messages(); !batch.empty(); batch = back.messages()) {
    got += batch.size();
    for (const mqtt::Publish& message : batch)
      back.send(mqtt::Puback{message.packet_id, ReasonCode::success, {}});
  }
  BOOST_TEST(got == 80U);
}

BOOST_AUTO_TEST_CASE(a_replay_and_live_messages_take_turns) {
  BrokerWorld world;
  FakeClient& writer = world.connect("writer", ProtocolVersion::v3_1_1);
  for (int i = 0; i < 40; ++i)
    writer.send(retained("t/" + std::to_string(i), "old", QoS::at_least_once, 1));
  FakeClient& reader = world.connect("reader");
  mqtt::Subscription asked;
  asked.filter = "t/#";
  asked.qos = QoS::at_least_once;
  reader.send(mqtt::Subscribe{1, {asked}, {}});
  for (int i = 0; i < 40; ++i)
    writer.send(BrokerWorld::message("t/live", "new", QoS::at_least_once, 1));
  auto window = reader.messages();
  BOOST_TEST(window.size() == limits::inflight_max);
  for (const mqtt::Publish& message : window)
    reader.send(mqtt::Puback{message.packet_id, ReasonCode::success, {}});
  std::size_t live = 0;
  window = reader.messages();
  for (const mqtt::Publish& message : window) live += message.retain ? 0 : 1;
  BOOST_TEST(live == 10U);
  BOOST_TEST(window.size() == 20U);
}

BOOST_AUTO_TEST_CASE(unsubscribing_ends_a_replay) {
  BrokerWorld world;
  FakeClient& writer = world.connect("writer", ProtocolVersion::v3_1_1);
  for (int i = 0; i < 50; ++i) writer.send(retained("t/" + std::to_string(i), "x"));
  FakeClient& reader = world.connect("reader");
  reader.congested = true;
  mqtt::Subscription asked;
  asked.filter = "t/+";
  reader.send(mqtt::Subscribe{1, {asked}, {}});
  reader.send(mqtt::Unsubscribe{2, {"t/+"}, {}});
  reader.receive();
  reader.drain();
  BOOST_TEST(reader.messages().empty());
}

BOOST_AUTO_TEST_CASE(what_a_client_may_not_read_is_not_replayed_to_it) {
  BrokerWorld world;
  FakeClient& writer = world.connect("writer");
  writer.send(retained("secret", "x"));
  writer.send(retained("open", "y"));
  AccessRules rules;
  rules.add_rule(std::nullopt, Access::read_write, TopicFilter::parse("open").value());
  rules.add_rule(std::nullopt, Access::write, TopicFilter::parse("secret").value());
  world.broker.configure({}, BrokerWorld::policies(rules));
  BOOST_TEST(texts_for(world.connect("reader"), "#") == Texts{"open=y"}, per_element());
}

BOOST_AUTO_TEST_CASE(what_its_author_may_no_longer_publish_is_not_replayed) {
  BrokerWorld world;
  auto packet = BrokerWorld::connect_packet("writer");
  packet.user_name = "mallory";
  world.connect(packet).send(retained("lock", "open"));
  world.connect("other").send(retained("lamp", "on"));
  AccessRules rules;
  rules.add_rule("mallory", Access::read, TopicFilter::parse("#").value());
  rules.add_rule(std::nullopt, Access::read_write, TopicFilter::parse("#").value());
  BrokerSettings settings;
  world.broker.configure(settings, BrokerWorld::policies(rules));
  BOOST_TEST(texts_for(world.connect("reader"), "#") == Texts{"lamp=on"}, per_element());
  BOOST_TEST(texts_for(world.connect("reader"), "lock") == Texts{}, per_element());

  settings.check_retain_source = false;
  world.broker.configure(settings, BrokerWorld::policies(rules));
  BOOST_TEST(texts_for(world.connect("reader"), "lock") == Texts{"lock=open"}, per_element());
}

BOOST_AUTO_TEST_CASE(beyond_the_limit_a_new_topic_is_delivered_but_not_kept) {
  BrokerSettings settings;
  settings.retained_messages_max = 1;
  BrokerWorld world(settings);
  FakeClient& watcher = world.connect("watcher");
  BrokerWorld::subscribe(watcher, "#");
  FakeClient& writer = world.connect("writer");
  writer.send(retained("a", "1"));
  writer.send(retained("b", "2"));
  writer.send(retained("a", "3"));
  BOOST_TEST(watcher.messages().size() == 3U);
  BOOST_TEST(world.broker.counters().retained_refused == 1);
  BOOST_TEST(texts_for(world.connect("reader"), "#") == Texts{"a=3"}, per_element());
}

BOOST_AUTO_TEST_SUITE_END()
