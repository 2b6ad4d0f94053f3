// The $SYS tree: Mosquitto's names, formats and averages, and the lines of the log as topics.
#include <boost/test/unit_test.hpp>
#include <map>
#include <set>

#include "starling/version.hpp"

#include "src/node/log_topics.hpp"
#include "src/node/system_topics.hpp"
#include "tests/support/broker_world.hpp"

using namespace starling;
using namespace starling::test;
using namespace std::chrono_literals;

namespace {

/// A broker, its $SYS tree, and a dashboard that keeps the last value of each topic.
struct Dashboard {
  explicit Dashboard(std::uint32_t interval_s = 10)
      : topics(world.scheduler, world.broker, interval_s, [this] { return readings; }),
        reader(world.connect("dashboard")) {
    BrokerWorld::subscribe(reader, "$SYS/#");
  }
  /// Takes what has come; returns the topics below $SYS/broker/ in their order.
  std::vector<std::string> take() {
    std::vector<std::string> names;
    for (const mqtt::Publish& message : reader.messages()) {
      BOOST_TEST(message.topic.starts_with("$SYS/broker/"));
      const std::string name(message.topic.substr(12));
      values[name] = as_text(message.payload);
      names.push_back(name);
    }
    return names;
  }
  const std::string& value(const std::string& name) {
    take();
    BOOST_REQUIRE_MESSAGE(values.contains(name), "nothing at " << name);
    return values[name];
  }

