#include <csignal>
#include <string>
#include <sys/types.h>
#include <thread>

#include "src/uv/uv_inbox.hpp"
#include "src/uv/uv_signals.hpp"
#include "src/uv/uv_worker.hpp"
#include "tests/unit/uv/loop_fixture.hpp"

using namespace starling;
using namespace starling::test;
using namespace std::chrono_literals;

BOOST_FIXTURE_TEST_SUITE(uv_loop, LoopFixture)

BOOST_AUTO_TEST_CASE(run_returns_at_once_when_stop_came_first) {
  loop.stop();
  loop.run();
}

BOOST_AUTO_TEST_CASE(turn_end_tasks_run_after_the_event_that_asked_and_before_the_next) {
  std::string order;
  auto& scheduler = loop.scheduler();
  scheduler.wake_at(scheduler.now(), [&] {
    order += "event ";
    scheduler.at_turn_end([&] {
      order += "end ";
      scheduler.at_turn_end([&] { order += "still-end "; });
    });
    scheduler.wake_at(scheduler.now(), [&] {
      order += "next";
      loop.stop();
    });
    order += "returns ";
  });
  run();
  BOOST_TEST(order == "event returns end still-end next");
}

BOOST_AUTO_TEST_CASE(the_commit_of_a_turn_comes_after_all_its_tasks_whoever_asked_first) {
  std::string order;
  auto& scheduler = loop.scheduler();
  scheduler.wake_at(scheduler.now(), [&] {
    scheduler.at_turn_commit([&] {
      order += "commit ";
      scheduler.at_turn_end([&] { order += "after"; });
      loop.stop();
    });
    scheduler.at_turn_end([&] {
      order += "end ";
      scheduler.at_turn_end([&] { order += "still-end "; });
    });
  });
  run();
  BOOST_TEST(order == "end still-end commit after");
}

BOOST_AUTO_TEST_CASE(no_task_runs_early_and_equal_instants_keep_their_order) {
  auto& scheduler = loop.scheduler();
  const TimePoint start = loop.now();
  std::string order;
  // Instants between two milliseconds, where rounding down would show.
  for (int i = 1; i <= 20; ++i) {
    const TimePoint when = start + i * 700us + 1ns;
    scheduler.wake_at(when, [&, when] {
      BOOST_TEST((loop.now() >= when));
      order += 'x';
    });
  }
  const TimePoint same = start + 15ms + 3ns;
  for (const char c : {'a', 'b', 'c'}) scheduler.wake_at(same, [&order, c] { order += c; });
  scheduler.wake_at(same, [&] { loop.stop(); });
  run();
  BOOST_TEST(order == std::string(20, 'x') + "abc");
}

BOOST_AUTO_TEST_CASE(now_stands_still_within_a_turn) {
  auto& scheduler = loop.scheduler();
  scheduler.wake_at(scheduler.now(), [&] {
    const TimePoint first = scheduler.now();
    const auto until = std::chrono::steady_clock::now() + 2ms;
    while (std::chrono::steady_clock::now() < until) continue;
    BOOST_TEST((scheduler.now() == first));
    scheduler.wake_at(first, [&, first] {
      BOOST_TEST((scheduler.now() >= first + 2ms));
      loop.stop();
    });
  });
  run();
}

BOOST_AUTO_TEST_CASE(a_cancelled_wake_up_does_not_come) {
  auto& scheduler = loop.scheduler();
  bool came = false;
  const WakeId id = scheduler.wake_at(scheduler.now() + 1ms, [&] { came = true; });
  scheduler.wake_at(scheduler.now() + 3ms, [&] { loop.stop(); });
  scheduler.cancel(id);
  scheduler.cancel(WakeId{});
  run();
  BOOST_TEST(!came);
}

