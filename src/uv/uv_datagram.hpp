// UvDatagram: the Datagram port on one IPv4 and one IPv6 UDP socket. Either may be missing.
#pragma once

#include <memory>

#include "starling/port/stream.hpp"

#include "src/uv/bound_port.hpp"

namespace starling {

class UvLoop;

/// A datagram that the kernel does not take at once is refused (EAGAIN), not kept: whoever sends
/// datagrams counts on loss. Datagrams that come before set_handler() are dropped.
class UvDatagram final : public Datagram {
 public:
  /// Binds `at` (see bind_port: `::` means both families). Throws std::runtime_error with a
  /// sentence.
  UvDatagram(UvLoop& loop, const Endpoint& at);
  /// Takes sockets that are bound already.
  UvDatagram(UvLoop& loop, BoundSockets sockets);
  ~UvDatagram() override;

  void set_handler(OnDatagram handler) override;
  int send(const Endpoint& to, ByteView bytes) override;
  [[nodiscard]] std::optional<Endpoint> local_v4() const override;
  [[nodiscard]] std::optional<Endpoint> local_v6() const override;

 private:
  class Core;
  struct Receiver;

  std::shared_ptr<Receiver> receiver_;
  std::shared_ptr<Core> v4_;
  std::shared_ptr<Core> v6_;
};

}  // namespace starling
