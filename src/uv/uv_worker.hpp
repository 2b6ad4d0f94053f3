// UvWorker: the Worker port on libuv's thread pool.
#pragma once

#include <memory>

#include "starling/port/worker.hpp"

namespace starling {

class UvLoop;

/// Jobs may take long, but must end: the loop's destructor waits for those that run. A worker that
/// is destroyed takes back the jobs that have not begun and calls no `done` any more.
class UvWorker final : public Worker {
 public:
  explicit UvWorker(UvLoop& loop);
  ~UvWorker() override;

  void run(std::function<void()> job, std::function<void()> done) override;

 private:
  struct Request;
  struct Outstanding;

  UvLoop& loop_;
  std::shared_ptr<Outstanding> outstanding_;
};

}  // namespace starling
