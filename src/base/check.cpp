#include "starling/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace starling {

void check_failed(const char* expression, const char* file, int line) noexcept {
  std::fprintf(stderr, "starling: invariant broken: %s (%s:%d)\n", expression, file, line);
  std::abort();
}

}  // namespace starling
