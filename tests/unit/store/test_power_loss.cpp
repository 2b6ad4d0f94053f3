// The store and a disk whose power goes at any moment: what was told committed is there, a group is
// there whole or not at all, and the file opens without help.
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <deque>
#include <functional>
#include <set>
#include <string>

#include "src/store/sqlite.hpp"
#include "src/store/sqlite_store.hpp"
#include "tests/support/null_log.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/torn_vfs.hpp"
#include "tests/support/virtual_scheduler.hpp"
#include "tests/unit/store/store_model.hpp"

using namespace starling;
using namespace starling::test;
using namespace std::chrono_literals;

namespace {

constexpr const char* file = "/state/store.sqlite";

/// Keeps jobs until it is told to run the next: what is committed meanwhile becomes the next group.
class SteppedWorker final : public Worker {
 public:
  std::function<void()> on_job = [] {};

  void run(std::function<void()> job, std::function<void()> done) override {
    jobs_.push_back({std::move(job), std::move(done)});
    on_job();
  }
  bool step() {
    if (jobs_.empty()) return false;
    const Job next = std::move(jobs_.front());
    jobs_.pop_front();
    next.job();
    next.done();
    return true;
  }

 private:
  struct Job {
    std::function<void()> job;
    std::function<void()> done;
  };
  std::deque<Job> jobs_;
};

/// One process's life with the store. Later lives go on with the same disk.
struct Life {
  explicit Life(TornDisk& disk_) : disk(disk_) {
    SqliteStoreOptions options;
    options.file = file;
    options.vfs = disk.name();
    options.free_bytes = [] { return std::uint64_t{1} << 40U; };
    store.emplace(std::move(options), scheduler, worker, log);
    store->set_handlers({.committed = [this](BatchNumber last) { told = last; },
                         .health = [](StoreHealth) {},
                         .expired = [](const auto&) {}});
  }

  /// Everything the store kept.
  StoreNumbers load(LoadedCopy& copy) {
    const StoreNumbers numbers = store->load(copy);
    for (const auto& [id, session] : copy.sessions) read(copy, id, session.waiting_after);
    return numbers;
  }
  /// In small pieces, as a cursor reads.
  void read(LoadedCopy& copy, SessionNumber session, std::uint64_t after) {
    std::vector<StoredDelivery>& queue = copy.queues[session];
    bool ended = false;
    while (!ended) {
      bool answered = false;
      store->read_queue({session, after, 3, 4'000}, [&](std::vector<StoredDelivery> found) {
        answered = true;
        ended = found.empty();
        for (StoredDelivery& one : found) {
          after = one.position;
          queue.push_back(std::move(one));
        }
      });
      while (!answered && worker.step()) {
      }
      if (!answered) throw std::runtime_error("a read was not answered");
    }
  }

