// FlatIndex: from a 32-bit hash to a small number, open addressing with linear probing in one array
// of eight bytes a slot. It knows neither keys nor values: the caller compares.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace starling {

class FlatIndex {
 public:
  static constexpr std::uint32_t none = 0xFFFF'FFFF;

  /// The number stored under `hash` for which `is_it(number)` holds, or none.
  template <class IsIt>
  [[nodiscard]] std::uint32_t find(std::uint32_t hash, IsIt is_it) const {
    if (size_ == 0) return none;
    for (std::size_t at = hash & mask_;; at = (at + 1) & mask_) {
      const Slot& slot = slots_[at];
      if (slot.number == none) return none;
      if (slot.hash == hash && is_it(slot.number)) return slot.number;
    }
  }

  /// `number` (not none) must not be there yet.
  void insert(std::uint32_t hash, std::uint32_t number);
  /// The pair must be there.
  void erase(std::uint32_t hash, std::uint32_t number);

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t memory_bytes() const { return slots_.capacity() * sizeof(Slot); }

 private:
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t number = none;
  };
  void resize(std::size_t slot_count);
  void place(Slot slot);

  std::vector<Slot> slots_;  // a power of two; at most four fifths full
  std::size_t mask_ = 0;
  std::size_t size_ = 0;
};

}  // namespace starling
