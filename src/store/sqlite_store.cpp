#include "src/store/sqlite_store.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <iterator>
#include <mutex>
#include <type_traits>
#include <utility>

#include "starling/limits.hpp"

namespace starling {
namespace {

std::size_t bytes_of(const SharedPublication& message) {
  return message == nullptr ? 0 : message->topic.text().size() + message->payload.size();
}

/// Memory that a change holds on to, about.
std::size_t bytes_of(const StoreChange& change) {
  std::size_t bytes = sizeof(StoreChange);
  if (const auto* queued = std::get_if<MessageQueued>(&change)) {
    bytes += bytes_of(queued->delivery.message);
  } else if (const auto* retained = std::get_if<RetainedSet>(&change)) {
    bytes += bytes_of(retained->message);
  } else if (const auto* opened = std::get_if<InboundIdOpened>(&change)) {
    bytes += bytes_of(opened->id.held);
  }
  return bytes;
}

std::string_view name_of(StoreHealth health) {
  return health == StoreHealth::full ? "full" : "failing";
}

}  // namespace

class SqliteStore::Slot {
 public:
  StoreJob job;

  /// False: somebody else has it.
  bool begin() {
    const std::lock_guard lock(mutex_);
    if (stage_ != Stage::waiting) return false;
    stage_ = Stage::running;
    return true;
  }
  void end() {
    {
      const std::lock_guard lock(mutex_);
      stage_ = Stage::ended;
    }
    ended_.notify_all();
  }
  void await_end() {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [this] { return stage_ == Stage::ended; });
  }

 private:
  enum class Stage : std::uint8_t { waiting, running, ended };
  std::mutex mutex_;
  std::condition_variable ended_;
  Stage stage_ = Stage::waiting;  // guarded by mutex_
};

SqliteStore::SqliteStore(SqliteStoreOptions options, Scheduler& scheduler, Worker& worker,
                         LogSink& log, Metrics* metrics)
    : durability_(options.durability),
      scheduler_(scheduler),
      worker_(worker),
      log_(log),
      clock_(scheduler),
      disk_(std::make_shared<StoreDisk>(options, clock_.now_ms())),
      alive_(std::make_shared<int>(0)) {
  if (metrics != nullptr) {
    commits_ = &metrics->metric("starling_store_commits_total");
    commit_microseconds_ = &metrics->metric("starling_store_commit_microseconds_total");
    commit_slowest_microseconds_ = &metrics->metric("starling_store_commit_microseconds_max");
    file_bytes_ = &metrics->metric("starling_store_bytes");
  }
  schedule_look();
}

SqliteStore::~SqliteStore() {
  close();
}

