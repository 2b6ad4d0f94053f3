// The announcer: which changes make a record, how often, and what it says.
#include <boost/test/unit_test.hpp>

#include "dht/interests/announcer.hpp"
#include "tests/support/null_log.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/unit/dht_interests/fake_rendezvous.hpp"

using namespace starling;
using namespace starling::testing;

namespace {

struct Fixture {
  VirtualScheduler scheduler;
  FakeRendezvous rendezvous;
  test::SeededRandom random{5};
  RecordingLog log;
  bool open_mesh = false;
  std::unique_ptr<Announcer> announcer = make();

  std::unique_ptr<Announcer> make() {
    return std::make_unique<Announcer>(AnnouncerSettings{author(1), 7, mesh(), open_mesh},
                                       rendezvous, scheduler, random, log);
  }
  void begin() {
    announcer->set_reach({home()});
    scheduler.end_turn();
  }
  void want(std::string_view filter, QoS qos = QoS::at_most_once, bool durable = false) {
    announcer->on_interest_change({interest(filter, qos, durable), true});
  }
  void leave(std::string_view filter) { announcer->on_interest_change({interest(filter), false}); }

  static DhtKey key(std::string_view filter) { return interest_key(mesh(), prefix_of(filter)); }
  std::vector<FakeRendezvous::Put> puts_of(const DhtKey& key) const {
    std::vector<FakeRendezvous::Put> puts;
    for (const auto& put : rendezvous.puts)
      if (put.key == key) puts.push_back(put);
    return puts;
  }
  std::vector<FakeRendezvous::Put> puts_of(std::string_view filter) const {
    return puts_of(key(filter));
  }
  InterestRecord read(const FakeRendezvous::Put& put) const {
    SignatureCache cache;
    const auto envelope = verify_envelope(put.value, put.key, scheduler.unix_now(), cache);
    BOOST_REQUIRE(envelope.ok());
    BOOST_TEST(envelope->value_id() == put.value_id);
    return *read_interest_record(*envelope, mesh());
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(announcer_machine, Fixture)

BOOST_AUTO_TEST_CASE(nothing_is_announced_before_the_node_knows_where_it_lives) {
  want("a/b");
  scheduler.run_for(1min);
  BOOST_TEST(rendezvous.puts.empty());
  begin();
  BOOST_TEST(puts_of("a/b").size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_node_announces_itself_and_its_membership) {
  begin();
  BOOST_TEST(announcer->records_alive() == 2U);
  const auto nodes = puts_of(node_key(mesh(), author(1).node_id()));
  const auto members = puts_of(member_key(mesh()));
  BOOST_REQUIRE(nodes.size() == 1U);
  BOOST_REQUIRE(members.size() == 1U);
  SignatureCache cache;
  const auto envelope = verify_envelope(nodes[0].value, nodes[0].key, scheduler.unix_now(), cache);
  const auto peer = read_node_record(*envelope, mesh());
  BOOST_TEST((peer->endpoints == std::vector<Endpoint>{home()}));
  BOOST_TEST(peer->epoch == 7U);
}

BOOST_AUTO_TEST_CASE(interests_of_one_turn_make_one_record_per_prefix) {
  begin();
  want("a/b/c", QoS::exactly_once, true);
  want("a/b/#");
  want("x/+");
  BOOST_TEST(puts_of("a/b").empty());  // at the turn's end
  scheduler.end_turn();
  BOOST_REQUIRE(puts_of("a/b").size() == 1U);
  BOOST_TEST(puts_of("x/+").size() == 1U);
  const InterestRecord record = read(puts_of("a/b")[0]);
  BOOST_TEST(
      (record.interests
       == std::vector<Interest>{interest("a/b/#"), interest("a/b/c", QoS::exactly_once, true)}));
  BOOST_TEST((record.peer.endpoints == std::vector<Endpoint>{home()}));
}

BOOST_AUTO_TEST_CASE(two_changes_go_at_once_and_further_ones_every_thirty_seconds) {
  begin();
  for (int i = 0; i < 10; ++i) {
    want("a/b/" + std::to_string(i));
    scheduler.end_turn();
  }
  BOOST_TEST(puts_of("a/b").size() == 2U);
  scheduler.run_for(29s);
  BOOST_TEST(puts_of("a/b").size() == 2U);
  scheduler.run_for(2s);
  BOOST_REQUIRE(puts_of("a/b").size() == 3U);
  BOOST_TEST(read(puts_of("a/b")[2]).interests.size() == 10U);
  scheduler.run_for(1min);
  BOOST_TEST(puts_of("a/b").size() == 3U);
}

BOOST_AUTO_TEST_CASE(a_new_record_has_a_new_id_and_sequence_and_the_old_one_is_let_go) {
  begin();
  want("a/b/1");
  scheduler.end_turn();
  want("a/b/2");
  scheduler.end_turn();
  const auto puts = puts_of("a/b");
  BOOST_REQUIRE(puts.size() == 2U);
  BOOST_TEST(puts[0].value_id != puts[1].value_id);
  BOOST_TEST(read(puts[0]).peer.sequence < read(puts[1]).peer.sequence);
  BOOST_TEST(puts[0].withdrawn);
  BOOST_TEST(!puts[1].withdrawn);
}

BOOST_AUTO_TEST_CASE(what_nobody_wants_any_more_makes_no_record) {
  begin();
  want("a/b/1");
  want("a/b/2");
  scheduler.end_turn();
  leave("a/b/1");
  scheduler.run_for(1min);
  BOOST_TEST(puts_of("a/b").size() == 1U);
  want("a/b/3");
  scheduler.run_for(1s);
  BOOST_REQUIRE(puts_of("a/b").size() == 2U);
  BOOST_TEST((read(puts_of("a/b")[1]).interests
              == std::vector<Interest>{interest("a/b/2"), interest("a/b/3")}));
}

BOOST_AUTO_TEST_CASE(a_prefix_without_interests_is_no_longer_refreshed) {
  begin();
  want("a/b");
  scheduler.end_turn();
  leave("a/b");
  scheduler.end_turn();
  BOOST_TEST(puts_of("a/b")[0].withdrawn);
  BOOST_TEST(announcer->records_alive() == 2U);
  want("a/b");
  scheduler.end_turn();
  BOOST_TEST(puts_of("a/b").size() == 2U);
  // Coming and going does not get around the pace.
  for (int i = 0; i < 20; ++i) {
    leave("a/b");
    scheduler.end_turn();
    want("a/b");
    scheduler.end_turn();
  }
  BOOST_TEST(puts_of("a/b").size() == 2U);
  scheduler.run_for(31s);
  BOOST_TEST(puts_of("a/b").size() == 3U);
}

BOOST_AUTO_TEST_CASE(wanting_more_of_the_same_is_a_change_and_wanting_less_is_none) {
  begin();
  want("a/b", QoS::at_least_once);
  scheduler.end_turn();
  want("a/b", QoS::at_most_once);
  scheduler.run_for(1min);
  BOOST_TEST(puts_of("a/b").size() == 1U);
  want("a/b", QoS::at_least_once, true);
  scheduler.run_for(1s);
  BOOST_TEST(puts_of("a/b").size() == 2U);
}

BOOST_AUTO_TEST_CASE(records_are_signed_anew_before_they_lapse) {
  begin();
  want("a/b");
  scheduler.end_turn();
  for (int minute = 0; minute < 60; ++minute) {
    scheduler.run_for(1min);
    const auto puts = puts_of("a/b");
    std::size_t alive = 0;
    for (const auto& put : puts) alive += put.withdrawn ? 0U : 1U;
    BOOST_TEST(alive == 1U);
    const UnixSeconds left = read(puts.back()).peer.expires_at - scheduler.unix_now();
    BOOST_TEST(left >= 7 * 60);
    BOOST_TEST(left <= 13 * 60);
  }
  BOOST_TEST(puts_of("a/b").size() >= 10U);
  BOOST_TEST(puts_of("a/b").size() <= 12U);
}

BOOST_AUTO_TEST_CASE(a_new_address_is_told_in_every_record) {
  begin();
  want("a/b");
  scheduler.end_turn();
  const Endpoint elsewhere = Endpoint::v4({203, 0, 113, 5}, 21883);
  announcer->set_reach({elsewhere});
  scheduler.end_turn();
  BOOST_REQUIRE(puts_of("a/b").size() == 2U);
  BOOST_TEST((read(puts_of("a/b")[1]).peer.endpoints == std::vector<Endpoint>{elsewhere}));
  BOOST_TEST(puts_of(node_key(mesh(), author(1).node_id())).size() == 2U);
  BOOST_TEST(puts_of(member_key(mesh())).size() == 2U);
  announcer->set_reach({elsewhere});
  scheduler.run_for(1min);
  BOOST_TEST(puts_of("a/b").size() == 2U);
}

BOOST_AUTO_TEST_CASE(at_most_three_useful_endpoints_are_told) {
  announcer->set_reach({Endpoint::v4({0, 0, 0, 0}, 1), Endpoint::v4({192, 0, 2, 9}, 0), home(),
                        Endpoint::v4({192, 0, 2, 2}, 1), Endpoint::v4({192, 0, 2, 3}, 1),
                        Endpoint::v4({192, 0, 2, 4}, 1)});
  want("a/b");
  scheduler.end_turn();
  BOOST_REQUIRE(puts_of("a/b").size() == 1U);
  const auto endpoints = read(puts_of("a/b")[0]).peer.endpoints;
  BOOST_TEST(endpoints.size() == limits::record_endpoints_max);
  BOOST_TEST((endpoints[0] == home()));
}

BOOST_AUTO_TEST_CASE(many_filters_under_one_prefix_become_one) {
  begin();
  for (int i = 0; i < 60; ++i) want("a/b/" + std::to_string(i));
  scheduler.end_turn();
  BOOST_REQUIRE(puts_of("a/b").size() == 1U);
  BOOST_TEST((read(puts_of("a/b")[0]).interests == std::vector<Interest>{interest("a/b/#")}));
}

BOOST_AUTO_TEST_CASE(a_node_has_a_bounded_number_of_keys) {
  begin();
  for (int i = 0; i < 2'500; ++i) want(std::to_string(i % 50) + "/" + std::to_string(i) + "/x");
  scheduler.run_for(2s);
  BOOST_TEST(announcer->records_alive() <= limits::announced_keys_max + 2);
  BOOST_TEST(announcer->records_alive() > 2U);
}

BOOST_AUTO_TEST_CASE(an_open_mesh_gets_nothing_under_the_empty_prefix) {
  open_mesh = true;
  announcer = make();
  begin();
  want("+/x");
  scheduler.end_turn();
  BOOST_TEST(puts_of("#").empty());
  BOOST_TEST(log.count("dht_interests_left_out filters=1") == 1U);
}

BOOST_AUTO_TEST_CASE(what_the_rendezvous_refuses_is_offered_again) {
  rendezvous.refuses = true;
  begin();
  want("a/b");
  scheduler.run_for(1s);
  BOOST_TEST(announcer->records_alive() == 0U);
  rendezvous.refuses = false;
  scheduler.run_for(31s);
  BOOST_TEST(announcer->records_alive() == 3U);
}

BOOST_AUTO_TEST_CASE(an_announcer_that_goes_withdraws_everything) {
  begin();
  want("a/b");
  scheduler.end_turn();
  want("c/d");  // not filed yet
  announcer.reset();
  scheduler.run_for(1h);
  BOOST_TEST(rendezvous.puts.size() == 3U);
  for (const auto& put : rendezvous.puts) BOOST_TEST(put.withdrawn);
}

BOOST_AUTO_TEST_CASE(two_announcers_of_a_node_do_not_fall_behind_each_other) {
  begin();
  for (int i = 0; i < 30; ++i) scheduler.run_for(10min);
  const std::size_t before = rendezvous.puts.size();
  announcer = make();  // of another mesh, say, begun later in the same run
  begin();
  SignatureCache cache;
  const auto& put = rendezvous.puts.at(before);
  const auto envelope = verify_envelope(put.value, put.key, scheduler.unix_now(), cache);
  BOOST_TEST(envelope->stamp().sequence >= static_cast<std::uint64_t>(scheduler.unix_now()));
}

BOOST_AUTO_TEST_SUITE_END()
