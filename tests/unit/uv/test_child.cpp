// UvChild: what a program writes, and the bounds that it cannot escape.
#include <optional>
#include <string>

#include "src/uv/uv_child.hpp"
#include "tests/unit/uv/loop_fixture.hpp"

using namespace starling;
using namespace starling::test;
using namespace std::chrono_literals;

namespace {

struct Running : LoopFixture {
  void run_program(std::vector<std::string> words, UvChild::Bounds bounds = {10s, 1000}) {
    child.emplace(loop, std::move(words), bounds, [this](Result<std::string> result) {
      BOOST_TEST(!answer.has_value());
      answer.emplace(std::move(result));
      child.reset();  // allowed from inside
      loop.stop();
    });
    BOOST_TEST(!answer.has_value());
    run();
  }
  [[nodiscard]] std::string why() const {
    BOOST_REQUIRE(answer.has_value() && !answer->ok());
    return answer->error().what;
  }

  std::optional<UvChild> child;
  std::optional<Result<std::string>> answer;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(uv_child)

BOOST_FIXTURE_TEST_CASE(what_it_writes_is_told_when_it_has_ended, Running) {
  run_program({"/bin/echo", "two words", "end"});
  BOOST_REQUIRE(answer->ok());
  BOOST_TEST(answer->value() == "two words end\n");
}

BOOST_FIXTURE_TEST_CASE(its_input_is_empty, Running) {
  run_program({"/bin/cat"});
  BOOST_REQUIRE(answer->ok());
  BOOST_TEST(answer->value() == "");
}

BOOST_FIXTURE_TEST_CASE(a_bad_end_is_told, Running) {
  run_program({"/bin/sh", "-c", "echo half; exit 3"});
  BOOST_TEST(why() == "it ended with status 3");
}

BOOST_FIXTURE_TEST_CASE(a_signal_is_told, Running) {
  run_program({"/bin/sh", "-c", "kill -ALRM $$"});
  BOOST_TEST(why() == "it was ended by signal 14");
}

BOOST_FIXTURE_TEST_CASE(a_program_that_is_not_there_is_told_later, Running) {
  run_program({"/nowhere/at/all"});
  BOOST_TEST(why() == "cannot run /nowhere/at/all: no such file or directory");
}

BOOST_FIXTURE_TEST_CASE(who_takes_too_long_is_killed, Running) {
  const auto began = std::chrono::steady_clock::now();
  run_program({"/bin/sleep", "1000"}, {50ms, 1000});
  BOOST_TEST(why() == "it has not ended in time");
  BOOST_TEST((std::chrono::steady_clock::now() - began < 10s));
}

BOOST_FIXTURE_TEST_CASE(who_writes_too_much_is_killed, Running) {
  run_program({"/usr/bin/yes"});
  BOOST_TEST(why() == "it wrote too much");
}

BOOST_FIXTURE_TEST_CASE(exactly_as_much_as_allowed_is_fine, Running) {
  run_program({"/usr/bin/printf", "%01000d", "1"});
  BOOST_REQUIRE(answer->ok());
  BOOST_TEST(answer->value().size() == 1000U);
}

BOOST_FIXTURE_TEST_CASE(a_grandchild_that_keeps_the_pipe_does_not_hold_us, Running) {
  run_program({"/bin/sh", "-c", "sleep 5 & exit 0"}, {200ms, 1000});
  BOOST_TEST(why() == "it has not ended in time");
}

BOOST_FIXTURE_TEST_CASE(who_is_not_wanted_any_more_is_killed_and_not_heard, Running) {
  child.emplace(loop, std::vector<std::string>{"/bin/sleep", "1000"}, UvChild::Bounds{10s, 1000},
                [](const Result<std::string>&) { BOOST_ERROR("told"); });
  child.reset();
  loop.scheduler().wake_at(loop.now() + 50ms, [this] { loop.stop(); });
  run();
}

BOOST_AUTO_TEST_SUITE_END()
