#include "tests/integration/dht/virtual_clocks.hpp"

#include <ctime>
#include <random>
#include <string>
#include <sys/random.h>

namespace {

bool running = false;
std::chrono::nanoseconds steady_time{};
std::int64_t unix_origin_s = 0;
std::mt19937_64 generator;  // NOLINT: seeded by start()

std::chrono::nanoseconds real_time(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

namespace starling::virtual_clocks {

void start(std::chrono::nanoseconds steady, std::int64_t unix_s, std::uint64_t seed) {
  running = true;
  steady_time = steady;
  unix_origin_s = unix_s;
  generator.seed(seed);
}
void set(std::chrono::nanoseconds steady) {
  steady_time = steady;
}
void stop() {
  running = false;
}

}  // namespace starling::virtual_clocks

// The interposition. Signatures as in libstdc++ 12.
namespace std {
namespace chrono {
inline namespace _V2 {

steady_clock::time_point steady_clock::now() noexcept {
  return time_point(running ? steady_time : real_time(CLOCK_MONOTONIC));
}
system_clock::time_point system_clock::now() noexcept {
  const auto virtual_time = std::chrono::seconds(unix_origin_s) + steady_time;
  return time_point(
      std::chrono::duration_cast<duration>(running ? virtual_time : real_time(CLOCK_REALTIME)));
}

}  // namespace _V2
}  // namespace chrono

void random_device::_M_init(const std::string&) {}
void random_device::_M_fini() {}
random_device::result_type random_device::_M_getval() {
  if (running) return static_cast<result_type>(generator());
  result_type value = 0;
  if (getrandom(&value, sizeof value, 0) != sizeof value) std::abort();
  return value;
}

}  // namespace std
