#include "src/bench/run.hpp"

#include <array>
#include <cstdio>
#include <ctime>

#include "src/bench/connection_loads.hpp"
#include "src/bench/kept_loads.hpp"
#include "src/bench/report.hpp"
#include "src/bench/stage.hpp"
#include "src/bench/traffic.hpp"

namespace starling::bench {
namespace {

std::string date_now() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text.data();
}

void run_load(Stage& stage, Report& report) {
  switch (stage.options().load) {
    case Load::retained:
      return run_retained(stage, report);
    case Load::offline_drain:
      return run_offline_drain(stage, report);
    case Load::connections:
      return run_connections(stage, report);
    case Load::tls_handshakes:
      return run_tls_handshakes(stage, report);
    default:
      return Traffic(stage).run(report);
  }
}

void run_on_stage(const Options& options, Report& report) {
  Stage stage(options);
  try {
    run_load(stage, report);
  } catch (const TroubleError& error) {
    stage.fail(error.trouble());
  }
  stage.clear_line();
  report.processes = stage.meter().processes();
  report.own_cpu_s = stage.meter().own_cpu_s();
  report.own_seconds = stage.meter().seconds();
  report.interrupted = stage.interrupted();
  report.trouble = stage.trouble();
}

}  // namespace

ExitStatus run(const Options& options) {
  Report report;
  try {
    run_on_stage(options, report);
  } catch (const TroubleError& error) {
    report.trouble = error.trouble();
  } catch (const std::exception& error) {
    report.trouble = Trouble{ExitStatus::failed, error.what()};
  }
  const bool has_found = (report.messages && report.messages->sent > 0)
                         || (report.connections && report.connections->made > 0)
                         || (report.handshakes && report.handshakes->made > 0);
  if (options.json)
    std::fputs(to_json(options, report, date_now()).c_str(), stdout);
  else if (has_found)
    std::fputs(to_text(options, report).c_str(), stdout);
  if (report.trouble) std::fprintf(stderr, "starling bench: %s\n", report.trouble->what.c_str());
  const ExitStatus status = exit_status_of(options, report);
  if (!report.trouble && status == ExitStatus::failed)
    std::fprintf(stderr, "starling bench: %llu messages of QoS %u were lost\n",
                 static_cast<unsigned long long>(report.messages->lost()),
                 static_cast<unsigned>(options.qos));
  return status;
}

}  // namespace starling::bench
