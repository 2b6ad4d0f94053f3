// When the SQLite store goes to the disk, what it tells then, and what happens when the disk refuses.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <map>
#include <sys/resource.h>

#include "starling/limits.hpp"

#include "tests/unit/store/store_fixture.hpp"

using namespace starling;
using namespace starling::test;
using namespace std::chrono_literals;

namespace {

class CountedMetrics final : public Metrics {
 public:
  Metric& metric(std::string_view name) override { return metrics_[std::string(name)]; }

 private:
  std::map<std::string, Metric> metrics_;
};

/// While it lives, no file of this process grows beyond so many bytes.
class FileSizeBound {
 public:
  explicit FileSizeBound(std::uintmax_t bytes) {
    signal_before_ = std::signal(SIGXFSZ, SIG_IGN);  // the call fails instead
    BOOST_REQUIRE(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
    rlimit bound = before_;
    bound.rlim_cur = bytes;
    BOOST_REQUIRE(::setrlimit(RLIMIT_FSIZE, &bound) == 0);
  }
  ~FileSizeBound() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, signal_before_);
  }
  FileSizeBound(const FileSizeBound&) = delete;
  FileSizeBound& operator=(const FileSizeBound&) = delete;

 private:
  rlimit before_{};
  void (*signal_before_)(int) = nullptr;
};

struct JobFixture : StoreFixture {
  std::vector<std::string> points;
  std::uint64_t free = 1ULL << 40U;

