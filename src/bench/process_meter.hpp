// ProcessMeter: what other processes (the brokers that are measured) have used, as the kernel counts
// it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace starling::bench {

/// One look at one process. Sizes in bytes. What the kernel does not show (PSS of other people's
/// processes) is 0.
struct ProcessLook {
  double cpu_s = 0;  ///< of all its threads that live
  std::uint64_t rss = 0;
  std::uint64_t pss = 0;
};

struct ProcessUsage {
  std::uint32_t pid = 0;
  std::string name;
  ProcessLook before;
  ProcessLook after;
  std::uint64_t rss_peak = 0;  ///< of the looks in between, one a second
  [[nodiscard]] double cpu_s() const { return after.cpu_s - before.cpu_s; }
};

class ProcessMeter {
 public:
  /// Throws TroubleError (usage) if one of them is not there.
  explicit ProcessMeter(const std::vector<std::uint32_t>& pids);

  /// The measured time begins, and ends. finish() may be called again: the last one counts.
  void begin();
  void finish();
  /// For the peak.
  void look_between();

  [[nodiscard]] bool empty() const { return processes_.empty(); }
  [[nodiscard]] const std::vector<ProcessUsage>& processes() const { return processes_; }
  [[nodiscard]] double cpu_s() const;  ///< of all
  /// Of this process itself, and how long that was.
  [[nodiscard]] double own_cpu_s() const { return own_cpu_after_ - own_cpu_before_; }
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(ended_ - began_).count();
  }
  /// RSS of all, now. Not PSS: that also changes when somebody else starts or ends the same program.
  [[nodiscard]] std::uint64_t memory_now() const;

 private:
  std::vector<ProcessUsage> processes_;
  double own_cpu_before_ = 0;
  double own_cpu_after_ = 0;
  std::chrono::steady_clock::time_point began_;
  std::chrono::steady_clock::time_point ended_;
};

}  // namespace starling::bench
