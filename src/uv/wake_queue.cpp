#include "src/uv/wake_queue.hpp"

#include "starling/check.hpp"

namespace starling {

std::uint64_t WakeQueue::add(TimePoint when, Task task) {
  std::uint32_t index = 0;
  if (free_head_ != 0) {
    index = free_head_ - 1;
    free_head_ = slots_[index].position;
  } else {
    STARLING_CHECK(slots_.size() < UINT32_MAX);
    index = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  }
  slots_[index].task = std::move(task);
  slots_[index].used = true;
  heap_.emplace_back();
  sift_up(heap_.size() - 1, {when, next_order_++, index});
  return std::uint64_t{slots_[index].generation} << 32U | index;
}

bool WakeQueue::cancel(std::uint64_t id) {
  const auto index = static_cast<std::uint32_t>(id);
  if (index >= slots_.size()) return false;
  const Slot& slot = slots_[index];
  if (!slot.used || slot.generation != static_cast<std::uint32_t>(id >> 32U)) return false;
  remove_at(slot.position);  // what the task owned dies here, after the queue is whole again
  return true;
}

std::optional<TimePoint> WakeQueue::earliest() const {
  if (heap_.empty()) return std::nullopt;
  return heap_.front().when;
}

std::optional<WakeQueue::Task> WakeQueue::take_due(TimePoint now, std::uint64_t before) {
  if (heap_.empty() || heap_.front().when > now || heap_.front().order >= before) {
    return std::nullopt;
  }
  return remove_at(0);
}

WakeQueue::Task WakeQueue::remove_at(std::size_t position) {
  const std::uint32_t index = heap_[position].slot;
  const Entry last = heap_.back();
  heap_.pop_back();
  if (position < heap_.size()) {
    if (position > 0 && comes_before(last, heap_[(position - 1) / 2]))
      sift_up(position, last);
    else
      sift_down(position, last);
  }
  Slot& slot = slots_[index];
  Task task = std::move(slot.task);
  slot.task = nullptr;
  slot.used = false;
  if (++slot.generation == 0) slot.generation = 1;  // an id is never 0
  slot.position = free_head_;
  free_head_ = index + 1;
  return task;
}

void WakeQueue::place(std::size_t position, const Entry& entry) {
  heap_[position] = entry;
  slots_[entry.slot].position = static_cast<std::uint32_t>(position);
}

void WakeQueue::sift_up(std::size_t position, Entry entry) {
  while (position > 0) {
    const std::size_t parent = (position - 1) / 2;
    if (!comes_before(entry, heap_[parent])) break;
    place(position, heap_[parent]);
    position = parent;
  }
  place(position, entry);
}

void WakeQueue::sift_down(std::size_t position, Entry entry) {
  for (;;) {
    std::size_t child = 2 * position + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && comes_before(heap_[child + 1], heap_[child])) ++child;
    if (!comes_before(heap_[child], entry)) break;
    place(position, heap_[child]);
    position = child;
  }
  place(position, entry);
}

}  // namespace starling
