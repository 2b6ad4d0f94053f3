// UvThread: the Worker port on one thread of its own, in order. For jobs that must not wait behind
// others' (the disk's behind slow password hashes on libuv's pool).
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "starling/port/worker.hpp"

#include "src/uv/uv_inbox.hpp"

namespace starling {

class UvThread final : public Worker {
 public:
  explicit UvThread(UvLoop& loop);
  /// Waits until the jobs that were asked for have run, and calls no `done` any more.
  ~UvThread() override;
  UvThread(const UvThread&) = delete;
  UvThread& operator=(const UvThread&) = delete;

  /// One job after the other, in the order of asking.
  void run(std::function<void()> job, std::function<void()> done) override;

 private:
  struct Task {
    std::function<void()> job;
    std::function<void()> done;
  };
  void work(const UvInbox::Poster& poster);

  UvInbox inbox_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> tasks_;  // guarded by mutex_
  bool ending_ = false;     // guarded by mutex_
  std::thread thread_;
};

}  // namespace starling
