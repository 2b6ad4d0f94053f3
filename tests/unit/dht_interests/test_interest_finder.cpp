// The interest finder: when an answer counts as complete, what it believes, and what it lets go.
#include <boost/test/unit_test.hpp>

#include "dht/interests/interest_finder.hpp"
#include "tests/unit/dht_interests/fake_rendezvous.hpp"

using namespace starling;
using namespace starling::testing;

namespace {

struct Fixture : InterestFinderHandler {
  VirtualScheduler scheduler;
  FakeRendezvous rendezvous;
  LookupPacer pacer;
  InterestFinderSettings settings{author(0).node_id(), mesh(), 5, false};
  std::unique_ptr<InterestFinder> finder = make();

  std::vector<PeerSeen> seen;
  std::vector<LiteralPrefix> resolved;
  std::function<void()> when_seen;

  std::unique_ptr<InterestFinder> make() {
    return std::make_unique<InterestFinder>(settings, rendezvous, scheduler, pacer, *this);
  }
  void on_peer_seen(const PeerSeen& peer) override {
    seen.push_back(peer);
    if (when_seen) when_seen();
  }
  void on_prefix_resolved(const LiteralPrefix& prefix) override { resolved.push_back(prefix); }

  Resolution find(std::string_view topic) { return finder->find(name(topic)); }
  bool known(std::string_view topic) { return find(topic) == Resolution::known; }
  UnixSeconds later() { return scheduler.unix_now() + 600; }
  static DhtKey key(std::string_view filter) { return interest_key(mesh(), prefix_of(filter)); }
  void tell(std::string_view filter, const Bytes& record) { rendezvous.tell(key(filter), record); }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(interest_finder, Fixture)

BOOST_AUTO_TEST_CASE(the_first_use_of_a_topic_reads_and_listens_to_its_three_keys) {
  BOOST_TEST(!known("a/b/c"));
  for (const char* filter : {"a/b", "a/+", "#"}) {
    BOOST_TEST(rendezvous.gets_of(key(filter)) == 1U);
    BOOST_TEST(rendezvous.listens_to(key(filter)) == 1U);
  }
  BOOST_TEST(rendezvous.gets.size() == 3U);
  BOOST_TEST(!known("a/b/d"));  // shares all three
  BOOST_TEST(rendezvous.gets.size() == 3U);
  BOOST_TEST(!known("a/x"));  // shares two
  BOOST_TEST(rendezvous.gets.size() == 4U);
}

BOOST_AUTO_TEST_CASE(an_open_mesh_has_nothing_under_the_empty_prefix) {
  settings.open_mesh = true;
  finder = make();
  find("a/b/c");
  BOOST_TEST(rendezvous.gets.size() == 2U);
  BOOST_TEST(rendezvous.gets_of(key("#")) == 0U);
  rendezvous.finish();
  BOOST_TEST(known("a/b/c"));
}

BOOST_AUTO_TEST_CASE(when_all_gets_have_ended_without_a_value_nobody_wants_it) {
  find("a/b");
  rendezvous.finish();
  BOOST_TEST(resolved.size() == 3U);
  BOOST_TEST(known("a/b"));
  BOOST_TEST(finder->peers_wanting(name("a/b")).empty());
}

BOOST_AUTO_TEST_CASE(a_first_value_is_told_at_once_and_completes_the_answer_soon_after) {
  find("a/b");
  tell("a/b", interest_record(1, later(), {"a/b/c"}));
  BOOST_REQUIRE(seen.size() == 1U);
  BOOST_TEST((seen[0].peer.id == author(1).node_id()));
  BOOST_TEST((seen[0].peer.endpoints == std::vector<Endpoint>{home()}));
  BOOST_TEST((seen[0].prefix == prefix_of("a/b")));
  BOOST_TEST((seen[0].interests == std::vector<Interest>{interest("a/b/c")}));
  scheduler.run_for(limits::settle_time - 1ms);
  BOOST_TEST(resolved.empty());
  scheduler.run_for(2ms);
  BOOST_REQUIRE(resolved.size() == 1U);
  BOOST_TEST((resolved[0] == prefix_of("a/b")));
}

BOOST_AUTO_TEST_CASE(every_new_value_begins_the_settling_anew_but_not_for_ever) {
  find("a");
  for (std::uint8_t peer = 1; peer < 30; ++peer) {
    tell("#", interest_record(peer, later(), {"#"}));
    if (scheduler.now().time_since_epoch() < 1900ms)
      BOOST_TEST(std::count(resolved.begin(), resolved.end(), LiteralPrefix{}) == 0);
    scheduler.run_for(200ms);
  }
  BOOST_TEST(std::count(resolved.begin(), resolved.end(), LiteralPrefix{}) == 1);
  BOOST_TEST(seen.size() == 29U);  // those found late are told all the same
}

BOOST_AUTO_TEST_CASE(an_answer_that_never_comes_is_complete_after_two_seconds) {
  find("a/b");
  scheduler.run_for(limits::resolution_age_max - 1ms);
  BOOST_TEST(resolved.empty());
  scheduler.run_for(2ms);
  BOOST_TEST(resolved.size() == 3U);
  BOOST_TEST(known("a/b"));
}

BOOST_AUTO_TEST_CASE(a_peer_that_announces_later_is_told_while_the_key_is_listened_to) {
  find("a/b");
  rendezvous.finish();
  tell("a/b", interest_record(1, later(), {"a/b"}));
  BOOST_TEST(seen.size() == 1U);
  BOOST_TEST(finder->peers_wanting(name("a/b")).size() == 1U);
}

BOOST_AUTO_TEST_CASE(peers_wanting_matches_the_filters_exactly) {
  find("a/b/c");
  tell("a/b", interest_record(1, later(), {"a/b/c", "a/b/d"}));
  tell("a/+", interest_record(2, later(), {"a/+/x"}));
  tell("#", interest_record(3, later(), {"#"}));
  tell("#", interest_record(1, later(), {"+/b/#"}));
  const auto peers = finder->peers_wanting(name("a/b/c"));
  BOOST_REQUIRE(peers.size() == 2U);  // 1 once, 3; but not 2
  BOOST_TEST((peers[0].id < peers[1].id));
  for (const PeerRecord& peer : peers) BOOST_TEST((peer.id != author(2).node_id()));
  BOOST_TEST(finder->peers_wanting(name("a/y/x")).size() == 2U);
}

BOOST_AUTO_TEST_CASE(own_records_are_ignored) {
  find("a");
  tell("#", interest_record(0, later(), {"#"}));
  BOOST_TEST(seen.empty());
}

BOOST_AUTO_TEST_CASE(what_is_no_valid_record_of_this_mesh_is_ignored) {
  find("a/b");
  const Bytes good = interest_record(1, later(), {"a/b"});
  Bytes flipped = good;
  flipped.back() ^= 1U;
  tell("a/b", flipped);
  tell("a/+", good);  // under another key
  tell("a/b", interest_record(1, scheduler.unix_now() - 1, {"a/b"}));
  tell("a/b", interest_record(1, later(), {"a/b"}, {1, 1}, crypto::derive_mesh_keys({2})));
  tell("a/b", {});
  BOOST_TEST(seen.empty());
  tell("a/b", good);
  BOOST_TEST(seen.size() == 1U);
}

BOOST_AUTO_TEST_CASE(the_newest_record_of_a_node_wins) {
  find("a/b");
  tell("a/b", interest_record(1, later(), {"a/b/new"}, {2, 1}));
  tell("a/b", interest_record(1, later(), {"a/b/old"}, {1, 9}));
  tell("a/b", interest_record(1, later(), {"a/b/new"}, {2, 1}));  // heard twice: get and listen
  BOOST_TEST(seen.size() == 1U);
  BOOST_TEST(finder->peers_wanting(name("a/b/old")).empty());
  BOOST_TEST(finder->peers_wanting(name("a/b/new")).size() == 1U);
  tell("a/b", interest_record(1, later(), {"a/b/newer"}, {2, 2}));
  BOOST_TEST(seen.size() == 2U);
  BOOST_TEST(finder->peers_wanting(name("a/b/new")).empty());
}

BOOST_AUTO_TEST_CASE(an_expired_record_wants_nothing_and_the_hint_that_it_expired_is_no_proof) {
  find("a/b");
  const Bytes record = interest_record(1, scheduler.unix_now() + 30, {"a/b"});
  tell("a/b", record);
  rendezvous.tell(key("a/b"), record, /*expired*/ true);
  BOOST_TEST(finder->peers_wanting(name("a/b")).size() == 1U);
  scheduler.run_for(32s);
  BOOST_TEST(finder->peers_wanting(name("a/b")).empty());
}

BOOST_AUTO_TEST_CASE(a_value_that_is_told_only_as_expired_is_no_news) {
  find("a/b");
  rendezvous.tell(key("a/b"), interest_record(1, later(), {"a/b"}), /*expired*/ true);
  BOOST_TEST(seen.empty());
}

BOOST_AUTO_TEST_CASE(a_key_is_let_go_a_minute_after_its_last_use) {
  find("a");
  rendezvous.finish();
  scheduler.run_for(limits::listen_idle_max - 1s);
  BOOST_TEST(known("a"));  // used again
  scheduler.run_for(limits::listen_idle_max - 1s);
  BOOST_TEST(finder->keys_listened() == 2U);
  scheduler.run_for(2s);
  BOOST_TEST(finder->keys_listened() == 0U);
  BOOST_TEST(rendezvous.listens.empty());
  BOOST_TEST(!known("a"));  // "nobody" is not believed any more
  BOOST_TEST(rendezvous.gets_of(key("a/+")) == 2U);
}

BOOST_AUTO_TEST_CASE(answers_of_a_key_that_was_let_go_are_not_for_its_successor) {
  find("a/b");
  rendezvous.gets[0].open = true;
  const auto old_done = rendezvous.gets[0].on_done;
  scheduler.run_for(3s);
  scheduler.run_for(limits::listen_idle_max + 1s);
  find("a/b");
  resolved.clear();
  old_done(true);
  BOOST_TEST(resolved.empty());
  BOOST_TEST(!known("a/b"));
}

BOOST_AUTO_TEST_CASE(the_least_recently_used_key_makes_room) {
  // Five keys: "", "t1".."t4".
  for (const char* topic : {"t1", "t2", "t3", "t4"}) find(topic);
  rendezvous.finish();
  scheduler.run_for(1s);
  BOOST_TEST(finder->keys_listened() == 5U);
  BOOST_TEST(known("t1"));
  scheduler.run_for(1s);
  find("t5");
  scheduler.run_for(1s);
  rendezvous.finish();
  BOOST_TEST(finder->keys_listened() == 5U);
  BOOST_TEST(rendezvous.listens_to(key("t2/+")) == 0U);
  BOOST_TEST(known("t1"));
  BOOST_TEST(known("t5"));
}

BOOST_AUTO_TEST_CASE(when_every_place_is_busy_a_lookup_waits_for_one) {
  for (const char* topic : {"t1", "t2", "t3", "t4", "t5"}) find(topic);
  BOOST_TEST(finder->keys_listened() == 5U);
  BOOST_TEST(rendezvous.gets_of(key("t5/+")) == 0U);
  rendezvous.finish();
  scheduler.run_for(100ms);
  BOOST_TEST(rendezvous.gets_of(key("t5/+")) == 1U);
}

BOOST_AUTO_TEST_CASE(lookups_are_paced) {
  settings.keys_max = 1'000;
  finder = make();
  for (int i = 0; i < 300; ++i) find("topic" + std::to_string(i));
  BOOST_TEST(rendezvous.gets.size() == static_cast<std::size_t>(limits::lookups_burst));
  scheduler.run_for(10s);
  const auto expected =
      static_cast<std::size_t>(limits::lookups_burst + 10 * limits::lookups_per_s);
  BOOST_TEST(rendezvous.gets.size() >= expected - 1);
  BOOST_TEST(rendezvous.gets.size() <= expected + 1);
}

BOOST_AUTO_TEST_CASE(an_endless_stream_of_new_topics_is_bounded_and_nobody_waits_for_ever) {
  for (int i = 0; i < 3'000; ++i) find("topic" + std::to_string(i));
  BOOST_TEST(finder->keys_listened() <= settings.keys_max);
  BOOST_TEST(resolved.empty());  // nothing from inside a call
  scheduler.run_for(1ms);
  BOOST_TEST(resolved.size() >= 3'000U - limits::keys_waiting_max - limits::listened_keys_max);
}

BOOST_AUTO_TEST_CASE(a_lookup_that_nobody_answered_is_tried_again) {
  find("a");
  rendezvous.finish(std::nullopt, /*ok*/ false);
  BOOST_TEST(known("a"));  // as complete as it gets
  scheduler.run_for(6s);
  BOOST_TEST(rendezvous.gets_of(key("#")) == 2U);
  rendezvous.finish();
  scheduler.run_for(20s);
  BOOST_TEST(rendezvous.gets_of(key("#")) == 2U);
}

BOOST_AUTO_TEST_CASE(a_key_in_use_is_listened_to_and_not_read_again) {
  find("a");
  rendezvous.finish();
  for (int i = 0; i < 11; ++i) {
    scheduler.run_for(30s);
    find("a");
  }
  BOOST_TEST(rendezvous.gets_of(key("#")) == 1U);
  BOOST_TEST(rendezvous.listens_to(key("#")) == 1U);
}

BOOST_AUTO_TEST_CASE(a_handler_may_ask_the_finder_again) {
  when_seen = [&] {
    find("x" + std::to_string(seen.size()));
    BOOST_TEST(finder->peers_wanting(name("a/b")).size() == 1U);
  };
  find("a/b");
  tell("a/b", interest_record(1, later(), {"a/b"}));
  BOOST_TEST(rendezvous.gets_of(key("x1/+")) == 1U);
}

BOOST_AUTO_TEST_CASE(an_answer_after_the_finder_has_gone_does_no_harm) {
  find("a/b");
  finder.reset();
  BOOST_TEST(rendezvous.listens.empty());
  tell("a/b", interest_record(1, later(), {"a/b"}));
  rendezvous.finish();
  scheduler.run_for(1min);
  BOOST_TEST(seen.empty());
}

// Found by the simulation "record-flood": while a full root waited for its next look, the time by
// which its shards should have answered was over, and the timer rang again and again without time
// passing.
BOOST_AUTO_TEST_CASE(shards_that_are_overdue_wait_for_the_review_of_their_root) {
  settings.keys_max = 200;
  finder = make();
  const auto stranger = [&](std::size_t number) {
    crypto::Seed seed{};
    seed[0] = static_cast<std::uint8_t>(number);
    seed[2] = 9;
    InterestBody body{{}, {}, {interest("#")}, {home()}};
    tell("#", *write_interest_record(crypto::SigningKey::from_seed(seed), mesh(), {1, 1}, later(),
                                     body));
  };
  find("a");
  for (std::size_t i = 0; i < 60; ++i) stranger(i);
  // Others take all lookups: the shards stay unread until they are overdue.
  for (int i = 0; i < 112; ++i) {
    scheduler.run_for(100ms);
    while (pacer.try_take(scheduler.now())) {
    }
  }
  BOOST_TEST(!known("a"));
  stranger(100);
  scheduler.run_for(5s);
  BOOST_TEST(known("a"));
}

BOOST_AUTO_TEST_CASE(a_flood_of_peers_under_one_key_is_bounded) {
  find("a");
  for (std::size_t i = 0; i < limits::values_per_key_max + 50; ++i) {
    crypto::Seed seed{};
    seed[0] = static_cast<std::uint8_t>(i);
    seed[1] = static_cast<std::uint8_t>(i >> 8U);
    seed[2] = 9;
    InterestBody body{{}, {}, {interest("#")}, {home()}};
    tell("#", *write_interest_record(crypto::SigningKey::from_seed(seed), mesh(), {1, 1}, later(),
                                     body));
  }
  BOOST_TEST(seen.size() == limits::values_per_key_max);
  BOOST_TEST(finder->peers_wanting(name("a")).size() == limits::values_per_key_max);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(lookup_pacer)

BOOST_AUTO_TEST_CASE(a_burst_then_a_steady_rate) {
  LookupPacer pacer(10, 3);
  TimePoint now{1h};
  for (int i = 0; i < 3; ++i) BOOST_TEST(pacer.try_take(now));
  BOOST_TEST(!pacer.try_take(now));
  const TimePoint next = pacer.next_at(now);
  BOOST_TEST((next > now + 99ms));
  BOOST_TEST((next < now + 101ms));
  BOOST_TEST(!pacer.try_take(next - 1ms));
  BOOST_TEST(pacer.try_take(next));
  now = next + 1h;
  for (int i = 0; i < 3; ++i) BOOST_TEST(pacer.try_take(now));
  BOOST_TEST(!pacer.try_take(now));
  BOOST_TEST((LookupPacer(10, 3).next_at(now) == now));
}

BOOST_AUTO_TEST_SUITE_END()
