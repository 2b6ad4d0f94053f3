#include "simulations/world/sim_store.hpp"

#include <utility>

namespace starling::sim {

SimStore::SimStore(SimDisk& disk, Scheduler& scheduler, Duration commit_time)
    : disk_(disk), scheduler_(scheduler), commit_time_(commit_time) {}

BatchNumber SimStore::commit(StoreBatch batch) {
  if (batch.empty()) {
    if (waiting_.empty() && handlers_.committed) handlers_.committed(safe_);
    return last_;
  }
  ++last_;
  waiting_.push_back(std::move(batch));
  if (commit_time_ == Duration::zero()) {
    apply_oldest();
    if (handlers_.committed) handlers_.committed(safe_);
  } else {
    work();
  }
  return last_;
}

void SimStore::apply_oldest() {
  disk_.tables.commit(std::move(waiting_.front()));
  waiting_.pop_front();
  ++safe_;
}

/// One commit at a time, of everything that waits when it begins.
void SimStore::work() {
  if (is_working_ || waiting_.empty()) return;
  is_working_ = true;
  scheduler_.wake_at(scheduler_.now() + commit_time_, [this, group = last_] {
    while (safe_ < group) apply_oldest();
    is_working_ = false;
    work();
    if (handlers_.committed) handlers_.committed(safe_);
  });
}

/// Behind the commits that were asked for before.
void SimStore::read_queue(const QueueRead& what,
                          std::function<void(std::vector<StoredDelivery>)> done) {
  scheduler_.wake_at(scheduler_.now() + commit_time_,
                     [this, what, up_to = last_, done = std::move(done)]() mutable {
                       if (safe_ < up_to) return read_queue(what, std::move(done));
                       done(disk_.tables.read(what));
                     });
}

void SimStore::tear(Random& random) {
  const std::uint64_t survive = waiting_.empty() ? 0 : random.below(waiting_.size() + 1);
  for (std::uint64_t i = 0; i < survive; ++i) apply_oldest();
  waiting_.clear();
}

void SimStore::finish() {
  while (!waiting_.empty()) apply_oldest();
}

}  // namespace starling::sim
