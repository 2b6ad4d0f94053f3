#include "src/node/acceptance.hpp"

#include <algorithm>

namespace starling {

Acceptance::Acceptance(Store& store, Scheduler& scheduler) : store_(store), scheduler_(scheduler) {
  store_.set_handler([this](BatchNumber last) { on_committed(last); });
}

void Acceptance::set_handlers(Release release, Sealed sealed, Committed committed) {
  release_ = std::move(release);
  sealed_ = std::move(sealed);
  committed_ = std::move(committed);
}

StoreBatch& Acceptance::batch() {
  commit_this_turn();
  return batch_;
}

void Acceptance::commit_this_turn() {
  if (turn_has_work_) return;
  turn_has_work_ = true;
  scheduler_.at_turn_commit([this] { seal(); });
}

void Acceptance::release_after_commit(ConnectionId to, Acknowledgement what) {
  commit_this_turn();
  this_turn_.push_back({0, to, std::move(what)});
}

void Acceptance::seal() {
  turn_has_work_ = false;
  StoreBatch sealed;
  sealed.changes.swap(batch_.changes);
  std::vector<Waiting> turn;
  turn.swap(this_turn_);

  // A store that is safe at once calls back from inside commit(), before the waiting ones have
  // their number: that call is only noted, and answered below.
  sealing_ = true;
  const BatchNumber number = store_.commit(std::move(sealed));
  sealing_ = false;
  for (Waiting& waiting : turn) {
    waiting.batch = number;
    waiting_.push_back(std::move(waiting));
  }
  if (sealed_) sealed_(number);
  release_up_to(safe_);
}

void Acceptance::on_committed(BatchNumber last) {
  safe_ = std::max(safe_, last);
  if (!sealing_) release_up_to(safe_);
}

void Acceptance::release_up_to(BatchNumber last) {
  while (!waiting_.empty() && waiting_.front().batch <= last) {
    const Waiting ready = std::move(waiting_.front());
    waiting_.pop_front();
    if (release_) release_(ready.to, ready.what);
  }
  if (committed_ && last > 0) committed_(last);
}

}  // namespace starling
