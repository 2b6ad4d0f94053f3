// Worker: run this elsewhere, bring the answer back. For what would block the loop.
#pragma once

#include <functional>

namespace starling {

class Worker {
 public:
  virtual ~Worker() = default;
  /// `job` runs on another thread and touches nothing but what it captured; `done` runs on the
  /// loop.
  virtual void run(std::function<void()> job, std::function<void()> done) = 0;
};

}  // namespace starling
