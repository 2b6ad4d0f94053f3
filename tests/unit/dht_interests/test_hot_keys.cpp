// Hot keys: many announcers and a finder on one table that keeps what was put for ten minutes, as
// the DHT does.
#include <boost/test/unit_test.hpp>
#include <set>

#include "dht/interests/announcer.hpp"
#include "dht/interests/interest_finder.hpp"
#include "dht/keys/key_sketch.hpp"
#include "tests/support/null_log.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/unit/dht_interests/fake_rendezvous.hpp"

using namespace starling;
using namespace starling::testing;

namespace {

/// Answers after 200 ms; a withdrawn value stays for ten minutes.
class Table final : public Rendezvous {
 public:
  explicit Table(Scheduler& scheduler) : scheduler_(scheduler) {}

  Handle announce(const DhtKey& key, std::uint64_t value_id, Bytes value) override {
    ++announced;
    kept_[++last_] = {key, value_id};
    scheduler_.wake_at(scheduler_.now() + 200ms, [this, key, value_id, value = std::move(value)] {
      values_[key][value_id] = value;
      for (const auto& [id, listening] : std::map(listens_))
        if (listening.first == key) listening.second(value, false);
    });
    return {last_};
  }
  void withdraw(Handle announcement) override {
    const auto [key, value_id] = kept_.at(announcement.value);
    kept_.erase(announcement.value);
    scheduler_.wake_at(scheduler_.now() + 10min,
                       [this, key = key, value_id = value_id] { values_[key].erase(value_id); });
  }
  void get(const DhtKey& key, OnValue on_value, OnDone on_done) override {
    scheduler_.wake_at(scheduler_.now() + 200ms, [this, key, on_value, on_done] {
      for (const auto& [id, value] : std::map(values_[key]))
        if (!on_value(value, false)) break;
      if (on_done) on_done(true);
    });
  }
  Handle listen(const DhtKey& key, OnValue on_value) override {
    listens_[++last_] = {key, std::move(on_value)};
    scheduler_.wake_at(scheduler_.now() + 400ms, [this, id = last_] {
      const auto found = listens_.find(id);
      if (found == listens_.end()) return;
      for (const auto& [value_id, value] : std::map(values_[found->second.first]))
        if (listens_.contains(id)) listens_.at(id).second(value, false);
    });
    return {last_};
  }
  void cancel_listen(Handle listening) override { listens_.erase(listening.value); }
  void add_node(const Endpoint&) override {}
  [[nodiscard]] std::vector<Endpoint> known_nodes(std::size_t) const override { return {}; }
  [[nodiscard]] Status status() const override { return {true, 1, 0}; }

  /// Kept alive now, by their authors.
  [[nodiscard]] std::size_t kept(const DhtKey& key) const {
    return static_cast<std::size_t>(std::count_if(
        kept_.begin(), kept_.end(), [&](const auto& entry) { return entry.second.first == key; }));
  }
  [[nodiscard]] std::set<DhtKey> places() const {
    std::set<DhtKey> keys;
    for (const auto& [handle, place] : kept_) keys.insert(place.first);
    return keys;
  }
  [[nodiscard]] std::size_t listens() const { return listens_.size(); }
  std::size_t announced = 0;

 private:
  Scheduler& scheduler_;
  std::uint64_t last_ = 0;
  std::map<DhtKey, std::map<std::uint64_t, Bytes>> values_;
  std::map<std::uint64_t, std::pair<DhtKey, std::uint64_t>> kept_;
  std::map<std::uint64_t, std::pair<DhtKey, OnValue>> listens_;
};

struct Fixture : InterestFinderHandler {
  VirtualScheduler scheduler;
  Table table{scheduler};
  test::SeededRandom random{5};
  NullLog log;
  LookupPacer pacer;
  bool open_mesh = true;
  std::vector<std::unique_ptr<Announcer>> announcers;
  std::unique_ptr<InterestFinder> finder;
  std::size_t resolved = 0;

  void on_peer_seen(const PeerSeen&) override {}
  void on_prefix_resolved(const LiteralPrefix&) override { ++resolved; }

