// run(): one load from beginning to end, and its report on standard output. The door of this room.
#pragma once

#include "src/bench/exit_status.hpp"
#include "src/bench/options.hpp"

namespace starling::bench {

/// `options`: complete(). Prints the report (also when it ends before time) to standard output,
/// progress and trouble to standard error. Does not throw TroubleError.
ExitStatus run(const Options& options);

}  // namespace starling::bench
