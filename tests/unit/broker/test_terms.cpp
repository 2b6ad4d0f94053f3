// What server and client tell each other at CONNECT, and that both keep to it: limits, aliases,
// reason strings; and the options an operator has beyond the standard.
#include <boost/test/unit_test.hpp>

#include "tests/support/broker_world.hpp"

using namespace starling;
using namespace starling::test;
using boost::test_tools::per_element;
using boost::unit_test::label;
using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

namespace {

std::vector<ListenerPolicy> one(const ListenerPolicy& policy) {
  return {policy};
}

ListenerPolicy open_policy() {
  ListenerPolicy policy;
  policy.name = "1883";
  policy.allow_anonymous = true;
  return policy;
}

mqtt::Connect with_will(std::string_view id, QoS qos, bool retain,
                        ProtocolVersion version = ProtocolVersion::v5) {
  mqtt::Connect packet = BrokerWorld::connect_packet(id, version);
  packet.will = mqtt::Will{"will", as_bytes(std::string_view("gone")), qos, retain, {}};
  return packet;
}

mqtt::Connack answer_to(BrokerWorld& world, const mqtt::Connect& packet) {
  FakeClient& client = world.open(packet.version);
  client.send(packet);
  const auto connack = client.expect<mqtt::Connack>();
  BOOST_TEST(client.closed == mqtt::is_refusal(connack.reason));
  return connack;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(broker_terms)

// --- Limits of the server

BOOST_AUTO_TEST_CASE(a_bounded_keep_alive_is_told_and_kept,
                     *label("MQTT5-3.1.2-21") * label("MQTT5-3.2.2-21")) {
  BrokerSettings settings;
  settings.keep_alive_max_s = 60;
  BrokerWorld world(settings);
  const auto told = [&](std::uint16_t asked, ProtocolVersion version = ProtocolVersion::v5) {
    auto packet = BrokerWorld::connect_packet("a", version);
    packet.keep_alive_s = asked;
    world.connect(packet);
    return world.last_connack.properties.server_keep_alive_s;
  };
  BOOST_TEST(!told(60).has_value());
  BOOST_TEST(told(61).value() == 60);
  BOOST_TEST(told(0).value() == 60);
  BOOST_TEST(!told(61, ProtocolVersion::v3_1_1).has_value());

  auto packet = BrokerWorld::connect_packet("b");
  FakeClient& silent = world.connect(packet);
  packet.version = ProtocolVersion::v3_1_1;
  packet.client_id = "c";
  packet.keep_alive_s = 100;
  FakeClient& old = world.connect(packet);
  world.scheduler.run_for(90s);
  BOOST_TEST(silent.closed);
  BOOST_TEST(!old.closed);  // it could not be told
  world.scheduler.run_for(60s);
  BOOST_TEST(old.closed);
}

BOOST_AUTO_TEST_CASE(without_a_bound_nobody_is_told_a_keep_alive) {
  BrokerWorld world;
  world.connect("a");
  BOOST_TEST(!world.last_connack.properties.server_keep_alive_s.has_value());
}

BOOST_AUTO_TEST_CASE(a_maximum_qos_is_told_and_kept,
                     *label("MQTT5-3.2.2-9") * label("MQTT5-3.2.2-10") * label("MQTT5-3.2.2-12")
                         * label("MQTT5-3.2.2-11")) {
  ListenerPolicy policy = open_policy();
  policy.qos_max = 1;
  BrokerWorld world({}, one(policy));
  FakeClient& client = world.connect("a");
  BOOST_TEST(world.last_connack.properties.maximum_qos.value() == 1);
  const auto suback = BrokerWorld::subscribe(client, "t", QoS::exactly_once);
  BOOST_TEST((suback.reasons.at(0) == ReasonCode::granted_qos_1));
  client.send(BrokerWorld::message("t", "x", QoS::exactly_once, 1));
  BOOST_TEST((client.expect<mqtt::Disconnect>().reason == ReasonCode::qos_not_supported));
  BOOST_TEST(client.closed);

  const auto connack = answer_to(world, with_will("b", QoS::exactly_once, false));
  BOOST_TEST((connack.reason == ReasonCode::qos_not_supported));
  BOOST_TEST(connack.properties.maximum_qos.value() == 1);
  BOOST_TEST(
      (answer_to(world, with_will("b", QoS::at_least_once, false)).reason == ReasonCode::success));

  FakeClient& old = world.open(ProtocolVersion::v3_1_1);
  old.send(with_will("c", QoS::exactly_once, false, ProtocolVersion::v3_1_1));
  BOOST_TEST(old.closed);
  BOOST_TEST(old.receive().empty());  // no return code says it
}

BOOST_AUTO_TEST_CASE(where_nothing_is_retained_it_is_told_and_refused,
                     *label("MQTT5-3.2.2-13") * label("MQTT5-3.2.2-14")) {
  BrokerSettings settings;
  settings.retain_available = false;
  BrokerWorld world(settings);
  FakeClient& client = world.connect("a");
  BOOST_TEST(world.last_connack.properties.retain_available.value() == 0);
  client.send(BrokerWorld::message("t", "x", QoS::at_most_once, 0, true));
  BOOST_TEST((client.expect<mqtt::Disconnect>().reason == ReasonCode::retain_not_supported));
  BOOST_TEST((answer_to(world, with_will("b", QoS::at_most_once, true)).reason
              == ReasonCode::retain_not_supported));
}

BOOST_AUTO_TEST_CASE(a_session_expiry_that_was_cut_is_told) {
  BrokerSettings settings;
  settings.session_expiry_max_s = 100;
  BrokerWorld world(settings);
  world.connect_durable("a", ProtocolVersion::v5, 100).drop();
  BOOST_TEST(!world.last_connack.properties.session_expiry_interval_s.has_value());
  world.connect_durable("a", ProtocolVersion::v5, expiry_never);
  BOOST_TEST(world.last_connack.properties.session_expiry_interval_s.value() == 100U);
  FakeClient& again = world.connect_durable("a", ProtocolVersion::v5, 50);
  mqtt::Disconnect longer;
  longer.properties.session_expiry_interval_s = 1'000;
  again.send(longer);
  world.connect_durable("b", ProtocolVersion::v3_1_1).drop();
  world.scheduler.run_for(99s);
  BOOST_TEST(world.broker.counters().sessions == 2);
  world.scheduler.run_for(1s);
  BOOST_TEST(world.broker.counters().sessions == 0);
}

BOOST_AUTO_TEST_CASE(a_payload_above_the_limit_is_refused_and_goes_nowhere) {
  BrokerSettings settings;
  settings.payload_size_max = 3;
  BrokerWorld world(settings);
  FakeClient& watcher = world.connect("watcher");
  BrokerWorld::subscribe(watcher, "#");
  for (const auto version : {ProtocolVersion::v3_1_1, ProtocolVersion::v5}) {
    FakeClient& client = world.connect("a", version);
    const bool v5 = version == ProtocolVersion::v5;
    const ReasonCode expected = v5 ? ReasonCode::quota_exceeded : ReasonCode::success;
    client.send(BrokerWorld::message("t", "1234"));
    client.send(BrokerWorld::message("t", "1234", QoS::at_least_once, 1));
    BOOST_TEST((client.expect<mqtt::Puback>().reason == expected));
    client.send(BrokerWorld::message("t", "1234", QoS::exactly_once, 2));
    BOOST_TEST((client.expect<mqtt::Pubrec>().reason == expected));
    BOOST_TEST(watcher.messages().empty());
    client.send(BrokerWorld::message("t", "123"));
    BOOST_TEST(watcher.texts() == Texts{"t=123"}, per_element());
    BOOST_TEST(!client.closed);
  }
  BOOST_TEST(world.broker.counters().refused_too_large == 6);
  BOOST_TEST((answer_to(world, with_will("b", QoS::at_most_once, false)).reason
              == ReasonCode::packet_too_large));
  BOOST_TEST(
      (answer_to(world, with_will("b", QoS::at_most_once, false, ProtocolVersion::v3_1_1)).reason
       == ReasonCode::not_authorized));
}

BOOST_AUTO_TEST_CASE(subscriptions_and_levels_are_bounded) {
  BrokerSettings settings;
  settings.subscriptions_max = 2;
  settings.topic_levels_max = 3;
  BrokerWorld world(settings);
  FakeClient& client = world.connect("a");
  const auto reason = [&](std::string_view filter) {
    return BrokerWorld::subscribe(client, filter).reasons.at(0);
  };
  BOOST_TEST((reason("a/b/c/d") == ReasonCode::topic_filter_invalid));
  BOOST_TEST((reason("a/b/c") == ReasonCode::success));
  BOOST_TEST((reason("b") == ReasonCode::success));
  BOOST_TEST((reason("c") == ReasonCode::quota_exceeded));
  BOOST_TEST((reason("b") == ReasonCode::success));
  client.send(BrokerWorld::message("a/b/c/d", "x"));
  BOOST_TEST((client.expect<mqtt::Disconnect>().reason == ReasonCode::topic_name_invalid));
}

BOOST_AUTO_TEST_CASE(as_many_levels_as_mosquitto_takes_are_taken) {
  BrokerWorld world;
  FakeClient& client = world.connect("a");
  const std::string deep(200, '/');
  BOOST_TEST((BrokerWorld::subscribe(client, deep).reasons.at(0) == ReasonCode::success));
  client.send(BrokerWorld::message(deep, "x"));
  BOOST_TEST(client.texts() == Texts{deep + "=x"}, per_element());
}

BOOST_AUTO_TEST_CASE(bytes_under_way_are_bounded_but_one_message_always_goes) {
  BrokerSettings settings;
  settings.inflight_bytes_max = 10;
  BrokerWorld world(settings);
  FakeClient& reader = world.connect("reader");
  BrokerWorld::subscribe(reader, "t", QoS::at_least_once);
  FakeClient& writer = world.connect("writer");
  for (std::uint16_t i = 1; i <= 3; ++i)
    writer.send(BrokerWorld::message("t", std::string(100, 'x'), QoS::at_least_once, i));
  for (int i = 0; i < 3; ++i) {
    const auto got = reader.messages();
    BOOST_TEST_REQUIRE(got.size() == 1U);
    reader.send(mqtt::Puback{got[0].packet_id, ReasonCode::success, {}});
  }
}

// --- What clients ask for

BOOST_AUTO_TEST_CASE(response_information_is_told_when_asked_for, *label("MQTT5-3.1.2-28")) {
  BrokerWorld world;
  const auto told = [&](std::string_view id, std::optional<std::uint8_t> asked) {
    auto packet = BrokerWorld::connect_packet(id);
    packet.properties.request_response_information = asked;
    world.connect(packet);
    const auto& information = world.last_connack.properties.response_information;
    return information ? std::string(*information) : std::string("none");
  };
  BOOST_TEST(told("a", std::nullopt) == "none");
  BOOST_TEST(told("a", 0) == "none");
  BOOST_TEST(told("a", 1) == "response/a/");
  BOOST_TEST(told("a/+", 1) == "none");
}

BOOST_AUTO_TEST_CASE(reason_strings_are_for_those_who_ask_for_them, *label("MQTT5-3.1.2-29")) {
  AccessRules rules;
  rules.restrict();
  const auto explained = [&](std::optional<std::uint8_t> asked) {
    BrokerWorld world({}, rules);
    auto packet = BrokerWorld::connect_packet("a");
    packet.properties.request_problem_information = asked;
    FakeClient& client = world.connect(packet);
    client.send(BrokerWorld::message("t", "x", QoS::at_least_once, 1));
    const bool puback = client.expect<mqtt::Puback>().properties.reason_string.has_value();
    client.send(BrokerWorld::message("t", "x", QoS::exactly_once, 2));
    const bool pubrec = client.expect<mqtt::Pubrec>().properties.reason_string.has_value();
    const std::string deep(300, '/');
    const bool suback = BrokerWorld::subscribe(client, deep).properties.reason_string.has_value();
    client.send(packet);
    const bool disconnect = client.expect<mqtt::Disconnect>().properties.reason_string.has_value();
    BOOST_TEST(puback == pubrec);
    BOOST_TEST(puback == suback);
    BOOST_TEST(puback == disconnect);
    return puback;
  };
  BOOST_TEST(explained(1));
  BOOST_TEST(!explained(0));
  BOOST_TEST(!explained(std::nullopt));
}

// --- Topic aliases towards the client

BOOST_AUTO_TEST_CASE(a_topic_is_named_once_and_then_by_its_alias,
                     *label("MQTT5-3.1.2-26") * label("MQTT5-3.1.2-27") * label("MQTT5-3.3.2-12")) {
  BrokerWorld world;
  auto packet = BrokerWorld::durable_packet("reader");
  packet.properties.topic_alias_maximum = 1;
  FakeClient* reader = &world.connect(packet);
  BrokerWorld::subscribe(*reader, "#", QoS::exactly_once);
  FakeClient& plain = world.connect("plain");
  BrokerWorld::subscribe(plain, "#", QoS::exactly_once);
  FakeClient& writer = world.connect("writer");
  for (std::uint16_t i = 0; i < 3; ++i)
    writer.send(BrokerWorld::message("topic", "x", static_cast<QoS>(i), i));
  writer.send(mqtt::Pubrel{2, ReasonCode::success, {}});
  writer.send(BrokerWorld::message("other", "x"));

  auto got = reader->messages();
  BOOST_TEST_REQUIRE(got.size() == 4U);
  for (int i = 0; i < 3; ++i) {
    BOOST_TEST(got[i].topic == (i == 0 ? "topic" : ""));
    BOOST_TEST(got[i].properties.topic_alias.value() == 1);
    BOOST_TEST(static_cast<int>(got[i].qos) == i);
  }
  BOOST_TEST(got[3].topic == "other");
  BOOST_TEST(!got[3].properties.topic_alias.has_value());
  BOOST_TEST(plain.texts() == (Texts{"topic=x", "topic=x", "topic=x", "other=x"}), per_element());

  reader->drop();  // on the next connection no alias is known [MQTT5-3.3.2-7]
  reader = &world.open();
  reader->send(packet);
  got = reader->messages();
  BOOST_TEST_REQUIRE(got.size() == 2U);
  BOOST_TEST(got[0].topic == "topic");
  BOOST_TEST(got[0].dup);
  BOOST_TEST(got[1].topic == "");
}

BOOST_AUTO_TEST_CASE(a_name_that_leaves_no_room_for_a_new_alias_goes_without) {
  BrokerWorld world;
  auto packet = BrokerWorld::connect_packet("reader");
  packet.properties.topic_alias_maximum = 5;
  packet.properties.maximum_packet_size = 30;
  FakeClient& reader = world.connect(packet);
  BrokerWorld::subscribe(reader, "#");
  FakeClient& writer = world.connect("writer");
  const std::string topic(25, 't');  // 30 bytes with an empty payload
  writer.send(BrokerWorld::message(topic, ""));
  writer.send(BrokerWorld::message(topic, "x"));  // with the name too large, and no alias is known
  writer.send(BrokerWorld::message("short", "x"));
  const auto got = reader.messages();
  BOOST_TEST_REQUIRE(got.size() == 2U);
  BOOST_TEST(got[0].topic == topic);
  BOOST_TEST(!got[0].properties.topic_alias.has_value());
  BOOST_TEST(got[1].topic == "short");
  BOOST_TEST(got[1].properties.topic_alias.value() == 1);
}

BOOST_AUTO_TEST_CASE(aliases_are_used_no_more_than_both_sides_like) {
  for (const std::uint16_t ours : {std::uint16_t{0}, std::uint16_t{1}}) {
    ListenerPolicy policy = open_policy();
    policy.topic_alias_out_max = ours;
    BrokerWorld world({}, one(policy));
    auto packet = BrokerWorld::connect_packet("reader");
    packet.properties.topic_alias_maximum = 10;
    FakeClient& reader = world.connect(packet);
    BrokerWorld::subscribe(reader, "#");
    FakeClient& writer = world.connect("writer");
    writer.send(BrokerWorld::message("first", "x"));
    writer.send(BrokerWorld::message("second", "x"));
    std::size_t with_alias = 0;
    for (const auto& message : reader.messages())
      with_alias += message.properties.topic_alias.has_value();
    BOOST_TEST(with_alias == ours);
  }
}

// --- Options

BOOST_AUTO_TEST_CASE(an_acknowledgement_says_when_nobody_wants_a_message) {
  BrokerWorld world;
  FakeClient& client = world.connect("a");
  std::uint16_t id = 0;
  const auto puback = [&](std::string_view topic, bool retain = false) {
    client.send(BrokerWorld::message(topic, "x", QoS::at_least_once, ++id, retain));
    return client.expect<mqtt::Puback>().reason;
  };
  BOOST_TEST((puback("t") == ReasonCode::no_matching_subscribers));
  BOOST_TEST((puback("kept", true) == ReasonCode::no_matching_subscribers));  // as Mosquitto
  client.send(BrokerWorld::message("t", "x", QoS::exactly_once, 100));
  BOOST_TEST((client.expect<mqtt::Pubrec>().reason == ReasonCode::success));
  world.host.wanted_elsewhere = true;
  BOOST_TEST((puback("t") == ReasonCode::success));
  world.host.wanted_elsewhere = false;
  BrokerWorld::subscribe(world.connect("b"), "t");
  BOOST_TEST((puback("t") == ReasonCode::success));
  BrokerWorld::subscribe(world.connect("c"), "$share/g/s");
  BOOST_TEST((puback("s") == ReasonCode::success));

  FakeClient& old = world.connect("old", ProtocolVersion::v3_1_1);
  old.send(BrokerWorld::message("nobody", "x", QoS::at_least_once, 1));
  old.expect<mqtt::Puback>();
}

BOOST_AUTO_TEST_CASE(outgoing_qos_may_be_raised_to_what_was_granted) {
  BrokerSettings settings;
  settings.upgrade_outgoing_qos = true;
  BrokerWorld world(settings);
  FakeClient& writer = world.connect("writer");
  writer.send(BrokerWorld::message("r", "x", QoS::at_most_once, 0, true));
  FakeClient& reader = world.connect("reader");
  BrokerWorld::subscribe(reader, "t", QoS::exactly_once);
  FakeClient& member = world.connect("member");
  BrokerWorld::subscribe(member, "$share/g/t", QoS::at_least_once);
  writer.send(BrokerWorld::message("t", "x"));
  BOOST_TEST((reader.expect<mqtt::Publish>().qos == QoS::exactly_once));
  BOOST_TEST((member.expect<mqtt::Publish>().qos == QoS::at_least_once));
  FakeClient& late = world.connect("late");
  mqtt::Subscription asked;
  asked.filter = "r";
  asked.qos = QoS::at_least_once;
  late.send(mqtt::Subscribe{1, {asked}, {}});
  BOOST_TEST((late.messages().at(0).qos == QoS::at_least_once));
}

BOOST_AUTO_TEST_CASE(qos0_may_wait_for_absent_sessions) {
  for (const bool queued : {false, true}) {
    BrokerSettings settings;
    settings.queue_qos0 = queued;
    settings.queued_messages_max = 4;
    settings.store_keeps_anything = true;
    BrokerWorld world(settings);
    FakeClient& first = world.connect_durable("reader");
    BrokerWorld::subscribe(first, "#", QoS::at_least_once);
    first.drop();
    FakeClient& writer = world.connect("writer");
    writer.send(BrokerWorld::message("t", "1"));
    writer.send(BrokerWorld::message("t", "2", QoS::at_least_once, 1));
    writer.send(BrokerWorld::message("t", "3"));
    FakeClient& reader = world.open();
    reader.send(BrokerWorld::durable_packet("reader"));
    BOOST_TEST(reader.texts() == (queued ? Texts{"t=1", "t=2", "t=3"} : Texts{"t=2"}),
               per_element());
    BOOST_TEST(world.host.count_changes<MessageQueued>() == (queued ? 3U : 1U));
    BOOST_TEST(world.host.count_changes<MessageDone>() == (queued ? 2U : 0U));
    reader.drop();
    for (int i = 0; i < 10; ++i) writer.send(BrokerWorld::message("t", "x"));
    BOOST_TEST(world.broker.counters().dropped_queue_full == (queued ? 6 : 0));
    BOOST_TEST(world.broker.counters().queued_messages == (queued ? 4 : 0));
  }
}

BOOST_AUTO_TEST_CASE(retained_messages_may_be_given_an_expiry) {
  BrokerSettings settings;
  settings.retain_expiry_s = 60;
  BrokerWorld world(settings);
  FakeClient& reader = world.connect("reader");
  BrokerWorld::subscribe(reader, "#");
  FakeClient& writer = world.connect("writer");
  writer.send(BrokerWorld::message("t", "x", QoS::at_most_once, 0, true));
  BOOST_TEST(!reader.messages().at(0).properties.message_expiry_interval_s.has_value());
  auto own = BrokerWorld::message("own", "x", QoS::at_most_once, 0, true);
  own.properties.message_expiry_interval_s = 100;
  writer.send(own);
  world.scheduler.run_for(59s);
  BOOST_TEST(world.broker.retained_count() == 2U);
  world.scheduler.run_for(1s);
  BOOST_TEST(world.broker.retained_count() == 1U);
  BOOST_TEST(world.broker.counters().retained_bytes == 1);
  world.scheduler.run_for(40s);
  BOOST_TEST(world.broker.retained_count() == 0U);
  BOOST_TEST(world.broker.counters().retained_bytes == 0);
}

// --- What can be watched

BOOST_AUTO_TEST_CASE(traffic_and_stock_are_counted) {
  BrokerWorld world;
  FakeClient& reader = world.connect("reader");  // CONNACK
  const auto before = world.broker.counters();
  BOOST_TEST(before.packets_sent == 1);
  BOOST_TEST(before.bytes_sent > 4);
  BrokerWorld::subscribe(reader, "t", QoS::at_least_once);
  world.broker.count_received(7);
  FakeClient& writer = world.connect("writer", ProtocolVersion::v3_1_1);
  const auto connected = world.broker.counters();
  writer.send(BrokerWorld::message("t", "x", QoS::at_least_once, 1, true));
  const auto after = world.broker.counters();
  BOOST_TEST(after.bytes_received == 7);
  BOOST_TEST(after.packets_sent == connected.packets_sent + 2);
  // PUBLISH of MQTT 5: 2 + 2+1 + 2 + 1 + 1; PUBACK of 3.1.1: 4
  BOOST_TEST(after.bytes_sent == connected.bytes_sent + 9 + 4);
  BOOST_TEST(after.inflight_messages == 1);
  BOOST_TEST(after.retained_messages == 1);
  BOOST_TEST(after.retained_bytes == 1);
  BOOST_TEST(after.clients_maximum == 2);
  BOOST_TEST(after.sessions_maximum == 2);
  reader.drop();
  BOOST_TEST(world.broker.counters().inflight_messages == 0);
  BOOST_TEST(world.broker.counters().clients_maximum == 2);
}

BOOST_AUTO_TEST_CASE(the_log_says_who_came_and_how_he_left) {
  BrokerWorld world;
  auto packet = BrokerWorld::connect_packet("a", ProtocolVersion::v3_1_1);
  packet.user_name = "u";
  packet.keep_alive_s = 10;
  const auto leaves = [&](auto&& how, std::string_view kind) {
    FakeClient& client = world.connect(packet);
    world.log.lines.clear();
    how(client);
    BOOST_TEST(world.log.count("client_disconnected client=a") == 1U);
    BOOST_TEST(world.log.count("kind=" + std::string(kind) + " ") == 1U);
  };
  world.connect(packet);
  BOOST_TEST(world.log.count("client_connected client=a addr=127.0.0.1:40001 user=u proto=mqtt311 "
                             "clean=true keep_alive_s=10 listener=test")
             == 1U);
  leaves([](FakeClient& client) { client.send(mqtt::Disconnect{}); }, "disconnected");
  leaves([](FakeClient& client) { client.drop(""); }, "closed");
  leaves([](FakeClient& client) { client.drop("connection reset"); }, "socket_error");
  leaves([&](FakeClient&) { world.scheduler.run_for(15s); }, "timeout");
  leaves([&](FakeClient&) { world.connect(packet); }, "taken_over");
  leaves([&](FakeClient& client) { client.send(packet); }, "protocol_error");
  leaves([&](FakeClient&) { world.broker.stop(); }, "shutting_down");
}

BOOST_AUTO_TEST_CASE(subscribing_is_worth_a_line_for_those_who_debug) {
  BrokerWorld world;
  FakeClient& client = world.connect("a");
  BrokerWorld::subscribe(client, "$share/g/t", QoS::at_least_once);
  client.send(mqtt::Unsubscribe{1, {"$share/g/t"}, {}});
  BOOST_TEST(world.log.count("client_subscribed client=a filter=$share/g/t qos=1") == 1U);
  BOOST_TEST(world.log.count("client_unsubscribed client=a filter=$share/g/t") == 1U);
}

BOOST_AUTO_TEST_CASE(a_reload_holds_for_queues_that_are_there) {
  BrokerSettings settings;
  BrokerWorld world(settings);
  FakeClient& reader = world.connect_durable("reader");
  BrokerWorld::subscribe(reader, "t", QoS::at_least_once);
  reader.drop();
  settings.queued_messages_max = 2;
  settings.sessions_max = 1;
  FakeClient& writer = world.connect("writer");
  world.broker.configure(settings, BrokerWorld::policies({}));
  for (std::uint16_t i = 1; i <= 5; ++i)
    writer.send(BrokerWorld::message("t", "x", QoS::at_least_once, i));
  BOOST_TEST(world.broker.counters().queued_messages == 2);
  BOOST_TEST(world.broker.counters().dropped_queue_full == 3);
  BOOST_TEST((answer_to(world, BrokerWorld::connect_packet("third")).reason
              == ReasonCode::quota_exceeded));
}

BOOST_AUTO_TEST_SUITE_END()
