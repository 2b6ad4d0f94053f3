// STARLING_CHECK: an invariant of our own code, on in every build type. Never for what a peer, an
// operator or the world may do wrong: those are Result, exceptions at start, and events.
#pragma once

namespace starling {

/// Prints the failed expression with its place to standard error and aborts.
[[noreturn]] void check_failed(const char* expression, const char* file, int line) noexcept;

}  // namespace starling

#define STARLING_CHECK(expression)                      \
  (static_cast<bool>(expression) ? static_cast<void>(0) \
                                 : ::starling::check_failed(#expression, __FILE__, __LINE__))
