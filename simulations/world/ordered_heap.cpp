// Memory in which a later object always has a higher address.
//
// OpenDHT keeps some of its tables in maps whose keys are pointers (Storage::listeners by node,
// Search's SyncStatus by query), and sends in their order. On an ordinary heap that order follows
// everything else that has ever been allocated: an option of the command line, an observer, the world
// before this one. So while a world runs, objects of the two sizes that such maps point to come from
// here: their order is that in which they were made, and one seed tells one story wherever it is told.
//
// Addresses are never used again; pages in which nothing lives any more are given back to the system.
// This file defines the program's operator new and delete; like the clocks it is an object file, so
// that OpenDHT's library is bound to it.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <opendht/node.h>
#include <opendht/value.h>
#include <sys/mman.h>

#include "simulations/world/virtual_clocks.hpp"

namespace {

/// What std::make_shared allocates.
template <class T>
constexpr std::size_t shared_size =
    sizeof(std::_Sp_counted_ptr_inplace<T, std::allocator<T>, __gnu_cxx::__default_lock_policy>);

constexpr std::size_t page = 4'096;
// Address space, not memory: 200 bytes a node and 20 000 new ones a second fill it in ten hours.
constexpr std::size_t region_size = std::size_t{1} << 37U;
constexpr std::size_t page_count = region_size / page;

void* reserve(std::size_t size) {
  void* place = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return place == MAP_FAILED ? nullptr : place;
}

/// For objects of one size: those that live long must not hold pages of those that do not.
struct Region {
  char* begin = nullptr;
  std::uint16_t* alive = nullptr;  // objects that begin in each page; MAP_NORESERVE as well
  std::size_t used = 0;

  /// Null: there is no room; the caller takes other memory.
  void* next(std::size_t size) {
    if (begin == nullptr) {
      begin = static_cast<char*>(reserve(region_size));
      alive = static_cast<std::uint16_t*>(reserve(page_count * sizeof(std::uint16_t)));
    }
    if (begin == nullptr || alive == nullptr) return nullptr;
    // No object lies in two pages: a page without objects can go.
    if (used % page + size > page) used = (used / page + 1) * page;
    if (used + page > region_size) return nullptr;
    char* const place = begin + used;
    ++alive[used / page];
    used += (size + 15) / 16 * 16;
    return place;
  }
  [[nodiscard]] bool holds(const void* place) const {
    const auto* at = static_cast<const char*>(place);
    return begin != nullptr && at >= begin && at < begin + region_size;
  }
  void give_back(void* place) {
    const auto number = static_cast<std::size_t>(static_cast<char*>(place) - begin) / page;
    if (--alive[number] == 0 && number < used / page)
      madvise(begin + number * page, page, MADV_DONTNEED);
  }
};

Region nodes;
Region queries;

Region* region_for(std::size_t size) {
  if (size == shared_size<dht::Node>) return &nodes;
  return size == shared_size<dht::Query> ? &queries : nullptr;
}

void* allocate(std::size_t size) noexcept {
  Region* const region = region_for(size);
  if (region != nullptr && starling::virtual_clocks::is_running()) {
    if (void* place = region->next(size)) return place;
  }
  return std::malloc(size == 0 ? 1 : size);
}

void* allocate_or_throw(std::size_t size) {
  while (true) {
    if (void* place = allocate(size)) return place;
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) throw std::bad_alloc();
    handler();
  }
}

void release(void* place) noexcept {
  if (nodes.holds(place))
    nodes.give_back(place);
  else if (queries.holds(place))
    queries.give_back(place);
  else
    std::free(place);
}

}  // namespace

void* operator new(std::size_t size) {
  return allocate_or_throw(size);
}
void* operator new[](std::size_t size) {
  return allocate_or_throw(size);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return allocate(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return allocate(size);
}
void operator delete(void* place) noexcept {
  release(place);
}
void operator delete[](void* place) noexcept {
  release(place);
}
void operator delete(void* place, std::size_t) noexcept {
  release(place);
}
void operator delete[](void* place, std::size_t) noexcept {
  release(place);
}
void operator delete(void* place, const std::nothrow_t&) noexcept {
  release(place);
}
void operator delete[](void* place, const std::nothrow_t&) noexcept {
  release(place);
}
