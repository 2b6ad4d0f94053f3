// UvSignals: SIGTERM, SIGINT and SIGHUP as calls on the loop.
#pragma once

#include <functional>
#include <memory>
#include <vector>

namespace starling {

class UvLoop;

/// While it lives these signals do nothing but call `on_signal` with their number.
class UvSignals {
 public:
  using OnSignal = std::function<void(int signal)>;
  UvSignals(UvLoop& loop, OnSignal on_signal);
  ~UvSignals();
  UvSignals(const UvSignals&) = delete;
  UvSignals& operator=(const UvSignals&) = delete;

 private:
  class Core;
  std::vector<std::shared_ptr<Core>> cores_;
};

}  // namespace starling