BOOST_AUTO_TEST_CASE(a_task_may_ask_for_itself_at_once_for_ever_without_stopping_the_loop) {
  auto& scheduler = loop.scheduler();
  int rounds = 0;
  std::function<void()> again = [&] {
    if (++rounds == 1'000) return loop.stop();
    scheduler.wake_at(scheduler.now(), again);
  };
  again();
  run();
  BOOST_TEST(rounds == 1'000);
}

BOOST_AUTO_TEST_CASE(a_wake_up_for_now_does_not_wait_for_the_next_millisecond) {
  auto& scheduler = loop.scheduler();
  int rounds = 0;
  bool late = false;
  std::function<void()> again = [&] {
    if (++rounds == 2'000) return loop.stop();
    scheduler.wake_at(scheduler.now(), again);
  };
  scheduler.wake_at(scheduler.now() + 1s, [&] { late = true; });
  again();
  run();
  BOOST_TEST(!late);
}

BOOST_AUTO_TEST_CASE(an_instant_in_the_past_counts_as_now_and_does_not_overtake) {
  auto& scheduler = loop.scheduler();
  const TimePoint start = scheduler.now();
  std::string order;
  scheduler.wake_at(start + 2ms, [&] {
    order += 'a';
    scheduler.wake_at(start, [&] {
      order += 'c';
      loop.stop();
    });
  });
  scheduler.wake_at(start + 2ms, [&] { order += 'b'; });
  run();
  BOOST_TEST(order == "abc");
}

BOOST_AUTO_TEST_CASE(other_threads_post_in_order) {
  UvInbox inbox(loop);
  std::vector<int> got;
  std::thread other([&, poster = inbox.poster()] {
    for (int i = 0; i < 1'000; ++i) {
      poster.post([&got, i] { got.push_back(i); });
    }
    poster.post([this] { loop.stop(); });
  });
  run();
  other.join();
  BOOST_REQUIRE(got.size() == 1'000);
  for (int i = 0; i < 1'000; ++i) BOOST_REQUIRE(got[static_cast<std::size_t>(i)] == i);
}

BOOST_AUTO_TEST_CASE(posting_to_an_inbox_that_is_gone_is_refused_and_nothing_of_it_runs) {
  auto inbox = std::make_unique<UvInbox>(loop);
  const auto poster = inbox->poster();
  bool ran = false;
  BOOST_TEST(poster.post([&] { ran = true; }));
  inbox.reset();
  BOOST_TEST(!poster.post([&] { ran = true; }));
  loop.scheduler().wake_at(loop.now() + 1ms, [&] { loop.stop(); });
  run();
  BOOST_TEST(!ran);
}

BOOST_AUTO_TEST_CASE(an_inbox_may_be_destroyed_by_its_own_task) {
  auto inbox = std::make_unique<UvInbox>(loop);
  bool ran = false;
  inbox->poster().post([&] {
    inbox.reset();
    loop.stop();
  });
  inbox->poster().post([&] { ran = true; });
  run();
  BOOST_TEST(!ran);
}

BOOST_AUTO_TEST_CASE(a_job_runs_elsewhere_and_its_answer_comes_back_to_the_loop) {
  UvWorker worker(loop);
  std::thread::id where_job;
  std::thread::id where_done;
  worker.run([&] { where_job = std::this_thread::get_id(); },
             [&] {
               where_done = std::this_thread::get_id();
               loop.stop();
             });
  run();
  BOOST_TEST((where_job != std::this_thread::get_id()));
  BOOST_TEST((where_done == std::this_thread::get_id()));
}

BOOST_AUTO_TEST_CASE(a_worker_that_is_gone_calls_nobody) {
  bool called = false;
  auto worker = std::make_unique<UvWorker>(loop);
  for (int i = 0; i < 100; ++i) worker->run([] {}, [&] { called = true; });
  worker.reset();
  loop.scheduler().wake_at(loop.now() + 5ms, [&] { loop.stop(); });
  run();
  BOOST_TEST(!called);
}

BOOST_AUTO_TEST_CASE(signals_arrive_as_calls_on_the_loop) {
  std::string got;
  UvSignals signals(loop, [&](int signal) {
    got += signal == SIGHUP ? "hup " : signal == SIGTERM ? "term " : "other ";
    if (signal == SIGTERM) loop.stop();
  });
  loop.scheduler().wake_at(loop.now(), [] {
    ::raise(SIGHUP);
    ::raise(SIGTERM);
  });
  run();
  BOOST_TEST(got == "hup term ");
}

BOOST_AUTO_TEST_CASE(a_loop_may_die_with_everything_still_asked_for) {
  UvLoop other;
  auto owned = std::make_shared<int>(0);
  other.scheduler().wake_at(other.now() + 1h, [owned] { ++*owned; });
  other.at_turn_end([owned] { ++*owned; });
}

BOOST_AUTO_TEST_SUITE_END()
