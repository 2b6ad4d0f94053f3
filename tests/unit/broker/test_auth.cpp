// Who a client is: passwords that are checked at once or later, names that TLS proved, exchanges of
// AUTH packets before CONNACK and on a live connection, and what a client id may be.
#include <boost/test/unit_test.hpp>

#include "tests/support/broker_world.hpp"

using namespace starling;
using namespace starling::test;
using boost::test_tools::per_element;
using boost::unit_test::label;
using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

namespace {

mqtt::Connect named(std::string_view id, std::string_view user,
                    ProtocolVersion version = ProtocolVersion::v5) {
  mqtt::Connect packet = BrokerWorld::connect_packet(id, version);
  packet.user_name = user;
  packet.password = mqtt::BinaryView(as_bytes("secret"));
  return packet;
}

ReasonCode answer_to(BrokerWorld& world, const mqtt::Connect& packet, bool anonymous = true) {
  FakeClient& client = world.open(packet.version, anonymous);
  client.send(packet);
  const ReasonCode reason = client.expect<mqtt::Connack>().reason;
  BOOST_TEST(client.closed == mqtt::is_refusal(reason));
  return reason;
}

BrokerWorld& with_policy(std::optional<BrokerWorld>& world, const ListenerPolicy& policy,
                         BrokerSettings settings = {}) {
  return world.emplace(std::move(settings), std::vector{policy});
}

ListenerPolicy open_policy() {
  ListenerPolicy policy;
  policy.name = "1883";
  policy.allow_anonymous = true;
  return policy;
}

mqtt::Connect by_method(std::string_view id, std::string_view data = "hello") {
  mqtt::Connect packet = BrokerWorld::connect_packet(id);
  packet.properties.authentication_method = "METHOD";
  packet.properties.authentication_data = mqtt::BinaryView(as_bytes(data));
  return packet;
}

mqtt::Auth auth(ReasonCode reason, std::string_view data, std::string_view method = "METHOD") {
  mqtt::Auth packet{reason, {}};
  packet.properties.authentication_method = method;
  packet.properties.authentication_data = mqtt::BinaryView(as_bytes(data));
  return packet;
}

Bytes bytes(std::string_view text) {
  return {text.begin(), text.end()};
}
AuthStep go_on(std::string_view data) {
  AuthStep step;
  step.kind = AuthStep::Kind::go_on;
  step.data = bytes(data);
  return step;
}
AuthStep accepted(std::string_view user, std::string_view data = "") {
  AuthStep step;
  step.kind = AuthStep::Kind::accepted;
  step.user = user;
  step.data = bytes(data);
  return step;
}
AuthStep refused(ReasonCode reason) {
  AuthStep step;
  step.reason = reason;
  step.why = "a secret reason";
  return step;
}

std::string data_of(const mqtt::Auth& packet) {
  return std::string(as_text(packet.properties.authentication_data.value()));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(broker_auth)

// --- User names and passwords

BOOST_AUTO_TEST_CASE(who_brings_a_user_name_is_checked_wherever_he_comes_in,
                     *label("MQTT5-3.1.4-2") * label("MQTT-3.1.4-3")) {
  for (const bool anonymous : {true, false}) {
    BrokerWorld world;
    BOOST_TEST((answer_to(world, named("a", "u"), anonymous) == ReasonCode::success));
    BOOST_TEST_REQUIRE(world.host.checked.size() == 1U);
    BOOST_TEST(world.host.checked[0].second == "a u:secret");
    world.host.verdict = AuthVerdict{ReasonCode::not_authorized, "unknown user"};
    for (const auto version : {ProtocolVersion::v3_1, ProtocolVersion::v3_1_1, ProtocolVersion::v5})
      BOOST_TEST(
          (answer_to(world, named("b", "u", version), anonymous) == ReasonCode::not_authorized));
    BOOST_TEST(world.broker.counters().sessions == 1);
  }
}

BOOST_AUTO_TEST_CASE(without_a_user_name_only_anonymous_listeners_let_one_in) {
  BrokerWorld world;
  mqtt::Connect password_only = BrokerWorld::connect_packet("a");
  password_only.password = mqtt::BinaryView(as_bytes("secret"));
  BOOST_TEST((answer_to(world, password_only, true) == ReasonCode::success));
  BOOST_TEST((answer_to(world, password_only, false) == ReasonCode::not_authorized));
  BOOST_TEST(
      (answer_to(world, BrokerWorld::connect_packet("b"), false) == ReasonCode::not_authorized));
  BOOST_TEST(world.host.checked.empty());
}

BOOST_AUTO_TEST_CASE(a_verdict_may_come_later, *label("MQTT-3.2.0-1") * label("MQTT5-3.2.0-1")) {
  BrokerWorld world;
  world.host.verdict.reset();
  FakeClient& good = world.open();
  FakeClient& bad = world.open();
  good.send(named("good", "u"));
  bad.send(named("bad", "u"));
  BOOST_TEST(good.receive().empty());
  BOOST_TEST(world.broker.counters().sessions == 0);
  world.broker.on_credentials_checked(good.id(), {});
  world.broker.on_credentials_checked(bad.id(), {ReasonCode::server_busy, "too many"});
  BOOST_TEST((good.expect<mqtt::Connack>().reason == ReasonCode::success));
  BOOST_TEST((bad.expect<mqtt::Connack>().reason == ReasonCode::server_busy));
  BOOST_TEST(!good.closed);
  BOOST_TEST(bad.closed);
}

BOOST_AUTO_TEST_CASE(who_leaves_before_his_verdict_is_forgotten) {
  BrokerWorld world;
  world.host.verdict.reset();
  FakeClient& client = world.open();
  client.send(named("a", "u"));
  client.drop();
  world.broker.on_credentials_checked(client.id(), {});
  BOOST_TEST(client.receive().empty());
  BOOST_TEST(world.broker.counters().sessions == 0);
}

BOOST_AUTO_TEST_CASE(packets_before_the_verdict_are_not_taken) {
  BrokerWorld world;
  FakeClient& watcher = world.connect("watcher");
  BrokerWorld::subscribe(watcher, "#");
  world.host.verdict.reset();
  FakeClient& client = world.open();
  client.send(named("a", "u"));
  client.send(BrokerWorld::message("t", "x"));
  BOOST_TEST(client.closed);
  world.broker.on_credentials_checked(client.id(), {});
  BOOST_TEST(watcher.messages().empty());
}

BOOST_AUTO_TEST_CASE(nobody_is_thrown_out_by_who_does_not_get_in) {
  BrokerWorld world;
  FakeClient& rightful = world.connect(named("a", "u"));
  world.host.verdict.reset();
  FakeClient& thief = world.open();
  thief.send(named("a", "u"));
  BOOST_TEST(!rightful.closed);
  world.broker.on_credentials_checked(thief.id(), {ReasonCode::not_authorized, "wrong password"});
  BOOST_TEST(thief.closed);
  BOOST_TEST(!rightful.closed);

  FakeClient& again = world.open();
  again.send(named("a", "u"));
  world.broker.on_credentials_checked(again.id(), {});
  BOOST_TEST(rightful.closed);
  BOOST_TEST((again.expect<mqtt::Connack>().reason == ReasonCode::success));
}

BOOST_AUTO_TEST_CASE(why_a_login_failed_is_logged_but_not_told) {
  BrokerWorld world;
  world.host.verdict = AuthVerdict{ReasonCode::not_authorized, "unknown user"};
  FakeClient& client = world.open();
  mqtt::Connect packet = named("a", "u");
  packet.properties.request_problem_information = 1;
  client.send(packet);
  BOOST_TEST(!client.expect<mqtt::Connack>().properties.reason_string.has_value());
  BOOST_TEST(world.log.count("client_refused client=a") == 1U);
  BOOST_TEST(world.log.count("reason=unknown user") == 1U);
  BOOST_TEST(world.log.count("secret") == 0U);
}

// --- TLS

BOOST_AUTO_TEST_CASE(the_name_tls_proved_is_the_user_whatever_connect_says) {
  AccessRules rules;
  rules.add_rule("device", Access::read_write, TopicFilter::parse("#").value());
  BrokerWorld world({}, rules);
  FakeClient& watcher = world.connect(named("watcher", "device"));
  BrokerWorld::subscribe(watcher, "#");
  world.host.verdict = AuthVerdict{ReasonCode::not_authorized, "no such password"};

  ConnectionInfo info;
  info.listener = 1;
  info.user_from_tls = true;
  info.tls_user = "device";
  FakeClient& client = world.open(ProtocolVersion::v5, info);
  client.send(named("a", "somebody else"));
  BOOST_TEST((client.expect<mqtt::Connack>().reason == ReasonCode::success));
  client.send(BrokerWorld::message("t", "x"));
  BOOST_TEST(watcher.texts() == Texts{"t=x"}, per_element());
}

BOOST_AUTO_TEST_CASE(where_tls_names_users_nobody_comes_in_without) {
  BrokerWorld world;
  ConnectionInfo info;
  info.user_from_tls = true;
  for (const auto version : {ProtocolVersion::v3_1_1, ProtocolVersion::v5}) {
    FakeClient& client = world.open(version, info);
    client.send(named("a", "u", version));
    BOOST_TEST((client.expect<mqtt::Connack>().reason == ReasonCode::bad_user_name_or_password));
    BOOST_TEST(client.closed);
  }
  info.tls_user = "device";
  FakeClient& exchanging = world.open(ProtocolVersion::v5, info);
  exchanging.send(by_method("a"));
  BOOST_TEST((exchanging.expect<mqtt::Connack>().reason == ReasonCode::bad_authentication_method));
  info.tls_user = "mesh:family";
  FakeClient& node = world.open(ProtocolVersion::v5, info);
  node.send(BrokerWorld::connect_packet("a"));
  BOOST_TEST((node.expect<mqtt::Connack>().reason == ReasonCode::not_authorized));
}

// --- What a listener takes

BOOST_AUTO_TEST_CASE(a_listener_takes_the_versions_it_was_told_to,
                     *label("MQTT-3.1.2-2") * label("MQTT5-3.1.2-2")) {
  ListenerPolicy policy = open_policy();
  policy.accepts_v3_1 = false;
  policy.accepts_v5 = false;
  std::optional<BrokerWorld> made;
  BrokerWorld& world = with_policy(made, policy);
  using enum ProtocolVersion;
  const auto answer = [&](ProtocolVersion version) {
    return answer_to(world, BrokerWorld::connect_packet("a", version));
  };
  BOOST_TEST((answer(v3_1) == ReasonCode::unsupported_protocol_version));
  BOOST_TEST((answer(v3_1_1) == ReasonCode::success));
  BOOST_TEST((answer(v5) == ReasonCode::unsupported_protocol_version));
}

BOOST_AUTO_TEST_CASE(a_listener_may_want_client_ids,
                     *label("MQTT5-3.1.3-8") * label("MQTT-3.1.3-9")) {
  ListenerPolicy policy = open_policy();
  policy.allow_zero_length_client_id = false;
  std::optional<BrokerWorld> made;
  BrokerWorld& world = with_policy(made, policy);
  for (const auto version : {ProtocolVersion::v3_1_1, ProtocolVersion::v5})
    BOOST_TEST((answer_to(world, BrokerWorld::connect_packet("", version))
                == ReasonCode::client_identifier_not_valid));
}

BOOST_AUTO_TEST_CASE(client_ids_begin_as_they_should) {
  BrokerSettings settings;
  settings.client_id_prefixes = "home-";
  std::optional<BrokerWorld> made;
  BrokerWorld& world = with_policy(made, open_policy(), settings);
  BOOST_TEST((answer_to(world, BrokerWorld::connect_packet("home-1")) == ReasonCode::success));
  BOOST_TEST(
      (answer_to(world, BrokerWorld::connect_packet("guest")) == ReasonCode::not_authorized));
  BOOST_TEST((answer_to(world, BrokerWorld::connect_packet("")) == ReasonCode::not_authorized));
}

BOOST_AUTO_TEST_CASE(ids_that_we_give_look_like_mosquittos, *label("MQTT5-3.2.2-16")) {
  ListenerPolicy policy = open_policy();
  policy.auto_id_prefix = "given-";
  std::optional<BrokerWorld> made;
  BrokerWorld& world = with_policy(made, policy);
  world.connect("");
  const std::string id(world.last_connack.properties.assigned_client_identifier.value());
  BOOST_TEST(id.size() == std::string("given-").size() + 36);
  BOOST_TEST(id.starts_with("given-"));
  for (const std::size_t at : {14U, 19U, 24U, 29U}) BOOST_TEST(id[at] == '-');
}

BOOST_AUTO_TEST_CASE(the_user_name_may_be_the_client_id) {
  ListenerPolicy policy = open_policy();
  policy.use_user_name_as_client_id = true;
  std::optional<BrokerWorld> made;
  BrokerWorld& world = with_policy(made, policy);
  BOOST_TEST((answer_to(world, BrokerWorld::connect_packet("a")) == ReasonCode::not_authorized));
  FakeClient& first = world.connect(named("a", "u"));
  BOOST_TEST(!world.last_connack.properties.assigned_client_identifier.has_value());
  world.connect(named("b", "u"));
  BOOST_TEST(first.closed);  // one user, one client
  world.connect(named("", "v"));
  BOOST_TEST((world.last_connack.properties.assigned_client_identifier == "v"));
}

BOOST_AUTO_TEST_CASE(what_is_wrong_with_the_client_id_is_said_before_passwords_are_looked_at) {
  BrokerWorld world;
  mqtt::Connect packet = named("", "u", ProtocolVersion::v3_1_1);
  packet.clean_start = false;
  BOOST_TEST((answer_to(world, packet) == ReasonCode::client_identifier_not_valid));
  BOOST_TEST(world.host.checked.empty());
}

// --- Exchanges

BOOST_AUTO_TEST_CASE(an_exchange_goes_back_and_forth_before_connack,
                     *label("MQTT5-4.12.0-2") * label("MQTT5-4.12.0-5")) {
  AccessRules rules;
  rules.add_rule("u", Access::read_write, TopicFilter::parse("#").value());
  BrokerWorld world({}, rules);
  world.host.steps = {go_on("challenge 1"), go_on("challenge 2"), accepted("u", "last word")};
  FakeClient& client = world.open(ProtocolVersion::v5, false);
  client.send(by_method("a"));
  const auto first = client.expect<mqtt::Auth>();
  BOOST_TEST((first.reason == ReasonCode::continue_authentication));
  BOOST_TEST((first.properties.authentication_method == "METHOD"));
  BOOST_TEST(data_of(first) == "challenge 1");
  client.send(auth(ReasonCode::continue_authentication, "answer 1"));
  BOOST_TEST(data_of(client.expect<mqtt::Auth>()) == "challenge 2");
  BOOST_TEST(world.broker.counters().sessions == 0);
  client.send(auth(ReasonCode::continue_authentication, "answer 2"));
  const auto connack = client.expect<mqtt::Connack>();
  BOOST_TEST((connack.reason == ReasonCode::success));
  BOOST_TEST((connack.properties.authentication_method == "METHOD"));
  BOOST_TEST(as_text(connack.properties.authentication_data.value()) == "last word");
  BOOST_TEST(world.host.exchanged
                 == (Texts{"begin METHOD hello", "continue answer 1", "continue answer 2", "end"}),
             per_element());

  BrokerWorld::subscribe(client, "#");
  client.send(BrokerWorld::message("t", "x"));  // as user "u"
  BOOST_TEST(client.texts() == Texts{"t=x"}, per_element());
  world.scheduler.run_for(1min);
  BOOST_TEST(!client.closed);
}

BOOST_AUTO_TEST_CASE(an_exchange_may_be_over_with_connect) {
  BrokerWorld world;
  world.host.steps = {accepted("u")};
  FakeClient& client = world.connect(by_method("a"));
  BOOST_TEST((world.last_connack.properties.authentication_method == "METHOD"));
  BOOST_TEST(!world.last_connack.properties.authentication_data.has_value());
  BOOST_TEST(!client.closed);
}

BOOST_AUTO_TEST_CASE(who_named_no_method_hears_of_none, *label("MQTT5-4.12.0-6")) {
  BrokerWorld world;
  world.connect("a");
  BOOST_TEST(!world.last_connack.properties.authentication_method.has_value());
}

BOOST_AUTO_TEST_CASE(a_failed_exchange_is_refused_and_closed,
                     *label("MQTT5-4.12.0-4") * label("MQTT5-4.12.0-1")) {
  BrokerWorld world;
  world.host.steps = {go_on("challenge"), refused(ReasonCode::not_authorized)};
  FakeClient& client = world.open();
  mqtt::Connect packet = by_method("a");
  packet.properties.request_problem_information = 1;
  client.send(packet);
  client.receive();
  client.send(auth(ReasonCode::continue_authentication, "wrong"));
  const auto connack = client.expect<mqtt::Connack>();
  BOOST_TEST((connack.reason == ReasonCode::not_authorized));
  BOOST_TEST(!connack.properties.reason_string.has_value());
  BOOST_TEST(client.closed);
  BOOST_TEST(world.host.exchanged.back() == "end");
  BOOST_TEST(world.broker.counters().sessions == 0);
}

BOOST_AUTO_TEST_CASE(in_an_exchange_nothing_but_auth_of_that_method_is_taken,
                     *label("MQTT5-4.12.0-3") * label("MQTT5-3.1.2-30")) {
  const auto refusal_of = [](const mqtt::Packet& packet) {
    BrokerWorld world;
    world.host.steps = {go_on("challenge"), accepted("u")};
    FakeClient& client = world.open();
    client.send(by_method("a"));
    client.receive();
    world.broker.on_packet(client.id(), packet);
    BOOST_TEST(client.closed);
    BOOST_TEST(world.host.exchanged.back() == "end");
    return client.expect<mqtt::Connack>().reason;
  };
  BOOST_TEST((refusal_of(auth(ReasonCode::continue_authentication, "x", "OTHER"))
              == ReasonCode::protocol_error));
  BOOST_TEST((refusal_of(auth(ReasonCode::re_authenticate, "x")) == ReasonCode::protocol_error));
  BOOST_TEST((refusal_of(mqtt::Auth{}) == ReasonCode::protocol_error));
  BOOST_TEST((refusal_of(BrokerWorld::message("t", "x")) == ReasonCode::protocol_error));
  BOOST_TEST((refusal_of(mqtt::Pingreq{}) == ReasonCode::protocol_error));
  BOOST_TEST((refusal_of(by_method("a")) == ReasonCode::protocol_error));
}

BOOST_AUTO_TEST_CASE(an_exchange_has_an_end_however_the_client_behaves) {
  BrokerWorld world;
  world.host.steps = {go_on("1"), go_on("2"), go_on("3"), go_on("4")};
  FakeClient& silent = world.open();
  silent.send(by_method("a"));
  world.scheduler.run_for(5s);
  silent.send(auth(ReasonCode::continue_authentication, "x"));
  silent.receive();
  world.scheduler.run_for(5s);
  BOOST_TEST((silent.expect<mqtt::Connack>().reason == ReasonCode::not_authorized));
  BOOST_TEST(silent.closed);

  FakeClient& gone = world.open();
  gone.send(by_method("b"));
  gone.drop();
  FakeClient& polite = world.open();
  polite.send(by_method("c"));
  polite.receive();
  polite.send(mqtt::Disconnect{});
  BOOST_TEST(polite.closed);
  BOOST_TEST(polite.receive().empty());
  BOOST_TEST(std::ranges::count(world.host.exchanged, "end") == 3);
  world.scheduler.run_for(1min);
}

BOOST_AUTO_TEST_CASE(a_client_that_cannot_take_our_auth_is_refused) {
  BrokerWorld world;
  world.host.steps = {go_on(std::string(100, 'x'))};
  FakeClient& client = world.open();
  mqtt::Connect packet = by_method("a");
  packet.properties.maximum_packet_size = 50;
  client.send(packet);
  BOOST_TEST((client.expect<mqtt::Connack>().reason == ReasonCode::packet_too_large));
  BOOST_TEST(client.closed);
}

BOOST_AUTO_TEST_CASE(the_user_of_an_exchange_keeps_to_the_rules_for_names) {
  BrokerWorld world;
  world.host.steps = {accepted("mesh:family")};
  FakeClient& client = world.open();
  client.send(by_method("a"));
  BOOST_TEST((client.expect<mqtt::Connack>().reason == ReasonCode::not_authorized));
}

// --- Re-authentication

BOOST_AUTO_TEST_CASE(a_live_connection_may_authenticate_anew_while_all_else_goes_on,
                     *label("MQTT5-4.12.0-2") * label("MQTT5-4.12.1-1")) {
  AccessRules rules;
  rules.add_rule("old", Access::read_write, TopicFilter::parse("old").value());
  rules.add_rule("new", Access::read_write, TopicFilter::parse("new").value());
  BrokerWorld world({}, rules);
  world.host.steps = {accepted("old"), go_on("challenge"), accepted("new", "last word")};
  FakeClient& client = world.connect(by_method("a"));
  BrokerWorld::subscribe(client, "#");
  client.send(auth(ReasonCode::re_authenticate, "again"));
  const auto challenge = client.expect<mqtt::Auth>();
  BOOST_TEST((challenge.reason == ReasonCode::continue_authentication));
  client.send(BrokerWorld::message("old", "1"));
  client.send(BrokerWorld::message("new", "1"));
  BOOST_TEST(client.texts() == Texts{"old=1"}, per_element());
  client.send(auth(ReasonCode::continue_authentication, "answer"));
  const auto done = client.expect<mqtt::Auth>();
  BOOST_TEST((done.reason == ReasonCode::success));
  BOOST_TEST((done.properties.authentication_method == "METHOD"));
  BOOST_TEST(data_of(done) == "last word");
  client.send(BrokerWorld::message("old", "2"));
  client.send(BrokerWorld::message("new", "2"));
  BOOST_TEST(client.texts() == Texts{"new=2"}, per_element());
}

BOOST_AUTO_TEST_CASE(a_failed_re_authentication_ends_the_connection,
                     *label("MQTT5-4.12.1-2") * label("MQTT5-4.12.1-1")) {
  const auto end_of = [](std::deque<AuthStep> steps, const mqtt::Auth& packet) {
    BrokerWorld world;
    steps.push_front(accepted("u"));
    world.host.steps = std::move(steps);
    FakeClient& client = world.connect(by_method("a"));
    client.send(packet);
    BOOST_TEST(client.closed);
    BOOST_TEST(world.host.exchanged.back() == "end");
    return client.expect<mqtt::Disconnect>().reason;
  };
  const mqtt::Auth again = auth(ReasonCode::re_authenticate, "x");
  BOOST_TEST((end_of({refused(ReasonCode::not_authorized)}, again) == ReasonCode::not_authorized));
  BOOST_TEST((end_of({accepted("mesh:x")}, again) == ReasonCode::not_authorized));
  BOOST_TEST(
      (end_of({}, auth(ReasonCode::re_authenticate, "x", "OTHER")) == ReasonCode::protocol_error));
  BOOST_TEST(
      (end_of({}, auth(ReasonCode::continue_authentication, "x")) == ReasonCode::protocol_error));
  BOOST_TEST((end_of({}, mqtt::Auth{}) == ReasonCode::protocol_error));
}

BOOST_AUTO_TEST_CASE(re_authentications_do_not_overlap_nor_come_too_early) {
  BrokerWorld world;
  world.host.steps = {accepted("u"), go_on("challenge")};
  FakeClient& hasty = world.connect(by_method("a"));
  hasty.send(auth(ReasonCode::re_authenticate, "x"));
  hasty.receive();
  hasty.send(auth(ReasonCode::re_authenticate, "x"));
  BOOST_TEST((hasty.expect<mqtt::Disconnect>().reason == ReasonCode::protocol_error));

  world.host.steps = {accepted("u")};
  world.host.hold_back = true;  // CONNACK waits
  FakeClient& early = world.open();
  early.send(by_method("b"));
  early.send(auth(ReasonCode::re_authenticate, "x"));
  BOOST_TEST(early.closed);
}

BOOST_AUTO_TEST_SUITE_END()
