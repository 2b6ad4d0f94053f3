// When an address counts as dialable.
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <vector>

#include "bridge/reach/dial_tests.hpp"
#include "tests/support/seeded_random.hpp"

namespace starling::test {
namespace {

using namespace std::chrono_literals;

NodeId node(std::uint8_t number) {
  NodeId id;
  id.bytes[0] = number;
  return id;
}

struct Fixture {
  SeededRandom entropy{1};
  DialTests tests{entropy};
  TimePoint now = TimePoint{} + 1h;
  const Endpoint here = Endpoint::v4({9, 1, 1, 1}, 21883);
  const std::vector<Tester> one{{node(1), 100}};
  const std::vector<Tester> neighbours{{node(1), 100}, {node(2), 100}};
  const std::vector<Tester> afar{{node(1), 100}, {node(2), 200}, {node(3), 300}};

  Fixture() { tests.set_candidates({here}, now); }
  std::vector<DialTest> ask(const std::vector<Tester>& testers) { return tests.due(testers, now); }
  void dial(const DialTest& test) { BOOST_TEST(tests.on_dialled(test.tester, test.nonce, now)); }
  DialVerdict verdict(const std::vector<Tester>& testers) {
    static_cast<void>(tests.review(testers, now));
    return tests.verdict(here);
  }
};

BOOST_FIXTURE_TEST_SUITE(dial_tests, Fixture)

BOOST_AUTO_TEST_CASE(two_networks_must_have_dialled_where_there_are_two) {
  const auto asked = ask(afar);
  BOOST_REQUIRE(asked.size() == 2U);
  BOOST_TEST((asked[0].tester != asked[1].tester));
  BOOST_TEST((asked[0].nonce != asked[1].nonce));
  dial(asked[0]);
  BOOST_TEST((verdict(afar) == DialVerdict::untested));
  dial(asked[1]);
  BOOST_TEST((verdict(afar) == DialVerdict::dialable));
}

BOOST_AUTO_TEST_CASE(one_is_enough_where_there_is_one_network) {
  dial(ask(one).at(0));
  BOOST_TEST((verdict(one) == DialVerdict::dialable));
}

BOOST_AUTO_TEST_CASE(two_neighbours_are_one_network) {
  const auto asked = ask(neighbours);
  BOOST_TEST(asked.size() == 2U);
  dial(asked.at(1));
  BOOST_TEST((verdict(neighbours) == DialVerdict::dialable));
}

BOOST_AUTO_TEST_CASE(a_number_that_was_given_to_another_proves_nothing) {
  const auto asked = ask(afar);
  BOOST_TEST(!tests.on_dialled(asked.at(0).tester, asked.at(1).nonce, now));
  BOOST_TEST(!tests.on_dialled(node(9), asked.at(0).nonce, now));
  dial(asked.at(0));
  BOOST_TEST(!tests.on_dialled(asked.at(0).tester, asked.at(0).nonce, now));  // nor does it twice
}

BOOST_AUTO_TEST_CASE(two_in_vain_say_no_and_why) {
  const auto asked = ask(afar);
  tests.on_failed(asked.at(0).tester, asked.at(0).nonce, "connection refused", now);
  BOOST_TEST((verdict(afar) == DialVerdict::untested));
  tests.on_failed(asked.at(1).tester, asked.at(1).nonce, "no answer within 5000 ms", now);
  BOOST_TEST((verdict(afar) == DialVerdict::undialable));
  BOOST_TEST(tests.why(here) == "no answer within 5000 ms");
}

BOOST_AUTO_TEST_CASE(silence_is_an_answer_after_a_while) {
  BOOST_TEST(ask(one).size() == 1U);
  now += 11s;
  BOOST_TEST((verdict(one) == DialVerdict::untested));
  BOOST_TEST(tests.is_testing(here));
  now += 2s;
  BOOST_TEST(
      (verdict(one) == DialVerdict::untested));  // the only voice there is: it is asked twice
  BOOST_TEST(!tests.is_testing(here));
  now += 5s;
  BOOST_TEST(ask(one).size() == 1U);
  now += 13s;
  BOOST_TEST((verdict(one) == DialVerdict::undialable));
}

BOOST_AUTO_TEST_CASE(who_was_lost_meanwhile_has_said_nothing) {
  BOOST_TEST(ask(one).size() == 1U);
  tests.on_tester_lost(node(1), now);
  now += 13s;
  BOOST_TEST((verdict(one) == DialVerdict::untested));
  BOOST_TEST(tests.why(here) == "");
  dial(ask(one).at(0));  // it is asked again at once
  BOOST_TEST((verdict(one) == DialVerdict::dialable));
}

BOOST_AUTO_TEST_CASE(what_failed_is_tried_again_ever_more_seldom) {
  std::size_t rounds = 0;
  for (int minute = 0; minute < 240; ++minute, now += 1min) {
    for (const DialTest& test : ask(one)) {
      ++rounds;
      tests.on_failed(test.tester, test.nonce, "no", now);
    }
    static_cast<void>(tests.review(one, now));
  }
  BOOST_TEST(rounds >= 16U);
  BOOST_TEST(rounds <= 22U);
}

BOOST_AUTO_TEST_CASE(what_held_is_tested_again_and_may_fall) {
  dial(ask(one).at(0));
  BOOST_TEST((verdict(one) == DialVerdict::dialable));
  BOOST_TEST(ask(one).empty());
  now += 31min;
  const auto again = ask(one);
  BOOST_REQUIRE(again.size() == 1U);
  BOOST_TEST((verdict(one) == DialVerdict::dialable));  // until it is known better
  tests.on_failed(again[0].tester, again[0].nonce, "no", now);
  BOOST_TEST((verdict(one) == DialVerdict::dialable));
  now += 6s;
  const auto twice = ask(one);
  BOOST_REQUIRE(twice.size() == 1U);
  tests.on_failed(twice[0].tester, twice[0].nonce, "no", now);
  BOOST_TEST((verdict(one) == DialVerdict::undialable));
}

BOOST_AUTO_TEST_CASE(an_address_that_goes_takes_its_verdict_along) {
  dial(ask(one).at(0));
  BOOST_TEST((verdict(one) == DialVerdict::dialable));
  const Endpoint there = Endpoint::v4({9, 2, 2, 2}, 21883);
  tests.set_candidates({there}, now);
  BOOST_TEST((tests.verdict(here) == DialVerdict::untested));
  BOOST_TEST(tests.review(one, now));
  const auto asked = ask(one);
  BOOST_REQUIRE(asked.size() == 1U);
  BOOST_TEST((asked[0].endpoint == there));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace starling::test
