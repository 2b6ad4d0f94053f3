// Runs a scenario: a world, all checkers, a report.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "simulations/report/report.hpp"
#include "simulations/scenarios/scenario.hpp"

namespace starling::sim {

class World;
class Observer;

struct RunProgress {
  double share = 0;  ///< of virtual time, 0 to 1
  double virtual_s = 0;
  double wall_s = 0;
  std::uint64_t messages = 0;  ///< published
};

struct RunOptions {
  /// The line that repeats the run, without the seed: "starling sim run storm.toml --nodes 50".
  std::string replay;
  bool checks = true;  ///< without: nobody watches the promises
  std::function<void(const RunProgress&)> on_progress =
      {};                        ///< about ten times a second of wall time
  Observer* observer = nullptr;  ///< somebody else who watches
  /// Before anything has happened.
  std::function<void(World&)> on_world = {};
};

/// Once per process at a time.
Report run_scenario(const Scenario& scenario, const RunOptions& options);

}  // namespace starling::sim
