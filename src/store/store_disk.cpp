#include "src/store/store_disk.hpp"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <stdexcept>
#include <sys/stat.h>
#include <unistd.h>

#include "starling/limits.hpp"

#include "src/store/store_schema.hpp"

namespace starling {
namespace {

constexpr std::uint64_t page_size = 4'096;
constexpr std::int64_t vacuum_from_percent = 25;  // of the file's pages free: then it shrinks
constexpr std::int64_t vacuum_from_pages = 256;
constexpr std::int64_t vacuum_slice_pages = 2'000;

/// SQLite gives -wal and -shm the rights of the file itself, so that one must be private before.
void make_private_file(const std::string& file) {
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  const bool done = descriptor >= 0 && ::fchmod(descriptor, 0600) == 0;
  const int error = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (!done)
    throw std::runtime_error("cannot write the store " + file + ": " + std::strerror(error)
                             + "; it must belong to the user the daemon runs as");
}

bool changes_something(const StoreJob& job) {
  if (job.look_for_expired) return true;
  for (const StoreItem& item : job.items)
    if (!std::holds_alternative<PendingRead>(item)) return true;
  return false;
}

}  // namespace

StoreDisk::StoreDisk(const SqliteStoreOptions& options, std::int64_t now_ms)
    : file_(options.file), fault_(options.fault), free_bytes_(options.free_bytes) {
  if (!free_bytes_)
    free_bytes_ = [directory = std::filesystem::path(file_).parent_path()]() -> std::uint64_t {
      std::error_code error;
      const auto space = std::filesystem::space(directory.empty() ? "." : directory, error);
      return error ? limits::store_free_bytes_min : space.available;
    };
  open(options.vfs, now_ms);
  writer_ = std::make_unique<StoreWriter>(*database_);
  reader_ = std::make_unique<QueueReader>(*database_);
}

void StoreDisk::open(const std::string& vfs, std::int64_t now_ms) {
  if (vfs.empty()) make_private_file(file_);
  database_ = std::make_unique<Database>(file_, Database::Mode::read_write_create, vfs);
  const StoreKind kind = look_at_store(*database_);
  if (kind == StoreKind::foreign)
    throw std::runtime_error(file_ + " is a database, but not a store of starlingd");
  if (kind == StoreKind::newer)
    throw std::runtime_error(file_ + " was written by a newer version of starlingd");
  // Switching to a write-ahead log writes the first page.
  if (kind == StoreKind::empty) settle_new_store(*database_);
  set_up_connection(*database_);
  if (kind == StoreKind::empty) create_store(*database_, now_ms);
  if (kind == StoreKind::older) migrate_store(*database_);
}

StoreDisk::Loaded StoreDisk::load(StoreLoader& loader, const WallClock& clock,
                                  std::int64_t now_ms) {
  Loaded loaded;
  const std::int64_t noted =
      database_->query_integer("SELECT value FROM meta WHERE key = 'clock'").value_or(0);
  if (now_ms < noted - StoreClock::jump_ms) {
    // Nobody knows how long the node was away; to the rows it was no time at all.
    loaded.clock_behind_ms = noted - now_ms;
    Transaction transaction(*database_);
    writer_->shift_clock(now_ms - noted);
    Statement note(*database_, "UPDATE meta SET value = ? WHERE key = 'clock'");
    note.bind(1, now_ms);
    note.run();
    transaction.commit();
  }
  loaded.store = load_store(*database_, clock, loader);
  if (!loaded.store.ended.empty()) {
    Transaction transaction(*database_);
    Statement erase(*database_, "DELETE FROM session WHERE number = ?");
    Statement erase_will(*database_, "DELETE FROM will WHERE session = ?");
    Statement note(*database_, "INSERT OR IGNORE INTO erased(session) VALUES(?)");
    for (const SessionNumber session : loaded.store.ended) {
      for (Statement* statement : {&erase, &erase_will, &note}) {
        statement->bind(1, session);
        statement->run();
      }
    }
    transaction.commit();
    loaded.store.start.erased_left = true;
  }
  loaded.numbers = loaded.store.start.numbers;
  writer_->start(std::move(loaded.store.start));
  database_->exec("PRAGMA shrink_memory");  // the pages that were read are not needed again
  is_loaded_ = true;
  return loaded;
}

void StoreDisk::read_through(const WallClock& clock) {
  EmptyLoad nothing;
  load_store(*database_, clock, nothing);
}

bool StoreDisk::has_room() {
  return free_bytes_() >= limits::store_free_bytes_min;
}

void StoreDisk::pass(std::string_view point) {
  if (fault_) fault_(point);
}

void StoreDisk::run(StoreJob& job) {
  try {
    if (!changes_something(job) && !writer_->has_erased()) {
      run_items(job);
    } else if (has_room()) {
      run_in_transaction(job);
      if (job.look_for_expired && !job.more_expired) shrink(job);
    } else {
      job.health = StoreHealth::full;
      job.why = "less than " + std::to_string(limits::store_free_bytes_min >> 20U)
                + " MiB are free where " + file_ + " lies";
    }
  } catch (const SqliteError& error) {
    job.health = error.is_full() ? StoreHealth::full : StoreHealth::failing;
    job.damaged = error.is_damage();
    job.why = error.what();
  } catch (const std::exception& error) {
    job.health = StoreHealth::failing;
    job.why = error.what();
  }
}

void StoreDisk::run_in_transaction(StoreJob& job) {
  const auto begun = std::chrono::steady_clock::now();
  pass("before_commit");
  std::vector<ExpiredDelivery> expired;
  bool more_expired = false;
  std::int64_t expired_up_to = expired_up_to_ms_;
  try {
    Transaction transaction(*database_);
    run_items(job);
    const bool more_to_erase = writer_->erase_slice(limits::store_slice_rows);
    if (job.look_for_expired)
      more_expired =
          writer_->expire_slice(job.now_ms, limits::store_slice_rows, &expired_up_to, expired);
    writer_->finish(job.now_ms);
    pass("after_apply");
    transaction.commit();
    job.more_to_erase = more_to_erase;
  } catch (...) {
    writer_->on_rolled_back();
    throw;
  }
  writer_->on_committed();
  job.wrote = true;
  job.took = std::chrono::steady_clock::now() - begun;
  job.expired = std::move(expired);
  job.more_expired = more_expired;
  expired_up_to_ms_ = more_expired ? expired_up_to : 0;
  // Freed here and not on the loop. Reads keep what belongs to the loop.
  for (StoreItem& item : job.items)
    if (auto* batch = std::get_if<PendingBatch>(&item)) batch->batch.changes = {};
  pass("after_commit");
}

void StoreDisk::run_items(StoreJob& job) {
  std::vector<ClockedBatch> run;  // the batches between two reads
  const auto apply = [&] {
    if (!run.empty()) writer_->apply(run);
    run.clear();
  };
  for (StoreItem& item : job.items) {
    if (const auto* batch = std::get_if<PendingBatch>(&item)) {
      run.push_back({&batch->batch, batch->clock});
    } else if (auto* read = std::get_if<PendingRead>(&item)) {
      apply();
      read->found = reader_->read(read->what, read->clock, job.unreadable);
    } else {
      apply();
      writer_->shift_clock(std::get<ClockShift>(item).by_ms);
    }
  }
  apply();
}

/// Gives pages that have been free for a while back to the file system, a slice at a time. Nothing is
/// promised here: if the disk refuses, the next commit will say so.
void StoreDisk::shrink(StoreJob& job) {
  try {
    const std::int64_t pages = database_->query_integer("PRAGMA page_count").value_or(0);
    job.file_bytes = static_cast<std::uint64_t>(pages) * page_size;
    const std::int64_t free = database_->query_integer("PRAGMA freelist_count").value_or(0);
    if (free < vacuum_from_pages || free * 100 < pages * vacuum_from_percent) return;
    database_->exec("PRAGMA incremental_vacuum(" + std::to_string(vacuum_slice_pages) + ")");
  } catch (const SqliteError&) {
    job.file_bytes = 0;
  }
}

void StoreDisk::close(std::int64_t now_ms) {
  if (is_loaded_) {
    Transaction transaction(*database_);
    writer_->finish_for_good(now_ms);
    transaction.commit();
  }
  writer_.reset();
  reader_.reset();
  if (is_loaded_) database_->exec("PRAGMA wal_checkpoint(TRUNCATE)");
  database_.reset();
}

}  // namespace starling
