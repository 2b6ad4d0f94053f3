// Of two links between the same nodes both ends keep the same one.
#include <boost/test/unit_test.hpp>
#include <random>

#include "tests/unit/link/link_pair.hpp"

namespace starling {
namespace {

using namespace link_test;
using boost::unit_test::label;

const NodeId lesser = node(1);
const NodeId greater = node(2);

LinkSide side(NodeId id, std::uint64_t epoch, std::uint64_t ordinal, bool holds_other) {
  return {id, epoch, ordinal, holds_other};
}

BOOST_AUTO_TEST_CASE(links_dialled_at_the_same_time_leave_the_one_of_the_greater_node,
                     *label("MESH-8.2-3")) {
  // Each side opened its own first, and knew of it when the other came.
  const LinkStanding by_lesser{side(lesser, 1, 1, false), side(greater, 1, 2, true)};
  const LinkStanding by_greater{side(greater, 1, 1, false), side(lesser, 1, 2, true)};
  BOOST_TEST(is_kept(by_greater, by_lesser));
  BOOST_TEST(!is_kept(by_lesser, by_greater));
}

BOOST_AUTO_TEST_CASE(a_node_that_was_restarted_is_not_held_to_its_old_link, *label("MESH-8.2-2")) {
  const LinkStanding old_one{side(greater, 1, 50, false), side(lesser, 3, 9, false)};
  const LinkStanding new_one{side(lesser, 4, 1, false), side(greater, 1, 51, true)};
  BOOST_TEST(is_kept(new_one, old_one));
  BOOST_TEST(!is_kept(old_one, new_one));
}

BOOST_AUTO_TEST_CASE(a_node_that_lost_the_old_link_first_is_believed, *label("MESH-8.2-2")) {
  const LinkStanding old_one{side(greater, 1, 50, false), side(lesser, 3, 9, false)};
  const LinkStanding new_one{side(lesser, 3, 10, false), side(greater, 1, 51, true)};
  BOOST_TEST(is_kept(new_one, old_one));
  BOOST_TEST(!is_kept(old_one, new_one));
}

BOOST_AUTO_TEST_CASE(of_two_links_that_one_node_dialled_the_later_stays, *label("MESH-8.2-3")) {
  const LinkStanding first{side(lesser, 1, 1, false), side(greater, 1, 1, false)};
  const LinkStanding second{side(lesser, 1, 2, true), side(greater, 1, 2, true)};
  BOOST_TEST(is_kept(second, first));
  BOOST_TEST(!is_kept(first, second));
}

BOOST_AUTO_TEST_CASE(exactly_one_is_kept_whatever_the_ends_say, *label("MESH-8.2-1")) {
  std::mt19937 random(7);
  const auto number = [&](unsigned bound) { return random() % bound; };
  for (int i = 0; i < 20'000; ++i) {
    const auto link = [&](std::uint64_t listener_ordinal) {
      const bool swapped = number(2) != 0;
      return LinkStanding{side(swapped ? greater : lesser, number(2), number(3), number(2) != 0),
                          side(swapped ? lesser : greater, 1, listener_ordinal, number(2) != 0)};
    };
    LinkStanding a = link(1);
    LinkStanding b = link(2);
    if (a.dialler.node != b.dialler.node) b.dialler.ordinal += 10;  // one end always counts rightly
    BOOST_TEST_REQUIRE(is_kept(a, b) != is_kept(b, a));
  }
}

BOOST_AUTO_TEST_CASE(both_ends_tell_the_same_standing, *label("MESH-8.2-1")) {
  Pair pair;
  pair.a.settings.epoch = 5;
  pair.b.settings.epoch = 6;
  LinkOpening of_a = pair.opening_of(true);
  of_a.ordinal = 31;
  of_a.holds_other = true;
  LinkOpening of_b = pair.opening_of(false);
  of_b.ordinal = 32;
  pair.a.open(of_a, pair.now);
  pair.b.open(of_b, pair.now);
  pair.talk();
  for (const End* end : {&pair.a, &pair.b}) {
    const LinkStanding standing = end->link->standing();
    BOOST_TEST((standing.dialler.node == node(1) && standing.listener.node == node(2)));
    BOOST_TEST((standing.dialler.epoch == 5U && standing.listener.epoch == 6U));
    BOOST_TEST((standing.dialler.ordinal == 31U && standing.listener.ordinal == 32U));
    BOOST_TEST((standing.dialler.holds_other && !standing.listener.holds_other));
  }
}

}  // namespace
}  // namespace starling
