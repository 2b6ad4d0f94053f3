// SqliteStore: the Store port on one SQLite file. On the loop it collects what is to be written; one
// job at a time carries all of it to the disk, so one waiting client costs one sync and thousands
// share one.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "starling/port/log.hpp"
#include "starling/port/metrics.hpp"
#include "starling/port/scheduler.hpp"
#include "starling/port/store.hpp"
#include "starling/port/worker.hpp"

#include "src/store/store_clock.hpp"
#include "src/store/store_disk.hpp"

namespace starling {

class SqliteStore final : public Store {
 public:
  /// Opens the file, makes or migrates it. `worker` should have nothing slow to do beside. All
  /// references outlive the store. Throws as StoreDisk does.
  SqliteStore(SqliteStoreOptions options, Scheduler& scheduler, Worker& worker, LogSink& log,
              Metrics* metrics = nullptr);
  /// close()s.
  ~SqliteStore() override;
  SqliteStore(const SqliteStore&) = delete;
  SqliteStore& operator=(const SqliteStore&) = delete;

  void set_handlers(Handlers handlers) override { handlers_ = std::move(handlers); }
  /// Reads everything that load() will read, and throws as it would.
  void read_through() { disk_->read_through(clock_.wall()); }
  /// Throws SqliteError; when is_damage(), the file can be salvaged.
  StoreNumbers load(StoreLoader& loader) override;
  BatchNumber commit(StoreBatch batch) override;
  void read_queue(const QueueRead& what,
                  std::function<void(std::vector<StoredDelivery>)> done) override;
  [[nodiscard]] bool keeps_anything() const override { return true; }
  [[nodiscard]] std::size_t backlog_bytes() const override { return backlog_bytes_; }

  /// Writes everything that was handed over, waiting for the disk, and closes the file. Calls no
  /// handler any more; what could not be written is said in the log.
  void close();

 private:
  /// A job on its way through the worker: whoever begins it first runs it, the worker or close().
  class Slot;

  void look_at_clock();
  void start_when_due();
  void start_job();
  void on_job_done(StoreJob& job);
  void on_job_failed(StoreJob& job);
  void tell_results(StoreJob& job);
  void tell_committed(BatchNumber last);
  void note(const StoreJob& job);
  void set_health(StoreHealth health, const StoreJob& job);
  void schedule_look();
  void cancel_wakes();

  const Durability durability_;
  Scheduler& scheduler_;
  Worker& worker_;
  LogSink& log_;
  Handlers handlers_;
  StoreClock clock_;
  std::shared_ptr<StoreDisk> disk_;

  std::vector<StoreItem> pending_;
  std::size_t pending_changes_ = 0;
  std::size_t pending_reads_ = 0;
  std::size_t backlog_bytes_ = 0;
  bool look_wanted_ = false;
  bool erase_wanted_ = false;
  std::shared_ptr<Slot> slot_;  ///< the job that is out; null: none
  std::shared_ptr<int> alive_;  ///< its answers come while this lives
  BatchNumber last_ = 0;
  BatchNumber told_ = 0;  ///< as committed
  StoreHealth health_ = StoreHealth::good;
  WakeId retry_;
  WakeId relaxed_;
  WakeId look_;
  bool closed_ = false;

  Metric* commits_ = nullptr;
  Metric* commit_microseconds_ = nullptr;
  Metric* commit_slowest_microseconds_ = nullptr;
  Metric* file_bytes_ = nullptr;
};

}  // namespace starling
