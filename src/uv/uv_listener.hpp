// UvListener: accepts TCP connections, of one or both families, until destroyed.
#pragma once

#include <memory>

#include "starling/port/log.hpp"
#include "starling/port/stream.hpp"

#include "src/uv/bound_port.hpp"

namespace starling {

class UvLoop;

/// When the process is out of descriptors the connections stay in the kernel's backlog and
/// accepting rests for limits::accept_pause (event "accept_paused"); streams that are open go on.
class UvListener final : public Listener {
 public:
  /// Binds `at` (see bind_port: `::` means both families). Throws std::runtime_error with a
  /// sentence.
  UvListener(UvLoop& loop, const Endpoint& at, OnStream on_stream, LogSink* log = nullptr);
  /// Takes sockets that are bound and listen already.
  UvListener(UvLoop& loop, BoundSockets sockets, OnStream on_stream, LogSink* log = nullptr);
  ~UvListener() override;

  /// Of the IPv6 socket if there is one.
  [[nodiscard]] Endpoint local_endpoint() const override;

 private:
  class Core;

  std::shared_ptr<Core> v4_;
  std::shared_ptr<Core> v6_;
};

}  // namespace starling
