#include "tests/bench/count_allocations.hpp"

#include <cstdlib>
#include <malloc.h>
#include <new>

namespace {

// operator new has no object to count in: these two are the only globals, and of one thread each.
thread_local std::int64_t allocations = 0;
thread_local std::int64_t live_bytes = 0;

void* taken(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  ++allocations;
  live_bytes += static_cast<std::int64_t>(malloc_usable_size(memory));
  return memory;
}
void give_back(void* memory) noexcept {
  if (memory == nullptr) return;
  live_bytes -= static_cast<std::int64_t>(malloc_usable_size(memory));
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) {
  return taken(std::malloc(size));
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  const auto to = static_cast<std::size_t>(alignment);
  return taken(std::aligned_alloc(to, (size + to - 1) / to * to));
}
void operator delete(void* memory) noexcept {
  give_back(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  give_back(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  give_back(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  give_back(memory);
}

namespace starling::bench {

HeapUse heap_use() {
  return {allocations, live_bytes};
}

}  // namespace starling::bench
