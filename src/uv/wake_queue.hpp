// WakeQueue: the agenda of a scheduler. Tasks ordered by (instant, order of asking), each can be
// taken back. A machine: it is told the time. An indexed binary heap: adding and cancelling cost
// O(log n), no hash.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "starling/time.hpp"

namespace starling {

class WakeQueue {
 public:
  using Task = std::function<void()>;

  /// Never returns 0.
  std::uint64_t add(TimePoint when, Task task);
  /// False if `id` has been taken, cancelled or never given.
  bool cancel(std::uint64_t id);

  [[nodiscard]] std::optional<TimePoint> earliest() const;
  [[nodiscard]] std::size_t size() const { return heap_.size(); }

  /// Names this moment in the order of asking.
  [[nodiscard]] std::uint64_t mark() const { return next_order_; }
  /// Takes the first task whose instant is not after `now`, if it was asked for before `before` (a
  /// mark()): so one pass ends although tasks ask for more. nullopt when there is none.
  std::optional<Task> take_due(TimePoint now, std::uint64_t before);

 private:
  struct Entry {
    TimePoint when;
    std::uint64_t order;
    std::uint32_t slot;
  };
  struct Slot {
    Task task;
    std::uint32_t generation = 1;  // so that a stale id finds nothing
    std::uint32_t position = 0;  // in heap_; of a free slot: the next free one + 1, 0 ends the list
    bool used = false;
  };

  static bool comes_before(const Entry& a, const Entry& b) {
    return a.when != b.when ? a.when < b.when : a.order < b.order;
  }
  void place(std::size_t position, const Entry& entry);
  void sift_up(std::size_t position, Entry entry);
  void sift_down(std::size_t position, Entry entry);
  Task remove_at(std::size_t position);

  std::vector<Entry> heap_;
  std::vector<Slot> slots_;
  std::uint32_t free_head_ = 0;  // + 1; 0: none
  std::uint64_t next_order_ = 1;
};

}  // namespace starling
