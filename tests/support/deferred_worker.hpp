// A Worker without a thread: jobs run when a test says so, and bring their answers back when it says
// so.
#pragma once

#include <cstddef>
#include <deque>
#include <utility>

#include "starling/port/worker.hpp"

namespace starling {

class DeferredWorker final : public Worker {
 public:
  void run(std::function<void()> job, std::function<void()> done) override {
    ++asked_;
    waiting_.push_back({std::move(job), std::move(done)});
  }

  /// Runs the oldest job that has not run, without its `done`. False: there is none.
  bool run_job() {
    if (waiting_.empty()) return false;
    Task task = std::move(waiting_.front());
    waiting_.pop_front();
    task.job();
    task.job = nullptr;
    finished_.push_back(std::move(task));
    return true;
  }
  /// Brings back the answers of the jobs that have run.
  void finish() {
    while (!finished_.empty()) {
      Task task = std::move(finished_.front());
      finished_.pop_front();
      task.done();
    }
  }
  /// Everything, also what is asked for meanwhile.
  void drain() {
    do {
      while (run_job()) {
      }
      finish();
    } while (!waiting_.empty());
  }

  [[nodiscard]] std::size_t asked() const { return asked_; }
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

 private:
  struct Task {
    std::function<void()> job;
    std::function<void()> done;
  };
  std::size_t asked_ = 0;
  std::deque<Task> waiting_;
  std::deque<Task> finished_;
};

}  // namespace starling
