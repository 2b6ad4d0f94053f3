// A link over a relay, and the change from one link to another.
#include <boost/test/unit_test.hpp>

#include "tests/unit/link/link_pair.hpp"

namespace starling {
namespace {

using namespace link_test;
using boost::unit_test::label;
using wire::CloseReason;

LinkSide side(NodeId id, std::uint64_t ordinal, bool holds_other) {
  return {id, 1, ordinal, holds_other};
}

/// Its channel leads through a relay.
struct RelayedPair : Pair {
  RelayedPair() {
    LinkOpening of_a = opening_of(true);
    LinkOpening of_b = opening_of(false);
    of_a.relayed = of_b.relayed = true;
    of_a.remote = of_b.remote = Endpoint{};
    a.open(of_a, now);
    b.open(of_b, now);
    talk();
  }
};

std::size_t arrived(const End& end) {
  std::size_t count = 0;
  for (const auto& batch : end.told<PublicationsArrived>()) count += batch.publications.size();
  return count;
}

BOOST_AUTO_TEST_CASE(over_a_relay_nobody_says_where_the_other_is, *label("MESH-6.6-6")) {
  const RelayedPair pair;
  BOOST_REQUIRE(!pair.a.told<LinkReady>().empty());
  BOOST_TEST(!pair.a.told<LinkReady>()[0].hello.observed.has_value());
}

BOOST_AUTO_TEST_CASE(a_relay_that_drops_is_noticed_within_eight_seconds, *label("MESH-7.1-4")) {
  RelayedPair pair;
  pair.now += 2s;
  pair.a.link->on_timer(pair.now, pair.a.events, pair.a.out);
  BOOST_TEST(!drain(pair.a.out).empty());  // a ping, which nobody ever gets
  pair.now += 3s;
  BOOST_TEST((pair.a.link->unanswered_for(pair.now) >= 3s));
  pair.now += 2900ms;
  pair.a.link->on_timer(pair.now, pair.a.events, pair.a.out);
  BOOST_TEST(!pair.a.has_failed());
  pair.now += 200ms;
  pair.a.link->on_timer(pair.now, pair.a.events, pair.a.out);
  BOOST_TEST(pair.a.has_failed());
  BOOST_TEST(pair.a.why().find("through the relay") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_relay_that_delays_shows_in_the_heartbeat, *label("MESH-7.1-4")) {
  RelayedPair pair;
  // Each pong takes five seconds, so none answers the newest ping.
  std::vector<Bytes> late;
  for (int i = 0; i < 5; ++i) {
    pair.now += 2s;
    pair.a.link->on_timer(pair.now, pair.a.events, pair.a.out);
    pair.carry(pair.a, pair.b);
    late.push_back(drain(pair.b.out));
    if (late.size() < 3) continue;
    pair.a.link->on_bytes(late[late.size() - 3], pair.now, pair.a.events, pair.a.out);
  }
  BOOST_TEST(!pair.a.has_failed());
  BOOST_TEST((pair.a.link->unanswered_for(pair.now) >= 6s));
}

BOOST_AUTO_TEST_CASE(of_two_links_that_live_the_direct_one_is_kept, *label("MESH-8.2-5")) {
  LinkStanding relayed{side(node(2), 2, true), side(node(1), 2, true)};
  relayed.relayed = true;
  const LinkStanding direct{side(node(1), 1, false), side(node(2), 1, false)};
  BOOST_TEST(is_kept(direct, relayed));
  BOOST_TEST(!is_kept(relayed, direct));
}

BOOST_AUTO_TEST_CASE(a_direct_link_that_was_lost_is_not_kept, *label("MESH-8.2-2")) {
  LinkStanding relayed{side(node(2), 2, false), side(node(1), 2, true)};
  relayed.relayed = true;
  const LinkStanding direct{side(node(1), 1, false), side(node(2), 1, false)};
  BOOST_TEST(is_kept(relayed, direct));
}

BOOST_AUTO_TEST_CASE(what_was_under_way_on_a_superseded_link_still_comes, *label("MESH-8.1-2")) {
  Pair pair;
  pair.link_up();
  const auto of_b = [](std::string_view payload, std::uint64_t sequence) {
    TestMessage said = message("t", payload, QoS::at_most_once, sequence);
    said.publication.id.origin = node(2);
    return said;
  };
  pair.b.link->send(of_b("before", 1), pair.b.out);
  pair.b.link->flush(pair.b.out);
  // a has another link now, while this is on its way.
  pair.a.link->supersede(pair.now, pair.a.out);
  BOOST_TEST(pair.a.link->is_draining());
  BOOST_TEST(
      (pair.a.link->send(message("t", "late"), pair.a.out).outcome == SendOutcome::not_linked));
  pair.carry(pair.b, pair.a);
  BOOST_TEST(arrived(pair.a) == 1U);
  // b hears the bye, says what it has, and says bye too.
  pair.b.link->send(of_b("last", 2), pair.b.out);
  pair.carry(pair.a, pair.b);
  BOOST_TEST((pair.b.last<LinkClosed>().reason == CloseReason::duplicate_link));
  pair.carry(pair.b, pair.a);
  BOOST_TEST(arrived(pair.a) == 2U);
  BOOST_TEST((pair.a.last<LinkClosed>().reason == CloseReason::duplicate_link));
  BOOST_TEST(pair.a.link->has_ended());
}

BOOST_AUTO_TEST_CASE(a_superseded_link_is_not_waited_for_without_end, *label("MESH-8.1-2")) {
  Pair pair;
  pair.link_up();
  pair.a.link->supersede(pair.now, pair.a.out);
  BOOST_TEST((*pair.a.link->next_deadline() == pair.now + 3s));
  pair.now += 3s;
  pair.a.link->on_timer(pair.now, pair.a.events, pair.a.out);
  BOOST_TEST(pair.a.link->has_ended());
}

BOOST_AUTO_TEST_CASE(frames_about_reaching_each_other_are_handed_on, *label("MESH-6.6-3")) {
  Pair pair;
  pair.link_up();
  pair.a.link->send_reach(wire::RelayOpen{2, node(7), node(1), 65'536}, pair.a.out);
  pair.talk();
  const auto told = pair.b.told<ReachArrived>();
  BOOST_REQUIRE(told.size() == 1U);
  BOOST_TEST(
      (std::get<wire::RelayOpen>(told[0].frame) == wire::RelayOpen{2, node(7), node(1), 65'536}));
}

}  // namespace
}  // namespace starling
