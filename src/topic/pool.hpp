// Pool: values addressed by small numbers, in pages, so that growing moves nothing and wastes
// little; numbers given back are used again.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "starling/check.hpp"

namespace starling {

/// T: default constructible and movable; a slot that was given back holds T{}.
template <class T>
class Pool {
 public:
  std::uint32_t add(T value) {
    if (!free_.empty()) {
      const std::uint32_t index = free_.back();
      free_.pop_back();
      (*this)[index] = std::move(value);
      return index;
    }
    STARLING_CHECK(used_ < index_max);
    if (used_ % page_size == 0) pages_.push_back(std::make_unique<Page>());
    const auto index = static_cast<std::uint32_t>(used_++);
    (*this)[index] = std::move(value);
    return index;
  }

  void remove(std::uint32_t index) {
    (*this)[index] = T{};
    free_.push_back(index);
  }

  T& operator[](std::uint32_t index) { return (*pages_[index / page_size])[index % page_size]; }
  const T& operator[](std::uint32_t index) const {
    return (*pages_[index / page_size])[index % page_size];
  }

  /// Values in use.
  [[nodiscard]] std::size_t size() const { return used_ - free_.size(); }
  /// Every index ever given is below this.
  [[nodiscard]] std::uint32_t index_end() const { return static_cast<std::uint32_t>(used_); }
  /// Bytes taken from the heap, without what the values themselves own.
  [[nodiscard]] std::size_t memory_bytes() const {
    return pages_.size() * sizeof(Page) + pages_.capacity() * sizeof(pages_[0])
           + free_.capacity() * sizeof(free_[0]);
  }

 private:
  // Small enough that a thousand simulated nodes do not pay for room they never use, large enough
  // that the table of pages of a million values stays in the second-level cache.
  static constexpr std::size_t page_size = 128;
  static constexpr std::size_t index_max = 0x7FFF'FFF0;
  using Page = std::array<T, page_size>;

  std::vector<std::unique_ptr<Page>> pages_;
  std::vector<std::uint32_t> free_;
  std::size_t used_ = 0;
};

}  // namespace starling
