// InterfaceWatch: says when this host's interfaces come, go, or change their addresses. The kernel
// tells (rtnetlink), so nobody has to look again and again.
#pragma once

#include <functional>
#include <memory>

#include "starling/port/scheduler.hpp"

namespace starling {

class UvLoop;

class InterfaceWatch {
 public:
  /// `on_change` comes from the loop, once for all changes that lie within a tenth of a second, also
  /// for changes that leave the addresses as they were: ask `interface_endpoints`. It may destroy
  /// the watch. Where the system gives no such socket nothing is ever told (`is_open`).
  InterfaceWatch(UvLoop& loop, std::function<void()> on_change);
  ~InterfaceWatch();
  InterfaceWatch(const InterfaceWatch&) = delete;
  InterfaceWatch& operator=(const InterfaceWatch&) = delete;

  [[nodiscard]] bool is_open() const;

 private:
  class Core;
  void tell_soon();

  UvLoop& loop_;
  std::function<void()> on_change_;
  WakeId wake_;
  std::shared_ptr<Core> core_;
};

}  // namespace starling
