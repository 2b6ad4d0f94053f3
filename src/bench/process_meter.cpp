#include "src/bench/process_meter.hpp"

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <unistd.h>

#include "src/bench/exit_status.hpp"

namespace starling::bench {
namespace {

std::string folder_of(std::uint32_t pid) {
  return "/proc/" + std::to_string(pid);
}

/// schedstat of each thread: nanoseconds on a CPU, where stat has hundredths of a second.
double cpu_seconds(std::uint32_t pid) {
  std::uint64_t total_ns = 0;
  std::error_code error;
  for (const auto& thread : std::filesystem::directory_iterator(folder_of(pid) + "/task", error)) {
    std::uint64_t ns = 0;
    std::ifstream(thread.path() / "schedstat") >> ns;
    total_ns += ns;
  }
  return static_cast<double>(total_ns) / 1e9;
}

std::uint64_t resident_bytes(std::uint32_t pid) {
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  std::ifstream(folder_of(pid) + "/statm") >> size >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t proportional_bytes(std::uint32_t pid) {
  std::ifstream rollup(folder_of(pid) + "/smaps_rollup");
  std::string word;
  while (rollup >> word) {
    std::uint64_t kib = 0;
    if (word == "Pss:" && rollup >> kib) return kib << 10U;
  }
  return 0;
}

double own_cpu_seconds() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

ProcessLook look_at(std::uint32_t pid) {
  return {cpu_seconds(pid), resident_bytes(pid), proportional_bytes(pid)};
}

}  // namespace

ProcessMeter::ProcessMeter(const std::vector<std::uint32_t>& pids) {
  for (const std::uint32_t pid : pids) {
    ProcessUsage process;
    process.pid = pid;
    if (!std::getline(std::ifstream(folder_of(pid) + "/comm"), process.name))
      throw TroubleError({ExitStatus::usage, "--pid " + std::to_string(pid)
                                                 + ": there is no such process on this host"});
    processes_.push_back(std::move(process));
  }
  begin();
}

void ProcessMeter::begin() {
  for (ProcessUsage& process : processes_) {
    process.before = look_at(process.pid);
    process.after = process.before;
    process.rss_peak = process.before.rss;
  }
  own_cpu_before_ = own_cpu_after_ = own_cpu_seconds();
  began_ = ended_ = std::chrono::steady_clock::now();
}

void ProcessMeter::finish() {
  own_cpu_after_ = own_cpu_seconds();
  ended_ = std::chrono::steady_clock::now();
  for (ProcessUsage& process : processes_) {
    const ProcessLook look = look_at(process.pid);
    if (look.rss == 0) continue;  // it has ended: what was seen before must do
    process.after = look;
    process.rss_peak = std::max(process.rss_peak, process.after.rss);
  }
}

void ProcessMeter::look_between() {
  for (ProcessUsage& process : processes_)
    process.rss_peak = std::max(process.rss_peak, resident_bytes(process.pid));
}

double ProcessMeter::cpu_s() const {
  double total = 0;
  for (const ProcessUsage& process : processes_) total += process.cpu_s();
  return total;
}

std::uint64_t ProcessMeter::memory_now() const {
  std::uint64_t total = 0;
  for (const ProcessUsage& process : processes_) total += resident_bytes(process.pid);
  return total;
}

}  // namespace starling::bench
