// Virtual time for code that asks the standard clocks by itself, OpenDHT's shared library above all.
// A program that links this defines steady_clock::now(), system_clock::now() and random_device
// itself; the library's calls are bound to these definitions when it is loaded. While no world runs
// they give the real time and real randomness.
//
// One world at a time, one thread: the library can only ever ask the one clock there is.
#pragma once

#include <chrono>
#include <cstdint>

namespace starling::virtual_clocks {

/// From here on random_device follows from `seed`, and the clocks stand until set() moves them.
void start(std::uint64_t seed);
/// Both clocks, since their origins.
void set(std::chrono::nanoseconds steady, std::chrono::nanoseconds system);
void stop();
[[nodiscard]] bool is_running();

}  // namespace starling::virtual_clocks
