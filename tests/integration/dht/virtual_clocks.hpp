// Virtual time for libopendht. This program defines the standard clocks' now() and random_device
// itself; the shared library's calls are bound to these definitions when it is loaded. While no
// world runs they give the real time and real randomness.
#pragma once

#include <chrono>
#include <cstdint>

namespace starling::virtual_clocks {

/// From here on both clocks stand at `steady` (since their origins; the system clock `unix` seconds
/// on top) and random_device follows from `seed`.
void start(std::chrono::nanoseconds steady, std::int64_t unix_s, std::uint64_t seed);
void set(std::chrono::nanoseconds steady);
void stop();

}  // namespace starling::virtual_clocks
