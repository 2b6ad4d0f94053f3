// The command line of starling-sim.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace starling::sim {

enum class SimExit : int { good = 0, broken = 1, usage = 2, bad_scenario = 3 };

struct SimArguments {
  enum class Action { print, run, list };
  Action action = Action::print;
  std::string text;  ///< for print
  bool text_is_error = false;
  std::string scenario;  ///< a file, or the name of a story
  std::optional<std::uint64_t> seed;
  std::optional<std::uint32_t> nodes;
  bool models_dht = false;
  bool checks = true;
  bool quiet = false;
  bool tells_log = false;  ///< what the nodes log, on standard error
  std::string html;        ///< empty: none
  std::string json;
  std::string trace;
};

/// `words`: argv without the program's name.
SimArguments parse_sim_arguments(std::vector<std::string> words);

}  // namespace starling::sim
