// What a benchmark takes from the heap. Linking count_allocations.cpp replaces operator new in the
// whole program; the counting itself costs 1-2 ns an allocation.
#pragma once

#include <cstdint>

namespace starling::bench {

/// Of the calling thread, since it began.
struct HeapUse {
  std::int64_t allocations = 0;  ///< calls of operator new
  std::int64_t live_bytes = 0;   ///< taken and not given back, rounded up as malloc does
};

HeapUse heap_use();

}  // namespace starling::bench
