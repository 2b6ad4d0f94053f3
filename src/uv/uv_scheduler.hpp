// UvScheduler: the Scheduler port on one libuv timer. Made and owned by UvLoop: ask
// UvLoop::scheduler().
#pragma once

#include <memory>

#include "starling/port/scheduler.hpp"

#include "src/uv/wake_queue.hpp"

namespace starling {

class UvLoop;

/// libuv counts milliseconds; an instant between two of them is rounded up, so no task runs early.
class UvScheduler final : public Scheduler {
 public:
  explicit UvScheduler(UvLoop& loop);
  ~UvScheduler() override;

  [[nodiscard]] TimePoint now() const override;
  [[nodiscard]] UnixSeconds unix_now() const override;
  WakeId wake_at(TimePoint when, Task task) override;
  void cancel(WakeId id) override;
  void at_turn_end(Task task) override;
  void at_turn_commit(Task task) override;

  /// Sets the timer to the earliest wake-up. Called by the loop before it sleeps, once per turn.
  void arm();
  /// Destroys all tasks unrun. Called by the loop when it ends.
  void forget_all();

 private:
  class Timer;
  void run_due();

  UvLoop& loop_;
  WakeQueue queue_;
  std::shared_ptr<Timer> timer_;
};

}  // namespace starling