  TornDisk& disk;
  VirtualScheduler scheduler;
  SteppedWorker worker;
  RecordingLog log;
  BatchNumber told = 0;  // the last batch that was said to be safe
  std::optional<SqliteStore> store;
};

/// What one life handed over: the state after each batch, from the one that was loaded on.
struct History {
  std::vector<StoreModel> states;          // [0]: as loaded; [n]: after batch n
  std::set<BatchNumber> group_ends = {0};  // batches with which a group ended
};

/// Works until the power is gone, or for a while.
void work(Life& life, History& history, SeededRandom& random) {
  StoreModel model = history.states.front();
  bool committing = false;
  life.worker.on_job = [&] {
    // A batch that starts its job itself is the last one in it.
    history.group_ends.insert(history.states.size() - (committing ? 0 : 1));
  };
  for (std::uint64_t left = 5 + random.upto(40); left > 0 && life.disk.has_power(); --left) {
    if (random.one_in(3)) {
      life.worker.step();
    } else if (random.one_in(20)) {
      life.scheduler.run_for(1s);
    } else {
      StoreBatch batch = random_batch(model, random, life.scheduler.now());
      committing = true;
      const BatchNumber number = life.store->commit(std::move(batch));
      committing = false;
      history.states.push_back(model);
      BOOST_REQUIRE_EQUAL(number, history.states.size() - 1);
    }
  }
  life.worker.on_job = [] {};
}

/// Rows that nothing refers to, or that refer to nothing.
std::string stray_rows(TornDisk& disk) {
  Database database(file, Database::Mode::read_write, disk.name());
  std::string found;
  if (database.query_text("PRAGMA integrity_check") != "ok") found += "integrity_check; ";
  const auto count = [&](const std::string& what, const std::string& sql) {
    const auto rows = database.query_integer("SELECT count(*) FROM " + sql).value_or(-1);
    if (rows != 0) found += what + ": " + std::to_string(rows) + "; ";
  };
  count("messages nobody waits for",
        "message WHERE id NOT IN (SELECT message FROM queue UNION SELECT message FROM retained"
        " UNION SELECT message FROM inbound WHERE message IS NOT NULL)");
  count("queued without a message", "queue WHERE message NOT IN (SELECT id FROM message)");
  count("retained without a message", "retained WHERE message NOT IN (SELECT id FROM message)");
  for (const std::string table : {"queue", "inbound", "subscription", "will"})
    count(table + " of nobody", table
                                    + " WHERE session NOT IN (SELECT number FROM session UNION"
                                      " SELECT session FROM erased)");
  return found;
}

/// The state that is there is one after the last batch told, and at the end of a group. Returns it.
StoreModel check(const LoadedCopy& copy, const StoreNumbers& numbers, const History& history,
                 BatchNumber told) {
  BOOST_TEST(copy.contradiction() == "");
  const std::string text = copy.text();
  for (BatchNumber batch = told; batch < history.states.size(); ++batch) {
    if (!history.group_ends.contains(batch)) continue;
    StoreModel state = history.states[batch];
    state.restart();
    if (state.text() != text) continue;
    BOOST_TEST(numbers.message >= state.greatest_message());
    BOOST_TEST(numbers.session >= state.greatest_session);
    for (const auto& [id, session] : copy.sessions)
      BOOST_TEST(session.last_position >= state.greatest_position[id]);
    // From here on numbers are given as a node would: behind those that the store has told.
    state.last_message = numbers.message;
    state.greatest_session = numbers.session;
    for (const auto& [id, session] : copy.sessions)
      state.greatest_position[id] = session.last_position;
    return state;
  }
  StoreModel expected = history.states[told];
  expected.restart();
  throw std::runtime_error("what came back is no state from batch " + std::to_string(told) + " to "
                           + std::to_string(history.states.size() - 1) + ":\n" + text
                           + "--- after batch " + std::to_string(told) + ":\n" + expected.text());
}

struct Outcome {
  std::size_t cases = 0;
  std::size_t lost = 0;  // cases in which the store did not keep its promise
  std::string first_trouble;
};

/// `cases` losses of power, on disks that live through a few of them each. Stops a disk at its first
/// broken promise.
Outcome lose_power_often(std::size_t cases, std::uint64_t seed, bool lying_disk) {
  Outcome outcome;
  SeededRandom random(seed);
  while (outcome.cases < cases) {
    TornDisk disk;
    disk.lie_about_syncs(lying_disk);
    History history{{StoreModel{}}};
    BatchNumber told = 0;
    for (int lives = 8; lives > 0 && outcome.cases < cases; --lives) {
      const std::uint64_t fate = random.next();
      const std::string name =
          "case " + std::to_string(outcome.cases) + " of seed " + std::to_string(seed) + ": ";
      ++outcome.cases;
      try {
        // Power may go while the store opens and loads, too.
        if (random.one_in(4)) disk.lose_power_after(1 + random.upto(12));
        std::optional<Life> life;
        try {
          life.emplace(disk);
          LoadedCopy copy;
          const StoreNumbers numbers = life->load(copy);
          StoreModel state = check(copy, numbers, history, told);
          history = {{std::move(state)}};
          told = 0;
        } catch (const std::exception&) {
          if (disk.has_power()) throw;
          life.reset();
          disk.restore(fate);
          continue;
        }
        if (disk.has_power()) disk.lose_power_after(1 + random.upto(200));
        work(*life, history, random);
        const bool in_order = random.one_in(6);
        if (in_order && disk.has_power()) {
          disk.lose_power_after(1'000'000);
          life->store->close();
          told = history.states.size() - 1;
          history.group_ends.insert(told);
        } else {
          disk.lose_power();
          told = life->told;
        }
        life.reset();
        disk.lose_power();
        disk.restore(fate);
        // Not always: looking folds the log into the file, which the store must manage too.
        const std::string strays = random.one_in(3) ? stray_rows(disk) : "";
        if (!strays.empty()) throw std::runtime_error(strays);
      } catch (const std::exception& error) {
        if (outcome.first_trouble.empty()) outcome.first_trouble = name + error.what();
        ++outcome.lost;
        break;
      }
    }
  }
  return outcome;
}

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr ? std::strtoull(value, nullptr, 10) : otherwise;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(power_loss)

BOOST_AUTO_TEST_CASE(what_was_told_committed_survives_every_loss_of_power) {
  const std::uint64_t cases = from_environment("TORN_CASES", 200);
  const Outcome outcome = lose_power_often(cases, from_environment("TORN_SEED", 1), false);
  BOOST_TEST_MESSAGE(outcome.cases << " losses of power");
  BOOST_TEST(outcome.lost == 0U);
  BOOST_TEST(outcome.first_trouble == "");
  BOOST_TEST(outcome.cases == cases);
}

BOOST_AUTO_TEST_CASE(a_disk_that_lies_about_syncs_is_found_out) {
  BOOST_TEST(lose_power_often(40, 2, true).lost > 10U);
}

BOOST_AUTO_TEST_CASE(the_torn_disk_forgets_what_sqlite_does_not_sync) {
  // The file layer itself, without the store: with synchronous=FULL every commit holds, with OFF the
  // same program loses.
  for (const std::string mode : {"FULL", "OFF"}) {
    int lost = 0;
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
      TornDisk disk;
      std::int64_t told = 0;
      SeededRandom random(seed);
      {
        Database database(file, Database::Mode::read_write_create, disk.name());
        database.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=" + mode
                      + "; PRAGMA wal_autocheckpoint=10; CREATE TABLE t(id INTEGER PRIMARY KEY)");
        disk.lose_power_after(1 + random.upto(60));
        try {
          while (true) {
            database.exec("INSERT INTO t VALUES(" + std::to_string(told + 1) + ")");
            ++told;
          }
        } catch (const SqliteError&) {
          BOOST_TEST(!disk.has_power());
        }
      }
      disk.restore(seed);
      try {
        Database database(file, Database::Mode::read_write_create, disk.name());
        const auto rows = database.query_integer("SELECT count(*) FROM t");
        if (rows < told || database.query_text("PRAGMA integrity_check") != "ok") ++lost;
      } catch (const SqliteError&) {
        ++lost;
      }
    }
    BOOST_TEST_CONTEXT(mode) {
      BOOST_TEST((mode == "FULL" ? lost == 0 : lost > 10));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
