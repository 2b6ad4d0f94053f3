#include "src/bench/report.hpp"

namespace starling::bench {

double Report::cpu_s() const {
  double total = 0;
  for (const ProcessUsage& process : processes) total += process.cpu_s();
  return total;
}

ExitStatus exit_status_of(const Options& options, const Report& report) {
  if (report.trouble) return report.trouble->status;
  const bool is_owed = options.qos != QoS::at_most_once && !report.interrupted;
  if (is_owed && report.messages && report.messages->lost() > 0) return ExitStatus::failed;
  return ExitStatus::ok;
}

}  // namespace starling::bench
