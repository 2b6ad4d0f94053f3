#include "src/node/client_pace.hpp"

#include <algorithm>
#include <utility>

#include "starling/limits.hpp"

namespace starling {
namespace {

bool overtakes(mqtt::PacketType type) {
  return type == mqtt::PacketType::pingreq || type == mqtt::PacketType::puback
         || type == mqtt::PacketType::pubrec || type == mqtt::PacketType::pubcomp;
}

bool is_publish(std::uint8_t first_byte) {
  return mqtt::Frame{first_byte, {}}.type() == mqtt::PacketType::publish;
}

}  // namespace

ClientPace::ClientPace(const ClientRates& rates, TimePoint now) {
  if (rates.messages_per_s != 0) {
    const double rate = rates.messages_per_s;
    messages_.emplace(rate, rate, now);
  }
  if (rates.bytes_per_s != 0) {
    // A bucket forgives what lies beyond one burst of debt, and a read takes a whole buffer.
    const double rate = rates.bytes_per_s;
    bytes_.emplace(rate, std::max(rate, double{limits::read_scratch_size}), now);
  }
}

void ClientPace::on_bytes(std::size_t count, TimePoint now) {
  if (bytes_) bytes_->charge(static_cast<double>(count), now);
}

std::optional<TimePoint> ClientPace::reads_again_at(TimePoint now) const {
  if (!bytes_) return std::nullopt;
  const TimePoint ready = bytes_->ready_at(1, now);
  return ready > now ? std::optional(ready) : std::nullopt;
}

bool ClientPace::passes(const mqtt::Frame& frame, TimePoint now) {
  if (!messages_ || overtakes(frame.type())) return true;
  if (kept_.empty() && (!is_publish(frame.first_byte) || messages_->take(1, now))) return true;
  kept_.push_back({frame.first_byte, Bytes(frame.body.begin(), frame.body.end())});
  kept_bytes_ += frame.body.size() + sizeof(Kept);
  return false;
}

std::optional<ClientPace::Kept> ClientPace::take_due(TimePoint now) {
  if (kept_.empty()) return std::nullopt;
  if (messages_ && is_publish(kept_.front().first_byte) && !messages_->take(1, now))
    return std::nullopt;
  Kept first = std::move(kept_.front());
  kept_.pop_front();
  kept_bytes_ -= first.body.size() + sizeof(Kept);
  return first;
}

std::optional<TimePoint> ClientPace::next_due(TimePoint now) const {
  if (kept_.empty()) return std::nullopt;
  if (!messages_ || !is_publish(kept_.front().first_byte)) return now;
  return messages_->ready_at(1, now);
}

bool ClientPace::is_full() const {
  return kept_bytes_ > limits::rate_held_bytes_max;
}

void ClientPace::lift() {
  messages_.reset();
  bytes_.reset();
}

}  // namespace starling
