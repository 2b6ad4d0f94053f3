#include <boost/test/unit_test.hpp>
#include <functional>

#include "src/bench/options.hpp"

using namespace starling;
using namespace starling::bench;

namespace {

Options completed(Load load) {
  Options options;
  options.load = load;
  BOOST_REQUIRE(complete(options).ok());
  return options;
}

/// What is said when `change` is asked of a `load`; empty: nothing is wrong.
std::string complaint(Load load, const std::function<void(Options&)>& change) {
  Options options;
  options.load = load;
  change(options);
  const auto result = complete(options);
  return result.ok() ? "" : result.error().what;
}

bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bench_options)

BOOST_AUTO_TEST_CASE(every_load_has_defaults_that_work) {
  for (const Load load : all_loads()) {
    const Options options = completed(load);
    BOOST_TEST(options.clients > 0U);
    BOOST_TEST(options.window > 0U);
    BOOST_TEST(options.warmup_s.has_value());
  }
  BOOST_TEST(completed(Load::fan_out).clients == 100U);
  BOOST_TEST((completed(Load::retained).qos == QoS::at_least_once));
  BOOST_TEST((completed(Load::pairs).qos == QoS::at_most_once));
  BOOST_TEST(completed(Load::tls_handshakes).tls);
  BOOST_TEST(!completed(Load::pairs).tls);
}

BOOST_AUTO_TEST_CASE(every_run_has_topics_of_its_own) {
  BOOST_TEST(completed(Load::pairs).topic != completed(Load::pairs).topic);
  BOOST_TEST(completed(Load::pairs).run != completed(Load::pairs).run);
}

BOOST_AUTO_TEST_CASE(a_qos_that_was_asked_for_stays) {
  Options options;
  options.load = Load::retained;
  options.qos_is_asked = true;
  BOOST_REQUIRE(complete(options).ok());
  BOOST_TEST((options.qos == QoS::at_most_once));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_is_refused_in_words) {
  const auto topic = [](const char* text) {
    return [text](Options& options) { options.topic = text; };
  };
  BOOST_TEST(mentions(complaint(Load::pairs, topic("a/#")), "--topic"));
  BOOST_TEST(mentions(complaint(Load::pairs, topic("a/+/b")), "--topic"));
  BOOST_TEST(complaint(Load::pairs, topic("a/b")).empty());
  BOOST_TEST(
      mentions(complaint(Load::pairs, [](Options& o) { o.window = window_max + 1; }), "--window"));
  BOOST_TEST(mentions(complaint(Load::pairs, [](Options& o) { o.seconds = 0; }), "--seconds"));
  BOOST_TEST(mentions(complaint(Load::pairs, [](Options& o) { o.rate = -1; }), "--rate"));
  BOOST_TEST(mentions(complaint(Load::pairs, [](Options& o) { o.topics = 0; }), "--topics"));
  BOOST_TEST(mentions(complaint(Load::pairs, [](Options& o) { o.size = 300'000'000; }), "--size"));
  BOOST_TEST(mentions(complaint(Load::pairs,
                                [](Options& o) {
                                  o.clients = 1'000;
                                  o.topics = 1'000'000;
                                }),
                      "--topics"));
  BOOST_TEST(mentions(complaint(Load::pairs, [](Options& o) { o.filters = 1; }), "wildcard"));
  BOOST_TEST(
      mentions(complaint(Load::pairs, [](Options& o) { o.resume = true; }), "tls-handshakes"));
  BOOST_TEST(mentions(complaint(Load::pairs, [](Options& o) { o.hold_s = 1; }), "connections"));
  BOOST_TEST(
      mentions(complaint(Load::pairs, [](Options& o) { o.publishers = 1; }), "offline-drain"));
  BOOST_TEST(mentions(complaint(Load::pairs, [](Options& o) { o.key_file = "k"; }), "--cert"));
  BOOST_TEST(mentions(complaint(Load::pairs, [](Options& o) { o.password = "p"; }), "-u"));
  BOOST_TEST(
      mentions(complaint(Load::offline_drain, [](Options& o) { o.qos_is_asked = true; }), "--qos"));
  BOOST_TEST(mentions(complaint(Load::pairs,
                                [](Options& o) {
                                  o.messages = 5;
                                  o.warmup_s = 1;
                                }),
                      "--warmup"));
}

BOOST_AUTO_TEST_CASE(payloads_without_a_stamp_bound_the_window) {
  const auto with_size = [](std::uint64_t size) {
    return [size](Options& options) {
      options.size = size;
      options.window = unstamped_window_max + 1;
    };
  };
  BOOST_TEST(mentions(complaint(Load::pairs, with_size(15)), "--window"));
  BOOST_TEST(complaint(Load::pairs, with_size(16)).empty());
}

BOOST_AUTO_TEST_CASE(two_brokers_need_payloads_with_a_stamp) {
  const auto far = [](std::uint64_t size) {
    return [size](Options& options) {
      options.subscribe_at = {"elsewhere", 1883};
      options.size = size;
    };
  };
  BOOST_TEST(mentions(complaint(Load::pairs, far(15)), "--size"));
  BOOST_TEST(complaint(Load::pairs, far(16)).empty());
}

BOOST_AUTO_TEST_SUITE_END()
