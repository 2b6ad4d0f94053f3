// PUBLISH in and out: QoS both ways, order, resending, properties, bounds, access.
#include <boost/test/unit_test.hpp>

#include "tests/support/broker_world.hpp"

using namespace starling;
using namespace starling::test;
using boost::test_tools::per_element;
using boost::unit_test::label;
using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

namespace {

mqtt::Puback puback(std::uint16_t id, ReasonCode reason = ReasonCode::success) {
  return {id, reason, {}};
}
mqtt::Pubrec pubrec(std::uint16_t id, ReasonCode reason = ReasonCode::success) {
  return {id, reason, {}};
}
mqtt::Pubrel pubrel(std::uint16_t id) {
  return {id, ReasonCode::success, {}};
}
mqtt::Pubcomp pubcomp(std::uint16_t id) {
  return {id, ReasonCode::success, {}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(broker_publish)

/// Where a topic went last is remembered, and forgotten when any subscription changes.
BOOST_AUTO_TEST_CASE(a_change_of_subscriptions_counts_from_the_next_message_on) {
  BrokerWorld world;
  FakeClient& publisher = world.connect("p");
  const auto publish = [&] { publisher.send(BrokerWorld::message("a/b", "x")); };
  FakeClient& first = world.connect("1");
  FakeClient& second = world.connect("2");
  publish();
  BrokerWorld::subscribe(first, "a/b");
  publish();
  publish();
  BOOST_TEST(first.messages().size() == 2U);
  BrokerWorld::subscribe(second, "a/+");
  publish();
  BOOST_TEST(first.messages().size() == 1U);
  BOOST_TEST(second.messages().size() == 1U);
  first.send(mqtt::Unsubscribe{5, {"a/b"}, {}});
  first.expect<mqtt::Unsuback>();
  publish();
  BOOST_TEST(first.messages().empty());
  BOOST_TEST(second.messages().size() == 1U);
  second.drop();
  publish();
  FakeClient& third = world.connect("3");
  third.send(mqtt::Subscribe{1, {{.filter = "a/#", .no_local = true}}, {}});
  publish();
  BOOST_TEST(third.messages().size() == 1U);
  third.send(BrokerWorld::message("a/b", "mine"));
  BOOST_TEST(third.messages().empty());
  publish();
  BOOST_TEST(third.messages().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_message_reaches_its_subscribers_in_every_version_and_qos,
                     *label("MQTT-7.0.0-2") * label("MQTT-4.5.0-1") * label("MQTT5-4.5.0-1")
                         * label("MQTT-3.3.2-3") * label("MQTT5-3.3.2-3") * label("MQTT-3.3.4-1")
                         * label("MQTT5-3.3.4-1") * label("MQTT-4.3.1-1") * label("MQTT5-4.3.1-1")
                         * label("MQTT-3.8.3-2")) {
  for (const auto from : {ProtocolVersion::v3_1_1, ProtocolVersion::v5}) {
    for (const auto to : {ProtocolVersion::v3_1, ProtocolVersion::v3_1_1, ProtocolVersion::v5}) {
      for (const auto qos : {QoS::at_most_once, QoS::at_least_once, QoS::exactly_once}) {
        BrokerWorld world;
        FakeClient& reader = world.connect("reader", to);
        BrokerWorld::subscribe(reader, "a/+", QoS::exactly_once);
        FakeClient& writer = world.connect("writer", from);
        const std::uint16_t id = qos == QoS::at_most_once ? 0 : 7;
        writer.send(BrokerWorld::message("a/b", "hello", qos, id));
        if (qos == QoS::exactly_once) writer.send(pubrel(id));
        const auto got = reader.messages();
        BOOST_TEST_REQUIRE(got.size() == 1U);
        BOOST_TEST(got[0].topic == "a/b");
        BOOST_TEST(as_text(got[0].payload) == "hello");
        BOOST_TEST((got[0].qos == qos));
        BOOST_TEST(!got[0].dup);
        BOOST_TEST((got[0].packet_id != 0) == (qos != QoS::at_most_once));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(qos1_is_acknowledged_and_always_new,
                     *label("MQTT-4.3.2-2") * label("MQTT5-4.3.2-4") * label("MQTT5-4.3.2-5")
                         * label("MQTT-2.3.1-6") * label("MQTT5-2.2.1-5")) {
  BrokerWorld world;
  FakeClient& reader = world.connect("reader");
  BrokerWorld::subscribe(reader, "t");
  FakeClient& writer = world.connect("writer");
  auto packet = BrokerWorld::message("t", "x", QoS::at_least_once, 9);
  writer.send(packet);
  BOOST_TEST(writer.expect<mqtt::Puback>().packet_id == 9);
  packet.dup = true;
  writer.send(packet);
  BOOST_TEST(writer.expect<mqtt::Puback>().packet_id == 9);
  BOOST_TEST(reader.messages().size() == 2U);
}

BOOST_AUTO_TEST_CASE(qos2_is_delivered_once_however_often_it_is_sent,
                     *label("MQTT-4.3.3-2") * label("MQTT5-4.3.3-8") * label("MQTT5-4.3.3-10")
                         * label("MQTT5-4.3.3-11") * label("MQTT5-4.3.3-12")) {
  for (const auto version : {ProtocolVersion::v3_1_1, ProtocolVersion::v5}) {
    BrokerWorld world;
    FakeClient& reader = world.connect("reader");
    BrokerWorld::subscribe(reader, "t");
    FakeClient& writer = world.connect("writer", version);
    auto packet = BrokerWorld::message("t", "x", QoS::exactly_once, 9);
    writer.send(packet);
    BOOST_TEST(writer.expect<mqtt::Pubrec>().packet_id == 9);
    packet.dup = true;
    writer.send(packet);
    BOOST_TEST((writer.expect<mqtt::Pubrec>().reason == ReasonCode::success));
    writer.send(pubrel(9));
    BOOST_TEST(writer.expect<mqtt::Pubcomp>().packet_id == 9);
    BOOST_TEST(reader.messages().size() == 1U);
    packet.dup = false;
    writer.send(packet);  // the id is free: a new message
    writer.send(pubrel(9));
    BOOST_TEST(reader.messages().size() == 1U);
  }
}

BOOST_AUTO_TEST_CASE(a_qos2_message_goes_on_with_its_pubrel_and_in_the_order_of_arrival,
                     *label("MQTT5-4.3.3-8")) {
  BrokerWorld world;
  FakeClient& reader = world.connect("reader");
  BrokerWorld::subscribe(reader, "#");
  FakeClient& writer = world.connect("writer", ProtocolVersion::v3_1_1);
  for (std::uint16_t id = 1; id <= 3; ++id)
    writer.send(BrokerWorld::message("t", std::to_string(id), QoS::exactly_once, id, true));
  BOOST_TEST(writer.receive().size() == 3U);
  BOOST_TEST(reader.messages().empty());
  BOOST_TEST(world.host.published.empty());
  BOOST_TEST(world.broker.retained_count() == 0U);
  for (std::uint16_t id = 1; id <= 3; ++id) {
    writer.send(pubrel(id));
    BOOST_TEST(reader.texts() == std::vector<std::string>{"t=" + std::to_string(id)});
    BOOST_TEST(writer.expect<mqtt::Pubcomp>().packet_id == id);
    BOOST_TEST(world.host.published.back()->id.sequence == id);
  }
  BOOST_TEST(world.broker.retained_count() == 1U);
}

BOOST_AUTO_TEST_CASE(what_expires_before_its_pubrel_goes_nowhere) {
  BrokerWorld world;
  FakeClient& reader = world.connect("reader");
  BrokerWorld::subscribe(reader, "t");
  FakeClient& writer = world.connect("writer");
  auto packet = BrokerWorld::message("t", "x", QoS::exactly_once, 1);
  packet.properties.message_expiry_interval_s = 1;
  writer.send(packet);
  world.scheduler.run_for(2s);
  writer.receive();
  writer.send(pubrel(1));
  BOOST_TEST((writer.expect<mqtt::Pubcomp>().reason == ReasonCode::success));
  BOOST_TEST(reader.messages().empty());
}

BOOST_AUTO_TEST_CASE(more_than_may_be_held_goes_on_at_once_in_order) {
  BrokerWorld world;
  FakeClient& reader = world.connect("reader");
  BrokerWorld::subscribe(reader, "t");
  FakeClient& writer = world.connect("writer", ProtocolVersion::v3_1_1);
  const auto count = static_cast<std::uint16_t>(limits::held_messages_max + 1);
  for (std::uint16_t id = 1; id < count; ++id)
    writer.send(BrokerWorld::message("t", std::to_string(id), QoS::exactly_once, id));
  BOOST_TEST(reader.messages().empty());
  writer.send(BrokerWorld::message("t", std::to_string(count), QoS::exactly_once, count));
  const auto all = reader.texts();
  BOOST_TEST_REQUIRE(all.size() == count);
  BOOST_TEST(all.front() == "t=1");
  BOOST_TEST(all.back() == "t=" + std::to_string(count));
  for (std::uint16_t id = 1; id <= count; ++id) writer.send(pubrel(id));
  BOOST_TEST(reader.messages().empty());

  const std::string large(limits::held_bytes_max, 'x');
  writer.send(BrokerWorld::message("t", "small", QoS::exactly_once, 1));
  writer.send(BrokerWorld::message("t", large, QoS::exactly_once, 2));
  BOOST_TEST(reader.messages().size() == 2U);
}

BOOST_AUTO_TEST_CASE(an_open_qos2_id_survives_a_reconnect,
                     *label("MQTT-4.3.3-2") * label("MQTT5-4.3.3-10")) {
  BrokerWorld world;
  FakeClient& reader = world.connect("reader");
  BrokerWorld::subscribe(reader, "t");
  FakeClient& writer = world.connect_durable("writer");
  auto packet = BrokerWorld::message("t", "x", QoS::exactly_once, 9);
  writer.send(packet);
  writer.drop();
  FakeClient& again = world.connect_durable("writer");
  packet.dup = true;
  again.send(packet);
  again.expect<mqtt::Pubrec>();
  again.send(pubrel(9));
  again.expect<mqtt::Pubcomp>();
  BOOST_TEST(reader.messages().size() == 1U);
}

BOOST_AUTO_TEST_CASE(pubrel_of_an_unknown_id_is_answered) {
  BrokerWorld world;
  FakeClient& five = world.connect("five");
  five.send(pubrel(3));
  BOOST_TEST((five.expect<mqtt::Pubcomp>().reason == ReasonCode::packet_identifier_not_found));
  FakeClient& three = world.connect("three", ProtocolVersion::v3_1_1);
  three.send(pubrel(3));
  BOOST_TEST(three.expect<mqtt::Pubcomp>().packet_id == 3);
}

BOOST_AUTO_TEST_CASE(qos1_to_a_subscriber_ends_with_puback,
                     *label("MQTT-4.3.2-1") * label("MQTT5-4.3.2-1") * label("MQTT5-4.3.2-2")
                         * label("MQTT5-4.3.2-3") * label("MQTT-2.3.1-3")) {
  BrokerWorld world;
  FakeClient& reader = world.connect_durable("reader");
  BrokerWorld::subscribe(reader, "t", QoS::at_least_once);
  FakeClient& writer = world.connect("writer");
  writer.send(BrokerWorld::message("t", "x", QoS::at_least_once, 1));
  const auto first = reader.messages();
  BOOST_TEST_REQUIRE(first.size() == 1U);
  reader.drop();

  FakeClient& again = world.connect(BrokerWorld::durable_packet("nobody"));
  (void)again;
  FakeClient& back = world.open();
  back.send(BrokerWorld::durable_packet("reader"));
  auto packets = back.receive();
  BOOST_TEST_REQUIRE(packets.size() == 2U);
  const auto* resent = packets[1]->as<mqtt::Publish>();
  BOOST_TEST_REQUIRE(resent != nullptr);
  BOOST_TEST(resent->dup);
  BOOST_TEST(resent->packet_id == first[0].packet_id);
  back.send(puback(resent->packet_id));
  back.drop();

  FakeClient& last = world.open();
  last.send(BrokerWorld::durable_packet("reader"));
  BOOST_TEST(last.receive().size() == 1U);  // CONNACK alone
}

BOOST_AUTO_TEST_CASE(qos2_to_a_subscriber_takes_both_steps,
                     *label("MQTT-4.3.3-1") * label("MQTT5-4.3.3-1") * label("MQTT5-4.3.3-2")
                         * label("MQTT5-4.3.3-3") * label("MQTT5-4.3.3-4") * label("MQTT5-4.3.3-5")
                         * label("MQTT5-4.3.3-6")) {
  BrokerWorld world;
  FakeClient& reader = world.connect_durable("reader");
  BrokerWorld::subscribe(reader, "t", QoS::exactly_once);
  BrokerWorld::publish_qos2(world.connect("writer"), "t", "x", 1);
  const std::uint16_t id = reader.messages().at(0).packet_id;
  reader.send(pubrec(id));
  BOOST_TEST(reader.expect<mqtt::Pubrel>().packet_id == id);
  reader.drop();

  // After PUBREC only PUBREL is sent again, never the message.
  FakeClient& back = world.open();
  back.send(BrokerWorld::durable_packet("reader"));
  auto packets = back.receive();
  BOOST_TEST_REQUIRE(packets.size() == 2U);
  BOOST_TEST_REQUIRE((packets[1]->as<mqtt::Pubrel>() != nullptr));
  BOOST_TEST(packets[1]->as<mqtt::Pubrel>()->packet_id == id);
  back.send(pubcomp(id));
  back.drop();

  FakeClient& last = world.open();
  last.send(BrokerWorld::durable_packet("reader"));
  BOOST_TEST(last.receive().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_pubrec_that_refuses_ends_the_message, *label("MQTT5-4.4.0-2")) {
  BrokerWorld world;
  FakeClient& reader = world.connect_durable("reader");
  BrokerWorld::subscribe(reader, "t", QoS::exactly_once);
  BrokerWorld::publish_qos2(world.connect("writer"), "t", "x", 1);
  reader.send(pubrec(reader.messages().at(0).packet_id, ReasonCode::quota_exceeded));
  BOOST_TEST(reader.receive().empty());
  reader.drop();
  FakeClient& back = world.open();
  back.send(BrokerWorld::durable_packet("reader"));
  BOOST_TEST(back.receive().size() == 1U);
}

BOOST_AUTO_TEST_CASE(pubrec_of_an_unknown_id_is_answered_and_unknown_acks_are_ignored) {
  BrokerWorld world;
  FakeClient& client = world.connect("a");
  client.send(pubrec(5));
  BOOST_TEST((client.expect<mqtt::Pubrel>().reason == ReasonCode::packet_identifier_not_found));
  client.send(puback(5));
  client.send(pubcomp(5));
  BOOST_TEST(client.receive().empty());
  BOOST_TEST(!client.closed);
}

BOOST_AUTO_TEST_CASE(an_acknowledgement_of_the_wrong_kind_ends_the_connection,
                     *label("MQTT-4.8.0-1") * label("MQTT5-4.13.1-1")) {
  const auto end_of = [](QoS qos, const mqtt::Packet& packet) {
    BrokerWorld world;
    FakeClient& reader = world.connect("reader");
    BrokerWorld::subscribe(reader, "t", qos);
    FakeClient& writer = world.connect("writer");
    writer.send(BrokerWorld::message("t", "x", qos, 9));
    writer.send(pubrel(9));
    BOOST_TEST(reader.messages().at(0).packet_id == 1);
    world.broker.on_packet(reader.id(), packet);
    BOOST_TEST(reader.closed);
    return reader.expect<mqtt::Disconnect>().reason;
  };
  using enum QoS;
  BOOST_TEST((end_of(at_least_once, mqtt::Pubrec{1, {}, {}}) == ReasonCode::protocol_error));
  BOOST_TEST((end_of(at_least_once, mqtt::Pubcomp{1, {}, {}}) == ReasonCode::protocol_error));
  BOOST_TEST((end_of(exactly_once, mqtt::Puback{1, {}, {}}) == ReasonCode::protocol_error));
  BOOST_TEST((end_of(exactly_once, mqtt::Pubcomp{1, {}, {}}) == ReasonCode::protocol_error));
}

BOOST_AUTO_TEST_CASE(messages_are_sent_again_in_their_old_order_before_new_ones,
                     *label("MQTT-4.4.0-1") * label("MQTT5-4.4.0-1") * label("MQTT-4.6.0-1")
                         * label("MQTT5-4.6.0-1") * label("MQTT-3.3.1-1")
                         * label("MQTT5-3.3.1-1")) {
  BrokerWorld world;
  FakeClient& reader = world.connect_durable("reader");
  BrokerWorld::subscribe(reader, "#", QoS::exactly_once);
  FakeClient& writer = world.connect("writer");
  writer.send(BrokerWorld::message("t/1", "", QoS::at_least_once, 1));
  BrokerWorld::publish_qos2(writer, "t/2", "", 2);
  writer.send(BrokerWorld::message("t/3", "", QoS::at_least_once, 3));
  const auto first = reader.messages();
  reader.send(puback(first.at(0).packet_id));
  reader.drop();
  writer.send(BrokerWorld::message("t/4", "", QoS::at_least_once, 4));

  FakeClient& back = world.open();
  back.send(BrokerWorld::durable_packet("reader"));
  const auto again = back.messages();
  BOOST_TEST_REQUIRE(again.size() == 3U);
  BOOST_TEST(again[0].topic == "t/2");
  BOOST_TEST(again[0].dup);
  BOOST_TEST(again[0].packet_id == first.at(1).packet_id);
  BOOST_TEST(again[1].topic == "t/3");
  BOOST_TEST(again[1].dup);
  BOOST_TEST(again[2].topic == "t/4");
  BOOST_TEST(!again[2].dup);
}

BOOST_AUTO_TEST_CASE(the_dup_flag_of_the_publisher_is_not_passed_on,
                     *label("MQTT-3.3.1-3") * label("MQTT5-3.3.1-3")) {
  BrokerWorld world;
  FakeClient& reader = world.connect("reader");
  BrokerWorld::subscribe(reader, "t", QoS::at_least_once);
  auto packet = BrokerWorld::message("t", "x", QoS::at_least_once, 1);
  packet.dup = true;
  world.connect("writer").send(packet);
  BOOST_TEST(!reader.messages().at(0).dup);
}

BOOST_AUTO_TEST_CASE(what_an_absent_session_missed_waits_for_it,
                     *label("MQTT-3.1.2-5") * label("MQTT5-4.5.0-1") * label("MQTT-4.6.0-6")
                         * label("MQTT5-4.6.0-5") * label("MQTT5-4.6.0-6")
                         * label("MQTT-4.6.0-5")) {
  BrokerWorld world;
  FakeClient& reader = world.connect_durable("reader");
  BrokerWorld::subscribe(reader, "t", QoS::exactly_once);
  reader.drop();
  FakeClient& writer = world.connect("writer");
  for (std::uint16_t i = 1; i <= 10; ++i)
    writer.send(BrokerWorld::message("t", std::to_string(i), QoS::at_least_once, i));
  writer.send(BrokerWorld::message("t", "QoS 0 waits for nobody"));
  FakeClient& back = world.open();
  back.send(BrokerWorld::durable_packet("reader"));
  Texts expected;
  for (int i = 1; i <= 10; ++i) expected.push_back("t=" + std::to_string(i));
  BOOST_TEST(back.texts() == expected, per_element());
}

BOOST_AUTO_TEST_CASE(no_more_than_the_window_is_under_way,
                     *label("MQTT5-3.3.4-9") * label("MQTT5-4.9.0-1") * label("MQTT5-4.9.0-2")
                         * label("MQTT5-4.9.0-3") * label("MQTT5-3.3.4-10")) {
  BrokerWorld world;
  auto packet = BrokerWorld::connect_packet("reader");
  packet.properties.receive_maximum = 3;
  FakeClient& reader = world.connect(packet);
  BrokerWorld::subscribe(reader, "t", QoS::at_least_once);
  FakeClient& writer = world.connect("writer");
  for (std::uint16_t i = 1; i <= 5; ++i)
    writer.send(BrokerWorld::message("t", std::to_string(i), QoS::at_least_once, i));
  const auto got = reader.messages();
  BOOST_TEST(got.size() == 3U);
  writer.send(BrokerWorld::message("t", "zero"));
  BOOST_TEST(reader.texts() == Texts{"t=zero"}, per_element());  // QoS 0 needs no room
  reader.send(mqtt::Pingreq{});
  reader.expect<mqtt::Pingresp>();
  reader.send(puback(got[1].packet_id));
  BOOST_TEST(reader.texts() == Texts{"t=4"}, per_element());
  reader.send(puback(got[0].packet_id));
  BOOST_TEST(reader.texts() == Texts{"t=5"}, per_element());
}

BOOST_AUTO_TEST_CASE(what_is_sent_again_keeps_to_the_new_window, *label("MQTT5-3.3.4-9")) {
  BrokerWorld world;
  FakeClient& reader = world.connect_durable("reader");
  BrokerWorld::subscribe(reader, "t", QoS::at_least_once);
  FakeClient& writer = world.connect("writer");
  for (std::uint16_t i = 1; i <= 4; ++i)
    writer.send(BrokerWorld::message("t", std::to_string(i), QoS::at_least_once, i));
  reader.drop();
  auto packet = BrokerWorld::durable_packet("reader");
  packet.properties.receive_maximum = 2;
  FakeClient& back = world.open();
  back.send(packet);
  auto got = back.messages();
  BOOST_TEST_REQUIRE(got.size() == 2U);
  const std::uint16_t first = got[0].packet_id;
  writer.send(BrokerWorld::message("t", "5", QoS::at_least_once, 5));
  BOOST_TEST(back.receive().empty());
  back.send(puback(first));
  got = back.messages();
  BOOST_TEST_REQUIRE(got.size() == 1U);
  BOOST_TEST(as_text(got[0].payload) == "3");
  BOOST_TEST(got[0].dup);
}

BOOST_AUTO_TEST_CASE(packet_ids_are_never_zero_and_never_in_use,
                     *label("MQTT-2.3.1-4") * label("MQTT5-2.2.1-4") * label("MQTT-2.3.1-1")) {
  BrokerWorld world;
  FakeClient& reader = world.connect("reader");
  BrokerWorld::subscribe(reader, "t", QoS::at_least_once);
  FakeClient& writer = world.connect("writer", ProtocolVersion::v3_1_1);
  writer.send(BrokerWorld::message("t", "first", QoS::at_least_once, 1));
  const std::uint16_t kept = reader.messages().at(0).packet_id;
  for (int i = 0; i < 70'000; ++i) {
    writer.send(BrokerWorld::message("t", "x", QoS::at_least_once, 1));
    const std::uint16_t id = reader.messages().at(0).packet_id;
    if (id == 0 || id == kept) BOOST_FAIL("packet id " << id);
    reader.send(puback(id));
    writer.receive();
  }
}

BOOST_AUTO_TEST_CASE(a_client_that_exceeds_our_receive_maximum_is_disconnected,
                     *label("MQTT5-3.3.4-7")) {
  BrokerSettings settings;
  settings.receive_maximum = 2;
  BrokerWorld world(settings);
  FakeClient& writer = world.connect("writer");
  world.host.hold_back = true;
  for (std::uint16_t i = 1; i <= 2; ++i)
    writer.send(BrokerWorld::message("t", "x", QoS::exactly_once, i));
  world.host.commit();
  writer.receive();  // PUBREC does not end a QoS 2 message
  writer.send(BrokerWorld::message("t", "x", QoS::at_least_once, 3));
  BOOST_TEST((writer.expect<mqtt::Disconnect>().reason == ReasonCode::receive_maximum_exceeded));

  world.host.hold_back = false;
  FakeClient& polite = world.connect("polite");
  for (std::uint16_t i = 1; i <= 10; ++i) {
    polite.send(BrokerWorld::message("t", "x", QoS::exactly_once, i));
    polite.send(pubrel(i));
  }
  BOOST_TEST(!polite.closed);
}

BOOST_AUTO_TEST_CASE(the_properties_of_a_message_travel_unaltered,
                     *label("MQTT5-3.3.2-4") * label("MQTT5-3.3.2-15") * label("MQTT5-3.3.2-16")
                         * label("MQTT5-3.3.2-17") * label("MQTT5-3.3.2-18")
                         * label("MQTT5-3.3.2-20") * label("MQTT5-3.1.3-10")) {
  BrokerWorld world;
  FakeClient& reader = world.connect("reader");
  BrokerWorld::subscribe(reader, "ask", QoS::at_least_once);
  FakeClient& old = world.connect("old", ProtocolVersion::v3_1_1);
  BrokerWorld::subscribe(old, "ask", QoS::at_least_once);
  auto packet = BrokerWorld::message("ask", "?", QoS::at_least_once, 1);
  packet.properties.payload_format_indicator = 1;
  packet.properties.content_type = "text/plain";
  packet.properties.response_topic = "answers/here";
  packet.properties.correlation_data = mqtt::BinaryView(as_bytes("\x01\x02"));
  packet.properties.user_properties = {{"b", "1"}, {"a", "2"}, {"b", "3"}};
  world.connect("writer").send(packet);
  const auto got = reader.messages();
  BOOST_TEST_REQUIRE(got.size() == 1U);
  BOOST_TEST((got[0].properties == packet.properties));
  BOOST_TEST(old.texts() == Texts{"ask=?"}, per_element());
}

BOOST_AUTO_TEST_CASE(expiry_counts_down_while_a_message_waits, *label("MQTT5-3.3.2-6")) {
  BrokerWorld world;
  FakeClient& reader = world.connect_durable("reader");
  BrokerWorld::subscribe(reader, "t", QoS::at_least_once);
  reader.drop();
  auto packet = BrokerWorld::message("t", "x", QoS::at_least_once, 1);
  packet.properties.message_expiry_interval_s = 100;
  world.connect("writer").send(packet);
  world.scheduler.run_for(30s);
  FakeClient& back = world.open();
  back.send(BrokerWorld::durable_packet("reader"));
  BOOST_TEST((back.messages().at(0).properties.message_expiry_interval_s == 70U));
}

BOOST_AUTO_TEST_CASE(what_has_expired_is_not_delivered_any_more, *label("MQTT5-3.3.2-5")) {
  BrokerWorld world;
  FakeClient& reader = world.connect_durable("reader");
  BrokerWorld::subscribe(reader, "t", QoS::at_least_once);
  reader.drop();
  FakeClient& writer = world.connect("writer");
  auto packet = BrokerWorld::message("t", "brief", QoS::at_least_once, 1);
  packet.properties.message_expiry_interval_s = 10;
  writer.send(packet);
  writer.send(BrokerWorld::message("t", "lasting", QoS::at_least_once, 2));
  world.scheduler.run_for(10s);
  FakeClient& back = world.open();
  back.send(BrokerWorld::durable_packet("reader"));
  BOOST_TEST(back.texts() == Texts{"t=lasting"}, per_element());
  BOOST_TEST(world.broker.counters().dropped_expired == 1);
}

BOOST_AUTO_TEST_CASE(what_was_sent_once_does_not_expire, *label("MQTT5-4.3.3-7")) {
  BrokerWorld world;
  FakeClient& reader = world.connect_durable("reader");
  BrokerWorld::subscribe(reader, "t", QoS::exactly_once);
  auto packet = BrokerWorld::message("t", "x", QoS::exactly_once, 1);
  packet.properties.message_expiry_interval_s = 10;
  FakeClient& writer = world.connect("writer");
  writer.send(packet);
  writer.send(pubrel(1));
  reader.drop();
  world.scheduler.run_for(60s);
  FakeClient& back = world.open();
  back.send(BrokerWorld::durable_packet("reader"));
  const auto got = back.messages();
  BOOST_TEST_REQUIRE(got.size() == 1U);
  BOOST_TEST(got[0].dup);
  BOOST_TEST((got[0].properties.message_expiry_interval_s == 0U));
}

BOOST_AUTO_TEST_CASE(a_packet_larger_than_the_client_accepts_is_not_sent,
                     *label("MQTT5-3.1.2-24") * label("MQTT5-3.1.2-25")) {
  BrokerWorld world;
  auto packet = BrokerWorld::connect_packet("reader");
  packet.properties.maximum_packet_size = 64;
  FakeClient& reader = world.connect(packet);
  BrokerWorld::subscribe(reader, "t", QoS::at_least_once);
  FakeClient& writer = world.connect("writer");
  const std::string large(100, 'x');
  for (std::uint16_t i = 1; i <= 30; ++i)
    writer.send(BrokerWorld::message("t", large, QoS::at_least_once, i));
  writer.send(BrokerWorld::message("t", large));
  writer.send(BrokerWorld::message("t", "small", QoS::at_least_once, 31));
  BOOST_TEST(reader.texts() == Texts{"t=small"}, per_element());
  BOOST_TEST(world.broker.counters().dropped_too_large == 30);
  BOOST_TEST(world.broker.counters().dropped_qos0 == 1);
}

BOOST_AUTO_TEST_CASE(large_payloads_arrive_whole) {
  BrokerWorld world;
  FakeClient& reader = world.connect("reader");
  BrokerWorld::subscribe(reader, "t", QoS::at_least_once);
  FakeClient& old = world.connect("old", ProtocolVersion::v3_1_1);
  BrokerWorld::subscribe(old, "t");
  const std::string large(300'000, 'y');
  FakeClient& writer = world.connect("writer");
  writer.send(BrokerWorld::message("t", large, QoS::at_least_once, 1));
  BOOST_TEST(as_text(reader.messages().at(0).payload) == large);
  BOOST_TEST(as_text(old.messages().at(0).payload) == large);
}

BOOST_AUTO_TEST_CASE(qos0_to_a_congested_reader_is_dropped_and_counted) {
  BrokerWorld world;
  FakeClient& reader = world.connect("reader");
  BrokerWorld::subscribe(reader, "t", QoS::at_least_once);
  FakeClient& writer = world.connect("writer");
  reader.congested = true;
  writer.send(BrokerWorld::message("t", "lost"));
  writer.send(BrokerWorld::message("t", "kept", QoS::at_least_once, 1));
  BOOST_TEST(reader.receive().empty());
  BOOST_TEST(world.broker.counters().dropped_qos0 == 1);
  reader.drain();
  BOOST_TEST(reader.texts() == Texts{"t=kept"}, per_element());
}

BOOST_AUTO_TEST_CASE(a_topic_alias_stands_for_its_name,
                     *label("MQTT5-3.3.2-12") * label("MQTT5-3.3.2-7") * label("MQTT5-3.1.2-26")
                         * label("MQTT5-3.1.2-27") * label("MQTT5-3.3.2-11")) {
  BrokerWorld world;
  FakeClient& reader = world.connect("reader");
  BrokerWorld::subscribe(reader, "#");
  FakeClient& writer = world.connect("writer");
  auto packet = BrokerWorld::message("long/topic", "1");
  packet.properties.topic_alias = limits::topic_alias_max;
  writer.send(packet);
  packet.topic = "";
  packet.payload = as_bytes("2");
  writer.send(packet);
  const auto got = reader.messages();
  BOOST_TEST_REQUIRE(got.size() == 2U);
  BOOST_TEST(got[1].topic == "long/topic");
  BOOST_TEST(!got[1].properties.topic_alias.has_value());  // [MQTT5-3.1.2-27]

  writer.drop();
  FakeClient& again = world.connect("writer");
  again.send(packet);
  BOOST_TEST((again.expect<mqtt::Disconnect>().reason == ReasonCode::protocol_error));
}

BOOST_AUTO_TEST_CASE(a_topic_alias_above_the_maximum_ends_the_connection,
                     *label("MQTT5-3.2.2-17") * label("MQTT5-3.3.2-9")) {
  BrokerWorld world;
  FakeClient& writer = world.connect("writer");
  auto packet = BrokerWorld::message("t", "1");
  packet.properties.topic_alias = limits::topic_alias_max + 1;
  writer.send(packet);
  BOOST_TEST((writer.expect<mqtt::Disconnect>().reason == ReasonCode::topic_alias_invalid));
}

BOOST_AUTO_TEST_CASE(a_topic_with_too_many_levels_ends_the_connection) {
  BrokerWorld world;
  FakeClient& writer = world.connect("writer");
  std::string topic(limits::topic_levels_max - 1, '/');
  writer.send(BrokerWorld::message(topic, "x"));
  BOOST_TEST(!writer.closed);
  topic.push_back('/');
  writer.send(BrokerWorld::message(topic, "x"));
  BOOST_TEST((writer.expect<mqtt::Disconnect>().reason == ReasonCode::topic_name_invalid));
}

BOOST_AUTO_TEST_CASE(a_denied_publication_is_dropped_and_said_in_mqtt5,
                     *label("MQTT-3.3.5-2") * label("MQTT5-4.3.3-9")) {
  AccessRules rules;
  rules.add_rule(std::nullopt, Access::read_write, TopicFilter::parse("open/#").value());
  BrokerWorld world({}, rules);
  FakeClient& reader = world.connect("reader");
  BrokerWorld::subscribe(reader, "#", QoS::exactly_once);
  FakeClient& five = world.connect("five");
  five.send(BrokerWorld::message("closed/t", "x", QoS::at_least_once, 1));
  BOOST_TEST((five.expect<mqtt::Puback>().reason == ReasonCode::not_authorized));
  five.send(BrokerWorld::message("closed/t", "x", QoS::exactly_once, 2));
  BOOST_TEST((five.expect<mqtt::Pubrec>().reason == ReasonCode::not_authorized));
  FakeClient& three = world.connect("three", ProtocolVersion::v3_1_1);
  three.send(BrokerWorld::message("closed/t", "x", QoS::at_least_once, 1));
  three.expect<mqtt::Puback>();
  three.send(BrokerWorld::message("closed/t", "x", QoS::exactly_once, 2));
  three.expect<mqtt::Pubrec>();
  three.send(pubrel(2));
  three.expect<mqtt::Pubcomp>();
  three.send(BrokerWorld::message("closed/t", "x"));
  BOOST_TEST(reader.receive().empty());
  BOOST_TEST(world.host.published.empty());
  BOOST_TEST(world.broker.counters().denied_publish == 5);
  BOOST_TEST(world.log.count("publish_denied") == 1U);  // at most one a second

  five.send(BrokerWorld::message("open/t", "x", QoS::exactly_once, 2));  // the id was free again
  BOOST_TEST((five.expect<mqtt::Pubrec>().reason == ReasonCode::success));
  five.send(pubrel(2));
  BOOST_TEST(reader.messages().size() == 1U);
}

BOOST_AUTO_TEST_CASE(subscribing_is_always_allowed_and_filtered_at_delivery) {
  AccessRules rules;
  rules.add_rule("boss", Access::read_write, TopicFilter::parse("#").value());
  rules.add_rule(std::nullopt, Access::read, TopicFilter::parse("open/#").value());
  BrokerWorld world({}, rules);
  FakeClient& reader = world.connect("reader");
  BOOST_TEST((BrokerWorld::subscribe(reader, "#").reasons.at(0) == ReasonCode::success));
  auto packet = BrokerWorld::connect_packet("writer");
  packet.user_name = "boss";
  FakeClient& writer = world.connect(packet);
  writer.send(BrokerWorld::message("secret", "x"));
  writer.send(BrokerWorld::message("open/t", "y"));
  BOOST_TEST(reader.texts() == Texts{"open/t=y"}, per_element());
  BOOST_TEST(world.broker.counters().denied_receive == 1);

  world.broker.configure({}, BrokerWorld::policies(AccessRules()));
  writer.send(BrokerWorld::message("secret", "z"));
  BOOST_TEST(reader.texts() == Texts{"secret=z"}, per_element());
}

BOOST_AUTO_TEST_CASE(what_may_no_longer_be_read_is_not_delivered_though_it_waits) {
  BrokerWorld world;
  auto packet = BrokerWorld::durable_packet("reader");
  packet.properties.receive_maximum = 1;
  FakeClient& first = world.connect(packet);
  BrokerWorld::subscribe(first, "#", QoS::at_least_once);
  FakeClient& writer = world.connect("writer");
  writer.send(BrokerWorld::message("secret", "in the window", QoS::at_least_once, 1));
  writer.send(BrokerWorld::message("secret", "in the queue", QoS::at_least_once, 2));
  writer.send(BrokerWorld::message("open", "x", QoS::at_least_once, 3));
  BOOST_TEST(first.messages().size() == 1U);
  first.drop();

  AccessRules rules;
  rules.add_rule(std::nullopt, Access::read_write, TopicFilter::parse("open").value());
  world.broker.configure({}, BrokerWorld::policies(rules));
  BOOST_TEST(world.broker.counters().queued_messages == 1);
  BOOST_TEST(world.broker.counters().inflight_messages == 0);
  FakeClient& back = world.open();
  back.send(packet);
  const auto got = back.messages();
  BOOST_TEST_REQUIRE(got.size() == 1U);
  BOOST_TEST(got[0].topic == "open");
  back.drop();

  packet.user_name = "stranger";  // who may read nothing
  FakeClient& stranger = world.open();
  stranger.send(packet);
  BOOST_TEST(stranger.messages().empty());
  BOOST_TEST(world.broker.counters().denied_receive == 3);
}

BOOST_AUTO_TEST_CASE(clients_cannot_publish_what_the_broker_says_about_itself) {
  BrokerWorld world;
  FakeClient& reader = world.connect("reader");
  BrokerWorld::subscribe(reader, "$SYS/#");
  FakeClient& writer = world.connect("writer");
  writer.send(BrokerWorld::message("$SYS/broker/version", "x", QoS::at_least_once, 1));
  BOOST_TEST((writer.expect<mqtt::Puback>().reason == ReasonCode::not_authorized));
  writer.send(BrokerWorld::message("$SYS/broker/connection/b/state", "1"));
  BOOST_TEST(reader.texts() == Texts{"$SYS/broker/connection/b/state=1"}, per_element());
}

BOOST_AUTO_TEST_CASE(acknowledgements_leave_in_the_order_of_the_messages,
                     *label("MQTT-4.6.0-2") * label("MQTT5-4.6.0-2") * label("MQTT5-4.6.0-3")) {
  BrokerWorld world;
  world.connect("a");
  FakeClient& writer = world.connect("writer");
  world.host.hold_back = true;
  for (std::uint16_t i = 5; i > 0; --i)
    writer.send(BrokerWorld::message("t", "x", QoS::at_least_once, i));
  BOOST_TEST(writer.receive().empty());
  world.host.commit();
  std::vector<int> ids;
  for (const auto& packet : writer.receive()) ids.push_back(packet->as<mqtt::Puback>()->packet_id);
  BOOST_TEST(ids == (std::vector<int>{5, 4, 3, 2, 1}), per_element());
}

BOOST_AUTO_TEST_CASE(the_steps_of_qos2_keep_the_order_of_the_messages,
                     *label("MQTT-4.6.0-3") * label("MQTT-4.6.0-4") * label("MQTT5-4.6.0-3")
                         * label("MQTT5-4.6.0-4")) {
  BrokerWorld world;
  FakeClient& reader = world.connect("reader");
  BrokerWorld::subscribe(reader, "t", QoS::exactly_once);
  FakeClient& writer = world.connect("writer");
  for (const std::uint16_t id : std::vector<std::uint16_t>{30, 10, 20})
    writer.send(BrokerWorld::message("t", "x", QoS::exactly_once, id));
  std::vector<int> received;
  for (const auto& packet : writer.receive()) {
    received.push_back(packet->as<mqtt::Pubrec>()->packet_id);
    writer.send(pubrel(packet->as<mqtt::Pubrec>()->packet_id));
  }
  BOOST_TEST(received == (std::vector<int>{30, 10, 20}), per_element());

  std::vector<std::uint16_t> ids;
  for (const mqtt::Publish& message : reader.messages()) ids.push_back(message.packet_id);
  BOOST_TEST_REQUIRE(ids.size() == 3U);
  for (const std::size_t i : {2U, 0U, 1U}) reader.send(pubrec(ids[i]));
  std::vector<int> released;
  for (const auto& packet : reader.receive())
    released.push_back(packet->as<mqtt::Pubrel>()->packet_id);
  BOOST_TEST(released == (std::vector<int>{ids[2], ids[0], ids[1]}), per_element());
}

BOOST_AUTO_TEST_CASE(the_handshake_goes_on_although_the_message_has_expired,
                     *label("MQTT5-4.3.3-13")) {
  BrokerWorld world;
  FakeClient& reader = world.connect("reader");
  BrokerWorld::subscribe(reader, "t", QoS::exactly_once);
  FakeClient& writer = world.connect("writer");
  auto packet = BrokerWorld::message("t", "x", QoS::exactly_once, 1);
  packet.properties.message_expiry_interval_s = 1;
  writer.send(packet);
  writer.send(pubrel(1));
  const std::uint16_t id = reader.messages().at(0).packet_id;
  writer.receive();
  packet.packet_id = 2;
  writer.send(packet);
  writer.receive();
  world.scheduler.run_for(10s);
  writer.send(pubrel(2));
  BOOST_TEST((writer.expect<mqtt::Pubcomp>().reason == ReasonCode::success));
  reader.send(pubrec(id));
  BOOST_TEST((reader.expect<mqtt::Pubrel>().reason == ReasonCode::success));
}

BOOST_AUTO_TEST_CASE(where_no_alias_is_admitted_none_is_understood, *label("MQTT5-3.2.2-18")) {
  BrokerWorld world;
  auto policies = BrokerWorld::policies({});
  policies.front().topic_alias_max = 0;
  world.broker.configure({}, std::move(policies));
  FakeClient& writer = world.connect("writer");
  BOOST_TEST(!world.last_connack.properties.topic_alias_maximum.has_value());
  auto packet = BrokerWorld::message("t", "x");
  packet.properties.topic_alias = 1;
  writer.send(packet);
  BOOST_TEST((writer.expect<mqtt::Disconnect>().reason == ReasonCode::topic_alias_invalid));
}

BOOST_AUTO_TEST_SUITE_END()
