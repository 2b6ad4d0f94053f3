// StoreOnDisk: the store as a node finds it when it starts, whatever has become of its file. What is
// damaged is set aside and what can be read of it kept; what a later version has written is not
// touched; another broker's database is read in once.
#pragma once

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "starling/port/log.hpp"
#include "starling/port/metrics.hpp"
#include "starling/port/scheduler.hpp"
#include "starling/port/store.hpp"
#include "starling/port/worker.hpp"

#include "src/store/sqlite_store.hpp"

namespace starling {

/// `what()`: a sentence for the operator with both versions and the way out.
class StoreFromLaterVersion : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Files up to this size are looked at in whole when they are opened; larger ones while they are
/// loaded, and in whole only if the last process had trouble with them.
inline constexpr std::uint64_t store_check_bytes_max = 64U << 20U;

struct OpenStoreOptions {
  SqliteStoreOptions sqlite;
  std::uint64_t check_bytes_max = store_check_bytes_max;
  bool set_aside_newer = false;  ///< a store of a later version is renamed instead of refused
  /// Fills a store that has never been there before: hands batches to `commit`, each of which is on
  /// the disk when it returns. What was filled in counts only as a whole. Unset: a new store is
  /// empty.
  std::function<void(const std::function<void(StoreBatch)>& commit)> fill_new = nullptr;
};

class StoreOnDisk final : public Store {
 public:
  /// All references outlive it. Throws StoreFromLaterVersion, and std::runtime_error with a sentence
  /// for the operator when the file cannot be opened, made or, after damage, made anew.
  StoreOnDisk(OpenStoreOptions options, Scheduler& scheduler, Worker& worker, LogSink& log,
              Metrics& metrics);
  /// close()s.
  ~StoreOnDisk() override;
  StoreOnDisk(const StoreOnDisk&) = delete;
  StoreOnDisk& operator=(const StoreOnDisk&) = delete;

  void set_handlers(Handlers handlers) override;
  /// Damage that shows only now is answered as at the opening. Throws as the constructor does.
  StoreNumbers load(StoreLoader& loader) override;
  BatchNumber commit(StoreBatch batch) override { return store_->commit(std::move(batch)); }
  void read_queue(const QueueRead& what,
                  std::function<void(std::vector<StoredDelivery>)> done) override {
    store_->read_queue(what, std::move(done));
  }
  [[nodiscard]] bool keeps_anything() const override { return true; }
  [[nodiscard]] std::size_t backlog_bytes() const override { return store_->backlog_bytes(); }

  /// As SqliteStore::close().
  void close() { store_->close(); }

 private:
  void tidy();
  void refuse_or_set_aside_newer();
  void fill_if_new();
  void open();
  void check();
  void rescue(const std::string& why);
  void prune();
  void hand_on_handlers();
  void note_trouble(StoreHealth health) const;
  [[nodiscard]] std::int64_t now_ms() const { return scheduler_.unix_now() * 1'000; }

  OpenStoreOptions options_;
  const std::string& file_;  ///< options_.sqlite.file
  Scheduler& scheduler_;
  Worker& worker_;
  LogSink& log_;
  Metrics& metrics_;
  Handlers handlers_;
  std::unique_ptr<SqliteStore> store_;
};

}  // namespace starling
