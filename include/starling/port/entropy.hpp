// Entropy: all randomness of the machines comes through here, so that a simulated world has one
// seed.
#pragma once

#include <cstdint>
#include <span>

namespace starling {

class Entropy {
 public:
  virtual ~Entropy() = default;
  /// Fills `out` with bytes nobody can guess (in the product: the system's CSPRNG).
  virtual void fill(std::span<std::uint8_t> out) = 0;

  std::uint64_t next_u64() {
    std::uint8_t raw[8];
    fill(raw);
    std::uint64_t value = 0;
    for (const std::uint8_t byte : raw) value = value << 8U | byte;
    return value;
  }
  /// 0 <= result < bound, evenly (bound > 0; the bias of the remainder is below bound / 2^64).
  std::uint64_t below(std::uint64_t bound) { return next_u64() % bound; }
};

}  // namespace starling
