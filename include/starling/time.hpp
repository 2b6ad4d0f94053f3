// Instants and spans. There is no now() here: machines are told the time, and only a Scheduler
// knows it.
#pragma once

#include <chrono>
#include <cstdint>

namespace starling {

using Duration = std::chrono::nanoseconds;

/// The clock of the machines: monotonic, its origin means nothing. Without now() on purpose.
struct SteadyTime {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<SteadyTime>;
  static constexpr bool is_steady = true;
};
using TimePoint = SteadyTime::time_point;

/// Seconds since 1970 in UTC. Only for what leaves the node with a date (records, logs): it can
/// jump.
using UnixSeconds = std::int64_t;

}  // namespace starling
