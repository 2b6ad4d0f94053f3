#include <boost/test/unit_test.hpp>

#include "src/node/acceptance.hpp"
#include "tests/support/virtual_scheduler.hpp"

using namespace starling;

namespace {

/// A store whose commits finish when the test says so, or at once.
class SlowStore final : public Store {
 public:
  void set_handlers(Handlers handlers) override {
    on_committed = std::move(handlers.committed);
    on_health = std::move(handlers.health);
  }
  StoreNumbers load(StoreLoader&) override { return {}; }
  void read_queue(const QueueRead& what,
                  std::function<void(std::vector<StoredDelivery>)> done) override {
    reads.push_back({what, std::move(done)});
  }
  BatchNumber commit(StoreBatch batch) override {
    if (is_fresh && batch.empty()) return 0;
    sizes.push_back(batch.changes.size());
    if (at_once) on_committed(sizes.size());
    return sizes.size();
  }
  [[nodiscard]] bool keeps_anything() const override { return true; }

  std::function<void(BatchNumber)> on_committed;
  std::function<void(StoreHealth)> on_health;
  std::vector<std::pair<QueueRead, std::function<void(std::vector<StoredDelivery>)>>> reads;
  std::vector<std::size_t> sizes;  // of each batch
  bool at_once = false;
  bool is_fresh = false;  // empty batches have the number before the first
};

struct Fixture {
  Fixture() {
    Acceptance::Handlers handlers;
    handlers.release = [this](ConnectionId to, const Acknowledgement& what) {
      told.push_back(std::to_string(to.value) + ":" + std::to_string(what.packet_id));
    };
    handlers.sealed = [this](BatchNumber number) {
      told.push_back("sealed " + std::to_string(number));
    };
    handlers.committed = [this](BatchNumber last) {
      told.push_back("safe " + std::to_string(last));
    };
    handlers.queue_safe = [this](SessionNumber session, std::uint64_t position) {
      told.push_back("queued " + std::to_string(session) + "/" + std::to_string(position));
    };
    handlers.queue_read = [this](SessionNumber session, std::vector<StoredDelivery> found) {
      told.push_back("read " + std::to_string(session) + ": " + std::to_string(found.size()));
    };
    handlers.answer = [this](ConnectionId to, const Acknowledgement& what) {
      const bool refuses = to.value == 1;
      if (refuses) told.push_back("refused " + std::to_string(what.packet_id));
      return refuses;
    };
    acceptance.set_handlers(std::move(handlers));
  }
  void ask(std::uint64_t connection, std::uint16_t packet_id) {
    acceptance.release_after_commit({connection}, {.packet_id = packet_id});
  }
  std::vector<std::string> take() { return std::exchange(told, {}); }

  SlowStore store;
  VirtualScheduler scheduler;
  Acceptance acceptance{store, scheduler};
  std::vector<std::string> told;
};

using Told = std::vector<std::string>;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(acceptance, Fixture)

BOOST_AUTO_TEST_CASE(nothing_is_acknowledged_before_its_batch_is_safe) {
  acceptance.batch().changes.push_back(SessionErased{1});
  ask(1, 7);
  scheduler.end_turn();
  BOOST_TEST(take() == Told{"sealed 1"}, boost::test_tools::per_element());
  ask(2, 8);  // the next turn
  scheduler.end_turn();
  BOOST_TEST(take() == Told{"sealed 2"}, boost::test_tools::per_element());
  store.on_committed(1);
  BOOST_TEST(take() == (Told{"1:7", "safe 1"}), boost::test_tools::per_element());
  store.on_committed(2);
  BOOST_TEST(take() == (Told{"2:8", "safe 2"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_rests_on_nothing_leaves_at_once_but_not_before_what_waits) {
  ask(1, 7);
  BOOST_TEST(take() == Told{"1:7"}, boost::test_tools::per_element());
  scheduler.end_turn();
  BOOST_TEST(store.sizes.empty());
  acceptance.batch().changes.push_back(SessionErased{1});
  ask(1, 8);
  scheduler.end_turn();
  ask(1, 9);
  BOOST_TEST(take() == Told{"sealed 1"}, boost::test_tools::per_element());
  scheduler.end_turn();
  store.on_committed(2);
  BOOST_TEST(take() == (Told{"sealed 2", "1:8", "1:9", "safe 2"}),
             boost::test_tools::per_element());
  ask(1, 10);
  BOOST_TEST(take() == Told{"1:10"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(acknowledgements_leave_in_the_order_of_asking) {
  acceptance.batch().changes.push_back(SessionErased{1});
  for (std::uint16_t id = 1; id <= 3; ++id) ask(1, id);
  scheduler.end_turn();
  ask(1, 4);
  scheduler.end_turn();
  take();
  store.on_committed(2);  // tells of both
  BOOST_TEST(take() == (Told{"1:1", "1:2", "1:3", "1:4", "safe 2"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_store_that_is_safe_at_once_acknowledges_in_the_same_turn) {
  store.at_once = true;
  acceptance.batch().changes.push_back(SessionErased{1});
  ask(1, 7);
  scheduler.end_turn();
  BOOST_TEST(take() == (Told{"sealed 1", "1:7", "safe 1"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(one_turn_is_one_batch_and_an_idle_turn_none) {
  acceptance.batch().changes.push_back(SessionErased{1});
  acceptance.batch().changes.push_back(SessionErased{2});
  acceptance.commit_this_turn();
  scheduler.end_turn();
  scheduler.end_turn();
  BOOST_TEST(store.sizes == std::vector<std::size_t>{2}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(before_the_first_batch_what_arrives_is_safe_with_its_turn) {
  store.is_fresh = true;
  acceptance.commit_this_turn();  // a peer's messages, of which the store need keep nothing
  scheduler.end_turn();
  BOOST_TEST(take() == (Told{"sealed 0", "safe 0"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_is_queued_is_told_safe_in_its_turn) {
  acceptance.tell_when_safe(5, 9);
  ask(1, 7);
  scheduler.end_turn();
  BOOST_TEST(take() == Told{"sealed 1"}, boost::test_tools::per_element());
  store.on_committed(1);
  BOOST_TEST(take() == (Told{"queued 5/9", "1:7", "safe 1"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_queue_is_read_behind_the_batch_of_its_turn) {
  acceptance.read_after_commit({5, 0, 10, 1'000});
  acceptance.batch().changes.push_back(SessionErased{1});
  BOOST_TEST(store.reads.empty());
  scheduler.end_turn();
  BOOST_TEST_REQUIRE(store.reads.size() == 1U);
  BOOST_TEST(store.sizes == std::vector<std::size_t>{1}, boost::test_tools::per_element());
  take();
  store.reads[0].second({{}, {}});
  BOOST_TEST(take() == Told{"read 5: 2"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_store_that_fails_lets_those_be_refused_who_can_be_told) {
  acceptance.batch().changes.push_back(SessionErased{1});
  ask(1, 7);
  ask(2, 8);
  ask(1, 9);
  scheduler.end_turn();
  take();
  store.on_health(StoreHealth::full);
  BOOST_TEST(take() == (Told{"refused 7", "refused 9"}), boost::test_tools::per_element());
  store.on_health(StoreHealth::good);
  store.on_committed(1);
  BOOST_TEST(take() == (Told{"2:8", "safe 1"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
