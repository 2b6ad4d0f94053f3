#include "src/uv/uv_scheduler.hpp"

#include <algorithm>
#include <chrono>

#include "starling/check.hpp"

#include "src/uv/uv_core.hpp"
#include "src/uv/uv_loop.hpp"

namespace starling {

class UvScheduler::Timer final : public UvCore {
 public:
  explicit Timer(UvScheduler& owner) : owner_(owner) {}

  void open(uv_loop_t* loop) {
    STARLING_CHECK(uv_timer_init(loop, &handle_) == 0);
    own_handle(handle_);
    uv_unref(reinterpret_cast<uv_handle_t*>(&handle_));
  }

  void set(std::optional<TimePoint> when, TimePoint now) {
    if (!when) {
      uv_timer_stop(&handle_);
      return;
    }
    if (*when <= now) return start(0);
    // libuv's clock is the same one, cut down to milliseconds.
    const auto due = std::chrono::ceil<std::chrono::milliseconds>(when->time_since_epoch());
    const auto due_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(due.count(), 0));
    const bool is_set = uv_is_active(reinterpret_cast<uv_handle_t*>(&handle_)) != 0;
    if (is_set && due_ms == due_ms_) return;
    due_ms_ = due_ms;
    const std::uint64_t now_ms = uv_now(handle_.loop);
    start(due_ms > now_ms ? due_ms - now_ms : 0);
  }

 private:
  void start(std::uint64_t timeout_ms) {
    uv_timer_start(
        &handle_,
        [](uv_timer_t* handle) { static_cast<Timer&>(UvCore::of(handle)).owner_.run_due(); },
        timeout_ms, 0);
  }

  UvScheduler& owner_;
  uv_timer_t handle_{};
  std::uint64_t due_ms_ = 0;
};

UvScheduler::UvScheduler(UvLoop& loop) : loop_(loop), timer_(std::make_shared<Timer>(*this)) {
  timer_->open(loop.native());
}

UvScheduler::~UvScheduler() {
  timer_->close_handle();
}

TimePoint UvScheduler::now() const {
  return loop_.now();
}

UnixSeconds UvScheduler::unix_now() const {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

WakeId UvScheduler::wake_at(TimePoint when, Task task) {
  // Not earlier than now, so that what is asked for in a pass sorts behind all that the pass still
  // has to run.
  return {queue_.add(std::max(when, loop_.now()), std::move(task))};
}

void UvScheduler::cancel(WakeId id) {
  queue_.cancel(id.value);
}

void UvScheduler::at_turn_end(Task task) {
  loop_.at_turn_end(std::move(task));
}

void UvScheduler::at_turn_commit(Task task) {
  loop_.at_turn_commit(std::move(task));
}

void UvScheduler::forget_all() {
  WakeQueue dropped;
  std::swap(dropped, queue_);  // what the tasks own may cancel wake-ups as it dies
}

void UvScheduler::arm() {
  timer_->set(queue_.earliest(), loop_.now());
}

void UvScheduler::run_due() {
  loop_.forget_now();
  const TimePoint now = loop_.now();
  const std::uint64_t mark = queue_.mark();
  while (auto task = queue_.take_due(now, mark)) (*task)();
}

}  // namespace starling