  static crypto::SigningKey member(std::size_t number) {
    crypto::Seed seed{};
    seed[0] = static_cast<std::uint8_t>(number);
    seed[1] = static_cast<std::uint8_t>(number >> 8U);
    seed[2] = 3;
    return crypto::SigningKey::from_seed(seed);
  }
  void join(std::string_view filter) {
    announcers.push_back(std::make_unique<Announcer>(
        AnnouncerSettings{member(announcers.size()), 1, mesh(), open_mesh}, table, scheduler,
        random, log));
    announcers.back()->set_reach({home()});
    announcers.back()->on_interest_change({interest(filter), true});
  }
  void crowd(std::size_t count, Duration within) {
    for (std::size_t i = 0; i < count; ++i) {
      join("city/hot/#");
      scheduler.run_for(within / static_cast<Duration::rep>(count));
    }
  }
  std::size_t found(std::string_view topic) { return finder->peers_wanting(name(topic)).size(); }
  void begin_finding() {
    finder = std::make_unique<InterestFinder>(
        InterestFinderSettings{author(200).node_id(), mesh(), limits::listened_keys_max, open_mesh},
        table, scheduler, pacer, *this);
  }
};

const DhtKey hot_root = interest_key(mesh(), prefix_of("city/hot"));

}  // namespace

BOOST_FIXTURE_TEST_SUITE(hot_keys, Fixture)

BOOST_AUTO_TEST_CASE(all_500_subscribers_of_a_hot_topic_are_found) {
  crowd(500, 1min);
  scheduler.run_for(10s);
  begin_finding();
  BOOST_TEST((finder->find(name("city/hot/temp")) == Resolution::pending));
  scheduler.run_for(15s);
  BOOST_TEST((finder->find(name("city/hot/temp")) == Resolution::known));
  BOOST_TEST(found("city/hot/temp") == 500U);
  BOOST_TEST(finder->keys_listened() <= 170U);
}

BOOST_AUTO_TEST_CASE(when_everybody_has_looked_again_the_root_is_small_and_so_are_the_shards) {
  crowd(120, 1min);
  begin_finding();
  finder->find(name("city/hot/temp"));
  scheduler.run_for(13min);
  BOOST_TEST(table.kept(hot_root) <= root_leave + 5);
  BOOST_TEST(table.kept(member_key(mesh())) <= root_leave + 5);
  for (const DhtKey& place : table.places()) BOOST_TEST(table.kept(place) <= root_leave + 5);
  BOOST_TEST(finder->keys_listened() == 0U);  // a minute after its last use, shards and all
  finder->find(name("city/hot/temp"));
  scheduler.run_for(15s);
  BOOST_TEST(found("city/hot/temp") == 120U);
  BOOST_TEST(finder->keys_listened() <= 40U);  // levels 2 to 4, and "city"
}

BOOST_AUTO_TEST_CASE(nobody_flaps_over_an_hour) {
  crowd(50, 1min);
  scheduler.run_for(15min);
  const std::set<DhtKey> before = table.places();
  const std::size_t announced = table.announced;
  scheduler.run_for(1h);
  BOOST_TEST((table.places() == before));
  // Three records each, renewed every five and a half to six minutes, and not once more.
  BOOST_TEST(table.announced - announced >= 3U * 50 * 9);
  BOOST_TEST(table.announced - announced <= 3U * 50 * 11);
  BOOST_TEST(table.listens() <= 50U * 2);
}

BOOST_AUTO_TEST_CASE(in_a_small_mesh_interests_are_put_at_once_and_no_root_is_read_for_them) {
  crowd(20, 10s);
  scheduler.run_for(5s);
  announcers.front()->on_interest_change({interest("city/other/#"), true});
  scheduler.run_for(201ms);
  BOOST_TEST(table.kept(interest_key(mesh(), prefix_of("city/other"))) == 1U);
  BOOST_TEST(table.listens() == 0U);
}

BOOST_AUTO_TEST_CASE(in_a_private_mesh_nothing_waits) {
  open_mesh = false;
  join("city/hot/#");
  scheduler.end_turn();
  BOOST_TEST(table.kept(hot_root) == 1U);
  BOOST_TEST(table.kept(member_key(mesh())) == 1U);
}

BOOST_AUTO_TEST_CASE(in_a_large_mesh_a_new_interest_is_put_within_a_second_wherever_it_goes) {
  crowd(150, 1min);
  scheduler.run_for(10s);
  begin_finding();
  announcers[3]->on_interest_change({interest("city/fresh/#"), true});
  scheduler.run_for(1s);
  finder->find(name("city/fresh/1"));
  scheduler.run_for(500ms);
  BOOST_TEST(found("city/fresh/1") == 1U);
  // One more for the hot topic.
  join("city/hot/#");
  scheduler.run_for(5s);
  finder->find(name("city/hot/1"));
  scheduler.run_for(10s);
  BOOST_TEST(found("city/hot/1") == 151U);
}

BOOST_AUTO_TEST_SUITE_END()
