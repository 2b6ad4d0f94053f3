// starling doctor: examines the daemon and what is around it.
#pragma once

#include <string>
#include <vector>

namespace starling::cli {

/// `words`: what follows "doctor". Returns the exit status: 0 all is well, 1 a problem, 2 wrong
/// usage, 4 only warnings, 69 the daemon is not running (what can be examined without it has been),
/// 75 it does not answer, 77 it is not ours to ask.
int run_doctor(const std::vector<std::string>& words);

}  // namespace starling::cli
