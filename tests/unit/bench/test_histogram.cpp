#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <random>
#include <vector>

#include "src/bench/histogram.hpp"

using starling::bench::Histogram;

BOOST_AUTO_TEST_SUITE(bench_histogram)

BOOST_AUTO_TEST_CASE(nothing_recorded_is_all_zero) {
  const Histogram empty;
  BOOST_TEST(empty.count() == 0U);
  BOOST_TEST(empty.min() == 0U);
  BOOST_TEST(empty.at(0.99) == 0U);
  BOOST_TEST(empty.mean() == 0);
}

BOOST_AUTO_TEST_CASE(small_values_are_exact) {
  Histogram histogram;
  for (int i = 1; i <= 100; ++i) histogram.record(i);
  BOOST_TEST(histogram.at(0) == 1U);
  BOOST_TEST(histogram.at(0.5) == 50U);
  BOOST_TEST(histogram.at(0.99) == 99U);
  BOOST_TEST(histogram.at(1) == 100U);
  BOOST_TEST(histogram.mean() == 50.5);
}

BOOST_AUTO_TEST_CASE(every_single_value_is_told_to_within_one_percent_and_never_too_low) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 2'000; ++i) {
    const auto value = static_cast<std::int64_t>(
        std::exp2(std::uniform_real_distribution<double>(0, std::log2(3.5e12))(random)));
    Histogram histogram;
    histogram.record(value);
    histogram.record(4'000'000'000'000);  // so that max() does not make at() exact
    const auto told = static_cast<std::int64_t>(histogram.at(0.5));
    BOOST_TEST_REQUIRE(told >= value);
    BOOST_TEST_REQUIRE(static_cast<double>(told - value) <= 0.01 * static_cast<double>(value));
  }
}

BOOST_AUTO_TEST_CASE(percentiles_agree_with_the_sorted_values_to_within_one_percent) {
  std::mt19937_64 random(11);
  std::lognormal_distribution<double> latency(12, 2);
  std::vector<std::int64_t> values;
  Histogram histogram;
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(static_cast<std::int64_t>(latency(random)));
    histogram.record(values.back());
  }
  std::sort(values.begin(), values.end());
  for (const double part : {0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999}) {
    const auto rank = static_cast<std::size_t>(std::ceil(part * 20'000.0)) - 1;
    const auto exact = static_cast<double>(values[rank]);
    const auto told = static_cast<double>(histogram.at(part));
    BOOST_TEST(told >= exact);
    BOOST_TEST(told <= exact * 1.01 + 1);
  }
  BOOST_TEST(histogram.min() == static_cast<std::uint64_t>(values.front()));
  BOOST_TEST(histogram.max() == static_cast<std::uint64_t>(values.back()));
}

BOOST_AUTO_TEST_CASE(values_outside_of_its_range_count_as_its_ends) {
  Histogram histogram;
  histogram.record(-5);
  histogram.record(INT64_MAX);
  BOOST_TEST(histogram.count() == 2U);
  BOOST_TEST(histogram.min() == 0U);
  BOOST_TEST(histogram.max() == 3'600'000'000'000U);
}

BOOST_AUTO_TEST_CASE(merging_is_recording_into_one) {
  Histogram one;
  Histogram other;
  Histogram both;
  for (int i = 0; i < 1'000; ++i) {
    (i % 3 == 0 ? one : other).record(i * 977);
    both.record(i * 977);
  }
  one.merge(other);
  BOOST_TEST(one.count() == both.count());
  BOOST_TEST(one.at(0.9) == both.at(0.9));
  BOOST_TEST(one.min() == both.min());
  BOOST_TEST(one.max() == both.max());
  BOOST_TEST(one.mean() == both.mean());
}

BOOST_AUTO_TEST_SUITE_END()
