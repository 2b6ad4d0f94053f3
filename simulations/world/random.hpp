// Random: the dice of a world. One seed, one sequence, on every machine; every host and every
// purpose has dice of its own, so that one more throw here changes nothing there.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>

#include "starling/port/entropy.hpp"
#include "starling/time.hpp"

namespace starling::sim {

/// SplitMix64's finisher: spreads `value` over all bits.
constexpr std::uint64_t mix(std::uint64_t value) {
  value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9U;
  value = (value ^ (value >> 27U)) * 0x94D049BB133111EBU;
  return value ^ (value >> 31U);
}
constexpr std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  return mix(a * 0x9E3779B97F4A7C15U + mix(b + 0x9E3779B97F4A7C15U));
}

class Random final : public Entropy {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  Random(std::uint64_t seed, std::uint64_t purpose) : state_(mix(seed, purpose)) {}

  void fill(std::span<std::uint8_t> out) override {
    for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(next() >> 56U);
  }
  std::uint64_t next() { return mix(state_ += 0x9E3779B97F4A7C15U); }
  /// 0 <= result < 1.
  double share() { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }
  bool with_probability(double p) { return p > 0 && share() < p; }
  /// from <= result <= to.
  Duration between(Duration from, Duration to) {
    if (to <= from) return from;
    return from
           + Duration{
               static_cast<Duration::rep>(share() * static_cast<double>((to - from).count()))};
  }
  /// Of a process without memory: exponential around `mean`, at most twenty times as long.
  Duration waiting_time(Duration mean) {
    const double factor = std::min(-std::log(1.0 - share()), 20.0);
    return Duration{static_cast<Duration::rep>(factor * static_cast<double>(mean.count()))};
  }

 private:
  std::uint64_t state_;
};

}  // namespace starling::sim
