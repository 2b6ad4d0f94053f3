#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <random>
#include <set>
#include <vector>

#include "src/bench/sequence_checker.hpp"

using starling::bench::SequenceChecker;
using Verdict = SequenceChecker::Verdict;

namespace {

struct Totals {
  std::uint64_t fresh = 0;
  std::uint64_t late = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t skipped = 0;
};

Totals feed(SequenceChecker& checker, const std::vector<std::uint32_t>& numbers) {
  Totals totals;
  for (const std::uint32_t number : numbers) {
    const auto outcome = checker.on_message(number);
    totals.skipped += outcome.skipped;
    totals.fresh += outcome.verdict == Verdict::in_order ? 1 : 0;
    totals.late += outcome.verdict == Verdict::late ? 1 : 0;
    totals.duplicates += outcome.verdict == Verdict::duplicate ? 1 : 0;
  }
  return totals;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bench_sequence_checker)

BOOST_AUTO_TEST_CASE(a_stream_in_order_has_nothing_to_tell) {
  SequenceChecker checker;
  const Totals totals = feed(checker, {0, 1, 2, 3, 4});
  BOOST_TEST(totals.fresh == 5U);
  BOOST_TEST(totals.skipped + totals.late + totals.duplicates == 0U);
}

BOOST_AUTO_TEST_CASE(a_gap_is_what_was_skipped) {
  SequenceChecker checker;
  BOOST_TEST(feed(checker, {2, 3, 7}).skipped == 5U);
}

BOOST_AUTO_TEST_CASE(what_fills_a_gap_is_late_once_and_then_a_duplicate) {
  SequenceChecker checker;
  feed(checker, {0, 5});
  BOOST_TEST((checker.on_message(3).verdict == Verdict::late));
  BOOST_TEST((checker.on_message(3).verdict == Verdict::duplicate));
  BOOST_TEST((checker.on_message(1).verdict == Verdict::late));
  BOOST_TEST((checker.on_message(4).verdict == Verdict::late));
  BOOST_TEST((checker.on_message(2).verdict == Verdict::late));
  BOOST_TEST((checker.on_message(2).verdict == Verdict::duplicate));
  BOOST_TEST((checker.on_message(0).verdict == Verdict::duplicate));
  BOOST_TEST((checker.on_message(6).verdict == Verdict::in_order));
}

BOOST_AUTO_TEST_CASE(numbers_wrap_around) {
  SequenceChecker checker;
  checker.on_message(0x7000'0000);
  checker.on_message(0xE000'0000);
  BOOST_TEST((checker.on_message(0xFFFF'FFFF).verdict == Verdict::in_order));
  BOOST_TEST(feed(checker, {0, 1, 2}).fresh == 3U);
  BOOST_TEST((checker.on_message(0xFFFF'FFFF).verdict == Verdict::duplicate));
  BOOST_TEST((checker.on_message(0xFFFF'FFFE).verdict == Verdict::late));
}

BOOST_AUTO_TEST_CASE(it_agrees_with_a_set_of_all_that_came) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::uint32_t> numbers;
    for (std::uint32_t i = 0; i < 200; ++i) {
      if (random() % 10 == 0) continue;  // lost
      numbers.push_back(i);
      if (random() % 10 == 0) numbers.push_back(i);  // twice
    }
    for (std::size_t i = 0; i + 8 < numbers.size(); i += 8)
      if (random() % 2 == 0) std::shuffle(&numbers[i], &numbers[i] + 8, random);
    std::set<std::uint32_t> seen;
    std::uint32_t highest = 0;
    Totals wanted;
    for (const std::uint32_t number : numbers) {
      if (!seen.insert(number).second) {
        ++wanted.duplicates;
      } else if (seen.size() > 1 && number < highest) {
        ++wanted.late;
      } else {
        ++wanted.fresh;
      }
      highest = std::max(highest, number);
    }
    SequenceChecker checker;
    const Totals totals = feed(checker, numbers);
    BOOST_TEST_REQUIRE(totals.fresh == wanted.fresh);
    BOOST_TEST_REQUIRE(totals.late == wanted.late);
    BOOST_TEST_REQUIRE(totals.duplicates == wanted.duplicates);
    BOOST_TEST_REQUIRE(totals.skipped - totals.late == highest + 1 - seen.size());
  }
}

BOOST_AUTO_TEST_CASE(beyond_its_gaps_the_oldest_is_forgotten) {
  SequenceChecker checker;
  for (std::uint32_t i = 0; i <= SequenceChecker::gaps_max; ++i) checker.on_message(2 * i + 1);
  BOOST_TEST((checker.on_message(0).verdict == Verdict::duplicate));
  BOOST_TEST((checker.on_message(2).verdict == Verdict::late));
}

BOOST_AUTO_TEST_SUITE_END()
