// FlatIndex: from a 32-bit hash to a small number, open addressing with linear probing in one array
// of eight bytes a slot. It knows neither keys nor values: the caller compares.
//
// It grows and shrinks a few slots at a time, so that no single insert pays for all: with a million
// numbers, moving them at once would hold the caller up for more than ten milliseconds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

namespace starling {

class FlatIndex {
 public:
  static constexpr std::uint32_t none = 0xFFFF'FFFF;

  /// The number stored under `hash` for which `is_it(number)` holds, or none.
  template <class IsIt>
  [[nodiscard]] std::uint32_t find(std::uint32_t hash, IsIt is_it) const {
    if (size_ == 0) return none;
    const std::uint32_t found = now_.find(hash, is_it);
    return found == none && leaves(hash) ? before_.find(hash, is_it) : found;
  }

  /// `number` (not none) must not be there yet.
  void insert(std::uint32_t hash, std::uint32_t number);
  /// The pair must be there.
  void erase(std::uint32_t hash, std::uint32_t number);

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t memory_bytes() const {
    return (now_.slot_count() + before_.slot_count()) * sizeof(Slot);
  }

 private:
  /// All zero when free: so the kernel's fresh pages need not be written before they are used.
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t number_plus_1 = 0;
    [[nodiscard]] bool is_free() const { return number_plus_1 == 0; }
  };

  struct Table {
    struct Free {
      void operator()(Slot* slots) const { std::free(slots); }
    };
    std::unique_ptr<Slot[], Free> slots;
    std::size_t mask = 0;

    [[nodiscard]] std::size_t slot_count() const { return slots ? mask + 1 : 0; }
    void open(std::size_t slot_count);
    void place(Slot slot);
    /// False if it is not there.
    bool erase(std::uint32_t hash, std::uint32_t number);

    template <class IsIt>
    [[nodiscard]] std::uint32_t find(std::uint32_t hash, IsIt is_it) const {
      for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
        const Slot& slot = slots[at];
        if (slot.is_free()) return none;
        if (slot.hash == hash && is_it(slot.number_plus_1 - 1)) return slot.number_plus_1 - 1;
      }
    }
  };

  /// It may still lie in before_.
  [[nodiscard]] bool leaves(std::uint32_t hash) const {
    return before_.slots && ((hash - start_) & before_.mask) >= moved_;
  }
  void resize(std::size_t slot_count);
  void move_some(std::size_t slots);

  Table now_;  // a power of two; at most four fifths full
  std::size_t size_ = 0;
  // What is moved into now_, from start_ on and around, in whole runs of used slots: what belongs
  // before the slot start_ + moved_ does not lie behind it. No table: nothing is left to move.
  Table before_;
  std::size_t start_ = 0;
  std::size_t moved_ = 0;
};

}  // namespace starling
