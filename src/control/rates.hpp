// Rates: how fast a counter has risen lately.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "starling/time.hpp"

namespace starling::control {

/// Two counters that are looked at every few seconds; their rates over the last minute or so.
class Rates {
 public:
  static constexpr auto sample_every = std::chrono::seconds{10};
  static constexpr std::size_t samples_max = 7;  // a minute between the first and the last

  struct Counters {
    std::uint64_t in = 0;
    std::uint64_t out = 0;
  };
  struct PerSecond {
    double in = 0;
    double out = 0;
    Duration span{};  ///< zero: too early to say
  };

  /// To be called every `sample_every`; `now` never goes back.
  void sample(TimePoint now, Counters counters);
  /// From the oldest sample to now. Below a second nothing is said.
  [[nodiscard]] PerSecond rates(TimePoint now, Counters counters) const;

 private:
  struct Sample {
    TimePoint at;
    Counters counters;
  };
  std::deque<Sample> samples_;  // oldest first
};

}  // namespace starling::control
