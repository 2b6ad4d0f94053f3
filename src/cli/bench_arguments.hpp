// The command line of `starling bench` into Options.
#pragma once

#include <string>
#include <vector>

#include "src/bench/options.hpp"

namespace starling::cli {

struct BenchArguments {
  bench::Options options;      ///< complete, unless there is text to print instead
  std::string text;            ///< help, or what is wrong with the usage and a hint
  bool text_is_error = false;  ///< then the exit status is that of wrong usage
};

/// `words`: what follows "bench".
BenchArguments parse_bench_arguments(const std::vector<std::string>& words);

}  // namespace starling::cli
