#include "src/store/open_store.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>
#include <utility>

#include "src/store/set_aside.hpp"
#include "src/store/store_header.hpp"
#include "src/store/store_rescue.hpp"
#include "src/store/store_schema.hpp"

namespace starling {
namespace {

namespace fs = std::filesystem;

// Versions rise by one: a number far from ours is not a version but damage.
constexpr std::int32_t version_far = 1'000;

// A store that is being made grows under a name that says so; under the second one it is whole, and
// only has to take its place.
constexpr const char* growing_ending = ".new";
constexpr const char* whole_ending = ".whole";
// There while the store fails: what no load finds may be what its next start must look for.
constexpr const char* trouble_ending = ".trouble";

bool is_there(const std::string& file) {
  std::error_code error;
  return fs::exists(fs::symlink_status(file, error));
}

bool is_missing_or_empty(const std::string& file) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(file, error);
  return error ? !is_there(file) : size == 0;
}

bool is_newer(const StoreHeader& header) {
  return header.is_sqlite && header.application_id == store_application_id
         && header.version > store_version && header.version <= store_version + version_far;
}

/// SQLite would open a file that it may not write for reading, and say so only at the first commit.
void expect_writable(const std::string& file) {
  if (!is_there(file)) return;
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  const int error = errno;
  if (descriptor >= 0) {
    ::close(descriptor);
    return;
  }
  throw std::runtime_error("cannot write the store " + file + ": " + std::strerror(error)
                           + "; it must be a file of the user starlingd runs as, or choose another"
                             " directory with --state-dir");
}

/// For errors that are not the file's own fault.
[[noreturn]] void fail_to_open(const std::string& file, const SqliteError& error) {
  throw std::runtime_error("cannot open the store: " + std::string(error.what())
                           + (error.is_full() ? "; the file system is full: free some space"
                                              : "; look after the rights and the disk of " + file)
                           + ", or choose another directory with --state-dir");
}

/// Writes batches into a new store, one after the other.
class StoreFiller {
 public:
  StoreFiller(SqliteStoreOptions options, std::int64_t now_ms)
      : clock_(0), now_ms_(now_ms), disk_(options, now_ms) {
    EmptyLoad nothing;
    disk_.load(nothing, clock_, now_ms);
  }
  void set_clock(WallClock clock) { clock_ = clock; }

  void commit(StoreBatch batch) {
    StoreJob job;
    job.now_ms = now_ms_;
    job.items.emplace_back(PendingBatch{++last_, std::move(batch), clock_, 0});
    disk_.run(job);
    if (job.health != StoreHealth::good)
      throw std::runtime_error("cannot fill the new store: " + job.why);
  }
  void close() { disk_.close(now_ms_); }

 private:
  WallClock clock_;
  std::int64_t now_ms_;
  StoreDisk disk_;
  BatchNumber last_ = 0;
};

}  // namespace

StoreOnDisk::StoreOnDisk(OpenStoreOptions options, Scheduler& scheduler, Worker& worker,
                         LogSink& log, Metrics& metrics)
    : options_(std::move(options)),
      file_(options_.sqlite.file),
      scheduler_(scheduler),
      worker_(worker),
      log_(log),
      metrics_(metrics) {
  tidy();
  const bool was_there = !is_missing_or_empty(file_);
  refuse_or_set_aside_newer();
  if (!was_there) fill_if_new();
  open();
  prune();
}

StoreOnDisk::~StoreOnDisk() = default;

/// What an end in the middle of the last start has left.
void StoreOnDisk::tidy() {
  delete_store(file_ + growing_ending);
  delete_store(file_ + growing_ending + std::string(".copy"));
  if (!is_missing_or_empty(file_)) return delete_store(file_ + whole_ending);
  // A log without its file: SQLite would delete it.
  if (!is_missing_or_empty(file_ + "-wal")) {
    const fs::path aside = set_aside(file_, "damaged", scheduler_.unix_now());
    log_.warn("store_log_alone",
              {{"set_aside", aside.string() + "-wal"},
               {"text", "there was the log of a store, but no store; it has been set aside"}});
  }
  if (is_there(file_ + whole_ending)) rename_safely(file_ + whole_ending, file_);
}

void StoreOnDisk::refuse_or_set_aside_newer() {
  const auto header = read_store_header(file_);
  if (!header || !is_newer(*header)) return;
  if (!options_.set_aside_newer)
    throw StoreFromLaterVersion(
        "the store " + file_ + " was written by a later version of starlingd (version "
        + std::to_string(header->version) + " of the store; this program knows version "
        + std::to_string(store_version)
        + "); nothing was touched; run that version, or start once with --set-aside-store, which"
          " renames the store and begins with an empty one");
  const fs::path aside = set_aside(file_, "set-aside", scheduler_.unix_now());
  log_.warn("store_set_aside",
            {{"file", file_},
             {"set_aside", aside.string()},
             {"version", header->version},
             {"text", "the store of a later version has been set aside; a new one begins"}});
}

