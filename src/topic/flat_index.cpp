#include "src/topic/flat_index.hpp"

#include <new>
#include <utility>

#include "starling/check.hpp"

namespace starling {
namespace {

constexpr std::size_t slots_min = 8;
constexpr std::size_t moved_at_a_time = 16;  // done long before the next resize: two would do

}  // namespace

void FlatIndex::Table::open(std::size_t slot_count) {
  slots.reset(static_cast<Slot*>(std::calloc(slot_count, sizeof(Slot))));
  if (slots == nullptr) throw std::bad_alloc();
  mask = slot_count - 1;
}

void FlatIndex::Table::place(Slot slot) {
  std::size_t at = slot.hash & mask;
  while (!slots[at].is_free()) at = (at + 1) & mask;
  slots[at] = slot;
}

bool FlatIndex::Table::erase(std::uint32_t hash, std::uint32_t number) {
  std::size_t hole = hash & mask;
  while (slots[hole].number_plus_1 != number + 1) {
    if (slots[hole].is_free()) return false;
    hole = (hole + 1) & mask;
  }
  // Backward shift: whatever probed across the hole moves into it, so no tombstones are needed.
  for (std::size_t at = (hole + 1) & mask; !slots[at].is_free(); at = (at + 1) & mask) {
    const std::size_t home = slots[at].hash & mask;
    const std::size_t distance_from_home = (at - home) & mask;
    const std::size_t distance_from_hole = (at - hole) & mask;
    if (distance_from_home < distance_from_hole) continue;
    slots[hole] = slots[at];
    hole = at;
  }
  slots[hole] = Slot{};
  return true;
}

void FlatIndex::insert(std::uint32_t hash, std::uint32_t number) {
  if ((size_ + 1) * 5 > now_.slot_count() * 4)
    resize(now_.slots ? now_.slot_count() * 2 : slots_min);
  move_some(moved_at_a_time);
  now_.place(Slot{hash, number + 1});
  ++size_;
}

void FlatIndex::erase(std::uint32_t hash, std::uint32_t number) {
  STARLING_CHECK(size_ > 0);
  const bool erased = now_.erase(hash, number) || (leaves(hash) && before_.erase(hash, number));
  STARLING_CHECK(erased);
  --size_;
  if (now_.slot_count() > slots_min && size_ * 8 < now_.slot_count()) resize(now_.slot_count() / 2);
  move_some(moved_at_a_time);
}

void FlatIndex::resize(std::size_t slot_count) {
  move_some(before_.slot_count());
  before_ = std::exchange(now_, Table{});
  now_.open(slot_count);
  moved_ = 0;
  start_ = 0;
  if (before_.slots == nullptr) return;
  while (!before_.slots[start_].is_free()) ++start_;
}

void FlatIndex::move_some(std::size_t slots) {
  if (before_.slots == nullptr) return;
  const std::size_t until = moved_ + slots;
  for (; moved_ < before_.slot_count(); ++moved_) {
    Slot& slot = before_.slots[(start_ + moved_) & before_.mask];
    if (!slot.is_free())
      now_.place(std::exchange(slot, Slot{}));
    else if (moved_ >= until)
      return;
  }
  before_ = Table{};
}

}  // namespace starling
