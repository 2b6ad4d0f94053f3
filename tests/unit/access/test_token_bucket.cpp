#include <boost/test/unit_test.hpp>
#include <chrono>

#include "src/access/token_bucket.hpp"

using namespace starling;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(token_bucket)

BOOST_AUTO_TEST_CASE(a_burst_then_the_rate) {
  TimePoint now{};
  TokenBucket bucket(10, 5, now);
  for (int i = 0; i < 5; ++i) BOOST_TEST(bucket.take(1, now));
  BOOST_TEST(!bucket.take(1, now));
  BOOST_TEST(!bucket.take(1, now + 99ms));
  BOOST_TEST(bucket.take(1, now + 100ms));
  BOOST_TEST(!bucket.take(1, now + 100ms));
}

BOOST_AUTO_TEST_CASE(idle_time_fills_no_more_than_a_burst) {
  TimePoint now{};
  TokenBucket bucket(10, 5, now);
  now += 1h;
  int taken = 0;
  while (bucket.take(1, now)) ++taken;
  BOOST_TEST(taken == 5);
}

BOOST_AUTO_TEST_CASE(ready_at_keeps_its_word) {
  TimePoint now{};
  TokenBucket bucket(3, 2, now);
  BOOST_TEST((bucket.ready_at(1, now) == now));
  for (int i = 0; i < 200; ++i) {
    while (bucket.take(1, now)) {
    }
    const TimePoint ready = bucket.ready_at(1, now);
    BOOST_REQUIRE((ready > now));
    BOOST_REQUIRE(!bucket.take(1, now + (ready - now) / 2));
    BOOST_REQUIRE(bucket.take(1, ready));
    now = ready;
  }
}

BOOST_AUTO_TEST_CASE(the_long_run_obeys_the_rate) {
  TimePoint now{};
  TokenBucket bucket(1'000, 10, now);
  int taken = 0;
  for (int ms = 0; ms < 10'000; ++ms, now += 1ms)
    for (int i = 0; i < 3; ++i) taken += bucket.take(1, now) ? 1 : 0;
  BOOST_TEST(taken >= 9'999);
  BOOST_TEST(taken <= 10'012);
}

BOOST_AUTO_TEST_CASE(a_debt_is_paid_before_anything_is_taken) {
  TimePoint now{};
  TokenBucket bucket(10, 5, now);
  bucket.charge(8, now);
  BOOST_TEST(!bucket.take(1, now + 300ms));
  BOOST_TEST(bucket.take(1, now + 400ms));
  bucket.charge(1e9, now + 400ms);  // forgiven beyond one burst
  BOOST_TEST(bucket.take(1, now + 1'000ms));
}

BOOST_AUTO_TEST_CASE(time_that_stands_still_or_goes_back_gives_nothing) {
  TimePoint now{};
  now += 1h;
  TokenBucket bucket(10, 1, now);
  BOOST_TEST(bucket.take(1, now));
  BOOST_TEST(!bucket.take(1, now - 1min));
  BOOST_TEST(!bucket.take(1, now));
  BOOST_TEST(bucket.take(1, now + 100ms));
}

BOOST_AUTO_TEST_SUITE_END()
