// HeavyWork: what one turn takes, and that those who wait are served in order.
#include <boost/test/unit_test.hpp>
#include <optional>
#include <vector>

#include "src/node/heavy_work.hpp"
#include "tests/support/virtual_scheduler.hpp"

using namespace starling;

namespace {

constexpr std::size_t half = HeavyWork::weight_max / 2;
constexpr ConnectionId a{1};
constexpr ConnectionId b{2};
constexpr ConnectionId c{3};

/// Every client that is served takes `weight`.
struct Bench {
  VirtualScheduler scheduler;
  std::vector<ConnectionId> served;
  std::size_t weight = half;
  HeavyWork work{scheduler, [this](ConnectionId id) {
                   served.push_back(id);
                   BOOST_TEST(work.take(id, weight));
                 }};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(node_heavy_work)

BOOST_AUTO_TEST_CASE(a_turn_takes_what_fits_and_the_next_one_again) {
  Bench bench;
  BOOST_TEST(bench.work.take(a, half));
  BOOST_TEST(bench.work.take(a, HeavyWork::weight_max * 10));  // begun while there was room
  BOOST_TEST(bench.work.take(b, 0));                           // nothing is never too much
  bench.scheduler.end_turn();
  BOOST_TEST(bench.work.take(a, half));
}

BOOST_AUTO_TEST_CASE(who_waits_is_served_in_the_order_of_asking) {
  Bench bench;
  bench.weight = HeavyWork::weight_max;  // one in a turn
  BOOST_TEST(bench.work.take(a, HeavyWork::weight_max));
  BOOST_TEST(!bench.work.take(b, 1));
  BOOST_TEST(!bench.work.take(c, 1));
  bench.scheduler.end_turn();
  BOOST_TEST(!bench.work.take(a, 1));  // others came first
  bench.scheduler.run_for(Duration{0});
  BOOST_TEST((bench.served == std::vector<ConnectionId>{b, c, a}));
  BOOST_TEST(bench.work.take(c, 1));
}

BOOST_AUTO_TEST_CASE(clients_that_have_gone_cost_nothing) {
  VirtualScheduler scheduler;
  std::vector<ConnectionId> called;
  HeavyWork work(scheduler, [&](ConnectionId id) { called.push_back(id); });
  BOOST_TEST(work.take(a, HeavyWork::weight_max));
  BOOST_TEST(!work.take(b, HeavyWork::weight_max));
  BOOST_TEST(!work.take(c, HeavyWork::weight_max));
  scheduler.end_turn();
  scheduler.run_for(Duration{0});
  BOOST_TEST(called.size() == 2U);
  BOOST_TEST(work.take(a, 1));
}

BOOST_AUTO_TEST_SUITE_END()