StoreNumbers SqliteStore::load(StoreLoader& loader) {
  const StoreDisk::Loaded loaded = disk_->load(loader, clock_.wall(), clock_.now_ms());
  if (loaded.clock_behind_ms != 0)
    log_.warn("store_clock_behind",
              {{"behind_s", loaded.clock_behind_ms / 1'000},
               {"text",
                "the wall clock is behind what the store has seen; sessions and messages"
                " that expire go on from where they were"}});
  log_.info("store_loaded", {{"retained", loaded.store.retained},
                             {"sessions", loaded.store.sessions},
                             {"waiting", loaded.store.waiting}});
  return loaded.numbers;
}

BatchNumber SqliteStore::commit(StoreBatch batch) {
  if (batch.empty() || closed_) return last_;
  look_at_clock();
  std::size_t bytes = sizeof(PendingBatch);
  for (const StoreChange& change : batch.changes) bytes += bytes_of(change);
  backlog_bytes_ += bytes;
  pending_changes_ += batch.changes.size();
  pending_.emplace_back(PendingBatch{++last_, std::move(batch), clock_.wall(), bytes});
  const BatchNumber number = last_;
  start_when_due();
  if (durability_ == Durability::relaxed && health_ == StoreHealth::good) tell_committed(number);
  return number;
}

void SqliteStore::tell_committed(BatchNumber last) {
  if (last <= told_) return;
  told_ = last;
  if (handlers_.committed) handlers_.committed(last);
}

void SqliteStore::read_queue(const QueueRead& what,
                             std::function<void(std::vector<StoredDelivery>)> done) {
  if (closed_) return;
  ++pending_reads_;
  pending_.emplace_back(PendingRead{what, clock_.wall(), std::move(done)});
  start_when_due();
}

void SqliteStore::look_at_clock() {
  const auto moved = clock_.look();
  if (!moved) return;
  log_.warn("store_clock_jumped",
            {{"by_s", *moved / 1'000},
             {"text", "the wall clock was set; what expires in the store moves with it"}});
  pending_.emplace_back(ClockShift{*moved});
}

// --- Jobs

void SqliteStore::start_when_due() {
  if (durability_ == Durability::commit || pending_reads_ > 0
      || pending_changes_ >= limits::relaxed_commit_changes)
    return start_job();
  if (!relaxed_ && pending_changes_ > 0)
    relaxed_ = scheduler_.wake_at(scheduler_.now() + limits::relaxed_commit_max, [this] {
      relaxed_ = {};
      start_job();
    });
}

void SqliteStore::start_job() {
  if (slot_ || retry_ || closed_) return;
  if (pending_.empty() && !look_wanted_ && !erase_wanted_) return;
  scheduler_.cancel(std::exchange(relaxed_, {}));
  slot_ = std::make_shared<Slot>();
  StoreJob& job = slot_->job;
  job.items.swap(pending_);
  job.look_for_expired = std::exchange(look_wanted_, false);
  job.now_ms = clock_.now_ms();
  pending_changes_ = 0;
  pending_reads_ = 0;
  erase_wanted_ = false;
  worker_.run(
      [slot = slot_, disk = disk_] {
        if (!slot->begin()) return;
        disk->run(slot->job);
        slot->end();
      },
      [this, alive = std::weak_ptr(alive_), slot = slot_] {
        if (alive.expired()) return;
        slot_.reset();
        on_job_done(slot->job);
      });
}

void SqliteStore::on_job_done(StoreJob& job) {
  if (job.health != StoreHealth::good) return on_job_failed(job);
  note(job);
  erase_wanted_ = job.more_to_erase;
  look_wanted_ |= job.more_expired;
  set_health(StoreHealth::good, job);
  tell_results(job);
  if (erase_wanted_ || look_wanted_) return start_job();
  start_when_due();
}

void SqliteStore::on_job_failed(StoreJob& job) {
  // Nothing has been changed: it all stays, in front of what came since.
  for (const StoreItem& item : job.items) {
    if (const auto* batch = std::get_if<PendingBatch>(&item))
      pending_changes_ += batch->batch.changes.size();
    if (std::holds_alternative<PendingRead>(item)) ++pending_reads_;
  }
  pending_.insert(pending_.begin(), std::make_move_iterator(job.items.begin()),
                  std::make_move_iterator(job.items.end()));
  look_wanted_ |= job.look_for_expired;
  erase_wanted_ = true;
  retry_ = scheduler_.wake_at(scheduler_.now() + limits::store_retry_interval, [this] {
    retry_ = {};
    start_job();
  });
  set_health(job.health, job);
}

void SqliteStore::tell_results(StoreJob& job) {
  BatchNumber last = 0;
  for (const StoreItem& item : job.items) {
    const auto* batch = std::get_if<PendingBatch>(&item);
    if (batch == nullptr) continue;
    last = batch->number;
    backlog_bytes_ -= batch->bytes;
  }
  tell_committed(last);
  for (StoreItem& item : job.items)
    if (auto* read = std::get_if<PendingRead>(&item))
      std::exchange(read->done, nullptr)(std::move(read->found));
  if (!job.expired.empty() && handlers_.expired) handlers_.expired(job.expired);
}

void SqliteStore::note(const StoreJob& job) {
  if (job.unreadable > 0)
    log_.error("store_rows_unreadable",
               {{"rows", job.unreadable},
                {"text",
                 "messages that waited are damaged on the disk and were left out; a restart"
                 " salvages what can be read"}});
  if (commits_ == nullptr) return;
  if (job.file_bytes != 0) file_bytes_->set(static_cast<std::int64_t>(job.file_bytes));
  if (!job.wrote) return;
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(job.took).count();
  commits_->add();
  commit_microseconds_->add(took);
  commit_slowest_microseconds_->set(std::max(commit_slowest_microseconds_->value, took));
}

void SqliteStore::set_health(StoreHealth health, const StoreJob& job) {
  if (health == health_) return;
  health_ = health;
  if (health == StoreHealth::good) {
    log_.info("store_good", {{"text", "the store works again; everything is on the disk"}});
  } else {
    log_.error(
        "store_unwell",
        {{"state", name_of(health)},
         {"why", job.why},
         {"text", job.damaged
                      ? "nothing is acknowledged until it works; a restart sets the damaged"
                        " file aside and salvages what can be read"
                      : "nothing is acknowledged until it works; it tries again every second"}});
  }
  if (handlers_.health) handlers_.health(health);
}

// --- Looks for what has expired

void SqliteStore::schedule_look() {
  look_ = scheduler_.wake_at(scheduler_.now() + limits::store_look_interval, [this] {
    look_at_clock();
    look_wanted_ = true;
    start_job();
    schedule_look();
  });
}

// --- The end

void SqliteStore::cancel_wakes() {
  for (WakeId* wake : {&retry_, &relaxed_, &look_}) scheduler_.cancel(std::exchange(*wake, {}));
}

void SqliteStore::close() {
  if (closed_) return;
  closed_ = true;
  alive_.reset();
  handlers_ = {};
  cancel_wakes();
  const auto lost = [&](const std::string& why) {
    log_.error("store_not_closed", {{"why", why},
                                    {"changes_lost", pending_changes_},
                                    {"text", "what was not acknowledged yet is lost"}});
  };
  if (const auto slot = std::exchange(slot_, nullptr)) {
    if (slot->begin()) {  // the worker has not come to it, and now it will not
      disk_->run(slot->job);
      slot->end();
    }
    slot->await_end();
    if (slot->job.health != StoreHealth::good) on_job_failed(slot->job);
    slot->job.items.clear();  // callbacks in it are this thread's to destroy
    cancel_wakes();
  }
  if (!pending_.empty()) {
    StoreJob job;
    job.items.swap(pending_);
    job.now_ms = clock_.now_ms();
    disk_->run(job);
    if (job.health != StoreHealth::good) return lost(job.why);
    pending_changes_ = 0;
  }
  backlog_bytes_ = 0;
  try {
    disk_->close(clock_.now_ms());
  } catch (const SqliteError& error) {
    lost(error.what());
  }
}

}  // namespace starling
