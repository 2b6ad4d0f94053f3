// A Scheduler whose time moves only when a test says so.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "starling/port/scheduler.hpp"

namespace starling {

class VirtualScheduler final : public Scheduler {
 public:
  [[nodiscard]] TimePoint now() const override { return now_; }
  [[nodiscard]] UnixSeconds unix_now() const override {
    return unix_start_
           + std::chrono::duration_cast<std::chrono::seconds>(now_.time_since_epoch()).count();
  }
  WakeId wake_at(TimePoint when, Task task) override {
    wakes_.emplace(std::pair{std::max(when, now_), ++last_id_}, std::move(task));
    return {last_id_};
  }
  void cancel(WakeId id) override {
    std::erase_if(wakes_, [&](const auto& wake) { return wake.first.second == id.value; });
  }
  void at_turn_end(Task task) override { turn_end_.push_back(std::move(task)); }
  void at_turn_commit(Task task) override { commits_.push_back(std::move(task)); }

  /// Runs the end of this turn, until nothing is left to do.
  void end_turn() {
    while (!turn_end_.empty() || !commits_.empty()) {
      std::vector<Task> tasks;
      tasks.swap(turn_end_.empty() ? commits_ : turn_end_);
      for (Task& task : tasks) task();
    }
  }
  /// Lets `span` pass: every wake-up in its order, each followed by the end of its turn.
  void run_for(Duration span) {
    const TimePoint until = now_ + span;
    end_turn();
    while (!wakes_.empty() && wakes_.begin()->first.first <= until) {
      now_ = wakes_.begin()->first.first;
      const Task task = std::move(wakes_.begin()->second);
      wakes_.erase(wakes_.begin());
      task();
      end_turn();
    }
    now_ = until;
  }
  /// Somebody sets the wall clock, by so many seconds.
  void move_wall_clock(UnixSeconds by) { unix_start_ += by; }
  [[nodiscard]] std::size_t waiting() const { return wakes_.size(); }

 private:
  TimePoint now_{};
  UnixSeconds unix_start_ = 1'700'000'000;
  std::uint64_t last_id_ = 0;
  std::map<std::pair<TimePoint, std::uint64_t>, Task> wakes_;
  std::vector<Task> turn_end_;
  std::vector<Task> commits_;
};

}  // namespace starling
