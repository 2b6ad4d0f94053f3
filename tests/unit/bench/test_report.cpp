// Reports of made-up runs: the JSON is read by somebody else's parser, and its names are held fast.
#include <boost/property_tree/json_parser.hpp>
#include <boost/test/unit_test.hpp>
#include <sstream>

#include "src/bench/json_writer.hpp"
#include "src/bench/report.hpp"

using namespace starling;
using namespace starling::bench;
using Tree = boost::property_tree::ptree;

namespace {

Tree parse(const std::string& text) {
  std::istringstream in(text);
  Tree tree;
  boost::property_tree::read_json(in, tree);
  return tree;
}

/// Not get<double>(): GCC 12 suspects Boost's translator of reading what is not there.
double number(const Tree& json, const char* path) {
  return std::stod(json.get<std::string>(path));
}

Options some_options() {
  Options options;
  options.qos = QoS::at_least_once;
  options.size = 100;
  options.topic = "a \"quoted\" \\ name";
  BOOST_REQUIRE(complete(options).ok());
  return options;
}

Report some_report() {
  Report report;
  report.messages = {1'000, 1'000, 1'000, 990, 3, 2, 1};
  report.measured = Report::Measured{2.0, 800, 790, 780};
  report.latency_of = "publish to delivery";
  for (int i = 1; i <= 100; ++i) report.latency.record(i * 1'000);
  ProcessUsage process;
  process.pid = 42;
  process.name = "broker";
  process.before = {1.0, 1'000, 900};
  process.after = {1.5, 2'000, 1'900};
  process.rss_peak = 3'000;
  report.processes = {process, process};
  report.work = 780;
  report.work_of = "deliveries";
  report.memory = {"filter", 10, 1'000, 2'000};
  return report;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bench_report)

BOOST_AUTO_TEST_CASE(json_has_stable_names) {
  const Tree json = parse(to_json(some_options(), some_report(), "2001-02-03T04:05:06Z"));
  BOOST_TEST(number(json, "schema") == 1);
  BOOST_TEST(json.get<std::string>("load") == "pairs");
  BOOST_TEST(json.get<std::string>("date") == "2001-02-03T04:05:06Z");
  BOOST_TEST(json.get<std::string>("asked.topic") == "a \"quoted\" \\ name");
  BOOST_TEST(json.get<std::string>("asked.publish_at") == "localhost:1883");
  BOOST_TEST(number(json, "asked.qos") == 1);
  BOOST_TEST(number(json, "messages.sent") == 1'000);
  BOOST_TEST(number(json, "messages.expected") == 1'000);
  BOOST_TEST(number(json, "messages.delivered") == 990);
  BOOST_TEST(number(json, "messages.lost") == 10);
  BOOST_TEST(number(json, "messages.duplicated") == 3);
  BOOST_TEST(number(json, "messages.reordered") == 2);
  BOOST_TEST(number(json, "messages.foreign") == 1);
  BOOST_TEST(number(json, "measured.sent_per_s") == 400);
  BOOST_TEST(number(json, "measured.delivered_per_s") == 390);
  BOOST_TEST(number(json, "measured.delivered_mb_per_s") == 0.039);
  BOOST_TEST(number(json, "latency_us.min") == 1);
  BOOST_TEST(number(json, "latency_us.p50") == 50, boost::test_tools::tolerance(0.01));
  BOOST_TEST(number(json, "latency_us.p99_9") == 100, boost::test_tools::tolerance(0.01));
  BOOST_TEST(number(json, "latency_us.max") == 100);
  BOOST_TEST(json.get_child("processes").size() == 2U);
  const Tree& process = json.get_child("processes").front().second;
  BOOST_TEST(number(process, "pid") == 42);
  BOOST_TEST(number(process, "cpu_s") == 0.5);
  BOOST_TEST(number(process, "rss_peak") == 3'000);
  BOOST_TEST(number(process, "pss_after") == 1'900);
  BOOST_TEST(number(json, "cpu_s") == 1.0);
  BOOST_TEST(number(json, "per_cpu_s") == 780);
  BOOST_TEST(json.get<std::string>("memory.per") == "filter");
  BOOST_TEST(number(json, "memory.bytes_each") == 100);
  BOOST_TEST(json.get<std::string>("interrupted") == "false");
  BOOST_TEST(json.get<std::string>("error") == "null");
}

BOOST_AUTO_TEST_CASE(json_has_what_is_special_to_a_load) {
  Report report;
  report.connections = {10, 0.5};
  report.handshakes = {20, 15, 2};
  report.retained = {100, 0.5, 100, 0.001, 0.01};
  Report::Offline offline;
  offline.sessions = 2;
  offline.queued = 50;
  offline.queue_s = 0.5;
  offline.drained = 50;
  offline.drain_s = 0.25;
  report.offline = offline;
  report.filters = {1'000, 4};
  const Tree json = parse(to_json(some_options(), report, ""));
  BOOST_TEST(number(json, "connections.per_s") == 20);
  BOOST_TEST(number(json, "handshakes.resumed") == 15);
  BOOST_TEST(number(json, "retained.last_ms") == 10);
  BOOST_TEST(number(json, "retained.publish_per_s") == 200);
  BOOST_TEST(number(json, "offline.queue_per_s") == 100);
  BOOST_TEST(number(json, "offline.drain_ms") == 250);
  BOOST_TEST(number(json, "filters.per_s") == 250);
  BOOST_TEST(json.count("messages") == 0U);
  BOOST_TEST(json.count("latency_us") == 0U);
}

BOOST_AUTO_TEST_CASE(json_of_a_run_that_never_began_says_why) {
  Report report;
  report.trouble = Trouble{ExitStatus::unreachable, "nobody\nthere"};
  const Tree json = parse(to_json(some_options(), report, ""));
  BOOST_TEST(json.get<std::string>("error") == "nobody\nthere");
}

BOOST_AUTO_TEST_CASE(text_names_what_matters) {
  const std::string text = to_text(some_options(), some_report());
  for (const char* part : {"QoS 1", "390/s", "10 lost", "3 duplicated", "2 reordered", "p99.9",
                           "780 deliveries per CPU-second", "100 bytes per filter"})
    BOOST_TEST(text.find(part) != std::string::npos, part << " is missing in\n" << text);
}

BOOST_AUTO_TEST_CASE(lost_messages_fail_a_run_only_where_they_were_promised) {
  Report report = some_report();
  Options options = some_options();
  BOOST_TEST((exit_status_of(options, report) == ExitStatus::failed));
  report.interrupted = true;
  BOOST_TEST((exit_status_of(options, report) == ExitStatus::ok));
  report.interrupted = false;
  options.qos = QoS::at_most_once;
  BOOST_TEST((exit_status_of(options, report) == ExitStatus::ok));
  report.trouble = Trouble{ExitStatus::permission, "no"};
  BOOST_TEST((exit_status_of(options, report) == ExitStatus::permission));
}

BOOST_AUTO_TEST_CASE(late_arrivals_beyond_what_was_sent_are_no_negative_loss) {
  Report::Messages messages;
  messages.expected = 5;
  messages.delivered = 6;
  BOOST_TEST(messages.lost() == 0U);
}

BOOST_AUTO_TEST_CASE(json_has_no_infinities) {
  JsonWriter out;
  out.open();
  out.put("a", 1.0 / 0.0);
  out.open_list("list");
  out.close_list();
  out.put_null("none");
  out.close();
  BOOST_TEST(out.text() == R"({"a":0,"list":[],"none":null})");
}

BOOST_AUTO_TEST_SUITE_END()
