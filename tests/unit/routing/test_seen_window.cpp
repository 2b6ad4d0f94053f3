#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <deque>
#include <set>
#include <vector>

#include "bridge/routing/seen_window.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/unit/routing/routing_support.hpp"

using namespace starling;
using namespace starling::test;
using namespace std::chrono_literals;

namespace {

constexpr TimePoint start{};
MessageId id(std::uint8_t origin, std::uint64_t epoch, std::uint64_t sequence) {
  return MessageId{peer(origin), epoch, sequence};
}

}  // namespace

namespace starling {
std::ostream& operator<<(std::ostream& out, Seen seen) {
  return out << static_cast<int>(seen);
}
}  // namespace starling

BOOST_AUTO_TEST_SUITE(seen_window)

BOOST_AUTO_TEST_CASE(each_id_is_fresh_once) {
  SeenWindow window;
  BOOST_TEST(window.admit(id(1, 1, 5), start) == Seen::fresh);
  BOOST_TEST(window.admit(id(1, 1, 5), start) == Seen::duplicate);
  BOOST_TEST(window.admit(id(1, 1, 3), start) == Seen::fresh);  // order does not matter
  BOOST_TEST(window.admit(id(1, 1, 3), start) == Seen::duplicate);
  BOOST_TEST(window.admit(id(2, 1, 5), start) == Seen::fresh);  // another origin
  BOOST_TEST(window.admit(id(1, 2, 5), start) == Seen::fresh);  // another boot
  BOOST_TEST(window.outstanding(peer(1)) == 3U);
}

BOOST_AUTO_TEST_CASE(what_is_below_the_floor_counts_as_seen_and_needs_no_room) {
  SeenWindow window;
  for (std::uint64_t i = 1; i <= 10; ++i) window.admit(id(1, 1, i), start);
  window.on_floor(peer(1), MessageNumber{1, 8}, start);
  BOOST_TEST(window.outstanding(peer(1)) == 3U);
  BOOST_TEST(window.admit(id(1, 1, 7), start) == Seen::duplicate);
  BOOST_TEST(window.admit(id(1, 1, 8), start) == Seen::duplicate);
  BOOST_TEST(window.admit(id(1, 1, 11), start) == Seen::fresh);
  window.on_floor(peer(1), MessageNumber{1, 2}, start);  // does not go back
  BOOST_TEST(window.admit(id(1, 1, 5), start) == Seen::duplicate);
}

