// What stays in the tables and what goes: references to messages, erased sessions, expired messages,
// clocks that jump, and files that do not grow.
#include <chrono>

#include "starling/limits.hpp"

#include "tests/support/seeded_random.hpp"
#include "tests/unit/store/store_fixture.hpp"

using namespace starling;
using namespace starling::test;
using namespace std::chrono_literals;

namespace {

SharedPublication expiring(std::uint64_t number, TimePoint when) {
  auto made = message(number);
  made->expires_at = when;
  return made;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(store_rows, StoreFixture)

BOOST_AUTO_TEST_CASE(a_message_is_stored_once_and_goes_with_its_last_reference) {
  open();
  const auto shared = message(1);
  std::vector<StoreChange> changes{RetainedSet{shared, nullptr}};
  for (SessionNumber s = 1; s <= 20; ++s) {
    changes.emplace_back(session_saved(s, "c" + std::to_string(s)));
    changes.push_back(queued(s, 1, shared));
  }
  changes.emplace_back(InboundIdOpened{1, {9, shared}});
  keep(std::move(changes));
  BOOST_TEST(rows("message") == 1);
  BOOST_TEST(rows("queue") == 20);
  for (SessionNumber s = 1; s <= 10; ++s) keep({MessageDone{s, 1}});
  open();  // and the count is found again
  for (SessionNumber s = 11; s <= 20; ++s) keep({MessageDone{s, 1}});
  keep({RetainedErased{topic("a/b")}, RetainedErased{topic("never/there")}});
  BOOST_TEST(rows("message") == 1);
  keep({InboundIdClosed{1, 9}});
  BOOST_TEST(rows("message") == 0);
}

BOOST_AUTO_TEST_CASE(a_retained_message_that_is_replaced_goes_unless_it_waits_for_somebody) {
  open();
  keep({session_saved(1), RetainedSet{message(1), nullptr}, queued(1, 1, message(1))});
  keep({RetainedSet{message(2), nullptr}});
  BOOST_TEST(rows("message") == 2);
  keep({RetainedSet{message(2), nullptr}});  // the same again
  BOOST_TEST(rows("message") == 2);
  keep({MessageDone{1, 1}});
  BOOST_TEST(rows("message") == 1);
  keep({RetainedErased{topic("a/b")}, queued(1, 2, message(2))});  // goes and comes in one batch
  BOOST_TEST(rows("message") == 1);
  keep({MessageDone{1, 2}});
  BOOST_TEST(rows("message") == 0);
}

BOOST_AUTO_TEST_CASE(what_comes_and_goes_in_one_group_is_never_written) {
  open();
  keep({session_saved(1)});
  std::vector<StoreChange> changes;
  const auto shared = message(50);
  for (std::uint64_t i = 1; i <= 10; ++i)
    changes.push_back(queued(1, i, i == 5 ? shared : message(i)));
  changes.emplace_back(MessagesSent{1, 10});
  changes.emplace_back(MessageReceived{1, 3});
  for (std::uint64_t i = 1; i <= 10; ++i)
    if (i != 7) changes.emplace_back(MessageDone{1, i});
  changes.emplace_back(RetainedSet{shared, nullptr});
  keep(std::move(changes));
  BOOST_TEST(rows("queue") == 1);
  BOOST_TEST(rows("message") == 2);
  open();
  BOOST_TEST(loaded.sessions[1].last_position == 10U);
  BOOST_REQUIRE(loaded.sessions[1].in_flight.size() == 1U);
  BOOST_TEST(loaded.sessions[1].in_flight[0].position == 7U);
  keep({RetainedErased{topic("a/b")}, MessageDone{1, 7}});
  BOOST_TEST(rows("message") == 0);
  keep({queued(1, 11, message(60)), MessageDone{1, 11}});
  open();  // though no row has ever said so
  BOOST_TEST(loaded.numbers.message == 60U);
  BOOST_TEST(loaded.sessions[1].last_position == 11U);
}

BOOST_AUTO_TEST_CASE(any_order_of_coming_and_going_ends_with_no_rows) {
  open();
  constexpr std::uint32_t sessions = 5;
  SeededRandom random(4711);
  std::vector<std::uint64_t> next(sessions + 1, 1);
  std::vector<std::pair<SessionNumber, std::uint64_t>> open_ones;
  std::vector<StoreChange> begin;
  for (SessionNumber s = 1; s <= sessions; ++s)
    begin.emplace_back(session_saved(s, "c" + std::to_string(s)));
  keep(std::move(begin));
  for (std::uint64_t n = 1; n <= 2'000; ++n) {
    std::vector<StoreChange> changes;
    const auto one = message(n, "t/" + std::to_string(random.upto(7)));
    for (SessionNumber s = 1; s <= sessions; ++s) {
      if (random.upto(2) == 0) continue;
      changes.push_back(queued(s, next[s], one));
      open_ones.emplace_back(s, next[s]++);
    }
    if (random.upto(3) == 0) changes.emplace_back(RetainedSet{one, nullptr});
    if (random.upto(3) == 0) changes.emplace_back(RetainedErased{one->topic});
    while (open_ones.size() > 30) {
      const auto at = static_cast<std::ptrdiff_t>(random.upto(open_ones.size()));
      changes.emplace_back(MessageDone{open_ones[static_cast<std::size_t>(at)].first,
                                       open_ones[static_cast<std::size_t>(at)].second});
      open_ones.erase(open_ones.begin() + at);
    }
    if (changes.empty()) continue;
    commit(std::move(changes));
    if (random.upto(4) == 0) worker.drain();
    if (n == 1'000) open();
  }
  std::vector<StoreChange> end;
  for (const auto& [session, position] : open_ones)
    end.emplace_back(MessageDone{session, position});
  for (int i = 0; i < 7; ++i) end.emplace_back(RetainedErased{topic("t/" + std::to_string(i))});
  keep(std::move(end));
  for (const char* table : {"queue", "retained", "message"}) BOOST_TEST(rows(table) == 0, table);
}

// --- Erased sessions

BOOST_AUTO_TEST_CASE(an_erased_session_goes_at_once_and_its_rows_in_slices) {
  open();
  const std::uint64_t many = 2 * limits::store_slice_rows + 500;
  std::vector<StoreChange> changes{session_saved(1), session_saved(2, "other"),
                                   queued(2, 1, message(1)), SubscriptionSaved{1, {"x", 1, 0}},
                                   InboundIdOpened{1, {4, message(9'999)}}};
  for (std::uint64_t i = 1; i <= many; ++i) changes.push_back(queued(1, i, message(i)));
  keep(std::move(changes));
  commit({SessionErased{1}});
  worker.run_job();
  BOOST_TEST(rows("session") == 1);
  BOOST_TEST(rows("queue") == static_cast<std::int64_t>(many + 1 - limits::store_slice_rows));
  crash_and_open();  // in the middle of it
  BOOST_TEST(loaded.sessions.size() == 1U);
  BOOST_TEST(loaded.sessions[2].waiting == 1U);
  keep({session_saved(3)});  // goes on with the next commit, and then by itself
  BOOST_TEST(rows("queue") == 1);
  BOOST_TEST(rows("message") == 1);
  for (const char* table : {"erased", "inbound", "subscription"})
    BOOST_TEST(rows(table) == 0, table);
}

BOOST_AUTO_TEST_CASE(rows_without_their_session_are_taken_away) {
  open();
  keep({session_saved(1), queued(1, 1, message(1)), InboundIdOpened{1, {1, message(2)}},
        SubscriptionSaved{1, {"a", 0, 0}}, RetainedSet{message(2), nullptr}});
  store.reset();
  {
    Database database(options.file, Database::Mode::read_write);
    database.exec("DELETE FROM session");
  }
  open();
  BOOST_TEST(loaded.sessions.empty());
  keep({session_saved(2)});
  for (const char* table : {"queue", "inbound", "subscription", "erased"})
    BOOST_TEST(rows(table) == 0, table);
  BOOST_TEST(rows("message") == 1);
}

// --- Expiry

BOOST_AUTO_TEST_CASE(waiting_messages_whose_time_ran_out_are_forgotten_and_told) {
  open();
  const TimePoint now = scheduler.now();
  keep({session_saved(1), session_saved(2, "b"), queued(1, 1, expiring(1, now + 10s)),
        queued(1, 2, expiring(2, now + 20s)), queued(1, 3, message(3)),
        queued(1, 4, expiring(4, now + 500s)), queued(2, 1, expiring(2, now + 20s)),
        MessagesSent{1, 1}});
  scheduler.run_for(limits::store_look_interval);
  worker.drain();
  BOOST_REQUIRE(expired.size() == 2U);
  BOOST_TEST(expired[0].session == 1U);
  BOOST_TEST(expired[0].position == 2U);
  BOOST_TEST(expired[0].bytes == 8U);
  BOOST_TEST(expired[1].session == 2U);
  BOOST_TEST(rows("queue") == 3);  // what has been sent is acknowledged or sent again
  BOOST_TEST(rows("message") == 3);
}

BOOST_AUTO_TEST_CASE(many_expired_messages_go_in_slices_until_none_is_left) {
  open();
  const std::uint64_t many = 3 * limits::store_slice_rows + 10;
  std::vector<StoreChange> changes{session_saved(1)};
  for (std::uint64_t i = 1; i <= many; ++i)
    changes.push_back(queued(1, i, expiring(i, scheduler.now() + 1s)));
  keep(std::move(changes));
  scheduler.run_for(limits::store_look_interval);
  worker.run_job();
  worker.finish();
  BOOST_TEST(expired.size() == limits::store_slice_rows);
  worker.drain();
  BOOST_TEST(expired.size() == many);
  BOOST_TEST(rows("queue") == 0);
  BOOST_TEST(rows("message") == 0);
  const std::size_t asked = worker.asked();
  scheduler.run_for(limits::store_look_interval);
  worker.drain();
  BOOST_TEST(worker.asked() == asked + 1);
}

BOOST_AUTO_TEST_CASE(looking_for_expired_messages_reads_only_those_that_have_a_time) {
  open();
  Database database(options.file, Database::Mode::read_only);
  const auto plan = [&] {
    Statement statement(database,
                        "EXPLAIN QUERY PLAN SELECT session FROM queue WHERE expires_at BETWEEN 1"
                        " AND 2 AND state = 0 ORDER BY expires_at");
    statement.step();
    return std::string(statement.text(3));
  }();
  BOOST_TEST(plan.find("queue_expiry") != std::string::npos, plan);
}

// --- Clocks

BOOST_AUTO_TEST_CASE(a_clock_that_is_set_moves_what_is_stored) {
  open();
  const TimePoint now = scheduler.now();
  keep({session_saved(1), SessionAway{1, now + 1'000s, now + 900s},
        queued(1, 1, expiring(1, now + 800s)), RetainedSet{expiring(2, now + 700s), nullptr}});
  constexpr std::int64_t years = 10LL * 365 * 86'400;
  scheduler.move_wall_clock(years);
  keep({session_saved(2)});
  BOOST_TEST(log.count("store_clock_jumped by_s=315360000") == 1U);
  BOOST_TEST(expired.empty());
  store.reset();
  scheduler.run_for(100s);
  open();
  BOOST_TEST((loaded.sessions[1].ends_at == now + 1'000s));
  BOOST_TEST((loaded.sessions[1].will_due == now + 900s));
  BOOST_TEST((loaded.retained["a/b"].message->expires_at == now + 700s));
  BOOST_TEST((read(1)[0].message->expires_at == now + 800s));
}

BOOST_AUTO_TEST_CASE(a_clock_that_is_behind_at_start_lets_nothing_live_longer_or_die) {
  open();
  keep({session_saved(1), SessionAway{1, scheduler.now() + 1'000s, std::nullopt}});
  store.reset();
  scheduler.move_wall_clock(-5 * 86'400);
  open();
  BOOST_TEST(log.count("store_clock_behind behind_s=432000") == 1U);
  BOOST_TEST((loaded.sessions[1].ends_at == scheduler.now() + 1'000s));
  scheduler.run_for(10s);
  keep({session_saved(2)});
  open();
  BOOST_TEST(log.count("store_clock_behind") == 1U);
  BOOST_TEST((loaded.sessions[1].ends_at == scheduler.now() + 990s));
  scheduler.move_wall_clock(5 * 86'400);  // and then it is told the time
  keep({session_saved(3)});
  open();
  BOOST_TEST((loaded.sessions[1].ends_at == scheduler.now() + 990s));
}

BOOST_AUTO_TEST_CASE(small_steps_of_the_clock_are_not_worth_a_word) {
  open();
  scheduler.move_wall_clock(-30);
  keep({session_saved(1)});
  BOOST_TEST(log.count("store_clock") == 0U);
}

// --- Bounds

BOOST_AUTO_TEST_CASE(two_hundred_thousand_waiting_messages_are_read_in_parts) {
  open();
  constexpr std::uint64_t many = 200'000;
  keep({session_saved(1)});
  for (std::uint64_t i = 1; i <= many;) {
    std::vector<StoreChange> changes;
    for (int k = 0; k < 10'000; ++k, ++i) changes.push_back(queued(1, i, message(i, "t", "x")));
    keep(std::move(changes));
  }
  open();
  BOOST_TEST(loaded.sessions[1].waiting == many);
  BOOST_TEST(loaded.sessions[1].in_flight.empty());
  std::uint64_t after = 0;
  while (true) {
    const auto part = read(1, after, 500, limits::queue_memory_bytes);
    BOOST_REQUIRE(part.size() <= 500U);
    for (const StoredDelivery& one : part) BOOST_REQUIRE(one.position == ++after);
    if (part.size() < 500) break;
  }
  BOOST_TEST(after == many);
}

BOOST_AUTO_TEST_CASE(the_file_does_not_grow_under_steady_churn_and_shrinks_after_a_crowd) {
  open();
  keep({session_saved(1)});
  std::uint64_t n = 0;
  const std::string payload(200, 'x');
  const auto churn = [&](std::uint64_t messages) {
    for (std::uint64_t i = 0; i < messages; i += 1'000) {
      std::vector<StoreChange> come;
      std::vector<StoreChange> go;
      for (int k = 0; k < 1'000; ++k) {
        ++n;
        come.push_back(queued(1, n, message(n, "t", payload)));
        go.emplace_back(MessageDone{1, n});
      }
      keep(std::move(come));
      keep(std::move(go));
    }
  };
  churn(10'000);
  const auto pages = number("PRAGMA page_count");
  churn(100'000);
  BOOST_TEST(number("PRAGMA page_count") <= pages + pages / 4);
  BOOST_TEST(std::filesystem::file_size(options.file + "-wal") < 40U << 20U);

  std::vector<StoreChange> come;
  std::vector<StoreChange> go;
  for (int k = 0; k < 30'000; ++k) {
    ++n;
    come.push_back(queued(1, n, message(n, "t", payload)));
    go.emplace_back(MessageDone{1, n});
  }
  keep(std::move(come));
  const auto most = number("PRAGMA page_count");
  keep(std::move(go));
  for (int i = 0; i < 10; ++i) {
    scheduler.run_for(limits::store_look_interval);
    worker.drain();
  }
  BOOST_TEST(number("PRAGMA page_count") < most / 4);
}

BOOST_AUTO_TEST_SUITE_END()