  BrokerWorld world;
  SystemReadings readings;
  SystemTopics topics;
  FakeClient& reader;
  std::map<std::string, std::string> values;
};

bool has(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

/// What dashboards, Home Assistant's sensors and exporters read.
const std::vector<std::string> names_of_mosquitto = [] {
  std::vector<std::string> names{"version",
                                 "uptime",
                                 "clients/total",
                                 "clients/maximum",
                                 "clients/connected",
                                 "clients/disconnected",
                                 "clients/expired",
                                 "clients/active",
                                 "clients/inactive",
                                 "messages/received",
                                 "messages/sent",
                                 "messages/stored",
                                 "publish/messages/received",
                                 "publish/messages/sent",
                                 "publish/messages/dropped",
                                 "publish/bytes/received",
                                 "publish/bytes/sent",
                                 "bytes/received",
                                 "bytes/sent",
                                 "retained messages/count",
                                 "subscriptions/count",
                                 "shared_subscriptions/count",
                                 "store/messages/count",
                                 "store/messages/bytes",
                                 "packet/out/count",
                                 "packet/out/bytes",
                                 "connections/socket/count",
                                 "heap/current",
                                 "heap/maximum"};
  for (const char* what :
       {"messages/received", "messages/sent", "publish/received", "publish/sent", "publish/dropped",
        "bytes/received", "bytes/sent", "sockets", "connections"})
    for (const char* window : {"1min", "5min", "15min"})
      names.push_back(std::string("load/") + what + "/" + window);
  return names;
}();

}  // namespace

BOOST_AUTO_TEST_SUITE(system_topics)

BOOST_AUTO_TEST_CASE(the_first_round_has_every_name_of_mosquitto_once) {
  Dashboard dashboard;
  dashboard.topics.start();
  const auto came = dashboard.take();
  const std::set<std::string> once(came.begin(), came.end());
  BOOST_TEST(once.size() == came.size());
  for (const std::string& name : names_of_mosquitto) BOOST_TEST(once.contains(name), name);
}

BOOST_AUTO_TEST_CASE(values_look_as_mosquitto_writes_them) {
  Dashboard dashboard;
  dashboard.topics.start();
  BOOST_TEST(dashboard.value("version") == std::string("starling version ") + version);
  BOOST_TEST(dashboard.value("uptime") == "0 seconds");
  BOOST_TEST(dashboard.value("load/bytes/sent/15min") == "0.00");
  BOOST_TEST(dashboard.value("clients/total") == "1");
  dashboard.world.scheduler.run_for(30s);
  BOOST_TEST(dashboard.value("uptime") == "30 seconds");
}

BOOST_AUTO_TEST_CASE(values_are_retained_for_dashboards_that_come_later) {
  Dashboard dashboard;
  dashboard.topics.start();
  FakeClient& late = dashboard.world.connect("late");
  mqtt::Subscription asked;
  asked.filter = "$SYS/broker/uptime";
  late.send(mqtt::Subscribe{1, {asked}, {}});
  const auto messages = late.messages();
  BOOST_REQUIRE_EQUAL(messages.size(), 1U);
  BOOST_TEST(messages.front().retain);
  BOOST_TEST(as_text(messages.front().payload) == "0 seconds");
}

BOOST_AUTO_TEST_CASE(who_asks_for_qos_2_gets_it) {
  Dashboard dashboard;
  FakeClient& reader = dashboard.world.connect("careful");
  BrokerWorld::subscribe(reader, "$SYS/broker/uptime", QoS::exactly_once);
  dashboard.topics.start();
  const auto messages = reader.messages();
  BOOST_REQUIRE_EQUAL(messages.size(), 1U);
  BOOST_TEST((messages.front().qos == QoS::exactly_once));
}

BOOST_AUTO_TEST_CASE(a_value_that_stays_is_not_published_again) {
  Dashboard dashboard;
  dashboard.topics.start();
  dashboard.take();
  dashboard.world.scheduler.run_for(10s);
  const auto came = dashboard.take();
  BOOST_TEST(has(came, "uptime"));
  BOOST_TEST(!has(came, "version"));
  BOOST_TEST(!has(came, "clients/total"));
  BOOST_TEST(!has(came, "load/sockets/1min"));

  dashboard.world.connect("another");
  dashboard.world.scheduler.run_for(10s);
  BOOST_TEST(has(dashboard.take(), "clients/total"));
}

BOOST_AUTO_TEST_CASE(nothing_comes_between_two_rounds) {
  Dashboard dashboard;
  dashboard.topics.start();
  dashboard.take();
  dashboard.world.connect("another");
  dashboard.world.scheduler.run_for(9s);
  BOOST_TEST(dashboard.take().empty());
  dashboard.world.scheduler.run_for(1s);
  BOOST_TEST(!dashboard.take().empty());
}

BOOST_AUTO_TEST_CASE(clients_are_counted_under_old_and_new_names) {
  Dashboard dashboard;
  dashboard.topics.start();
  FakeClient& sleeper = dashboard.world.connect_durable("sleeper");
  sleeper.drop();
  dashboard.world.connect("awake");
  dashboard.world.scheduler.run_for(10s);
  BOOST_TEST(dashboard.value("clients/total") == "3");
  BOOST_TEST(dashboard.value("clients/maximum") == "3");
  for (const char* name : {"clients/connected", "clients/active"})
    BOOST_TEST(dashboard.value(name) == "2");
  for (const char* name : {"clients/disconnected", "clients/inactive"})
    BOOST_TEST(dashboard.value(name) == "1");
  dashboard.world.scheduler.run_for(2h);  // the sleeper's session has ended
  BOOST_TEST(dashboard.value("clients/total") == "2");
  BOOST_TEST(dashboard.value("clients/maximum") == "3");
  BOOST_TEST(dashboard.value("clients/expired") == "1");
}

BOOST_AUTO_TEST_CASE(publications_and_their_bytes_are_counted) {
  Dashboard dashboard(0);
  FakeClient& client = dashboard.world.connect("client");
  BrokerWorld::subscribe(client, "a/#");
  client.send(BrokerWorld::message("a/b", "hello"));
  client.send(BrokerWorld::message("nobody/listens", "abc"));
  dashboard.topics.start();
  dashboard.topics.set_interval(10);
  BOOST_TEST(dashboard.value("publish/messages/received") == "2");
  BOOST_TEST(dashboard.value("publish/bytes/received") == "8");
  BOOST_TEST(dashboard.value("publish/messages/sent") == "1");
  BOOST_TEST(dashboard.value("publish/bytes/sent") == "5");
  BOOST_TEST(dashboard.value("subscriptions/count") == "2");
}

/// What Mosquitto 2.0.11 published two seconds after a client had connected and brought two packets.
BOOST_AUTO_TEST_CASE(loads_fade_as_mosquittos_do) {
  Dashboard dashboard(2);
  dashboard.topics.start();
  dashboard.readings.sockets_accepted = 1;
  dashboard.world.scheduler.run_for(2s);
  BOOST_TEST(dashboard.value("load/sockets/1min") == "0.98");
  BOOST_TEST(dashboard.value("load/sockets/5min") == "0.20");
  BOOST_TEST(dashboard.value("load/sockets/15min") == "0.07");
  dashboard.world.scheduler.run_for(2s);
  BOOST_TEST(dashboard.value("load/sockets/1min") == "0.95");
  dashboard.readings.sockets_accepted = 3;
  dashboard.world.scheduler.run_for(2s);
  BOOST_TEST(dashboard.value("load/sockets/1min") == "2.89");
}

BOOST_AUTO_TEST_CASE(a_load_comes_down_to_nothing_when_nothing_happens) {
  Dashboard dashboard;
  dashboard.topics.start();
  dashboard.readings.sockets_accepted = 1'000;
  dashboard.world.scheduler.run_for(10s);
  BOOST_TEST(dashboard.value("load/sockets/1min") == "921.11");
  dashboard.world.scheduler.run_for(1h);
  BOOST_TEST(dashboard.value("load/sockets/1min") == "0.00");
}

BOOST_AUTO_TEST_CASE(the_heaps_maximum_stays_when_memory_is_given_back) {
  Dashboard dashboard;
  dashboard.readings.heap_bytes = 5'000;
  dashboard.topics.start();
  dashboard.readings.heap_bytes = 3'000;
  dashboard.world.scheduler.run_for(10s);
  BOOST_TEST(dashboard.value("heap/current") == "3000");
  BOOST_TEST(dashboard.value("heap/maximum") == "5000");
}

BOOST_AUTO_TEST_CASE(what_the_node_adds_stands_under_our_name) {
  Dashboard dashboard;
  dashboard.readings.more = {{"mesh/peers/linked", 3}};
  dashboard.readings.output_bytes = 7;
  dashboard.topics.start();
  BOOST_TEST(dashboard.value("starling/mesh/peers/linked") == "3");
  BOOST_TEST(dashboard.value("starling/dropped/queue_full") == "0");
  BOOST_TEST(dashboard.value("packet/out/bytes") == "7");
}

BOOST_AUTO_TEST_CASE(an_interval_of_zero_means_no_tree) {
  Dashboard dashboard(0);
  dashboard.topics.start();
  dashboard.world.scheduler.run_for(1h);
  BOOST_TEST(dashboard.take().empty());
}

BOOST_AUTO_TEST_CASE(another_interval_holds_at_once) {
  Dashboard dashboard;
  dashboard.topics.start();
  dashboard.topics.set_interval(0);
  dashboard.take();
  dashboard.world.scheduler.run_for(1h);
  BOOST_TEST(dashboard.take().empty());
  dashboard.topics.set_interval(1);
  BOOST_TEST(dashboard.value("uptime") == "3600 seconds");
  dashboard.world.scheduler.run_for(1s);
  BOOST_TEST(dashboard.value("uptime") == "3601 seconds");
}

BOOST_AUTO_TEST_CASE(a_tree_that_is_taken_down_leaves_no_wake_up) {
  BrokerWorld world;
  {
    SystemTopics topics(world.scheduler, world.broker, 10, [] { return SystemReadings{}; });
    topics.start();
    BOOST_TEST(world.scheduler.waiting() == 1U);
  }
  BOOST_TEST(world.scheduler.waiting() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(log_topics)

BOOST_AUTO_TEST_CASE(a_line_is_published_at_the_end_of_the_turn_and_not_retained) {
  BrokerWorld world;
  LogTopics lines(world.scheduler, world.broker);
  FakeClient& reader = world.connect("reader");
  BrokerWorld::subscribe(reader, "$SYS/broker/log/#");
  lines.add("$SYS/broker/log/N", "1795206987: Client tst disconnected.");
  BOOST_TEST(reader.texts().empty());
  world.scheduler.end_turn();
  BOOST_TEST(
      reader.texts()
          == std::vector<std::string>{"$SYS/broker/log/N=1795206987: Client tst disconnected."},
      boost::test_tools::per_element());

  FakeClient& late = world.connect("late");
  BrokerWorld::subscribe(late, "$SYS/broker/log/#");
  BOOST_TEST(late.texts().empty());
}

BOOST_AUTO_TEST_CASE(a_turn_full_of_lines_is_cut_short) {
  BrokerWorld world;
  LogTopics lines(world.scheduler, world.broker);
  FakeClient& reader = world.connect("reader");
  BrokerWorld::subscribe(reader, "$SYS/broker/log/#");
  for (std::size_t i = 0; i < limits::log_topic_lines_max + 5; ++i)
    lines.add("$SYS/broker/log/N", "line");
  world.scheduler.end_turn();
  BOOST_TEST(reader.texts().size() == limits::log_topic_lines_max);
  lines.add("$SYS/broker/log/N", "line");
  world.scheduler.end_turn();
  BOOST_TEST(reader.texts().size() == 1U);
}

BOOST_AUTO_TEST_CASE(lines_that_wait_for_nobody_are_forgotten) {
  BrokerWorld world;
  FakeClient& reader = world.connect("reader");
  BrokerWorld::subscribe(reader, "$SYS/broker/log/#");
  {
    LogTopics lines(world.scheduler, world.broker);
    lines.add("$SYS/broker/log/N", "line");
  }
  world.scheduler.end_turn();
  BOOST_TEST(reader.texts().empty());
}

BOOST_AUTO_TEST_SUITE_END()
