// Mount points: the clients of a listener live in a branch of the topics and do not know it. And
// what the broker says itself, which everybody may read under one name.
#include <boost/test/unit_test.hpp>

#include "tests/support/broker_world.hpp"

using namespace starling;
using namespace starling::test;
using boost::test_tools::per_element;
using boost::unit_test::label;
using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

namespace {

/// Listener 0 is plain, listener 1 has the mount point "m/".
struct MountedWorld : BrokerWorld {
  explicit MountedWorld(BrokerSettings settings = {}, const AccessRules& rules = {})
      : BrokerWorld(std::move(settings), listeners(rules)) {}
  static std::vector<ListenerPolicy> listeners(const AccessRules& rules) {
    ListenerPolicy plain;
    plain.name = "plain";
    plain.allow_anonymous = true;
    plain.rules = rules;
    ListenerPolicy mounted = plain;
    mounted.name = "mounted";
    mounted.mount_point = "m/";
    return {plain, mounted};
  }
  FakeClient& connect_mounted(const mqtt::Connect& packet) {
    ConnectionInfo info;
    info.listener = 1;
    FakeClient& client = open(packet.version, info);
    client.send(packet);
    last_connack = client.expect<mqtt::Connack>();
    return client;
  }
  FakeClient& connect_mounted(std::string_view id) { return connect_mounted(connect_packet(id)); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(broker_mount)

BOOST_AUTO_TEST_CASE(a_mounted_client_lives_in_its_branch_and_does_not_see_it) {
  MountedWorld world;
  FakeClient& inside = world.connect_mounted("inside");
  FakeClient& outside = world.connect("outside");
  BrokerWorld::subscribe(inside, "#", QoS::at_least_once);
  BrokerWorld::subscribe(outside, "#", QoS::at_least_once);
  inside.send(BrokerWorld::message("t", "1"));
  outside.send(BrokerWorld::message("m/t", "2", QoS::at_least_once, 1));
  outside.send(BrokerWorld::message("t", "3"));
  outside.send(BrokerWorld::message("m", "4"));   // "m/#" matches it, but it has no name inside
  outside.send(BrokerWorld::message("m/", "5"));  // nor has this
  BOOST_TEST(inside.texts() == (Texts{"t=1", "t=2"}), per_element());
  BOOST_TEST(outside.texts() == (Texts{"m/t=1", "m/t=2", "t=3", "m=4", "m/=5"}), per_element());
}

BOOST_AUTO_TEST_CASE(everything_of_a_mounted_client_is_mounted) {
  MountedWorld world;
  FakeClient& outside = world.connect("outside");
  BrokerWorld::subscribe(outside, "m/#");
  auto packet = BrokerWorld::connect_packet("inside");
  packet.will = mqtt::Will{"will", as_bytes(std::string_view("gone")), QoS::at_most_once, true, {}};
  packet.properties.topic_alias_maximum = 3;
  FakeClient& inside = world.connect_mounted(packet);
  mqtt::Publish aliased = BrokerWorld::message("kept", "x", QoS::at_most_once, 0, true);
  aliased.properties.topic_alias = 1;
  inside.send(aliased);
  aliased.topic = "";
  aliased.retain = false;
  inside.send(aliased);
  BOOST_TEST(outside.texts() == (Texts{"m/kept=x", "m/kept=x"}), per_element());

  inside.send(mqtt::Subscribe{1, {{"kept"}, {"$share/g/shared"}}, {}});
  outside.send(BrokerWorld::message("m/shared", "y"));
  outside.send(BrokerWorld::message("m/kept", "z"));
  BOOST_TEST(inside.texts() == (Texts{"kept=x", "shared=y", "=z"}), per_element());
  inside.send(mqtt::Unsubscribe{2, {"kept", "$share/g/shared"}, {}});
  const auto unsuback = inside.expect<mqtt::Unsuback>();
  for (const ReasonCode reason : unsuback.reasons) BOOST_TEST((reason == ReasonCode::success));
  outside.receive();
  inside.drop();
  BOOST_TEST(outside.texts() == Texts{"m/will=gone"}, per_element());
}

BOOST_AUTO_TEST_CASE(access_rules_see_the_whole_name) {
  AccessRules rules;
  rules.add_rule(std::nullopt, Access::read_write, TopicFilter::parse("m/open").value());
  MountedWorld world({}, rules);
  FakeClient& inside = world.connect_mounted("inside");
  BrokerWorld::subscribe(inside, "#");
  inside.send(BrokerWorld::message("open", "1"));
  inside.send(BrokerWorld::message("closed", "2"));
  BOOST_TEST(inside.texts() == Texts{"open=1"}, per_element());
  BOOST_TEST(world.broker.counters().denied_publish == 1);
}

BOOST_AUTO_TEST_CASE(the_brokers_own_topics_are_not_mounted) {
  MountedWorld world;
  FakeClient& inside = world.connect_mounted("inside");
  BrokerWorld::subscribe(inside, "$SYS/#");
  world.broker.publish_system(TopicName::parse("$SYS/broker/uptime").value(), "1", true);
  BOOST_TEST(inside.texts() == Texts{"$SYS/broker/uptime=1"}, per_element());
  inside.send(BrokerWorld::message("$SYS/broker/uptime", "2", QoS::at_least_once, 1));
  BOOST_TEST((inside.expect<mqtt::Puback>().reason == ReasonCode::not_authorized));
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_behind_the_mount_point_is_refused) {
  ListenerPolicy policy;
  policy.allow_anonymous = true;
  policy.mount_point = "m";  // "m+/x" is no filter
  BrokerSettings settings;
  settings.topic_levels_max = 3;
  BrokerWorld world(settings, std::vector{policy});
  FakeClient& client = world.connect("a");
  BOOST_TEST(
      (BrokerWorld::subscribe(client, "+/x").reasons.at(0) == ReasonCode::topic_filter_invalid));
  BOOST_TEST((BrokerWorld::subscribe(client, "a/b/c").reasons.at(0) == ReasonCode::success));
  client.send(BrokerWorld::message(std::string(65'535, 'x'), "y"));
  BOOST_TEST((client.expect<mqtt::Disconnect>().reason == ReasonCode::topic_name_invalid));
}

BOOST_AUTO_TEST_CASE(who_comes_back_behind_another_mount_point_is_spared_what_he_cannot_name) {
  MountedWorld world;
  FakeClient& outside = world.connect_durable("a");
  BrokerWorld::subscribe(outside, "#", QoS::at_least_once);
  outside.drop();
  FakeClient& writer = world.connect("writer");
  writer.send(BrokerWorld::message("t", "1", QoS::at_least_once, 1));
  writer.send(BrokerWorld::message("m/t", "2", QoS::at_least_once, 2));
  ConnectionInfo info;
  info.listener = 1;
  FakeClient& inside = world.open(ProtocolVersion::v5, info);
  inside.send(BrokerWorld::durable_packet("a"));
  BOOST_TEST(inside.texts() == Texts{"t=2"}, per_element());
  BOOST_TEST(world.broker.counters().queued_messages == 0);
}

BOOST_AUTO_TEST_CASE(the_store_learns_of_subscriptions_as_they_are_known_here) {
  BrokerSettings settings;
  settings.store_keeps_anything = true;
  MountedWorld world(settings);
  FakeClient& inside = world.connect_mounted(BrokerWorld::durable_packet("a"));
  BrokerWorld::subscribe(inside, "$share/g/t");
  inside.send(mqtt::Unsubscribe{1, {"$share/g/t"}, {}});
  std::string saved;
  std::string erased;
  for (const StoreChange& change : world.host.changes.changes) {
    if (const auto* one = std::get_if<SubscriptionSaved>(&change)) saved = one->subscription.filter;
    if (const auto* one = std::get_if<SubscriptionErased>(&change)) erased = one->filter;
  }
  BOOST_TEST(saved == "$share/g/m/t");
  BOOST_TEST(erased == saved);
}

// --- $SYS

BOOST_AUTO_TEST_CASE(what_the_broker_says_is_kept_for_who_asks_and_hidden_from_wildcards,
                     *label("MQTT-4.7.2-1") * label("MQTT5-4.7.2-1")) {
  BrokerWorld world;
  FakeClient& everything = world.connect("everything");
  BrokerWorld::subscribe(everything, "#", QoS::exactly_once);
  BrokerWorld::subscribe(everything, "+/broker/#", QoS::exactly_once);
  FakeClient& dashboard = world.connect("dashboard");
  BrokerWorld::subscribe(dashboard, "$SYS/#", QoS::exactly_once);
  const TopicName uptime = TopicName::parse("$SYS/broker/uptime").value();
  world.broker.publish_system(uptime, "10 seconds", true);
  const auto got = dashboard.expect<mqtt::Publish>();
  BOOST_TEST((got.qos == QoS::exactly_once));
  BOOST_TEST(everything.messages().empty());
  FakeClient& late = world.connect("late");
  mqtt::Subscription asked;
  asked.filter = "$SYS/broker/+";
  late.send(mqtt::Subscribe{1, {asked}, {}});
  BOOST_TEST(late.texts() == Texts{"$SYS/broker/uptime=10 seconds"}, per_element());
  BOOST_TEST(world.host.published.empty());  // the mesh never sees it
}

BOOST_AUTO_TEST_CASE(only_a_bridge_tells_its_own_state_under_sys) {
  BrokerWorld world;
  FakeClient& client = world.connect("a");
  BrokerWorld::subscribe(client, "$SYS/#");
  client.send(BrokerWorld::message("$SYS/broker/connection/b/state", "1"));
  client.send(BrokerWorld::message("$SYS/broker/connection/b", "1"));
  client.send(BrokerWorld::message("$SYS/broker/clients/total", "99"));
  client.send(BrokerWorld::message("$share/g/t", "1"));
  BOOST_TEST(client.texts() == Texts{"$SYS/broker/connection/b/state=1"}, per_element());
  BOOST_TEST(world.broker.counters().denied_publish == 3);
}

BOOST_AUTO_TEST_SUITE_END()