BOOST_AUTO_TEST_CASE(a_floor_of_a_newer_boot_covers_the_older_ones) {
  SeenWindow window;
  window.admit(id(1, 1, 1'000), start);
  window.admit(id(1, 2, 1), start);
  // Ids of the boot before may still come as long as the floor is among them.
  window.on_floor(peer(1), MessageNumber{1, 900}, start);
  BOOST_TEST(window.admit(id(1, 1, 950), start) == Seen::fresh);
  window.on_floor(peer(1), MessageNumber{2, 1}, start);
  BOOST_TEST(window.outstanding(peer(1)) == 1U);
  BOOST_TEST(window.admit(id(1, 1, 5'000), start) == Seen::duplicate);
  BOOST_TEST(window.admit(id(1, 2, 1), start) == Seen::duplicate);
}

BOOST_AUTO_TEST_CASE(a_floor_may_come_before_the_first_message) {
  SeenWindow window;
  window.on_floor(peer(1), MessageNumber{3, 10}, start);
  BOOST_TEST(window.admit(id(1, 3, 9), start) == Seen::duplicate);
  BOOST_TEST(window.admit(id(1, 3, 10), start) == Seen::fresh);
}

BOOST_AUTO_TEST_CASE(a_full_window_refuses_instead_of_forgetting) {
  SeenWindow window(SeenWindowBounds{4, 10, 1h});
  for (std::uint64_t i = 1; i <= 4; ++i)
    BOOST_TEST(window.admit(id(1, 1, i), start) == Seen::fresh);
  BOOST_TEST(window.room(peer(1)) == 0U);
  BOOST_TEST(window.admit(id(1, 1, 5), start) == Seen::no_room);
  BOOST_TEST(window.admit(id(1, 1, 1), start) == Seen::duplicate);  // still known
  BOOST_TEST(window.admit(id(2, 1, 1), start) == Seen::fresh);      // others are not concerned
  window.on_floor(peer(1), MessageNumber{1, 2}, start);
  BOOST_TEST(window.room(peer(1)) == 1U);
  BOOST_TEST(window.admit(id(1, 1, 5), start) == Seen::fresh);  // it was not remembered as refused
}

BOOST_AUTO_TEST_CASE(newer_ids_do_not_lock_out_the_one_the_origin_waits_for) {
  SeenWindow window(SeenWindowBounds{4, 10, 1h});
  window.on_floor(peer(1), MessageNumber{1, 1}, start);
  for (std::uint64_t i = 11; i <= 14; ++i) window.admit(id(1, 1, i), start);
  BOOST_TEST(window.admit(id(1, 1, 2), start) == Seen::no_room);
  BOOST_TEST(window.admit(id(1, 1, 1), start) == Seen::fresh);
  BOOST_TEST(window.admit(id(1, 1, 1), start) == Seen::duplicate);
  BOOST_TEST(window.room(peer(1)) == 0U);
}

BOOST_AUTO_TEST_CASE(an_origin_is_forgotten_only_when_it_has_been_silent_for_long) {
  SeenWindow window(SeenWindowBounds{4, 2, 1h});
  window.admit(id(1, 1, 1), start);
  window.admit(id(2, 1, 1), start + 30min);
  BOOST_TEST(window.admit(id(3, 1, 1), start + 59min) == Seen::unknown_origin);
  BOOST_TEST(window.admit(id(1, 1, 1), start + 59min) == Seen::duplicate);  // heard again
  BOOST_TEST(window.admit(id(3, 1, 1), start + 61min) == Seen::unknown_origin);
  BOOST_TEST(window.admit(id(3, 1, 1), start + 90min) == Seen::fresh);  // in the place of 2
  BOOST_TEST(window.admit(id(1, 1, 1), start + 90min) == Seen::duplicate);
  BOOST_TEST(window.origin_count() == 2U);
  window.forget(peer(1));
  BOOST_TEST(window.admit(id(4, 1, 1), start + 90min) == Seen::fresh);
}

BOOST_AUTO_TEST_CASE(unacknowledged_messages_have_a_window_of_their_own) {
  SeenWindow window;
  constexpr std::uint64_t span = limits::seen_unacknowledged_span;
  BOOST_TEST(window.admit_unacknowledged(id(1, 1, 100), start) == Seen::fresh);
  BOOST_TEST(window.admit_unacknowledged(id(1, 1, 100), start) == Seen::duplicate);
  BOOST_TEST(window.admit_unacknowledged(id(1, 1, 90), start) == Seen::fresh);
  BOOST_TEST(window.admit_unacknowledged(id(1, 1, 90), start) == Seen::duplicate);
  BOOST_TEST(window.admit_unacknowledged(id(1, 1, 100 + span), start) == Seen::fresh);
  BOOST_TEST(window.admit_unacknowledged(id(1, 1, 100), start) == Seen::duplicate);  // too old
  BOOST_TEST(window.admit_unacknowledged(id(1, 1, 101), start) == Seen::fresh);
  BOOST_TEST(window.admit_unacknowledged(id(1, 1, 90 + span), start)
             == Seen::fresh);  // not 90's bit
  // The floor speaks of acknowledged messages, and these are none.
  window.on_floor(peer(1), MessageNumber{1, 10'000}, start);
  BOOST_TEST(window.admit_unacknowledged(id(1, 1, 102), start) == Seen::fresh);
  BOOST_TEST(window.outstanding(peer(1)) == 0U);
}

BOOST_AUTO_TEST_CASE(a_new_boot_starts_a_new_window_of_unacknowledged_messages) {
  SeenWindow window;
  BOOST_TEST(window.admit_unacknowledged(id(1, 1, 100), start) == Seen::fresh);
  BOOST_TEST(window.admit_unacknowledged(id(1, 2, 1), start) == Seen::fresh);
  BOOST_TEST(window.admit_unacknowledged(id(1, 2, 100), start) == Seen::fresh);
  BOOST_TEST(window.admit_unacknowledged(id(1, 1, 101), start) == Seen::duplicate);
}

BOOST_AUTO_TEST_CASE(unacknowledged_messages_agree_with_a_set) {
  SeededRandom random(41);
  SeenWindow window;
  constexpr std::uint64_t span = limits::seen_unacknowledged_span;
  std::set<std::uint64_t> seen;
  std::uint64_t highest = 0;
  std::uint64_t at = 1;
  for (int step = 0; step < 50'000; ++step) {
    at += random.one_in(500) ? random.upto(3 * span) : random.upto(4);
    const std::uint64_t sequence =
        at - std::min(at - 1, random.upto(random.one_in(10) ? 2 * span : 9));
    const bool too_old = sequence + span <= highest;
    highest = std::max(highest, sequence);
    const bool expected = !too_old && seen.insert(sequence).second;
    BOOST_REQUIRE((window.admit_unacknowledged(id(1, 1, sequence), start) == Seen::fresh)
                  == expected);
  }
}

// An origin that resends whatever is not acknowledged, over a path that loses, repeats and
// reorders: each message is delivered exactly once, and none is lost.
BOOST_AUTO_TEST_CASE(at_least_once_and_memory_make_exactly_once) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SeededRandom random(seed);
    SeenWindow window(SeenWindowBounds{16, 4, 1h});
    std::deque<std::uint64_t> unacknowledged;  // at the origin, ascending
    std::vector<int> delivered(301, 0);
    std::uint64_t next = 1;
    int steps = 0;
    while (next <= 300 || !unacknowledged.empty()) {
      if (next <= 300 && unacknowledged.size() < 40) unacknowledged.push_back(next++);
      const std::uint64_t pick = unacknowledged[random.upto(unacknowledged.size())];
      if (random.one_in(3))
        window.on_floor(peer(1), MessageNumber{1, unacknowledged.front()}, start);
      const Seen seen = window.admit(id(1, 1, pick), start);
      if (seen == Seen::fresh) ++delivered[pick];
      // The origin hears of it only now and then; what found no room is never acknowledged.
      if (seen == Seen::no_room)
        window.on_floor(peer(1), MessageNumber{1, unacknowledged.front()}, start);
      const bool safe = seen == Seen::fresh || seen == Seen::duplicate;
      if (safe && random.one_in(2)) std::erase(unacknowledged, pick);
      BOOST_REQUIRE(window.outstanding(peer(1)) <= 17U);
      BOOST_REQUIRE(++steps < 50'000);
    }
    for (std::size_t i = 1; i < delivered.size(); ++i) BOOST_REQUIRE(delivered[i] == 1);
  }
}

BOOST_AUTO_TEST_SUITE_END()
