// StoreDisk: the half of the SQLite store that works on the file. It runs one job at a time, on the
// thread of the store's Worker; a job is one transaction, and so one sync, for everything in it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "starling/port/store.hpp"

#include "src/store/sqlite.hpp"
#include "src/store/store_clock.hpp"
#include "src/store/store_loader.hpp"
#include "src/store/store_writer.hpp"

namespace starling {

/// When what was acknowledged is on the disk.
enum class Durability : std::uint8_t {
  commit,  ///< before the acknowledgement
  relaxed  ///< at most limits::relaxed_commit_max after it
};

struct SqliteStoreOptions {
  std::string file;  ///< path of the database; beside it lie -wal and -shm
  Durability durability = Durability::commit;
  std::string vfs = {};  ///< name of a registered SQLite file layer; empty: SQLite's own
  /// For tests: called on the worker's thread at "before_commit", "after_apply", "after_commit" of
  /// every transaction that changes something.
  std::function<void(std::string_view point)> fault = nullptr;
  /// Bytes free where the file lies; null: asks the file system.
  std::function<std::uint64_t()> free_bytes = nullptr;
};

/// What a job does, in this order.
struct PendingBatch {
  BatchNumber number = 0;
  StoreBatch batch;
  WallClock clock;
  std::size_t bytes = 0;  ///< of memory, about
};
struct PendingRead {
  QueueRead what;
  WallClock clock;
  std::function<void(std::vector<StoredDelivery>)> done;
  std::vector<StoredDelivery> found = {};
};
struct ClockShift {
  std::int64_t by_ms = 0;
};
using StoreItem = std::variant<PendingBatch, PendingRead, ClockShift>;

struct StoreJob {
  std::vector<StoreItem> items;
  bool look_for_expired = false;
  std::int64_t now_ms = 0;  ///< Unix time

  // What came of it.
  StoreHealth health = StoreHealth::good;  ///< not good: nothing was changed
  bool damaged = false;                    ///< the file is; a restart would salvage
  std::string why;                         ///< if not good
  std::size_t unreadable = 0;              ///< rows left out by reads
  std::vector<ExpiredDelivery> expired;
  bool more_to_erase = false;
  bool more_expired = false;
  bool wrote = false;            ///< there was a commit
  Duration took{};               ///< of it
  std::uint64_t file_bytes = 0;  ///< 0: not looked
};

class StoreDisk {
 public:
  /// Opens the file, makes or migrates its tables. Throws SqliteError, and std::runtime_error with a
  /// sentence for the operator when the file is not ours or from a later version.
  StoreDisk(const SqliteStoreOptions& options, std::int64_t now_ms);

  /// Before the first run(). Throws SqliteError.
  struct Loaded {
    LoadedStore store;  ///< without its `start`, which has gone to the writer
    StoreNumbers numbers;
    std::int64_t clock_behind_ms = 0;  ///< not 0: the wall clock was so far behind what rows say
  };
  Loaded load(StoreLoader& loader, const WallClock& clock, std::int64_t now_ms);
  /// Everything that load() reads; throws as it would.
  void read_through(const WallClock& clock);
  /// Never throws: trouble is in the job, and then nothing has been changed.
  void run(StoreJob& job);
  /// The last: counters made exact, the log folded into the file. What was never loaded (it may be
  /// damaged) is closed as it is. Throws SqliteError.
  void close(std::int64_t now_ms);

 private:
  void open(const std::string& vfs, std::int64_t now_ms);
  [[nodiscard]] bool has_room();
  void run_in_transaction(StoreJob& job);
  void run_items(StoreJob& job);
  void shrink(StoreJob& job);
  void pass(std::string_view point);

  std::string file_;
  std::function<void(std::string_view)> fault_;
  std::function<std::uint64_t()> free_bytes_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<StoreWriter> writer_;
  std::unique_ptr<QueueReader> reader_;
  bool is_loaded_ = false;
  std::int64_t expired_up_to_ms_ = 0;  ///< where the look for expired messages stands
};

}  // namespace starling
