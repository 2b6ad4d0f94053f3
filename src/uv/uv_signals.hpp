// UvSignals: signals as calls on the loop.
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
  /// What ends or reloads a daemon: SIGTERM, SIGINT, SIGHUP.
  static std::vector<int> common();
  /// These and what Mosquitto listens to beside them: SIGUSR1, SIGUSR2, SIGRTMIN.
  static std::vector<int> all();

  UvSignals(UvLoop& loop, OnSignal on_signal, const std::vector<int>& signals = common());
  ~UvSignals();
  UvSignals(const UvSignals&) = delete;
  UvSignals& operator=(const UvSignals&) = delete;

 private:
  class Core;
  std::vector<std::shared_ptr<Core>> cores_;
};

}  // namespace starling
