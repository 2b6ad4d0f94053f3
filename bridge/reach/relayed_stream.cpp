// Credit, order and the end of one channel.
#include "bridge/reach/relayed_stream.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "starling/limits.hpp"

#include "bridge/wire/reach_frames.hpp"

namespace starling {

RelayedStream::RelayedStream(std::unique_ptr<ChannelCarrier> carrier, const Endpoint& own,
                             const Endpoint& relay, Scheduler& scheduler)
    : carrier_(std::move(carrier)), own_(own), relay_(relay), scheduler_(scheduler) {}

RelayedStream::~RelayedStream() {
  *alive_ = false;
  scheduler_.cancel(farewell_);
  if (carrier_) carrier_->send_close("");
}

void RelayedStream::later(void (RelayedStream::*what)()) {
  scheduler_.at_turn_end([this, what, alive = alive_] {
    if (*alive) (this->*what)();
  });
}

// --- Receiving

bool RelayedStream::on_credit(std::uint64_t limit) {
  if (limit < send_limit_) return false;
  send_limit_ = limit;
  if (!output_.empty()) flush_soon();
  return true;
}

bool RelayedStream::on_data(Bytes data) {
  received_ += data.size();
  if (received_ > granted_) return false;
  if (is_closing_) return true;
  arrived_.push_back(std::move(data));
  hand_on();
  return true;
}

void RelayedStream::hand_on() {
  const std::shared_ptr<bool> alive = alive_;
  while (!is_paused_ && !is_closing_ && handler_ != nullptr && !arrived_.empty()) {
    const Bytes data = std::move(arrived_.front());
    arrived_.pop_front();
    handed_on_ += data.size();
    handler_->on_bytes(data);
    if (!*alive) return;
  }
  grant();
  if (has_ended_ && arrived_.empty()) say_closed();
}

void RelayedStream::grant() {
  if (!carrier_ || handed_on_ + window < granted_ + window / 2) return;
  granted_ = handed_on_ + window;
  carrier_->send_credit(granted_);
}

void RelayedStream::resume_reading() {
  is_paused_ = false;
  later(&RelayedStream::hand_on);
}

// --- Sending

void RelayedStream::flush_soon() {
  if (std::exchange(flush_asked_, true)) return;
  later(&RelayedStream::flush);
}

void RelayedStream::flush() {
  flush_asked_ = false;
  while (carrier_ && !output_.empty() && sent_ < send_limit_) {
    const auto most = static_cast<std::size_t>(
        std::min<std::uint64_t>(send_limit_ - sent_, wire::relay_data_max));
    std::array<ByteView, 1> front;
    output_.gather(front);
    const ByteView bytes = front[0].first(std::min(front[0].size(), most));
    if (!carrier_->send_data(Bytes(bytes.begin(), bytes.end()))) break;
    sent_ += bytes.size();
    output_.consume(bytes.size());
  }
  if (write_is_congested()) was_congested_ = true;
  if (output_.empty() && is_closing_ && carrier_) {
    carrier_->send_close("");
    carrier_.reset();
    later(&RelayedStream::say_closed);
    return;
  }
  const bool has_room = output_.size() < limits::connection_output_max / 2;
  if (was_congested_ && has_room && handler_ != nullptr && !is_closing_) {
    was_congested_ = false;
    handler_->on_writable();
  }
}

bool RelayedStream::write_is_congested() const {
  return output_.size() > limits::connection_output_max;
}

// --- The end

void RelayedStream::close() {
  if (is_closing_ || told_closed_) return;
  is_closing_ = true;
  arrived_.clear();
  if (!carrier_) return later(&RelayedStream::say_closed);
  flush_soon();
  farewell_ = scheduler_.wake_at(scheduler_.now() + limits::close_flush_max, [this] {
    farewell_ = {};
    if (carrier_) std::exchange(carrier_, nullptr)->send_close("");
    say_closed();
  });
}

void RelayedStream::on_ended(const std::string& why) {
  carrier_.reset();
  has_ended_ = true;
  why_ended_ = why;
  if (arrived_.empty() || is_closing_) later(&RelayedStream::say_closed);
}

void RelayedStream::say_closed() {
  if (std::exchange(told_closed_, true)) return;
  scheduler_.cancel(std::exchange(farewell_, {}));
  if (handler_ != nullptr) handler_->on_closed(why_ended_);
}

}  // namespace starling