  JobFixture() {
    options.fault = [this](std::string_view point) { points.emplace_back(point); };
    options.free_bytes = [this] { return free; };
  }
  ~JobFixture() { store.reset(); }  // while it can still ask
  [[nodiscard]] long commits() const {
    return std::count(points.begin(), points.end(), "after_commit");
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(store_jobs, JobFixture)

BOOST_AUTO_TEST_CASE(nothing_is_told_before_it_is_on_the_disk) {
  open();
  BOOST_TEST(commit({session_saved(1)}) == 1U);
  BOOST_TEST(committed.empty());
  BOOST_TEST(rows("session") == 0);
  worker.run_job();
  BOOST_TEST(committed.empty());
  BOOST_TEST(rows("session") == 1);
  worker.finish();
  BOOST_TEST((committed == std::vector<BatchNumber>{1}));
}

BOOST_AUTO_TEST_CASE(what_comes_while_a_job_is_out_shares_the_next_one) {
  open();
  commit({session_saved(1)});
  for (std::uint64_t i = 1; i <= 1'000; ++i)
    BOOST_TEST(commit({queued(1, i, message(i))}) == i + 1);
  BOOST_TEST(worker.asked() == 1U);
  worker.drain();
  BOOST_TEST(worker.asked() == 2U);
  BOOST_TEST(commits() == 2);
  BOOST_TEST((committed == std::vector<BatchNumber>{1, 1'001}));
  BOOST_TEST(store->backlog_bytes() == 0U);
}

BOOST_AUTO_TEST_CASE(a_lone_batch_is_not_made_to_wait) {
  open();
  for (BatchNumber i = 1; i <= 5; ++i) {
    commit({session_saved(i)});
    BOOST_TEST(worker.waiting() == 1U);
    worker.drain();
    BOOST_TEST(committed.back() == i);
  }
}

BOOST_AUTO_TEST_CASE(an_empty_batch_has_the_number_of_the_one_before_and_touches_no_disk) {
  open();
  BOOST_TEST(commit({}) == 0U);
  commit({session_saved(1)});
  BOOST_TEST(commit({}) == 1U);
  worker.drain();
  BOOST_TEST(commit({}) == 1U);
  BOOST_TEST(worker.asked() == 1U);
  BOOST_TEST(committed.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_handler_may_commit_and_read_again) {
  open();
  std::vector<BatchNumber> told;
  std::size_t found = 0;
  store->set_handlers({[&](BatchNumber last) {
    told.push_back(last);
    if (last != 1) return;
    commit({queued(1, 1, message(1))});
    store->read_queue({1, 0, 10, 1'000},
                      [&](std::vector<StoredDelivery> some) { found = some.size(); });
  }});
  keep({session_saved(1)});
  BOOST_TEST((told == std::vector<BatchNumber>{1, 2}));
  BOOST_TEST(found == 1U);
}

BOOST_AUTO_TEST_CASE(a_read_sees_what_was_handed_over_before_it_and_nothing_later) {
  open();
  keep({session_saved(1)});
  commit({queued(1, 1, message(1))});  // a job goes out with it
  std::vector<std::size_t> found;
  const auto read_all = [&] {
    store->read_queue({1, 0, 100, 10'000},
                      [&](std::vector<StoredDelivery> some) { found.push_back(some.size()); });
  };
  read_all();
  commit({queued(1, 2, message(2))});
  read_all();
  commit({MessageDone{1, 1}, MessageDone{1, 2}});
  read_all();
  BOOST_TEST(found.empty());
  worker.drain();
  BOOST_TEST((found == std::vector<std::size_t>{1, 2, 0}));
  BOOST_TEST(worker.asked() == 3U);  // the three reads share a job with the two batches
}

BOOST_AUTO_TEST_CASE(a_read_alone_does_not_touch_the_disk) {
  open();
  keep({session_saved(1), queued(1, 1, message(1))});
  const long before = commits();
  BOOST_TEST(read(1).size() == 1U);
  BOOST_TEST(commits() == before);
}

BOOST_AUTO_TEST_CASE(relaxed_tells_at_once_and_commits_within_its_bound) {
  options.durability = Durability::relaxed;
  open();
  commit({session_saved(1)});
  scheduler.run_for(Duration{limits::relaxed_commit_max} / 2);
  commit({queued(1, 1, message(1))});
  BOOST_TEST((committed == std::vector<BatchNumber>{1, 2}));
  BOOST_TEST(worker.asked() == 0U);
  scheduler.run_for(Duration{limits::relaxed_commit_max} / 2);
  BOOST_TEST(worker.asked() == 1U);
  worker.drain();
  BOOST_TEST(rows("queue") == 1);
  BOOST_TEST((committed == std::vector<BatchNumber>{1, 2}));
  BOOST_TEST(store->backlog_bytes() == 0U);
  scheduler.run_for(limits::relaxed_commit_max * 3);
  BOOST_TEST(worker.asked() == 1U);
}

BOOST_AUTO_TEST_CASE(relaxed_does_not_let_changes_pile_up) {
  options.durability = Durability::relaxed;
  open();
  std::vector<StoreChange> many;
  for (std::uint64_t i = 1; i < limits::relaxed_commit_changes; ++i)
    many.emplace_back(MessagesSent{1, i});
  commit(std::move(many));
  BOOST_TEST(worker.asked() == 0U);
  commit({MessagesSent{1, 1}});
  BOOST_TEST(worker.asked() == 1U);
}

BOOST_AUTO_TEST_CASE(relaxed_tells_nothing_ahead_while_the_disk_refuses) {
  options.durability = Durability::relaxed;
  open();
  free = 0;
  commit({session_saved(1)});
  scheduler.run_for(limits::relaxed_commit_max);
  worker.drain();
  BOOST_TEST((healths == std::vector{StoreHealth::full}));
  BOOST_TEST((committed == std::vector<BatchNumber>{1}));
  commit({session_saved(2)});
  BOOST_TEST((committed == std::vector<BatchNumber>{1}));
  free = 1ULL << 40U;
  scheduler.run_for(limits::store_retry_interval);
  worker.drain();
  BOOST_TEST((committed == std::vector<BatchNumber>{1, 2}));
}

BOOST_AUTO_TEST_CASE(relaxed_reads_what_it_has_not_committed_yet) {
  options.durability = Durability::relaxed;
  open();
  commit({session_saved(1), queued(1, 1, message(1))});
  BOOST_TEST(read(1).size() == 1U);
}

// --- A disk without room

BOOST_AUTO_TEST_CASE(without_room_nothing_is_told_and_nothing_is_lost) {
  open();
  keep({session_saved(1)});
  free = limits::store_free_bytes_min - 1;
  keep({queued(1, 1, message(1))});
  BOOST_TEST((healths == std::vector{StoreHealth::full}));
  BOOST_TEST((committed == std::vector<BatchNumber>{1}));
  BOOST_TEST(store->backlog_bytes() > 0U);
  BOOST_TEST(log.count("store_unwell state=full") == 1U);
  for (int i = 0; i < 5; ++i) {
    scheduler.run_for(limits::store_retry_interval);
    worker.drain();
  }
  keep({queued(1, 2, message(2))});
  BOOST_TEST(healths.size() == 1U);  // said once
  free = 1ULL << 40U;
  scheduler.run_for(limits::store_retry_interval);
  worker.drain();
  BOOST_TEST((healths == std::vector{StoreHealth::full, StoreHealth::good}));
  BOOST_TEST((committed == std::vector<BatchNumber>{1, 3}));
  BOOST_TEST(store->backlog_bytes() == 0U);
  BOOST_TEST(log.count("store_good") == 1U);
  const auto found = read(1);
  BOOST_REQUIRE(found.size() == 2U);
  BOOST_TEST(found[0].position == 1U);
}

BOOST_AUTO_TEST_CASE(a_file_that_may_not_grow_is_full_and_goes_on_when_it_may) {
  open();
  keep({session_saved(1), queued(1, 1, message(1)), RetainedSet{message(2, "r"), nullptr}});
  std::vector<StoreChange> changes;
  const std::string payload(3'000, 'x');
  for (std::uint64_t i = 2; i < 50; ++i)
    changes.push_back(queued(1, i, message(i + 10, "t", payload)));
  changes.emplace_back(RetainedSet{message(90, "r"), nullptr});
  {
    // The system refuses in the middle of the transaction, as a quota does.
    const FileSizeBound bound(std::filesystem::file_size(options.file + "-wal") + 20'000);
    keep(std::move(changes));
    scheduler.run_for(limits::store_retry_interval);
    worker.drain();
  }
  BOOST_TEST((healths == std::vector{StoreHealth::full}));
  BOOST_TEST((committed == std::vector<BatchNumber>{1}));
  scheduler.run_for(limits::store_retry_interval);
  worker.drain();
  BOOST_TEST((healths.back() == StoreHealth::good));
  BOOST_TEST((committed.back() == 2U));
  BOOST_TEST(read(1).size() == 49U);
  BOOST_TEST(rows("message") == 50);
}

BOOST_AUTO_TEST_CASE(a_failure_inside_a_transaction_leaves_no_trace) {
  // Every failed try has applied everything; references and counters must not be counted twice.
  int failures = 3;
  options.fault = [&](std::string_view point) {
    if (point == "after_apply" && failures > 0 && --failures >= 0)
      throw std::runtime_error("the disk is on fire");
  };
  open();
  const auto shared = message(1);
  keep({session_saved(1), session_saved(2, "b"), queued(1, 1, shared), queued(2, 1, shared),
        RetainedSet{shared, nullptr}, InboundIdOpened{1, {5, shared}}});
  BOOST_TEST((healths == std::vector{StoreHealth::failing}));
  BOOST_TEST(log.count("the disk is on fire") == 1U);
  for (int i = 0; i < 3; ++i) {
    scheduler.run_for(limits::store_retry_interval);
    worker.drain();
  }
  BOOST_TEST((healths == std::vector{StoreHealth::failing, StoreHealth::good}));
  failures = 1;
  keep({MessageDone{1, 1}, MessageDone{2, 1}, RetainedErased{topic("a/b")}});
  scheduler.run_for(limits::store_retry_interval);
  worker.drain();
  BOOST_TEST(rows("message") == 1);
  keep({InboundIdClosed{1, 5}});
  BOOST_TEST(rows("message") == 0);
  BOOST_TEST(loaded.numbers.message == 0U);
  open();
  BOOST_TEST(loaded.numbers.message == 1U);
  BOOST_TEST(loaded.sessions[1].last_position == 1U);
}

BOOST_AUTO_TEST_CASE(a_damaged_file_says_that_a_restart_salvages) {
  options.fault = [&](std::string_view point) {
    if (point == "after_apply") throw_damaged_row("page 7 is torn");
  };
  open();
  keep({session_saved(1)});
  BOOST_TEST((healths == std::vector{StoreHealth::failing}));
  BOOST_TEST(log.count("a restart sets the damaged file aside") == 1U);
}

BOOST_AUTO_TEST_CASE(changes_that_never_reach_the_disk_are_counted_at_the_end) {
  open();
  keep({session_saved(1)});
  free = 0;
  commit({queued(1, 1, message(1)), queued(1, 2, message(2))});
  store.reset();
  BOOST_TEST(log.count("store_not_closed") == 1U);
  BOOST_TEST(log.count("changes_lost=2") == 1U);
}

BOOST_AUTO_TEST_CASE(commits_and_their_time_are_counted) {
  CountedMetrics metrics;
  store = std::make_unique<SqliteStore>(options, scheduler, worker, log, &metrics);
  Loaded ignored;
  store->load(ignored);
  keep({session_saved(1)});
  keep({session_saved(2)});
  BOOST_TEST(metrics.metric("starling_store_commits_total").value == 2);
  BOOST_TEST(metrics.metric("starling_store_commit_microseconds_total").value > 0);
  scheduler.run_for(limits::store_look_interval);
  worker.drain();
  BOOST_TEST(metrics.metric("starling_store_bytes").value > 0);
}

BOOST_AUTO_TEST_SUITE_END()
