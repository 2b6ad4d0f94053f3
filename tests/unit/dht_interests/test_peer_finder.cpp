// The peer finder: members of a mesh, and where a certain node lives now.
#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "dht/interests/peer_finder.hpp"
#include "dht/keys/key_sketch.hpp"
#include "tests/unit/dht_interests/fake_rendezvous.hpp"

using namespace starling;
using namespace starling::testing;

namespace {

struct Fixture : PeerFinderHandler {
  VirtualScheduler scheduler;
  FakeRendezvous rendezvous;
  LookupPacer pacer;
  std::unique_ptr<PeerFinder> finder = std::make_unique<PeerFinder>(
      PeerFinderSettings{author(0).node_id(), mesh()}, rendezvous, scheduler, pacer, *this);
  DhtKey members = member_key(mesh());
  void open() {
    finder = std::make_unique<PeerFinder>(PeerFinderSettings{author(0).node_id(), mesh(), true},
                                          rendezvous, scheduler, pacer, *this);
  }

  std::vector<PeerRecord> seen;
  std::vector<NodeId> missing;

  void on_member_seen(const PeerRecord& peer) override { seen.push_back(peer); }
  void on_node_not_found(const NodeId& node) override { missing.push_back(node); }

  Bytes member(std::uint8_t by, RecordStamp stamp = {1, 1}) {
    return *write_member_record(author(by), mesh(), stamp, scheduler.unix_now() + 600,
                                {{}, {home()}});
  }
  Bytes node(std::uint8_t by, RecordStamp stamp = {1, 1}) {
    return *write_node_record(author(by), mesh(), stamp, scheduler.unix_now() + 600, {{home()}});
  }
  static DhtKey place(std::uint8_t by) { return node_key(mesh(), author(by).node_id()); }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(peer_finder, Fixture)

BOOST_AUTO_TEST_CASE(members_are_told_once_per_newer_record) {
  finder->watch_members();
  BOOST_TEST(rendezvous.listens_to(members) == 1U);
  rendezvous.tell(members, member(1));
  rendezvous.tell(members, member(1));
  BOOST_TEST(seen.size() == 1U);
  BOOST_TEST((seen[0].id == author(1).node_id()));
  rendezvous.tell(members, member(1, {1, 2}));
  rendezvous.tell(members, member(1, {1, 1}));
  BOOST_TEST(seen.size() == 2U);
}

BOOST_AUTO_TEST_CASE(own_and_invalid_records_are_ignored) {
  finder->watch_members();
  rendezvous.tell(members, member(0));
  Bytes forged = member(1);
  forged[40] ^= 1U;
  rendezvous.tell(members, forged);
  rendezvous.tell(members, node(1));
  rendezvous.tell(members, *write_member_record(author(1), crypto::derive_mesh_keys({9}), {1, 1},
                                                scheduler.unix_now() + 600, {{}, {}}));
  BOOST_TEST(seen.empty());
}

BOOST_AUTO_TEST_CASE(a_small_private_mesh_is_listened_to) {
  finder->watch_members();
  finder->watch_members();
  BOOST_TEST(finder->members_estimate() == 0U);
  rendezvous.tell(members, member(1));
  rendezvous.tell(members, member(2));
  scheduler.run_for(1h);
  BOOST_TEST(rendezvous.listens_to(members) == 1U);
  BOOST_TEST(rendezvous.listens.size() == 1U);
  BOOST_TEST(rendezvous.gets.empty());
  rendezvous.tell(members, member(3));
  BOOST_TEST(seen.size() == 3U);
  scheduler.run_for(2s);
  BOOST_TEST(finder->members_estimate() == 2U);  // 1 and 2 have lapsed, 3 and ourselves are there
  finder->stop_watching();
  BOOST_TEST(rendezvous.listens.empty());
  rendezvous.tell(members, member(4));
  BOOST_TEST(seen.size() == 3U);
}

BOOST_AUTO_TEST_CASE(an_open_mesh_is_read_now_and_then_until_enough_members_are_known) {
  open();
  finder->watch_members();
  std::size_t readings = 0;
  bool was_reading = false;
  const auto pass = [&](Duration span) {
    for (Duration passed{}; passed < span; passed += 500ms) {
      const bool reading = rendezvous.listens_to(members) > 0;
      if (reading && !was_reading) ++readings;
      was_reading = reading;
      scheduler.run_for(500ms);
    }
  };
  pass(70s);
  BOOST_TEST(readings == 4U);
  pass(limits::members_reread);
  BOOST_TEST(readings == 5U);
  BOOST_TEST(rendezvous.listens.empty());
  pass(limits::members_reread - 11s);
  for (std::uint8_t by = 1; by <= 8; ++by) {
    while (rendezvous.listens_to(members) == 0) scheduler.run_for(100ms);
    rendezvous.tell(members, member(by));
  }
  BOOST_TEST(seen.size() == 8U);
  pass(25min);
  BOOST_TEST(readings == 6U);
  // They were no help.
  finder->seek_members();
  BOOST_TEST(rendezvous.listens_to(members) == 1U);
  scheduler.run_for(5s);
  BOOST_TEST(rendezvous.listens.empty());
  finder->seek_members();  // a moment ago
  BOOST_TEST(rendezvous.listens.empty());
}

BOOST_AUTO_TEST_CASE(
    a_large_private_mesh_is_not_listened_to_and_one_shard_is_read_beside_the_root) {
  finder->watch_members();
  // Those that stand at the root of a mesh of some 1 000.
  std::vector<std::pair<std::uint64_t, crypto::SigningKey>> ranked;
  for (unsigned i = 0; i < 1'000; ++i) {
    crypto::Seed seed{};
    seed[0] = static_cast<std::uint8_t>(i);
    seed[1] = static_cast<std::uint8_t>(i >> 8U);
    seed[2] = 7;
    const auto key = crypto::SigningKey::from_seed(seed);
    const auto day = static_cast<std::uint64_t>(scheduler.unix_now() / 86'400);
    ranked.emplace_back(root_rank(members, key.node_id(), day), key);
  }
  std::sort(ranked.begin(), ranked.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  for (std::size_t i = 0; i < root_leave; ++i)
    rendezvous.tell(members, *write_member_record(ranked[i].second, mesh(), {1, 1},
                                                  scheduler.unix_now() + 600, {{}, {home()}}));
  BOOST_TEST(seen.size() == root_leave);
  scheduler.run_for(1600ms);
  BOOST_TEST(finder->members_estimate() > 600U);
  BOOST_TEST(finder->members_estimate() < 1'600U);
  BOOST_REQUIRE(rendezvous.listens.size() == 1U);
  BOOST_TEST(rendezvous.listens_to(members) == 0U);
  scheduler.run_for(10s);
  BOOST_TEST(rendezvous.listens.empty());
}

BOOST_AUTO_TEST_CASE(a_node_is_looked_up_once_at_a_time) {
  finder->find_node(author(1).node_id());
  finder->find_node(author(1).node_id());
  finder->find_node(author(0).node_id());
  BOOST_TEST(rendezvous.gets.size() == 1U);
  rendezvous.tell(place(1), node(1));
  rendezvous.finish();
  BOOST_REQUIRE(seen.size() == 1U);
  BOOST_TEST((seen[0].endpoints == std::vector<Endpoint>{home()}));
  BOOST_TEST(missing.empty());
  finder->find_node(author(1).node_id());
  BOOST_TEST(rendezvous.gets.size() == 2U);
  rendezvous.tell(place(1), node(1));  // nothing newer
  rendezvous.finish();
  BOOST_REQUIRE(missing.size() == 1U);
  BOOST_TEST((missing[0] == author(1).node_id()));
}

BOOST_AUTO_TEST_CASE(somebody_elses_record_under_a_nodes_key_is_ignored) {
  finder->find_node(author(1).node_id());
  rendezvous.tell(place(1), node(2));
  rendezvous.finish();
  BOOST_TEST(seen.empty());
  BOOST_TEST(missing.size() == 1U);
}

BOOST_AUTO_TEST_CASE(lookups_of_nodes_are_bounded_and_paced) {
  for (unsigned i = 0; i < 500; ++i) {
    NodeId id;
    id.bytes[0] = static_cast<std::uint8_t>(i);
    id.bytes[1] = static_cast<std::uint8_t>(i >> 8U);
    id.bytes[2] = 1;
    finder->find_node(id);
  }
  BOOST_TEST(rendezvous.gets.size() == static_cast<std::size_t>(limits::lookups_burst));
  scheduler.run_for(1min);
  BOOST_TEST(rendezvous.gets.size() == limits::node_lookups_max);
  rendezvous.finish();
  BOOST_TEST(missing.size() == limits::node_lookups_max);
}

BOOST_AUTO_TEST_CASE(answers_after_the_finder_has_gone_do_no_harm) {
  finder->watch_members();
  finder->find_node(author(1).node_id());
  finder.reset();
  rendezvous.tell(members, member(1));
  rendezvous.tell(place(1), node(1));
  rendezvous.finish();
  scheduler.run_for(10min);
  BOOST_TEST(seen.empty());
}

BOOST_AUTO_TEST_SUITE_END()
