// Pool: values addressed by small numbers, in pages, so that growing moves nothing and wastes
// little. Numbers given back are used again; a page of which none is in use goes back to the heap.
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
    if (first_with_room_ == none) open_page();
    const std::uint32_t number = first_with_room_;
    Page& page = *pages_[number];
    const std::uint8_t slot = page.first_free;
    page.first_free = page.next_free[slot];
    if (++page.used == page_size) unlink(number);
    page.items[slot] = std::move(value);
    ++size_;
    return static_cast<std::uint32_t>(number * page_size + slot);
  }

  void remove(std::uint32_t index) {
    const auto number = static_cast<std::uint32_t>(index / page_size);
    const auto slot = static_cast<std::uint8_t>(index % page_size);
    Page& page = *pages_[number];
    page.items[slot] = T{};
    page.next_free[slot] = page.first_free;
    page.first_free = slot;
    --size_;
    if (page.used-- == page_size) link(number);
    if (page.used > 0) return;
    unlink(number);
    pages_[number].reset();
    absent_pages_.push_back(number);
  }

  T& operator[](std::uint32_t index) { return pages_[index / page_size]->items[index % page_size]; }
  const T& operator[](std::uint32_t index) const {
    return pages_[index / page_size]->items[index % page_size];
  }

  /// Values in use.
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Calls visit(index, const T&) by index, also for slots that hold T{} because nobody uses them.
  template <class Visit>
  void for_each_slot(Visit&& visit) const {
    for (std::uint32_t number = 0; number < pages_.size(); ++number) {
      if (pages_[number] == nullptr) continue;
      for (std::uint32_t slot = 0; slot < page_size; ++slot)
        visit(static_cast<std::uint32_t>(number * page_size + slot), pages_[number]->items[slot]);
    }
  }
  /// Bytes taken from the heap, without what the values themselves own.
  [[nodiscard]] std::size_t memory_bytes() const {
    return (pages_.size() - absent_pages_.size()) * sizeof(Page)
           + pages_.capacity() * sizeof(pages_[0])
           + absent_pages_.capacity() * sizeof(absent_pages_[0]);
  }

 private:
  // Small enough that a thousand simulated nodes do not pay for room they never use, large enough
  // that the table of pages of a million values stays in the second-level cache.
  static constexpr std::size_t page_size = 128;
  static constexpr std::size_t pages_max = 0x3FFF'FFFF / page_size;
  static constexpr std::uint32_t none = 0xFFFF'FFFF;

  struct Page {
    std::array<T, page_size> items{};
    std::array<std::uint8_t, page_size> next_free;  // of a free slot; page_size ends the list
    std::uint8_t first_free = 0;
    std::uint8_t used = 0;
    // The list of pages with room; meaningless while there is none.
    std::uint32_t previous = none;
    std::uint32_t next = none;

    Page() {
      for (std::size_t slot = 0; slot < page_size; ++slot)
        next_free[slot] = static_cast<std::uint8_t>(slot + 1);
    }
  };

  void open_page() {
    if (absent_pages_.empty()) {
      STARLING_CHECK(pages_.size() < pages_max);
      absent_pages_.push_back(static_cast<std::uint32_t>(pages_.size()));
      pages_.emplace_back();
    }
    const std::uint32_t number = absent_pages_.back();
    absent_pages_.pop_back();
    pages_[number] = std::make_unique<Page>();
    link(number);
  }
  void link(std::uint32_t number) {
    Page& page = *pages_[number];
    page.previous = none;
    page.next = first_with_room_;
    if (first_with_room_ != none) pages_[first_with_room_]->previous = number;
    first_with_room_ = number;
  }
  void unlink(std::uint32_t number) {
    const Page& page = *pages_[number];
    if (page.previous == none)
      first_with_room_ = page.next;
    else
      pages_[page.previous]->next = page.next;
    if (page.next != none) pages_[page.next]->previous = page.previous;
  }

  std::vector<std::unique_ptr<Page>> pages_;  // null: given back, its number is in absent_pages_
  std::vector<std::uint32_t> absent_pages_;
  std::uint32_t first_with_room_ = none;
  std::size_t size_ = 0;
};

}  // namespace starling
