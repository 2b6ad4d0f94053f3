// The small machines inside the DHT engine: what to put and read back, whom to ask for the way in,
// which lookups to begin with.
#include <boost/test/unit_test.hpp>

#include "starling/limits.hpp"

#include "dht/opendht/announcement_book.hpp"
#include "dht/opendht/contact_list.hpp"
#include "dht/opendht/first_lookups.hpp"

using namespace starling;
using namespace std::chrono_literals;
using Chore = AnnouncementBook::Chore;

namespace {

Endpoint endpoint(unsigned number) {
  return Endpoint::v4(
      {192, 0, static_cast<std::uint8_t>(number >> 8U), static_cast<std::uint8_t>(number)}, 1);
}

struct Fixture {
  TimePoint now{1h};
  AnnouncementBook book;
  ContactList contacts;
  FirstLookups lookups;

  std::uint64_t add() { return book.add({{}, 1, {}}, now); }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(announcement_book, Fixture)

BOOST_AUTO_TEST_CASE(a_put_is_followed_by_reading_back) {
  const auto id = add();
  auto task = book.next_task(now);
  BOOST_REQUIRE(task.has_value());
  BOOST_TEST(task->id == id);
  BOOST_TEST((task->chore == Chore::put));
  BOOST_TEST(!book.next_task(now).has_value());
  BOOST_TEST((book.next_deadline() == now + 3s));
  task = book.next_task(now + 3s);
  BOOST_REQUIRE(task.has_value());
  BOOST_TEST((task->chore == Chore::read_back));
  book.on_read_back(id, ReadBack::found, now + 4s);
  BOOST_TEST(!book.next_deadline().has_value());
  BOOST_TEST(book.verified() == 1U);
  BOOST_TEST(book.repeated() == 0U);
}

BOOST_AUTO_TEST_CASE(what_is_missing_is_put_again_with_growing_pauses) {
  const auto id = add();
  book.next_task(now);
  Duration pause{};
  for (const Duration expected : {2s, 4s, 8s, 16s, 32s, 60s, 60s}) {
    now = *book.next_deadline();
    BOOST_REQUIRE((book.next_task(now)->chore == Chore::read_back));
    book.on_read_back(id, ReadBack::missing, now);
    pause = *book.next_deadline() - now;
    BOOST_TEST((pause == expected));
    now += pause;
    BOOST_REQUIRE((book.next_task(now)->chore == Chore::put));
  }
  BOOST_TEST(book.repeated() == 7U);
}

BOOST_AUTO_TEST_CASE(what_nobody_answered_is_read_again) {
  const auto id = add();
  book.next_task(now);
  now += 3s;
  book.next_task(now);
  book.on_read_back(id, ReadBack::unanswered, now);
  BOOST_TEST((book.next_deadline() == now + 10s));
  BOOST_TEST((book.next_task(now + 10s)->chore == Chore::read_back));
}

BOOST_AUTO_TEST_CASE(a_late_answer_of_a_read_back_that_was_overtaken_counts_for_nothing) {
  const auto id = add();
  book.next_task(now);
  now += 3s;
  book.next_task(now);
  book.put_all_again(now);
  book.on_read_back(id, ReadBack::found, now);
  BOOST_TEST((book.next_task(now)->chore == Chore::put));
}

BOOST_AUTO_TEST_CASE(puts_are_paced) {
  for (int i = 0; i < 200; ++i) add();
  std::size_t puts = 0;
  while (book.next_task(now)) ++puts;
  BOOST_TEST(puts == static_cast<std::size_t>(limits::puts_burst));
  BOOST_TEST((*book.next_deadline() > now));
  const TimePoint end = now + 2s;
  for (; now < end; now += 10ms)
    while (const auto task = book.next_task(now)) puts += task->chore == Chore::put ? 1U : 0U;
  BOOST_TEST(puts >= static_cast<std::size_t>(limits::puts_burst + 2 * limits::puts_per_s) - 1);
  BOOST_TEST(puts <= static_cast<std::size_t>(limits::puts_burst + 2 * limits::puts_per_s) + 1);
}

BOOST_AUTO_TEST_CASE(what_was_removed_is_not_put) {
  const auto id = add();
  BOOST_TEST(book.remove(id).has_value());
  BOOST_TEST(!book.remove(id).has_value());
  BOOST_TEST(!book.next_task(now).has_value());
  BOOST_TEST(book.find(id) == nullptr);
  book.on_read_back(id, ReadBack::missing, now);
  BOOST_TEST(book.size() == 0U);
}

BOOST_AUTO_TEST_CASE(a_full_book_refuses) {
  for (std::size_t i = 0; i < limits::dht_operations_max; ++i) BOOST_REQUIRE(add() != 0U);
  BOOST_TEST(add() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(contact_list, Fixture)

BOOST_AUTO_TEST_CASE(contacts_are_asked_at_once_and_then_with_growing_pauses) {
  contacts.add(endpoint(1), now);
  for (const Duration pause : {1s, 2s, 4s, 8s, 16s, 30s, 30s}) {
    BOOST_TEST((contacts.take_due(now, false) == std::vector<Endpoint>{endpoint(1)}));
    BOOST_TEST((contacts.next_deadline() == now + pause));
    BOOST_TEST(contacts.take_due(now + pause - 1ms, false).empty());
    now += pause;
  }
}

BOOST_AUTO_TEST_CASE(a_connected_node_asks_rarely) {
  contacts.add(endpoint(1), now);
  contacts.take_due(now, true);
  BOOST_TEST((contacts.next_deadline() == now + 2min));
}

BOOST_AUTO_TEST_CASE(losing_the_connection_ends_the_pauses) {
  contacts.add(endpoint(1), now);
  contacts.take_due(now, true);
  contacts.on_status_changed(now, false);
  BOOST_TEST((contacts.next_deadline() == now + 1s));
}

BOOST_AUTO_TEST_CASE(naming_a_contact_again_does_not_make_it_ask_more_often) {
  contacts.add(endpoint(1), now);
  contacts.take_due(now, true);
  contacts.add(endpoint(1), now + 1s);
  BOOST_TEST(contacts.take_due(now + 1s, true).empty());
  contacts.add(endpoint(1), now + 6s);
  BOOST_TEST(contacts.take_due(now + 6s, true).size() == 1U);
  BOOST_TEST(contacts.size() == 1U);
}

BOOST_AUTO_TEST_CASE(the_first_contacts_give_way_to_nobody) {
  for (unsigned i = 1; i <= 2 * limits::dht_contacts_max; ++i) contacts.add(endpoint(i), now);
  BOOST_TEST(contacts.size() == limits::dht_contacts_max);
  const auto due = contacts.take_due(now, false);
  for (unsigned i = 1; i <= limits::dht_contacts_kept; ++i)
    BOOST_TEST((std::find(due.begin(), due.end(), endpoint(i)) != due.end()));
  BOOST_TEST((std::find(due.begin(), due.end(), endpoint(20)) == due.end()));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(first_lookups, Fixture)

BOOST_AUTO_TEST_CASE(three_lookups_come_before_announcing) {
  BOOST_TEST(!lookups.next_task(now).has_value());
  lookups.on_connected(now);
  using Target = FirstLookups::Target;
  for (const Target target : {Target::own_id, Target::anywhere, Target::own_id}) {
    BOOST_TEST(!lookups.tables_are_filled());
    const auto task = lookups.next_task(now);
    BOOST_REQUIRE(task.has_value());
    BOOST_TEST((task->target == target));
    BOOST_TEST(!lookups.next_task(now).has_value());
    now += 100ms;
    lookups.on_done(task->id, now);
  }
  BOOST_TEST(lookups.tables_are_filled());
}

BOOST_AUTO_TEST_CASE(a_lookup_without_end_is_not_waited_for) {
  lookups.on_connected(now);
  for (int i = 0; i < 3; ++i) {
    BOOST_TEST(!lookups.tables_are_filled());
    BOOST_REQUIRE(lookups.next_task(now).has_value());
    now = *lookups.next_deadline();
  }
  lookups.next_task(now);
  BOOST_TEST(lookups.tables_are_filled());
  BOOST_TEST((now <= TimePoint{1h} + 3s));
}

BOOST_AUTO_TEST_CASE(further_lookups_follow_within_the_first_minute_and_then_no_more) {
  lookups.on_connected(now);
  std::size_t count = 0;
  while (const auto due = lookups.next_deadline()) {
    now = std::max(now, *due);
    if (const auto task = lookups.next_task(now)) {
      ++count;
      lookups.on_done(task->id, now);
    }
  }
  BOOST_TEST(count == 8U);
  BOOST_TEST((now == TimePoint{1h} + 60s));
}

BOOST_AUTO_TEST_CASE(losing_the_connection_begins_anew) {
  lookups.on_connected(now);
  const auto old = lookups.next_task(now);
  lookups.on_disconnected();
  BOOST_TEST(!lookups.next_deadline().has_value());
  lookups.on_connected(now);
  lookups.on_done(old->id, now);
  BOOST_TEST(!lookups.tables_are_filled());
  BOOST_TEST(lookups.next_task(now).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
