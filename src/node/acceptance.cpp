#include "src/node/acceptance.hpp"

#include <algorithm>
#include <utility>

namespace starling {
namespace {

/// Of a PUBLISH. The others are rare, and leave behind what the mesh is told in their turn.
bool is_of_message(const Acknowledgement& what) {
  using Kind = Acknowledgement::Kind;
  return what.kind == Kind::puback || what.kind == Kind::pubrec || what.kind == Kind::pubrel
         || what.kind == Kind::pubcomp;
}

}  // namespace

Acceptance::Acceptance(Store& store, Scheduler& scheduler) : store_(store), scheduler_(scheduler) {
  Store::Handlers handlers;
  handlers.committed = [this](BatchNumber last) { on_committed(last); };
  handlers.health = [this](StoreHealth health) { on_health(health); };
  handlers.expired = [this](const std::vector<ExpiredDelivery>& expired) {
    if (handlers_.expired) handlers_.expired(expired);
  };
  store_.set_handlers(std::move(handlers));
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

void Acceptance::release_after_commit(ConnectionId to, const Acknowledgement& what) {
  // Nothing is on its way to the store, so there is nothing to wait for (a queue of these and its
  // walk were 6 % of a QoS 1 message that no store keeps).
  const bool is_safe = batch_.empty() && this_turn_.empty() && waiting_.empty() && !sealing_;
  if (is_safe && is_of_message(what) && handlers_.release) return handlers_.release(to, what);
  commit_this_turn();
  this_turn_.push_back({0, Held{to, what}});
}

void Acceptance::tell_when_safe(SessionNumber session, std::uint64_t position) {
  commit_this_turn();
  this_turn_.push_back({0, Safe{session, position}});
}

void Acceptance::read_after_commit(const QueueRead& what) {
  commit_this_turn();
  reads_.push_back(what);
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
  for (const QueueRead& read : std::exchange(reads_, {}))
    store_.read_queue(read, [this, session = read.session](std::vector<StoredDelivery> found) {
      if (handlers_.queue_read) handlers_.queue_read(session, std::move(found));
    });
  if (handlers_.sealed) handlers_.sealed(number);
  release_up_to(safe_);
  // The store has never been given anything: nothing is under way that could still be told safe.
  if (number == 0 && handlers_.committed) handlers_.committed(0);
}

void Acceptance::on_committed(BatchNumber last) {
  safe_ = std::max(safe_, last);
  if (!sealing_) release_up_to(safe_);
}

void Acceptance::release_up_to(BatchNumber last) {
  while (!waiting_.empty() && waiting_.front().batch <= last) {
    const Waiting ready = std::move(waiting_.front());
    waiting_.pop_front();
    if (const auto* held = std::get_if<Held>(&ready.what)) {
      if (handlers_.release) handlers_.release(held->to, held->what);
    } else if (handlers_.queue_safe) {
      const Safe& safe = std::get<Safe>(ready.what);
      handlers_.queue_safe(safe.session, safe.position);
    }
  }
  if (handlers_.committed && last > 0) handlers_.committed(last);
}

void Acceptance::on_health(StoreHealth health) {
  if (handlers_.health) handlers_.health(health);
  if (health == StoreHealth::good || !handlers_.answer) return;
  std::deque<Waiting> still;
  for (Waiting& waiting : std::exchange(waiting_, {})) {
    const auto* held = std::get_if<Held>(&waiting.what);
    if (held == nullptr || !handlers_.answer(held->to, held->what))
      still.push_back(std::move(waiting));
  }
  // What came from inside has later numbers.
  for (Waiting& waiting : waiting_) still.push_back(std::move(waiting));
  waiting_ = std::move(still);
}

}  // namespace starling
