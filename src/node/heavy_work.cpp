#include "src/node/heavy_work.hpp"

namespace starling {

bool HeavyWork::take(ConnectionId who, std::size_t weight) {
  if (weight == 0) return true;
  const bool is_served = serving_ == who;
  if (is_served) serving_ = {};
  if (!is_served && (done_ >= weight_max || !waiting_.empty())) {
    waiting_.push_back(who);
    serve_in_next_turn();
    return false;
  }
  if (done_ == 0) scheduler_.at_turn_end([this] { done_ = 0; });
  done_ += weight;
  return true;
}

// They wait in a row and are called one by one: to wake all of ten thousand in every turn, so that
// each asks again, took 20 ms of it.
void HeavyWork::serve_waiting() {
  wake_ = {};
  while (!waiting_.empty() && done_ < weight_max) {
    serving_ = waiting_.front();
    waiting_.pop_front();
    serve_(ConnectionId(serving_));  // a copy: take() forgets it
    serving_ = {};
  }
  if (!waiting_.empty()) serve_in_next_turn();
}

void HeavyWork::serve_in_next_turn() {
  if (!wake_) wake_ = scheduler_.wake_at(scheduler_.now(), [this] { serve_waiting(); });
}

}  // namespace starling
