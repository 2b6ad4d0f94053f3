// Between the monotonic instants of this process and the Unix time that rows hold, in milliseconds.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

#include "starling/port/scheduler.hpp"
#include "starling/time.hpp"

namespace starling {

/// Unix time = monotonic time + offset. A value, so that each batch can carry its own.
class WallClock {
 public:
  WallClock() = default;
  explicit WallClock(std::int64_t offset_ms) : offset_ms_(offset_ms) {}

  [[nodiscard]] std::int64_t offset_ms() const { return offset_ms_; }
  [[nodiscard]] std::int64_t to_unix_ms(TimePoint when) const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(when.time_since_epoch()).count()
           + offset_ms_;
  }
  /// Instants further away than `far_ms` (a row may say anything) become that far.
  [[nodiscard]] TimePoint to_instant(std::int64_t unix_ms) const {
    constexpr std::int64_t far_ms = 4'000'000'000'000;  // 126 years: still fits in nanoseconds
    const std::int64_t bounded =
        std::clamp(unix_ms, offset_ms_ - far_ms, offset_ms_ + far_ms) - offset_ms_;
    return TimePoint(std::chrono::milliseconds(bounded));
  }

 private:
  std::int64_t offset_ms_ = 0;
};

/// Follows the wall clock of a Scheduler, which tells whole seconds.
class StoreClock {
 public:
  explicit StoreClock(const Scheduler& scheduler)
      : scheduler_(scheduler), wall_(measured_offset_ms()) {}

  /// By how much the wall clock has jumped since the last look; nullopt: it has not. Small
  /// corrections are taken over in silence.
  std::optional<std::int64_t> look() {
    const std::int64_t measured = measured_offset_ms();
    const std::int64_t moved = measured - wall_.offset_ms();
    // Whole seconds against fine instants: the measure trembles by up to a second.
    if (moved < tremble_ms && moved > -tremble_ms) return std::nullopt;
    wall_ = WallClock(measured);
    if (moved > -jump_ms && moved < jump_ms) return std::nullopt;
    return moved;
  }
  [[nodiscard]] WallClock wall() const { return wall_; }
  [[nodiscard]] std::int64_t now_ms() const { return wall_.to_unix_ms(scheduler_.now()); }

  static constexpr std::int64_t jump_ms = 60'000;

 private:
  static constexpr std::int64_t tremble_ms = 1'500;

  [[nodiscard]] std::int64_t measured_offset_ms() const {
    return scheduler_.unix_now() * 1'000
           - std::chrono::duration_cast<std::chrono::milliseconds>(
                 scheduler_.now().time_since_epoch())
                 .count();
  }

  const Scheduler& scheduler_;
  WallClock wall_;
};

}  // namespace starling
