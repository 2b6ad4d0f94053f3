// SeededRandom: the random source of tests. One seed, one sequence, on every machine.
#pragma once

#include <cstdint>
#include <span>

#include "starling/port/entropy.hpp"

namespace starling::test {

/// SplitMix64.
class SeededRandom final : public Entropy {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}

  void fill(std::span<std::uint8_t> out) override {
    for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(next() >> 56U);
  }
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15U);
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31U);
  }
  std::uint64_t upto(std::uint64_t bound) { return next() % bound; }
  bool one_in(std::uint64_t n) { return upto(n) == 0; }

 private:
  std::uint64_t state_;
};

}  // namespace starling::test
