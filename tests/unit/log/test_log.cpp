#include <boost/test/unit_test.hpp>

#include "src/log/metric_registry.hpp"
#include "src/log/stderr_log.hpp"

using namespace starling;

BOOST_AUTO_TEST_SUITE(log_lines)

BOOST_AUTO_TEST_CASE(the_message_comes_first_and_fields_follow_as_logfmt) {
  BOOST_TEST(format_log_line("client_connected", {{"client", "tst"}, {"proto", 5}, {"clean", true}})
             == "client connected client=tst proto=5 clean=true");
}

BOOST_AUTO_TEST_CASE(text_from_strangers_cannot_forge_a_line) {
  BOOST_TEST(format_log_line("e", {{"client", "a\n<3>forged b=\"c\"\\"}})
             == "e client=\"a\\x0a<3>forged b=\\\"c\\\"\\\\\"");
  BOOST_TEST(format_log_line("e", {{"client", ""}}) == "e client=\"\"");
}

BOOST_AUTO_TEST_CASE(a_metric_is_one_number_however_often_it_is_asked_for) {
  MetricRegistry registry;
  registry.metric("starling_x_total").add(2);
  Metric& same = registry.metric("starling_x_total");
  same.add();
  BOOST_TEST(registry.all().at("starling_x_total").value == 3);
}

BOOST_AUTO_TEST_SUITE_END()
