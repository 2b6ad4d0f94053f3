#include <boost/test/unit_test.hpp>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "starling/limits.hpp"

#include "src/auth/authenticator.hpp"
#include "tests/support/scram_client.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/virtual_scheduler.hpp"

using namespace starling;
using namespace starling::test;
using namespace std::chrono_literals;
using Kind = LoginVerdict::Kind;

namespace {

/// Other threads, as far as a machine can see them: jobs end when the test says so.
class HandWorker final : public Worker {
 public:
  void run(std::function<void()> job, std::function<void()> done) override {
    tasks.push_back({std::move(job), std::move(done)});
  }
  bool finish_one() {
    if (tasks.empty()) return false;
    const auto [job, done] = std::move(tasks.front());
    tasks.pop_front();
    job();
    done();
    return true;
  }
  void finish_all() {
    while (finish_one()) {
    }
  }
  std::deque<std::pair<std::function<void()>, std::function<void()>>> tasks;
};

std::string pbkdf2(std::string_view password) {
  static SeededRandom random(9);
  return PasswordHash::make_pbkdf2(as_bytes(password), random, 1).to_text();
}
std::string scram_entry(std::string_view password) {
  static SeededRandom random(10);
  return PasswordHash::make_scram(as_bytes(password), random, 1).to_text();
}
DoorKeys keys(const std::string& passwords, bool allow_anonymous = false) {
  return {std::make_shared<PasswordTable>(parse_password_file(passwords).table), allow_anonymous};
}

/// An Authenticator with one listener, the verdicts it gave and the clients that ask.
struct Gate {
  explicit Gate(DoorKeys door, std::uint32_t failures_per_minute = 0) {
    authenticator.configure({std::move(door)}, failures_per_minute);
  }
  static LoginAttempt attempt(std::uint64_t connection, std::uint8_t host = 1) {
    return {ConnectionId{connection}, 0, Endpoint::v4({10, 0, 0, host}, 1'000)};
  }
  /// What check() said at once, or nothing.
  std::optional<Kind> ask(std::uint64_t connection, std::string_view user,
                          std::optional<std::string_view> password, std::uint8_t host = 1) {
    std::optional<ByteView> bytes;
    if (password) bytes = as_bytes(*password);
    const auto said = authenticator.check(attempt(connection, host), user, bytes);
    if (!said) return std::nullopt;
    last_why = said->why;
    return said->kind;
  }
  /// The same, with the worker's help.
  Kind login(std::uint64_t connection, std::string_view user,
             std::optional<std::string_view> password, std::uint8_t host = 1) {
    if (const auto said = ask(connection, user, password, host)) return *said;
    const std::size_t before = verdicts.size();
    worker.finish_all();
    BOOST_REQUIRE(verdicts.size() > before);
    BOOST_TEST(verdicts.back().first == connection);
    return verdicts.back().second;
  }

  VirtualScheduler scheduler;
  HandWorker worker;
  SeededRandom random{1};
  std::vector<std::pair<std::uint64_t, Kind>> verdicts;
  std::string last_why;
  Authenticator authenticator{scheduler, worker, random,
                              [this](ConnectionId id, const LoginVerdict& verdict) {
                                verdicts.emplace_back(id.value, verdict.kind);
                                last_why = verdict.why;
                              }};
};

}  // namespace

BOOST_TEST_DONT_PRINT_LOG_VALUE(LoginVerdict::Kind)
BOOST_TEST_DONT_PRINT_LOG_VALUE(ExchangeStep::Kind)

BOOST_AUTO_TEST_SUITE(authenticator)

BOOST_AUTO_TEST_CASE(the_right_password_lets_in_and_no_other) {
  Gate gate(keys("ann:" + pbkdf2("secret")));
  BOOST_TEST(gate.login(1, "ann", "secret") == Kind::accepted);
  BOOST_TEST(gate.login(2, "ann", "Secret") == Kind::refused);
  BOOST_TEST(gate.last_why == "wrong password");
  BOOST_TEST(gate.login(3, "bob", "secret") == Kind::refused);
  BOOST_TEST(gate.last_why == "unknown user");
  BOOST_TEST(gate.login(4, "ann", "") == Kind::refused);
  BOOST_TEST(gate.authenticator.counters().accepted == 1);
  BOOST_TEST(gate.authenticator.counters().refused == 3);
}

BOOST_AUTO_TEST_CASE(a_name_without_a_password_is_refused_at_once) {
  Gate gate(keys("ann:" + pbkdf2("secret") + "\nbob:" + pbkdf2("")));
  for (const char* user : {"ann", "bob"}) {
    BOOST_TEST((gate.ask(1, user, {}) == Kind::refused));
    BOOST_TEST((gate.ask(1, user, "") == Kind::refused));
  }
  BOOST_TEST(gate.worker.tasks.empty());
}

BOOST_AUTO_TEST_CASE(without_a_password_file_names_are_as_good_as_none) {
  Gate open(DoorKeys{nullptr, true});
  BOOST_TEST((open.ask(1, "anybody", "x") == Kind::accepted));
  BOOST_TEST((open.ask(2, "anybody", {}) == Kind::accepted));
  Gate closed(DoorKeys{nullptr, false});
  BOOST_TEST((closed.ask(1, "anybody", "x") == Kind::refused));
}

BOOST_AUTO_TEST_CASE(anonymous_clients_do_not_make_wrong_passwords_good) {
  Gate gate(keys("ann:" + pbkdf2("secret"), true));
  BOOST_TEST(gate.login(1, "ann", "wrong") == Kind::refused);
  BOOST_TEST(gate.login(2, "bob", "x") == Kind::refused);
  BOOST_TEST((gate.ask(3, "bob", {}) == Kind::refused));
}

BOOST_AUTO_TEST_CASE(an_empty_file_lets_nobody_in) {
  Gate gate(keys(""));
  BOOST_TEST((gate.ask(1, "ann", "x") == Kind::refused));
  BOOST_TEST(gate.worker.tasks.empty());
}

BOOST_AUTO_TEST_CASE(each_door_has_its_keys) {
  Gate gate(keys("ann:" + pbkdf2("a")));
  gate.authenticator.configure({keys("ann:" + pbkdf2("a")), keys("ann:" + pbkdf2("b"))}, 0);
  auto attempt = Gate::attempt(1);
  attempt.door = 1;
  BOOST_TEST(!gate.authenticator.check(attempt, "ann", as_bytes("b")));
  gate.worker.finish_all();
  BOOST_TEST((gate.verdicts.back().second == Kind::accepted));
  BOOST_TEST(gate.login(2, "ann", "b") == Kind::refused);
}

BOOST_AUTO_TEST_CASE(a_user_who_is_not_there_costs_what_the_others_cost) {
  Gate gate(keys("ann:" + pbkdf2("secret") + "\nbob:" + scram_entry("x")));
  gate.login(1, "nobody", "x");
  BOOST_TEST(gate.authenticator.counters().hashes == 1);
  gate.login(2, "ann", "wrong");
  BOOST_TEST(gate.authenticator.counters().hashes == 2);
}

BOOST_AUTO_TEST_CASE(a_stand_ins_password_is_not_that_of_a_user_who_is_not_there) {
  Gate gate(keys("ann:" + pbkdf2("secret")));
  BOOST_TEST(gate.login(1, "nobody", "secret") == Kind::refused);
  BOOST_TEST(gate.login(2, "nobody", "secret") == Kind::refused);
  BOOST_TEST(gate.authenticator.counters().cache_hits == 0);
}

BOOST_AUTO_TEST_CASE(who_comes_back_soon_is_not_hashed_again) {
  Gate gate(keys("ann:" + pbkdf2("secret")));
  gate.login(1, "ann", "secret");
  BOOST_TEST((gate.ask(2, "ann", "secret") == Kind::accepted));
  BOOST_TEST(gate.authenticator.counters().hashes == 1);
  BOOST_TEST(gate.authenticator.counters().cache_hits == 1);
  BOOST_TEST(gate.login(3, "ann", "wrong") == Kind::refused);
  gate.scheduler.run_for(limits::credentials_cached_for);
  BOOST_TEST(!gate.ask(4, "ann", "secret"));
}

BOOST_AUTO_TEST_CASE(a_wrong_password_is_hashed_each_time) {
  Gate gate(keys("ann:" + pbkdf2("secret")));
  for (std::uint64_t i = 1; i <= 3; ++i) gate.login(i, "ann", "wrong");
  BOOST_TEST(gate.authenticator.counters().hashes == 3);
}

BOOST_AUTO_TEST_CASE(no_more_than_two_hashes_are_computed_at_a_time) {
  Gate gate(keys("ann:" + pbkdf2("secret")));
  for (std::uint64_t i = 1; i <= 10; ++i) gate.ask(i, "ann", "wrong" + std::to_string(i));
  BOOST_TEST(gate.worker.tasks.size() == limits::logins_checked_max);
  gate.worker.finish_one();
  BOOST_TEST(gate.worker.tasks.size() == limits::logins_checked_max);
  gate.worker.finish_all();
  BOOST_TEST(gate.verdicts.size() == 10U);
}

BOOST_AUTO_TEST_CASE(a_storm_with_the_same_credentials_costs_two_hashes) {
  Gate gate(keys("ann:" + pbkdf2("secret")));
  for (std::uint64_t i = 1; i <= 100; ++i) gate.ask(i, "ann", "secret");
  gate.worker.finish_all();
  BOOST_TEST(gate.verdicts.size() == 100U);
  for (const auto& verdict : gate.verdicts) BOOST_TEST(verdict.second == Kind::accepted);
  BOOST_TEST(gate.authenticator.counters().hashes == 2);
}

BOOST_AUTO_TEST_CASE(when_too_many_wait_the_next_is_told_so) {
  Gate gate(keys("ann:" + pbkdf2("secret")));
  std::uint64_t connection = 0;
  const std::size_t places = limits::logins_checked_max + limits::logins_waiting_per_origin_max;
  for (std::size_t i = 0; i < places; ++i) {
    ++connection;
    BOOST_REQUIRE(!gate.ask(connection, "ann", "wrong" + std::to_string(connection)));
  }
  BOOST_TEST((gate.ask(++connection, "ann", "secret") == Kind::busy));
  BOOST_TEST(!gate.ask(++connection, "ann", "secret", 2));  // another address has its own places
  BOOST_TEST(gate.authenticator.counters().busy == 1);
  // And does not wait for all of the first.
  for (int i = 0; i < 4; ++i) gate.worker.finish_one();
  BOOST_TEST((gate.verdicts.back() == std::pair{connection, Kind::accepted}
              || gate.verdicts[2] == std::pair{connection, Kind::accepted}
              || gate.verdicts[1] == std::pair{connection, Kind::accepted}));
}

BOOST_AUTO_TEST_CASE(an_address_that_fails_too_often_is_refused_without_work) {
  Gate gate(keys("ann:" + pbkdf2("secret")), 3);
  for (std::uint64_t i = 1; i <= 3; ++i) BOOST_TEST(gate.login(i, "ann", "wrong") == Kind::refused);
  const auto hashes = gate.authenticator.counters().hashes;
  BOOST_TEST((gate.ask(4, "ann", "secret") == Kind::throttled));
  BOOST_TEST(gate.authenticator.counters().hashes == hashes);
  BOOST_TEST(gate.login(5, "ann", "secret", 2) == Kind::accepted);
  // Not even who was found good before: a guess could be told by it.
  BOOST_TEST((gate.ask(6, "ann", "secret") == Kind::throttled));
  gate.scheduler.run_for(20s);
  BOOST_TEST((gate.ask(7, "ann", "secret") == Kind::accepted));
}

BOOST_AUTO_TEST_CASE(successes_do_not_count_as_failures) {
  Gate gate(keys("ann:" + pbkdf2("secret")), 3);
  for (std::uint64_t i = 1; i <= 50; ++i)
    BOOST_TEST(gate.login(i, "ann", "secret") == Kind::accepted);
}

BOOST_AUTO_TEST_CASE(those_who_wait_are_refused_when_their_address_has_failed_too_often) {
  Gate gate(keys("ann:" + pbkdf2("secret")), 3);
  for (std::uint64_t i = 1; i <= 50; ++i) gate.ask(i, "ann", "wrong");
  gate.worker.finish_all();
  BOOST_TEST(gate.verdicts.size() == 50U);
  BOOST_TEST(gate.authenticator.counters().hashes <= 4);  // one was under way already
  BOOST_TEST(gate.authenticator.counters().throttled >= 46);
}

BOOST_AUTO_TEST_CASE(who_has_gone_hears_nothing_and_pays_all_the_same) {
  Gate gate(keys("ann:" + pbkdf2("secret")), 3);
  for (std::uint64_t i = 1; i <= 5; ++i) gate.ask(i, "ann", "wrong");
  for (std::uint64_t i = 1; i <= 5; ++i) gate.authenticator.forget(ConnectionId{i});
  gate.worker.finish_all();
  BOOST_TEST(gate.verdicts.empty());
  BOOST_TEST(gate.authenticator.counters().hashes == 2);
  gate.login(6, "ann", "wrong");
  BOOST_TEST((gate.ask(7, "ann", "secret") == Kind::throttled));  // two jobs, and the one after
}

BOOST_AUTO_TEST_CASE(jobs_may_outlive_the_authenticator) {
  HandWorker worker;
  VirtualScheduler scheduler;
  SeededRandom random(1);
  bool called = false;
  {
    Authenticator short_lived(scheduler, worker, random,
                              [&](ConnectionId, const LoginVerdict&) { called = true; });
    short_lived.configure({keys("ann:" + pbkdf2("secret"))}, 0);
    BOOST_TEST(!short_lived.check(Gate::attempt(1), "ann", as_bytes("secret")));
  }
  worker.finish_all();
  BOOST_TEST(!called);
}

BOOST_AUTO_TEST_CASE(a_reload_forgets_who_was_good) {
  Gate gate(keys("ann:" + pbkdf2("old")));
  gate.login(1, "ann", "old");
  gate.authenticator.configure({keys("ann:" + pbkdf2("new"))}, 0);
  BOOST_TEST(gate.login(2, "ann", "old") == Kind::refused);
  BOOST_TEST(gate.login(3, "ann", "new") == Kind::accepted);
}

BOOST_AUTO_TEST_CASE(checks_under_way_are_judged_by_the_new_file) {
  Gate gate(keys("ann:" + pbkdf2("old") + "\nbob:" + pbkdf2("b")));
  gate.ask(1, "ann", "old");
  gate.ask(2, "ann", "new");
  gate.ask(3, "bob", "b");
  gate.authenticator.configure({keys("ann:" + pbkdf2("new"))}, 0);
  gate.worker.finish_all();
  std::map<std::uint64_t, Kind> verdicts(gate.verdicts.begin(), gate.verdicts.end());
  BOOST_TEST(verdicts.size() == 3U);
  BOOST_TEST(verdicts.at(1) == Kind::refused);
  BOOST_TEST(verdicts.at(2) == Kind::accepted);
  BOOST_TEST(verdicts.at(3) == Kind::refused);
  BOOST_TEST((gate.ask(4, "ann", "old") != Kind::accepted));
}

BOOST_AUTO_TEST_CASE(a_reload_tells_whose_right_has_ended) {
  const std::string ann = "ann:" + pbkdf2("a");
  Gate gate(keys(ann + "\nbob:" + pbkdf2("b") + "\njoe:" + pbkdf2("j")));
  gate.authenticator.configure({keys(ann + "\nbob:" + pbkdf2("new"))}, 0);
  BOOST_TEST(!gate.authenticator.was_revoked(0, "ann"));
  BOOST_TEST(gate.authenticator.was_revoked(0, "bob"));
  BOOST_TEST(gate.authenticator.was_revoked(0, "joe"));
  gate.authenticator.configure({DoorKeys{nullptr, true}}, 0);
  BOOST_TEST(!gate.authenticator.was_revoked(0, "ann"));
  gate.authenticator.configure({keys(ann)}, 0);
  BOOST_TEST(gate.authenticator.was_revoked(0, "ann"));  // nobody has asked for his password yet
  gate.authenticator.configure({DoorKeys{nullptr, false}}, 0);
  BOOST_TEST(gate.authenticator.was_revoked(0, "ann"));
}

BOOST_AUTO_TEST_CASE(scram_lets_in_by_an_exchange, *boost::unit_test::label("MQTT5-4.12.0-2")) {
  Gate gate(keys("ann:" + scram_entry("secret")), 2);
  Authenticator& auth = gate.authenticator;
  ScramClient client("ann", "secret");
  auto step = auth.begin_exchange(Gate::attempt(1), "SCRAM-SHA-256", as_bytes(client.first()));
  BOOST_TEST(step.kind == ExchangeStep::Kind::go_on);
  step = auth.continue_exchange(ConnectionId{1}, as_bytes(client.final(as_text(step.data))));
  BOOST_TEST(step.kind == ExchangeStep::Kind::accepted);
  BOOST_TEST(step.user == "ann");
  BOOST_TEST(as_text(step.data) == client.server_final);
  BOOST_TEST((auth.continue_exchange(ConnectionId{1}, {}).kind == ExchangeStep::Kind::refused));
  BOOST_TEST(gate.login(2, "ann", "secret") == Kind::accepted);  // the same entry, in the open
}

BOOST_AUTO_TEST_CASE(methods_that_are_not_offered_are_told_apart,
                     *boost::unit_test::label("MQTT5-4.12.0-1")) {
  Gate gate(keys("ann:" + scram_entry("secret")));
  const auto kind = [](Gate& at, std::string_view method) {
    return at.authenticator.begin_exchange(Gate::attempt(1), method, as_bytes("n,,n=ann,r=x")).kind;
  };
  for (const char* other : {"SCRAM-SHA-1", "scram-sha-256", "", "PLAIN"})
    BOOST_TEST(kind(gate, other) == ExchangeStep::Kind::unknown_method);
  Gate without_entries(keys("ann:" + pbkdf2("secret")));
  BOOST_TEST(kind(without_entries, "SCRAM-SHA-256") == ExchangeStep::Kind::unknown_method);
  Gate without_file(DoorKeys{nullptr, true});
  BOOST_TEST(kind(without_file, "SCRAM-SHA-256") == ExchangeStep::Kind::unknown_method);
}

BOOST_AUTO_TEST_CASE(failed_exchanges_count_against_the_address) {
  Gate gate(keys("ann:" + scram_entry("secret")), 2);
  Authenticator& auth = gate.authenticator;
  const auto fail = [&](std::uint64_t connection) {
    ScramClient client("ann", "wrong");
    const auto step =
        auth.begin_exchange(Gate::attempt(connection), "SCRAM-SHA-256", as_bytes(client.first()));
    return step.kind != ExchangeStep::Kind::go_on
               ? step.kind
               : auth.continue_exchange(ConnectionId{connection},
                                        as_bytes(client.final(as_text(step.data))))
                     .kind;
  };
  BOOST_TEST(fail(1) == ExchangeStep::Kind::refused);
  ScramClient waiting("ann", "secret");
  const auto first =
      auth.begin_exchange(Gate::attempt(9), "SCRAM-SHA-256", as_bytes(waiting.first()));
  BOOST_TEST(fail(2) == ExchangeStep::Kind::refused);
  BOOST_TEST(fail(3) == ExchangeStep::Kind::throttled);
  BOOST_TEST(
      (auth.continue_exchange(ConnectionId{9}, as_bytes(waiting.final(as_text(first.data)))).kind
       == ExchangeStep::Kind::throttled));
  BOOST_TEST((gate.ask(4, "ann", "secret") == Kind::throttled));
}

BOOST_AUTO_TEST_CASE(an_exchange_ends_with_its_connection_and_when_given_up) {
  Gate gate(keys("ann:" + scram_entry("secret")));
  Authenticator& auth = gate.authenticator;
  for (const bool gone : {false, true}) {
    ScramClient client("ann", "secret");
    const auto first =
        auth.begin_exchange(Gate::attempt(1), "SCRAM-SHA-256", as_bytes(client.first()));
    if (gone)
      auth.forget(ConnectionId{1});
    else
      auth.end_exchange(ConnectionId{1});
    const auto last =
        auth.continue_exchange(ConnectionId{1}, as_bytes(client.final(as_text(first.data))));
    BOOST_TEST(last.kind == ExchangeStep::Kind::refused);
  }
  auth.end_exchange(ConnectionId{7});
}

BOOST_AUTO_TEST_SUITE_END()
