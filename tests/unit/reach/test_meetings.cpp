// Agreeing on a moment, and what routers show.
#include <boost/test/unit_test.hpp>
#include <chrono>

#include "bridge/reach/meetings.hpp"
#include "bridge/reach/nat_observer.hpp"

namespace starling::test {
namespace {

using namespace std::chrono_literals;
using Act = Meetings::Next::Act;
using Step = wire::Meet::Step;

NodeId node(std::uint8_t number) {
  NodeId id;
  id.bytes[0] = number;
  return id;
}
const Endpoint home_1 = Endpoint::v4({9, 1, 0, 1}, 21883);
const Endpoint home_2 = Endpoint::v4({9, 2, 0, 1}, 30000);

struct Fixture {
  Meetings one{node(1)};
  Meetings two{node(2)};
  TimePoint now = TimePoint{} + 1h;
  static wire::Meet from_1(Step step) { return {node(2), node(1), step, home_1}; }
  static wire::Meet from_2(Step step) { return {node(1), node(2), step, home_2}; }
};

BOOST_FIXTURE_TEST_SUITE(meetings, Fixture)

BOOST_AUTO_TEST_CASE(three_steps_lead_to_one_moment) {
  BOOST_TEST(one.may_propose(node(2), now));
  one.on_proposed(node(2), now);
  now += 50ms;
  const auto accepted = two.on_step(from_1(Step::propose), now);
  BOOST_TEST((accepted.act == Act::accept));
  now += 50ms;
  const auto say = one.on_step(from_2(Step::accept), now);
  BOOST_TEST((say.act == Act::say_now));
  BOOST_TEST((say.at == home_2));
  BOOST_TEST((say.wait == 50ms));
  now += 50ms;
  const auto begin = two.on_step(from_1(Step::now), now);
  BOOST_TEST((begin.act == Act::begin));
  BOOST_TEST((begin.at == home_1));
}

BOOST_AUTO_TEST_CASE(of_two_proposals_that_cross_one_holds) {
  one.on_proposed(node(2), now);
  two.on_proposed(node(1), now);
  now += 50ms;
  BOOST_TEST((one.on_step(from_2(Step::propose), now).act == Act::nothing));
  BOOST_TEST((two.on_step(from_1(Step::propose), now).act == Act::accept));
  BOOST_TEST((one.on_step(from_2(Step::accept), now).act == Act::say_now));
}

BOOST_AUTO_TEST_CASE(while_one_meeting_is_under_way_there_is_no_other) {
  one.on_proposed(node(2), now);
  now += 50ms;
  BOOST_TEST((two.on_step(from_1(Step::propose), now).act == Act::accept));
  BOOST_TEST(!two.may_propose(node(1), now));
  now += 50ms;
  BOOST_TEST((one.on_step(from_2(Step::accept), now).act == Act::say_now));
  BOOST_TEST((one.on_step(from_2(Step::propose), now + 1s).act == Act::nothing));
}

BOOST_AUTO_TEST_CASE(steps_that_nobody_waits_for_are_ignored) {
  BOOST_TEST((one.on_step(from_2(Step::accept), now).act == Act::nothing));
  BOOST_TEST((one.on_step(from_2(Step::now), now).act == Act::nothing));
  one.on_proposed(node(2), now);
  now += 6s;  // an answer that late says nothing about the way
  BOOST_TEST((one.on_step(from_2(Step::accept), now).act == Act::nothing));
}

BOOST_AUTO_TEST_CASE(proposals_become_rare) {
  unsigned proposals = 0;
  for (int second = 0; second < 3'600; ++second, now += 1s) {
    if (!one.may_propose(node(2), now)) continue;
    one.on_proposed(node(2), now);
    ++proposals;
  }
  BOOST_TEST(proposals >= 9U);
  BOOST_TEST(proposals <= 13U);
  one.on_met(node(2));
  BOOST_TEST(one.may_propose(node(2), now));
}

BOOST_AUTO_TEST_CASE(nobody_makes_us_dial_without_end) {
  unsigned accepted = 0;
  for (int i = 0; i < 100; ++i, now += 100ms)
    accepted += one.on_step(from_2(Step::propose), now).act == Act::accept;
  BOOST_TEST(accepted <= 2U);
}

BOOST_AUTO_TEST_CASE(seen_at_one_place_by_all_a_node_can_be_met) {
  NatObserver nat;
  BOOST_TEST((nat.mapping() == NatObserver::Mapping::unknown));
  BOOST_TEST(!nat.meeting_point());
  nat.on_observed(node(5), home_1, false, now);
  BOOST_TEST((nat.mapping() == NatObserver::Mapping::unknown));
  BOOST_TEST((nat.meeting_point() == home_1));  // worth a try
  nat.on_observed(node(6), home_1, false, now);
  BOOST_TEST((nat.mapping() == NatObserver::Mapping::endpoint_independent));
  BOOST_TEST((nat.meeting_point() == home_1));
}

BOOST_AUTO_TEST_CASE(seen_elsewhere_by_each_it_cannot) {
  NatObserver nat;
  Endpoint other = home_1;
  other.port = 40'000;
  nat.on_observed(node(5), home_1, false, now);
  nat.on_observed(node(6), other, false, now);
  BOOST_TEST((nat.mapping() == NatObserver::Mapping::endpoint_dependent));
  BOOST_TEST(!nat.meeting_point());
}

BOOST_AUTO_TEST_CASE(a_new_address_voids_what_was_seen) {
  NatObserver nat;
  nat.on_observed(node(5), home_1, false, now);
  nat.on_observed(node(6), home_1, false, now);
  nat.on_observed(node(5), home_2, false, now + 1min);
  BOOST_TEST((nat.mapping() == NatObserver::Mapping::unknown));
  BOOST_TEST((nat.meeting_point() == home_2));
  nat.expire(now + 2h);
  BOOST_TEST(!nat.meeting_point());
}

BOOST_AUTO_TEST_CASE(an_address_of_our_own_is_no_router_s) {
  NatObserver nat;
  nat.on_observed(node(5), home_1, true, now);
  BOOST_TEST((nat.mapping() == NatObserver::Mapping::none));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace starling::test
