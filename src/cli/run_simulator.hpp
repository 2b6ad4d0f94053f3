// starling sim: the simulator is a program of its own, since it defines the standard clocks itself.
#pragma once

#include <string>
#include <vector>

namespace starling::cli {

/// Becomes starling-sim with these words: the one beside this program, or else the first in PATH.
/// Returns, with an exit status and after a sentence on standard error, only if there is none.
int run_simulator(const std::vector<std::string>& words);

}  // namespace starling::cli
