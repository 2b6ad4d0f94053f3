// starling status: what the daemon tells about itself.
#pragma once

#include <string>
#include <vector>

namespace starling::cli {

/// `words`: what follows "status". Returns the exit status: 0, 2 wrong usage, 69 the daemon is not
/// running, 75 it does not answer, 77 it is not ours to ask.
int run_status(const std::vector<std::string>& words);

}  // namespace starling::cli
