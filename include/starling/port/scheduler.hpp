// Scheduler: the only one who knows the time.
#pragma once

#include <cstdint>
#include <functional>

#include "starling/time.hpp"

namespace starling {

/// A wake-up asked for; zero names none.
struct WakeId {
  std::uint64_t value = 0;
  explicit operator bool() const { return value != 0; }
};

class Scheduler {
 public:
  using Task = std::function<void()>;

  virtual ~Scheduler() = default;

  /// Monotonic, taken once per turn of the loop.
  [[nodiscard]] virtual TimePoint now() const = 0;
  [[nodiscard]] virtual UnixSeconds unix_now() const = 0;

  /// Runs `task` once, not before `when` (at the earliest in the next turn), and in the order of
  /// asking for equal instants. Cheap enough for one per client, not for one per packet.
  virtual WakeId wake_at(TimePoint when, Task task) = 0;
  /// Forgets a wake-up; one that has run already, or none, is no error.
  virtual void cancel(WakeId id) = 0;

  /// Runs `task` when the events at hand have been handled, before the outputs are flushed and the
  /// loop sleeps. Tasks asked for while these run still run in the same turn.
  virtual void at_turn_end(Task task) = 0;

  /// Runs `task` when no task of the turn's end is left: for the commit of the turn, and for
  /// promises that build on everything the turn has sent. What it asks for still runs in this turn.
  virtual void at_turn_commit(Task task) = 0;
};

}  // namespace starling
