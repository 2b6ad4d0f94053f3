#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <random>
#include <string>
#include <vector>

#include "src/uv/wake_queue.hpp"

using namespace starling;
using namespace std::chrono_literals;

namespace {

TimePoint at(Duration since_start) {
  return TimePoint{since_start};
}

void run_due(WakeQueue& queue, TimePoint now) {
  const auto mark = queue.mark();
  while (auto task = queue.take_due(now, mark)) (*task)();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(wake_queue)

BOOST_AUTO_TEST_CASE(nothing_runs_before_its_instant) {
  WakeQueue queue;
  int runs = 0;
  queue.add(at(10ms), [&] { ++runs; });
  run_due(queue, at(10ms - 1ns));
  BOOST_TEST(runs == 0);
  run_due(queue, at(10ms));
  BOOST_TEST(runs == 1);
  BOOST_TEST(!queue.earliest().has_value());
}

BOOST_AUTO_TEST_CASE(equal_instants_run_in_the_order_of_asking) {
  WakeQueue queue;
  std::string order;
  queue.add(at(2s), [&] { order += 'd'; });
  queue.add(at(1s), [&] { order += 'a'; });
  queue.add(at(1s), [&] { order += 'b'; });
  queue.add(at(1s), [&] { order += 'c'; });
  run_due(queue, at(5s));
  BOOST_TEST(order == "abcd");
}

BOOST_AUTO_TEST_CASE(what_a_task_asks_for_waits_for_the_next_pass) {
  WakeQueue queue;
  int runs = 0;
  queue.add(at(1s), [&] { queue.add(at(1s), [&] { ++runs; }); });
  run_due(queue, at(1s));
  BOOST_TEST(runs == 0);
  run_due(queue, at(1s));
  BOOST_TEST(runs == 1);
}

BOOST_AUTO_TEST_CASE(a_cancelled_task_does_not_run_and_is_destroyed_at_once) {
  WakeQueue queue;
  auto owned = std::make_shared<int>(0);
  const auto id = queue.add(at(1s), [owned] { ++*owned; });
  BOOST_TEST(owned.use_count() == 2);
  BOOST_TEST(queue.cancel(id));
  BOOST_TEST(owned.use_count() == 1);
  run_due(queue, at(2s));
  BOOST_TEST(*owned == 0);
}

BOOST_AUTO_TEST_CASE(a_stale_or_foreign_id_cancels_nothing) {
  WakeQueue queue;
  int runs = 0;
  const auto first = queue.add(at(1s), [] {});
  run_due(queue, at(1s));
  queue.add(at(2s), [&] { ++runs; });  // takes the place of the first
  BOOST_TEST(!queue.cancel(first));
  BOOST_TEST(!queue.cancel(0));
  BOOST_TEST(!queue.cancel(UINT64_MAX));
  run_due(queue, at(2s));
  BOOST_TEST(runs == 1);
}

BOOST_AUTO_TEST_CASE(any_mixture_of_adding_and_cancelling_keeps_the_order) {
  std::mt19937 random{4711};  // NOLINT: a fixed seed on purpose
  WakeQueue queue;
  struct Asked {
    TimePoint when;
    int number;
    std::uint64_t id;
  };
  std::vector<Asked> open;
  std::vector<int> ran;
  int asked = 0;
  for (int round = 0; round < 2'000; ++round) {
    const auto choice = random() % 8;
    if (choice < 5) {
      const auto when = at(std::chrono::milliseconds(random() % 50));
      const int number = asked++;
      open.push_back({when, number, queue.add(when, [&ran, number] { ran.push_back(number); })});
    } else if (choice < 7 && !open.empty()) {
      const std::size_t victim = random() % open.size();
      BOOST_REQUIRE(queue.cancel(open[victim].id));
      open.erase(open.begin() + static_cast<std::ptrdiff_t>(victim));
    } else {
      const auto now = at(std::chrono::milliseconds(random() % 50));
      std::stable_sort(open.begin(), open.end(),
                       [](const Asked& a, const Asked& b) { return a.when < b.when; });
      std::vector<int> expected;
      while (!open.empty() && open.front().when <= now) {
        expected.push_back(open.front().number);
        open.erase(open.begin());
      }
      std::sort(open.begin(), open.end(),
                [](const Asked& a, const Asked& b) { return a.number < b.number; });
      ran.clear();
      run_due(queue, now);
      BOOST_REQUIRE((ran == expected));
    }
    BOOST_REQUIRE(queue.size() == open.size());
  }
}

BOOST_AUTO_TEST_SUITE_END()