void StoreOnDisk::fill_if_new() {
  if (!options_.fill_new) return;
  const std::string growing = file_ + growing_ending;
  try {
    SqliteStoreOptions options = options_.sqlite;
    options.file = growing;
    options.fault = nullptr;
    StoreFiller filler(std::move(options), now_ms());
    filler.set_clock(StoreClock(scheduler_).wall());
    options_.fill_new([&](StoreBatch batch) { filler.commit(std::move(batch)); });
    filler.close();
    delete_store(file_);  // an empty one
    rename_safely(growing, file_);
  } catch (const SqliteError& error) {
    fail_to_open(growing, error);
  }
}

void StoreOnDisk::open() {
  for (bool rescued = false;; rescued = true) {
    try {
      check();
      note_trouble(StoreHealth::good);
      store_ = std::make_unique<SqliteStore>(options_.sqlite, scheduler_, worker_, log_, &metrics_);
      return;
    } catch (const SqliteError& error) {
      if (rescued || !error.is_damage()) fail_to_open(file_, error);
      rescue(error.what());
    }
  }
}

/// Throws SqliteError; is_damage() also for what is no store of ours.
void StoreOnDisk::check() {
  for (const char* part : {"", "-wal", "-shm"}) expect_writable(file_ + part);
  if (!options_.sqlite.vfs.empty() || is_missing_or_empty(file_)) return;
  // SQLite takes a few bytes of anything for a new database.
  if (const auto header = read_store_header(file_); header && !header->is_sqlite)
    throw_damaged_row("it is not a database");
  Database database(file_, Database::Mode::read_write);
  if (const StoreKind kind = look_at_store(database);
      kind == StoreKind::foreign || kind == StoreKind::newer)
    throw_damaged_row("it is not a store of starlingd");
  std::error_code error;
  const bool had_trouble = is_there(file_ + trouble_ending);
  const std::uintmax_t size = fs::file_size(file_, error);
  if (error || (size > options_.check_bytes_max && !had_trouble)) return;
  const auto verdict = database.query_text("PRAGMA quick_check(1)");
  if (verdict != "ok") throw_damaged_row(verdict.value_or("it cannot be checked"));
}

void StoreOnDisk::rescue(const std::string& why) {
  const std::string growing = file_ + growing_ending;
  const std::string whole = file_ + whole_ending;
  Salvaged salvaged;
  try {
    salvaged = salvage_store(file_, growing, now_ms());
  } catch (const RescueFailed& error) {
    delete_store(growing);
    throw std::runtime_error("the store " + file_ + " is damaged (" + why
                             + "), and a new one cannot be made from what is left: " + error.what()
                             + "; free some space there, or choose another directory with"
                               " --state-dir");
  }
  rename_safely(growing, whole);
  const fs::path aside = set_aside(file_, "damaged", scheduler_.unix_now());
  rename_safely(whole, file_);
  log_.warn("store_damaged",
            {{"set_aside", aside.string()},
             {"why", why},
             {"sessions", salvaged.sessions},
             {"subscriptions", salvaged.subscriptions},
             {"retained", salvaged.retained},
             {"queued", salvaged.queued},
             {"text",
              "the store was damaged and has been set aside; the node goes on with what could be"
              " read of it"}});
}

void StoreOnDisk::prune() {
  for (const fs::path& file : prune_set_aside(fs::path(file_).parent_path()))
    log_.info("store_set_aside_deleted",
              {{"file", file.string()},
               {"text", "only the latest " + std::to_string(stores_set_aside_max)
                            + " stores that were set aside are kept"}});
}

void StoreOnDisk::set_handlers(Handlers handlers) {
  handlers_ = std::move(handlers);
  hand_on_handlers();
}

void StoreOnDisk::hand_on_handlers() {
  Handlers handlers = handlers_;
  handlers.health = [this](StoreHealth health) {
    note_trouble(health);
    if (handlers_.health) handlers_.health(health);
  };
  store_->set_handlers(std::move(handlers));
}

/// Best effort: a disk that fails may not take this either.
void StoreOnDisk::note_trouble(StoreHealth health) const {
  const std::string note = file_ + trouble_ending;
  if (health == StoreHealth::good) ::unlink(note.c_str());
  if (health != StoreHealth::failing) return;
  const int descriptor = ::open(note.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor >= 0) ::close(descriptor);
}

StoreNumbers StoreOnDisk::load(StoreLoader& loader) {
  for (bool rescued = false;; rescued = true) {
    try {
      // Twice, as nobody can take half a load back: to hold it meanwhile would cost its memory.
      store_->read_through();
      return store_->load(loader);
    } catch (const SqliteError& error) {
      if (rescued || !error.is_damage()) fail_to_open(file_, error);
      store_.reset();
      rescue(error.what());
    }
    open();
    prune();
    hand_on_handlers();
  }
}

}  // namespace starling
