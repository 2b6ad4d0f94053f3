#include "src/topic/flat_index.hpp"

#include <utility>

#include "starling/check.hpp"

namespace starling {
namespace {

constexpr std::size_t slots_min = 8;

}  // namespace

void FlatIndex::insert(std::uint32_t hash, std::uint32_t number) {
  if ((size_ + 1) * 5 > slots_.size() * 4) resize(slots_.empty() ? slots_min : slots_.size() * 2);
  place(Slot{hash, number});
  ++size_;
}

void FlatIndex::erase(std::uint32_t hash, std::uint32_t number) {
  STARLING_CHECK(size_ > 0);
  std::size_t hole = hash & mask_;
  while (slots_[hole].number != number) {
    STARLING_CHECK(slots_[hole].number != none);
    hole = (hole + 1) & mask_;
  }
  // Backward shift: whatever probed across the hole moves into it, so no tombstones are needed.
  for (std::size_t at = (hole + 1) & mask_; slots_[at].number != none; at = (at + 1) & mask_) {
    const std::size_t home = slots_[at].hash & mask_;
    const std::size_t distance_from_home = (at - home) & mask_;
    const std::size_t distance_from_hole = (at - hole) & mask_;
    if (distance_from_home < distance_from_hole) continue;
    slots_[hole] = slots_[at];
    hole = at;
  }
  slots_[hole] = Slot{};
  --size_;
  if (slots_.size() > slots_min && size_ * 8 < slots_.size()) resize(slots_.size() / 2);
}

void FlatIndex::resize(std::size_t slot_count) {
  const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(slot_count));
  mask_ = slot_count - 1;
  for (const Slot& slot : old)
    if (slot.number != none) place(slot);
}

void FlatIndex::place(Slot slot) {
  std::size_t at = slot.hash & mask_;
  while (slots_[at].number != none) at = (at + 1) & mask_;
  slots_[at] = slot;
}

}  // namespace starling
