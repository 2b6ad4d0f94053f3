#include <boost/test/unit_test.hpp>

#include "src/log/metric_registry.hpp"

using namespace starling;

BOOST_AUTO_TEST_SUITE(metric_registry)

BOOST_AUTO_TEST_CASE(a_metric_is_one_number_however_often_it_is_asked_for) {
  MetricRegistry registry;
  registry.metric("starling_x_total").add(2);
  Metric& same = registry.metric("starling_x_total");
  same.add();
  BOOST_TEST(registry.all().at("starling_x_total").value == 3);
}

BOOST_AUTO_TEST_SUITE_END()
