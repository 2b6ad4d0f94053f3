#include "simulations/world/virtual_clocks.hpp"

#include <cstdlib>
#include <ctime>
#include <random>
#include <string>
#include <sys/random.h>

namespace {

bool running = false;
std::chrono::nanoseconds steady_time{};
std::chrono::nanoseconds system_time{};
std::mt19937_64 generator;  // NOLINT: seeded by start()

std::chrono::nanoseconds real_time(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

namespace starling::virtual_clocks {

void start(std::uint64_t seed) {
  running = true;
  generator.seed(seed);
}
void set(std::chrono::nanoseconds steady, std::chrono::nanoseconds system) {
  steady_time = steady;
  system_time = system;
}
void stop() {
  running = false;
}
bool is_running() {
  return running;
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
  return time_point(
      std::chrono::duration_cast<duration>(running ? system_time : real_time(CLOCK_REALTIME)));
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
