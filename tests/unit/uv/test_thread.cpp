#include <atomic>
#include <thread>
#include <vector>

#include "src/uv/uv_thread.hpp"
#include "tests/unit/uv/loop_fixture.hpp"

using namespace starling;
using namespace starling::test;

BOOST_FIXTURE_TEST_SUITE(uv_thread, LoopFixture)

BOOST_AUTO_TEST_CASE(jobs_run_on_one_other_thread_in_order_and_answers_come_to_the_loop) {
  UvThread worker(loop);
  std::vector<std::thread::id> where;  // touched by jobs only, one at a time
  std::vector<int> order;
  std::vector<int> answers;
  for (int i = 0; i < 100; ++i)
    worker.run(
        [&, i] {
          where.push_back(std::this_thread::get_id());
          order.push_back(i);
        },
        [&, i] {
          BOOST_TEST((std::this_thread::get_id() == where.front()) == false);
          answers.push_back(i);
          if (i == 99) loop.stop();
        });
  run();
  BOOST_REQUIRE(answers.size() == 100);
  for (int i = 0; i < 100; ++i) {
    BOOST_TEST(order[static_cast<std::size_t>(i)] == i);
    BOOST_TEST(answers[static_cast<std::size_t>(i)] == i);
    BOOST_TEST((where[static_cast<std::size_t>(i)] == where.front()));
  }
}

BOOST_AUTO_TEST_CASE(an_answer_may_ask_for_the_next_job) {
  UvThread worker(loop);
  std::atomic<int> jobs = 0;
  std::function<void()> next = [&] {
    if (jobs == 50) return loop.stop();
    worker.run([&] { ++jobs; }, next);
  };
  next();
  run();
  BOOST_TEST(jobs == 50);
}

BOOST_AUTO_TEST_CASE(its_end_waits_for_the_jobs_and_calls_nobody) {
  std::atomic<int> jobs = 0;
  bool called = false;
  {
    UvThread worker(loop);
    for (int i = 0; i < 100; ++i) worker.run([&] { ++jobs; }, [&] { called = true; });
  }
  BOOST_TEST(jobs == 100);
  loop.scheduler().wake_at(loop.now() + std::chrono::milliseconds(1), [this] { loop.stop(); });
  run();
  BOOST_TEST(!called);
}

BOOST_AUTO_TEST_SUITE_END()
