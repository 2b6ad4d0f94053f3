// SystemEntropy: the product's source of randomness, the operating system's by way of GnuTLS.
#pragma once

#include <cstdint>
#include <span>

#include "starling/port/entropy.hpp"

namespace starling::crypto {

/// Without state of its own; may be used from any thread. A system without randomness is no place
/// to run: failure aborts.
class SystemEntropy final : public Entropy {
 public:
  void fill(std::span<std::uint8_t> out) override;
};

}  // namespace starling::crypto
