// Dial-me requests: who may ask, pass on and follow, and how often.
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <vector>

#include "bridge/reach/reversal.hpp"

namespace starling {
namespace {

using namespace std::chrono_literals;

NodeId node(std::uint32_t number) {
  NodeId id;
  id.bytes[0] = static_cast<std::uint8_t>(number >> 8U);
  id.bytes[1] = static_cast<std::uint8_t>(number);
  return id;
}
const TimePoint start = TimePoint{} + 1h;

BOOST_AUTO_TEST_CASE(a_few_helpers_are_asked_the_likely_ones_first) {
  Reversal reversal;
  std::vector<NodeId> helpers;
  for (std::uint32_t i = 1; i <= 10; ++i) helpers.push_back(node(i));
  const auto chosen = reversal.ask(node(99), helpers, start);
  BOOST_TEST(chosen.size() == limits::dial_me_helpers_max);
  BOOST_TEST((chosen.front() == node(1)));
}

BOOST_AUTO_TEST_CASE(a_peer_is_not_asked_again_at_once) {
  Reversal reversal;
  BOOST_TEST(reversal.ask(node(9), {node(1)}, start).size() == 1U);
  BOOST_TEST(reversal.ask(node(9), {node(1)}, start + 1s).empty());
  BOOST_TEST(reversal.ask(node(8), {node(1)}, start + 1s).size() == 1U);
  BOOST_TEST(reversal.ask(node(9), {node(1)}, start + limits::dial_me_interval).size() == 1U);
}

BOOST_AUTO_TEST_CASE(without_helpers_nothing_is_remembered) {
  Reversal reversal;
  BOOST_TEST(reversal.ask(node(9), {}, start).empty());
  BOOST_TEST(reversal.ask(node(9), {node(1)}, start).size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_helper_passes_one_request_per_pair_and_interval) {
  Reversal reversal;
  BOOST_TEST(reversal.may_pass_on(node(1), node(2), start));
  BOOST_TEST(!reversal.may_pass_on(node(1), node(2), start + 1s));
  BOOST_TEST(reversal.may_pass_on(node(1), node(3), start + 1s));
  BOOST_TEST(reversal.may_pass_on(node(2), node(1), start + 1s));
  BOOST_TEST(reversal.may_pass_on(node(1), node(2), start + limits::dial_me_interval));
  BOOST_TEST(!reversal.may_pass_on(node(5), node(5), start));
}

BOOST_AUTO_TEST_CASE(one_asker_cannot_make_a_helper_call_everybody) {
  Reversal reversal;
  std::size_t passed = 0;
  for (std::uint32_t i = 0; i < 500; ++i) {
    if (reversal.may_pass_on(node(1), node(1'000 + i), start)) ++passed;
  }
  BOOST_TEST(passed == limits::dial_me_per_minute);
  BOOST_TEST(reversal.may_pass_on(node(2), node(1'000), start));
  BOOST_TEST(reversal.may_pass_on(node(1), node(5'000), start + 1min));
}

BOOST_AUTO_TEST_CASE(following_is_bounded_per_asker_and_per_helper) {
  Reversal reversal;
  BOOST_TEST(reversal.may_follow(node(1), node(9), start));
  BOOST_TEST(!reversal.may_follow(node(1), node(8), start));
  std::size_t followed = 1;
  for (std::uint32_t i = 0; i < 500; ++i) {
    if (reversal.may_follow(node(1'000 + i), node(9), start)) ++followed;
  }
  BOOST_TEST(followed == limits::dial_me_per_minute);
}

BOOST_AUTO_TEST_CASE(memory_stays_bounded_whoever_asks) {
  Reversal reversal;
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    (void)reversal.may_pass_on(node(i), node(i + 1), start);
    (void)reversal.ask(node(i), {node(1)}, start);
  }
  BOOST_TEST(reversal.size() <= 3 * limits::dial_me_pairs_max);
}

}  // namespace
}  // namespace starling
