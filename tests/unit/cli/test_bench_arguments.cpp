#include <boost/test/unit_test.hpp>

#include "src/cli/bench_arguments.hpp"

using namespace starling;
using starling::bench::Load;
using starling::bench::Options;
using starling::cli::parse_bench_arguments;

namespace {

Options options_of(const std::vector<std::string>& words) {
  const auto arguments = parse_bench_arguments(words);
  BOOST_REQUIRE_MESSAGE(arguments.text.empty(), arguments.text);
  return arguments.options;
}

std::string complaint_of(const std::vector<std::string>& words) {
  const auto arguments = parse_bench_arguments(words);
  BOOST_REQUIRE(arguments.text_is_error);
  BOOST_TEST(arguments.text.find("starling bench --help") != std::string::npos);
  return arguments.text;
}

bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cli_bench_arguments)

BOOST_AUTO_TEST_CASE(nothing_written_is_pairs_at_localhost) {
  const Options options = options_of({});
  BOOST_TEST((options.load == Load::pairs));
  BOOST_TEST(options.publish_at.to_text() == "localhost:1883");
  BOOST_TEST(options.subscribe_at.to_text() == "localhost:1883");
  BOOST_TEST(options.clients == 10U);
  BOOST_TEST(!options.tls);
}

BOOST_AUTO_TEST_CASE(every_load_is_known_by_its_name) {
  for (const Load load : bench::all_loads())
    BOOST_TEST((options_of({bench::to_text(load)}).load == load));
}

BOOST_AUTO_TEST_CASE(everything_that_is_written_arrives) {
  const Options options =
      options_of({"wildcard", "-h",         "broker.lan", "-p",           "1999",    "-u",
                  "me",       "-P",         "secret",     "-n",           "7",       "--topics",
                  "3",        "-q",         "2",          "--size",       "128",     "--seconds",
                  "0.5",      "--warmup",   "0.25",       "--window",     "9",       "--rate",
                  "1000",     "--filters",  "5000",       "--connecting", "11",      "--topic",
                  "load",     "--protocol", "5",          "--keepalive",  "30",      "--pid",
                  "1,2",      "--pid",      "3",          "--json",       "--quiet", "--cafile",
                  "ca.pem",   "--cert",     "c.pem",      "--key",        "k.pem",   "--insecure"});
  BOOST_TEST(options.publish_at.to_text() == "broker.lan:1999");
  BOOST_TEST(*options.user_name == "me");
  BOOST_TEST(*options.password == "secret");
  BOOST_TEST(options.clients == 7U);
  BOOST_TEST(options.topics == 3U);
  BOOST_TEST((options.qos == QoS::exactly_once));
  BOOST_TEST(options.size == 128U);
  BOOST_TEST(options.seconds == 0.5);
  BOOST_TEST(*options.warmup_s == 0.25);
  BOOST_TEST(options.window == 9U);
  BOOST_TEST(options.rate == 1000);
  BOOST_TEST(options.filters == 5000U);
  BOOST_TEST(options.connecting == 11U);
  BOOST_TEST(options.topic == "load");
  BOOST_TEST((options.protocol == mqtt::ProtocolVersion::v5));
  BOOST_TEST(options.keep_alive_s == 30U);
  BOOST_TEST(options.pids == (std::vector<std::uint32_t>{1, 2, 3}),
             boost::test_tools::per_element());
  BOOST_TEST(options.json);
  BOOST_TEST(options.quiet);
  BOOST_TEST(options.tls);
  BOOST_TEST(options.insecure);
  BOOST_TEST(options.ca_file == "ca.pem");
}

BOOST_AUTO_TEST_CASE(two_brokers_are_named_each) {
  const Options options =
      options_of({"--publish-at", "a.lan", "--subscribe-at", "[::1]:1884", "-p", "1885"});
  BOOST_TEST(options.publish_at.to_text() == "a.lan:1885");
  BOOST_TEST(options.subscribe_at.to_text() == "[::1]:1884");
}

BOOST_AUTO_TEST_CASE(tls_has_a_port_of_its_own) {
  BOOST_TEST(options_of({"--tls"}).publish_at.port == 8883);
  BOOST_TEST(options_of({"--cafile", "x"}).publish_at.port == 8883);
  BOOST_TEST(options_of({"tls-handshakes"}).publish_at.port == 8883);
  BOOST_TEST(options_of({"--tls", "-p", "1"}).publish_at.port == 1);
}

BOOST_AUTO_TEST_CASE(wrong_usage_is_told_with_a_hint) {
  BOOST_TEST(mentions(complaint_of({"fan-around"}), "fan-out"));
  BOOST_TEST(mentions(complaint_of({"--qos", "3"}), "--qos"));
  BOOST_TEST(mentions(complaint_of({"--protocol", "4"}), "--protocol"));
  BOOST_TEST(mentions(complaint_of({"--port", "0"}), "--port"));
  BOOST_TEST(mentions(complaint_of({"--publish-at", "host:port"}), "--publish-at"));
  BOOST_TEST(mentions(complaint_of({"--pid", "broker"}), "--pid"));
  BOOST_TEST(mentions(complaint_of({"--no-such-option"}), "--no-such-option"));
  BOOST_TEST(mentions(complaint_of({"pairs", "too", "many"}), "too"));
  BOOST_TEST(mentions(complaint_of({"--filters", "3"}), "wildcard"));
}

BOOST_AUTO_TEST_CASE(help_names_every_load_and_fits_the_terminal) {
  const auto arguments = parse_bench_arguments({"--help"});
  BOOST_TEST(!arguments.text_is_error);
  for (const Load load : bench::all_loads())
    BOOST_TEST(mentions(arguments.text, std::string("  ") + bench::to_text(load)));
  std::size_t line_begin = 0;
  while (line_begin < arguments.text.size()) {
    const std::size_t end = arguments.text.find('\n', line_begin);
    BOOST_TEST(end - line_begin <= 100U, arguments.text.substr(line_begin, end - line_begin));
    line_begin = end + 1;
  }
}

BOOST_AUTO_TEST_SUITE_END()
