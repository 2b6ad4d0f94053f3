// UvListener: accepts TCP connections, at one or several addresses, until destroyed.
#pragma once

#include <memory>
#include <vector>

#include "starling/port/log.hpp"
#include "starling/port/stream.hpp"

#include "src/uv/bound_port.hpp"
#include "src/uv/listen_address.hpp"
#include "src/uv/stream_options.hpp"

namespace starling {

class AcceptSocket;
class UvLoop;

/// When the process is out of descriptors the connections stay in the kernel's backlog and
/// accepting rests for limits::accept_pause (event "accept_paused"); streams that are open go on.
class UvListener final : public Listener {
 public:
  /// Binds `at` (see bind_port: `::` means both families). Throws std::runtime_error with a
  /// sentence.
  UvListener(UvLoop& loop, const Endpoint& at, OnStream on_stream, LogSink* log = nullptr,
             StreamOptions options = {});
  /// Take sockets that are bound and listen already.
  UvListener(UvLoop& loop, BoundSockets sockets, OnStream on_stream, LogSink* log = nullptr,
             StreamOptions options = {});
  UvListener(UvLoop& loop, ListeningSockets sockets, OnStream on_stream, LogSink* log = nullptr,
             StreamOptions options = {});
  ~UvListener() override;

  /// Of the first socket: of both families, the IPv6 one if there is one.
  [[nodiscard]] Endpoint local_endpoint() const override;
  /// Of all.
  [[nodiscard]] std::vector<Endpoint> local_endpoints() const;

 private:
  std::vector<std::shared_ptr<AcceptSocket>> sockets_;
};

}  // namespace starling
