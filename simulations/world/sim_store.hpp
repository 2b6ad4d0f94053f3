// SimStore and SimFiles: the Store and StateFiles ports on a disk of memory. The disk outlives the
// process. A commit takes its time; a process that ends before it is over leaves a disk on which
// some of its last batches stand, in their order, and the rest does not.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>

#include "starling/port/store.hpp"

#include "simulations/world/agenda.hpp"
#include "simulations/world/model_store.hpp"
#include "simulations/world/random.hpp"

namespace starling::sim {

/// What stays when the power goes.
struct SimDisk {
  ModelStore tables;
  std::map<std::string, Bytes, std::less<>> files;
};

class SimStore final : public Store {
 public:
  /// `commit_time`: from commit() until a batch is safe; zero: at once. Both outlive the store.
  SimStore(SimDisk& disk, Scheduler& scheduler, Duration commit_time);

  void set_handlers(Handlers handlers) override { handlers_ = std::move(handlers); }
  StoreNumbers load(StoreLoader& loader) override { return disk_.tables.load(loader); }
  BatchNumber commit(StoreBatch batch) override;
  void read_queue(const QueueRead& what,
                  std::function<void(std::vector<StoredDelivery>)> done) override;
  [[nodiscard]] bool keeps_anything() const override { return true; }

  /// The process ends here: of the batches that are not safe yet, `random` decides how many have
  /// reached the disk all the same. Nothing may be called afterwards.
  void tear(Random& random);
  /// Makes all of them safe: an end in order.
  void finish();

 private:
  void apply_oldest();
  void work();

  SimDisk& disk_;
  Scheduler& scheduler_;
  Duration commit_time_;
  Handlers handlers_;
  std::deque<StoreBatch> waiting_;
  BatchNumber last_ = 0;
  BatchNumber safe_ = 0;
  bool is_working_ = false;
};

class SimFiles final : public StateFiles {
 public:
  explicit SimFiles(SimDisk& disk) : disk_(disk) {}
  std::optional<Bytes> load(std::string_view name) override {
    const auto found = disk_.files.find(name);
    return found == disk_.files.end() ? std::nullopt : std::optional(found->second);
  }
  Result<void> save(std::string_view name, ByteView content) override {
    disk_.files[std::string(name)].assign(content.begin(), content.end());
    return {};
  }

 private:
  SimDisk& disk_;
};

}  // namespace starling::sim
