// How connections begin: CONNECT, its refusals, takeover, client ids.
#include <boost/test/unit_test.hpp>

#include "tests/support/broker_world.hpp"

using namespace starling;
using namespace starling::test;
using boost::unit_test::label;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(broker_connect)

BOOST_AUTO_TEST_CASE(a_connect_is_answered_with_success,
                     *label("MQTT-3.1.4-4") * label("MQTT-3.2.0-1") * label("MQTT5-3.1.4-5")
                         * label("MQTT5-3.2.0-1")) {
  for (const auto version : {ProtocolVersion::v3_1, ProtocolVersion::v3_1_1, ProtocolVersion::v5}) {
    BrokerWorld world;
    world.connect("a", version);
    BOOST_TEST((world.last_connack.reason == ReasonCode::success));
    BOOST_TEST(!world.last_connack.session_present);
    BOOST_TEST(world.broker.counters().clients_connected == 1);
    BOOST_TEST(world.log.count("client_connected client=a") == 1U);
  }
}

BOOST_AUTO_TEST_CASE(connack_tells_mqtt5_clients_our_bounds,
                     *label("MQTT5-3.2.2-9") * label("MQTT5-3.1.2-28") * label("MQTT5-4.12.0-6")) {
  BrokerSettings settings;
  settings.packet_size_max = 70'000;
  BrokerWorld world(settings);
  world.connect("a");
  const mqtt::ConnackProperties& told = world.last_connack.properties;
  BOOST_TEST((told.receive_maximum == limits::receive_maximum));
  BOOST_TEST((told.topic_alias_maximum == limits::topic_alias_max));
  BOOST_TEST((told.maximum_packet_size == 70'000U));
  BOOST_TEST(!told.assigned_client_identifier.has_value());
  BOOST_TEST(!told.maximum_qos.has_value());  // all of them
  BOOST_TEST(!told.response_information.has_value());
  BOOST_TEST(!told.authentication_method.has_value());
}

BOOST_AUTO_TEST_CASE(a_first_packet_other_than_connect_ends_the_connection,
                     *label("MQTT-3.1.0-1") * label("MQTT5-3.1.0-1") * label("MQTT5-3.14.0-1")) {
  BrokerWorld world;
  FakeClient& client = world.open();
  client.send(mqtt::Pingreq{});
  BOOST_TEST(client.closed);
  BOOST_TEST(client.receive().empty());
}

BOOST_AUTO_TEST_CASE(a_second_connect_is_a_protocol_error,
                     *label("MQTT-3.1.0-2") * label("MQTT5-3.1.0-2") * label("MQTT5-3.2.0-2")
                         * label("MQTT5-4.13.1-1")) {
  BrokerWorld world;
  FakeClient& client = world.connect("a");
  client.send(BrokerWorld::connect_packet("a"));
  BOOST_TEST((client.expect<mqtt::Disconnect>().reason == ReasonCode::protocol_error));
  BOOST_TEST(client.closed);

  FakeClient& old = world.connect("b", ProtocolVersion::v3_1_1);
  old.send(BrokerWorld::connect_packet("b", ProtocolVersion::v3_1_1));
  BOOST_TEST(old.receive().empty());
  BOOST_TEST(old.closed);
}

BOOST_AUTO_TEST_CASE(after_a_refusal_nothing_is_processed,
                     *label("MQTT-3.1.4-5") * label("MQTT5-3.1.4-6") * label("MQTT-3.2.2-5")
                         * label("MQTT5-3.2.2-7") * label("MQTT-3.2.2-4") * label("MQTT5-3.2.2-6")
                         * label("MQTT5-3.1.4-2")) {
  BrokerWorld world;
  FakeClient& watcher = world.connect("watcher");
  BrokerWorld::subscribe(watcher, "#");
  FakeClient& client = world.open(ProtocolVersion::v3_1_1, false);
  client.send(BrokerWorld::connect_packet("a", ProtocolVersion::v3_1_1));
  const auto connack = client.expect<mqtt::Connack>();
  BOOST_TEST((connack.reason == ReasonCode::not_authorized));
  BOOST_TEST(!connack.session_present);
  BOOST_TEST(client.closed);
  client.send(BrokerWorld::message("t", "x"));
  BOOST_TEST(watcher.receive().empty());
  BOOST_TEST(world.broker.counters().connections_refused == 1);
}

BOOST_AUTO_TEST_CASE(an_empty_client_id_is_replaced_by_one_of_ours,
                     *label("MQTT5-3.1.3-6") * label("MQTT5-3.1.3-7") * label("MQTT5-3.2.2-16")
                         * label("MQTT-3.1.3-6")) {
  BrokerWorld world;
  world.connect("");
  const std::string first(world.last_connack.properties.assigned_client_identifier.value());
  world.connect("");
  const std::string second(world.last_connack.properties.assigned_client_identifier.value());
  BOOST_TEST(first.starts_with("auto-"));
  BOOST_TEST(first != second);
  BOOST_TEST(world.broker.counters().clients_connected == 2);

  world.connect("", ProtocolVersion::v3_1_1);
  BOOST_TEST((world.last_connack.reason == ReasonCode::success));
}

BOOST_AUTO_TEST_CASE(an_empty_client_id_without_clean_session_is_refused,
                     *label("MQTT-3.1.3-7") * label("MQTT-3.1.3-8") * label("MQTT-3.1.3-9")) {
  BrokerWorld world;
  FakeClient& client = world.open(ProtocolVersion::v3_1_1);
  client.send(BrokerWorld::durable_packet("", ProtocolVersion::v3_1_1));
  BOOST_TEST((client.expect<mqtt::Connack>().reason == ReasonCode::client_identifier_not_valid));
  BOOST_TEST(client.closed);

  FakeClient& oldest = world.open(ProtocolVersion::v3_1);
  oldest.send(BrokerWorld::connect_packet("", ProtocolVersion::v3_1));
  BOOST_TEST((oldest.expect<mqtt::Connack>().reason == ReasonCode::client_identifier_not_valid));
}

BOOST_AUTO_TEST_CASE(an_unknown_authentication_method_is_refused, *label("MQTT5-4.12.0-1")) {
  BrokerWorld world;
  FakeClient& client = world.open();
  mqtt::Connect packet = BrokerWorld::connect_packet("a");
  packet.properties.authentication_method = "SCRAM-SHA-256";
  client.send(packet);
  BOOST_TEST((client.expect<mqtt::Connack>().reason == ReasonCode::bad_authentication_method));
  BOOST_TEST(client.closed);
}

BOOST_AUTO_TEST_CASE(auth_without_a_method_is_a_protocol_error, *label("MQTT5-4.12.0-7")) {
  BrokerWorld world;
  FakeClient& client = world.connect("a");
  client.send(mqtt::Auth{ReasonCode::re_authenticate, {}});
  BOOST_TEST((client.expect<mqtt::Disconnect>().reason == ReasonCode::protocol_error));
}

BOOST_AUTO_TEST_CASE(no_client_may_call_itself_like_another_node) {
  BrokerWorld world;
  FakeClient& client = world.open();
  mqtt::Connect packet = BrokerWorld::connect_packet("a");
  packet.user_name = "mesh:family";
  client.send(packet);
  BOOST_TEST((client.expect<mqtt::Connack>().reason == ReasonCode::not_authorized));
}

BOOST_AUTO_TEST_CASE(a_client_id_that_connects_anew_takes_over,
                     *label("MQTT-3.1.4-2") * label("MQTT5-3.1.4-3")) {
  BrokerWorld world;
  FakeClient& first = world.connect("a");
  FakeClient& second = world.connect("a");
  BOOST_TEST((first.expect<mqtt::Disconnect>().reason == ReasonCode::session_taken_over));
  BOOST_TEST(first.closed);
  BOOST_TEST(!second.closed);
  BOOST_TEST(world.broker.counters().clients_connected == 1);
  BOOST_TEST(world.log.count("client_disconnected client=a") == 1U);

  world.connect("b", ProtocolVersion::v3_1_1);
  FakeClient& old = world.connect("b", ProtocolVersion::v3_1_1);
  FakeClient& old_again = world.connect("b", ProtocolVersion::v3_1_1);
  BOOST_TEST(old.closed);
  BOOST_TEST(old.receive().empty());
  BOOST_TEST(!old_again.closed);
}

BOOST_AUTO_TEST_CASE(the_stream_of_a_connection_taken_over_may_end_late) {
  BrokerWorld world;
  FakeClient& first = world.connect("a");
  FakeClient& second = world.connect("a");
  first.drop();
  second.send(mqtt::Pingreq{});
  second.expect<mqtt::Pingresp>();
}

BOOST_AUTO_TEST_CASE(a_session_is_resumed_unless_a_clean_start_is_asked_for,
                     *label("MQTT-3.1.2-4") * label("MQTT-3.1.2-6") * label("MQTT-3.2.2-1")
                         * label("MQTT-3.2.2-2") * label("MQTT-3.2.2-3") * label("MQTT5-3.1.2-4")
                         * label("MQTT5-3.1.2-5") * label("MQTT5-3.1.2-6") * label("MQTT5-3.2.2-2")
                         * label("MQTT5-3.2.2-3") * label("MQTT-3.1.4-3") * label("MQTT5-3.1.4-4")
                         * label("MQTT-3.1.3-2") * label("MQTT5-3.1.3-2")) {
  for (const auto version : {ProtocolVersion::v3_1_1, ProtocolVersion::v5}) {
    BrokerWorld world;
    world.connect_durable("a", version).drop();
    BOOST_TEST(!world.last_connack.session_present);
    world.connect_durable("a", version).drop();
    BOOST_TEST(world.last_connack.session_present);
    world.connect("a", version).drop();
    BOOST_TEST(!world.last_connack.session_present);
    world.connect_durable("a", version).drop();
    BOOST_TEST(!world.last_connack.session_present);
  }
}

BOOST_AUTO_TEST_CASE(subscriptions_survive_with_their_session,
                     *label("MQTT-4.1.0-1") * label("MQTT5-3.1.2-23")) {
  BrokerWorld world;
  BrokerWorld::subscribe(world.connect_durable("a"), "t");
  world.connect_durable("a");  // takes over
  FakeClient& again = world.connect_durable("a");
  world.connect("b").send(BrokerWorld::message("t", "x"));
  BOOST_TEST(again.texts() == std::vector<std::string>{"t=x"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_session_expires_after_its_interval,
                     *label("MQTT5-4.1.0-2") * label("MQTT5-3.1.2-23")) {
  BrokerWorld world;
  world.connect_durable("a", ProtocolVersion::v5, 10).drop();
  world.scheduler.run_for(9s);
  BOOST_TEST(world.broker.counters().sessions == 1);
  world.scheduler.run_for(1s);
  BOOST_TEST(world.broker.counters().sessions == 0);
  BOOST_TEST(world.log.count("session_expired client=a") == 1U);
  world.connect_durable("a", ProtocolVersion::v5, 10);
  BOOST_TEST(!world.last_connack.session_present);
}

BOOST_AUTO_TEST_CASE(a_session_does_not_expire_while_its_client_is_there,
                     *label("MQTT5-4.1.0-1") * label("MQTT-4.1.0-2")) {
  BrokerWorld world;
  world.connect_durable("a", ProtocolVersion::v5, 10).drop();
  world.scheduler.run_for(5s);
  world.connect_durable("a", ProtocolVersion::v5, 10);
  world.scheduler.run_for(1h);
  BOOST_TEST(world.broker.counters().sessions == 1);
}

BOOST_AUTO_TEST_CASE(a_session_of_311_never_expires) {
  BrokerWorld world;
  world.connect_durable("a", ProtocolVersion::v3_1_1).drop();
  world.scheduler.run_for(24h * 400);
  world.connect_durable("a", ProtocolVersion::v3_1_1);
  BOOST_TEST(world.last_connack.session_present);
}

BOOST_AUTO_TEST_CASE(disconnect_may_change_the_expiry_but_not_revive_it) {
  BrokerWorld world;
  FakeClient& a = world.connect_durable("a", ProtocolVersion::v5, 1000);
  mqtt::Disconnect shorter;
  shorter.properties.session_expiry_interval_s = 0;
  a.send(shorter);
  BOOST_TEST(world.broker.counters().sessions == 0);
  BOOST_TEST(a.closed);

  FakeClient& b = world.connect("b");
  mqtt::Disconnect longer;
  longer.properties.session_expiry_interval_s = 10;
  b.send(longer);
  BOOST_TEST((b.expect<mqtt::Disconnect>().reason == ReasonCode::protocol_error));
  BOOST_TEST(world.broker.counters().sessions == 0);
}

BOOST_AUTO_TEST_CASE(a_silent_client_is_closed_after_one_and_a_half_keep_alives,
                     *label("MQTT-3.1.2-24") * label("MQTT5-3.1.2-22") * label("MQTT5-3.2.2-22")) {
  BrokerWorld world;
  mqtt::Connect packet = BrokerWorld::connect_packet("a");
  packet.keep_alive_s = 10;
  FakeClient& client = world.connect(packet);
  world.scheduler.run_for(14s);
  client.send(mqtt::Pingreq{});
  client.expect<mqtt::Pingresp>();
  world.scheduler.run_for(14s);
  BOOST_TEST(!client.closed);
  world.scheduler.run_for(1s);
  BOOST_TEST(client.closed);
  BOOST_TEST((client.expect<mqtt::Disconnect>().reason == ReasonCode::keep_alive_timeout));
}

BOOST_AUTO_TEST_CASE(what_lies_unread_in_a_socket_after_a_pause_counts) {
  BrokerWorld world;
  auto packet = BrokerWorld::connect_packet("a");
  packet.keep_alive_s = 10;
  FakeClient& client = world.connect(packet);
  // As after a pause: the timer that is due comes before the ping that was sent in time.
  world.scheduler.wake_at(world.scheduler.now() + 15s, [&] { client.send(mqtt::Pingreq{}); });
  world.scheduler.run_for(15s);
  BOOST_TEST(!client.closed);
  world.scheduler.run_for(15s);
  BOOST_TEST(client.closed);
}

BOOST_AUTO_TEST_CASE(keep_alive_zero_watches_nobody) {
  BrokerWorld world;
  FakeClient& client = world.connect("a");
  world.scheduler.run_for(24h * 30);
  BOOST_TEST(!client.closed);
}

BOOST_AUTO_TEST_CASE(pings_are_answered, *label("MQTT-3.12.4-1") * label("MQTT5-3.12.4-1")) {
  BrokerWorld world;
  for (const auto version : {ProtocolVersion::v3_1_1, ProtocolVersion::v5}) {
    FakeClient& client = world.connect("a", version);
    client.send(mqtt::Pingreq{});
    client.expect<mqtt::Pingresp>();
  }
}

BOOST_AUTO_TEST_CASE(nothing_leaves_before_connack_does,
                     *label("MQTT-3.2.0-1") * label("MQTT5-3.2.0-1")) {
  BrokerWorld world;
  world.host.hold_back = true;
  FakeClient& client = world.open();
  client.send(BrokerWorld::connect_packet("a"));
  client.send(mqtt::Pingreq{});
  client.send(mqtt::Subscribe{1, {{"t"}}, {}});
  client.send(BrokerWorld::message("t", "x", QoS::at_least_once, 2));
  BOOST_TEST(client.receive().empty());
  world.host.commit();
  const auto packets = client.receive();
  BOOST_TEST_REQUIRE(packets.size() >= 4U);
  BOOST_TEST((packets[0]->as<mqtt::Connack>() != nullptr));
  BOOST_TEST((packets[1]->as<mqtt::Suback>() != nullptr));
  BOOST_TEST((packets[2]->as<mqtt::Puback>() != nullptr));
  BOOST_TEST((packets[3]->as<mqtt::Pingresp>() != nullptr));  // behind what waits as it does
}

BOOST_AUTO_TEST_CASE(a_packet_error_tells_its_reason_and_closes,
                     *label("MQTT-4.8.0-1") * label("MQTT5-4.13.2-1") * label("MQTT5-3.14.4-1")
                         * label("MQTT5-3.14.4-2")) {
  BrokerWorld world;
  auto packet = BrokerWorld::connect_packet("a");
  packet.properties.request_problem_information = 1;
  FakeClient& client = world.connect(packet);
  world.broker.on_packet_error(client.id(),
                               {{Errc::malformed, "nonsense"}, ReasonCode::malformed_packet});
  const auto disconnect = client.expect<mqtt::Disconnect>();
  BOOST_TEST((disconnect.reason == ReasonCode::malformed_packet));
  BOOST_TEST((disconnect.properties.reason_string == "nonsense"));
  BOOST_TEST(client.closed);
  client.send(mqtt::Pingreq{});
  BOOST_TEST(client.receive().empty());
}

BOOST_AUTO_TEST_CASE(an_unreadable_connect_is_refused_in_its_own_words,
                     *label("MQTT-3.1.2-2") * label("MQTT5-3.1.2-2") * label("MQTT-3.2.2-6")
                         * label("MQTT-3.1.4-1") * label("MQTT5-3.1.4-1")) {
  BrokerWorld world;
  FakeClient& future = world.open(ProtocolVersion::v5);
  world.broker.on_packet_error(
      future.id(),
      {{Errc::unsupported, "protocol level 6"}, ReasonCode::unsupported_protocol_version},
      ProtocolVersion::v5);
  BOOST_TEST((future.expect<mqtt::Connack>().reason == ReasonCode::unsupported_protocol_version));
  BOOST_TEST(future.closed);

  FakeClient& past = world.open(ProtocolVersion::v3_1_1);
  world.broker.on_packet_error(
      past.id(),
      {{Errc::unsupported, "protocol level 2"}, ReasonCode::unsupported_protocol_version},
      ProtocolVersion::v3_1_1);
  BOOST_TEST((past.expect<mqtt::Connack>().reason == ReasonCode::unsupported_protocol_version));

  FakeClient& broken = world.open(ProtocolVersion::v3_1_1);
  world.broker.on_packet_error(broken.id(),
                               {{Errc::malformed, "reserved flag"}, ReasonCode::malformed_packet},
                               ProtocolVersion::v3_1_1);
  BOOST_TEST(broken.receive().empty());
  BOOST_TEST(broken.closed);
}

BOOST_AUTO_TEST_CASE(too_many_sessions_are_refused, *label("MQTT-4.8.0-2")) {
  BrokerSettings settings;
  settings.sessions_max = 1;
  BrokerWorld world(settings);
  world.connect_durable("a").drop();
  FakeClient& five = world.open();
  five.send(BrokerWorld::connect_packet("b"));
  BOOST_TEST((five.expect<mqtt::Connack>().reason == ReasonCode::quota_exceeded));
  FakeClient& three = world.open(ProtocolVersion::v3_1_1);
  three.send(BrokerWorld::connect_packet("b", ProtocolVersion::v3_1_1));
  BOOST_TEST((three.expect<mqtt::Connack>().reason == ReasonCode::server_unavailable));
  world.connect_durable("a");
  BOOST_TEST(world.last_connack.session_present);
}

BOOST_AUTO_TEST_CASE(stopping_says_good_bye) {
  BrokerWorld world;
  FakeClient& five = world.connect("a");
  FakeClient& three = world.connect("b", ProtocolVersion::v3_1_1);
  world.broker.stop();
  BOOST_TEST((five.expect<mqtt::Disconnect>().reason == ReasonCode::server_shutting_down));
  BOOST_TEST(three.receive().empty());
  BOOST_TEST(five.closed);
  BOOST_TEST(three.closed);
  BOOST_TEST(world.broker.counters().clients_connected == 0);
}

BOOST_AUTO_TEST_CASE(ordinary_client_ids_are_admitted,
                     *label("MQTT-3.1.3-5") * label("MQTT5-3.1.3-5")) {
  BrokerWorld world;
  for (const auto version : {ProtocolVersion::v3_1, ProtocolVersion::v3_1_1, ProtocolVersion::v5}) {
    for (const char* id : {"0", "abcdefghijklmnopqrstuvw", "XYZ0123456789"}) {
      world.connect(id, version);
      BOOST_TEST((world.last_connack.reason == ReasonCode::success));
    }
  }
  BOOST_TEST(world.broker.counters().clients_connected == 3);
}

BOOST_AUTO_TEST_CASE(refusals_are_explained_only_where_the_client_wants_it,
                     *label("MQTT5-3.1.2-29")) {
  AccessRules rules;
  rules.restrict();
  BrokerWorld world({}, rules);
  auto packet = BrokerWorld::connect_packet("a");
  packet.properties.request_problem_information = 0;
  FakeClient& client = world.connect(packet);
  client.send(BrokerWorld::message("t", "x", QoS::at_least_once, 1));
  const auto puback = client.expect<mqtt::Puback>();
  BOOST_TEST((puback.reason == ReasonCode::not_authorized));
  BOOST_TEST(!puback.properties.reason_string.has_value());
  BOOST_TEST(puback.properties.user_properties.empty());
}

BOOST_AUTO_TEST_SUITE_END()
