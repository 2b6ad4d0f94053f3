// Notices a client that has fallen silent. Time is told to it; it owns no timer.
#pragma once

#include <cstdint>
#include <optional>

#include "starling/time.hpp"

namespace starling {

class KeepAlive {
 public:
  KeepAlive() = default;
  /// `promised`: from CONNECT; zero switches the watch off [MQTT-3.1.2-24] [MQTT5-3.1.2-22].
  KeepAlive(std::chrono::seconds promised, TimePoint now)
      : grace_(Duration{promised} * 3 / 2), last_heard_(now) {}

  /// One store, as it happens with every packet.
  void on_packet(TimePoint now) { last_heard_ = now; }

  /// When has_expired() may become true; nullopt if never. It moves with every packet, so whoever
  /// asked to be woken then asks again.
  [[nodiscard]] std::optional<TimePoint> next_deadline() const {
    if (grace_ == Duration::zero()) return std::nullopt;
    return last_heard_ + grace_;
  }
  [[nodiscard]] bool has_expired(TimePoint now) const {
    const auto due = next_deadline();
    return due && now >= *due;
  }

 private:
  Duration grace_{};
  TimePoint last_heard_{};
};

}  // namespace starling
