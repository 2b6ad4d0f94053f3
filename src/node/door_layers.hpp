// DoorLayers: one client's passage through a Door: the PROXY header is taken off, TLS and WebSocket
// are spoken. Bytes of the wire on one side, MQTT on the other; no socket, no clock.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "starling/bytes.hpp"
#include "starling/endpoint.hpp"
#include "starling/output_buffer.hpp"
#include "starling/port/channel.hpp"
#include "starling/result.hpp"

#include "src/node/door.hpp"
#include "src/websocket/proxy_header.hpp"
#include "src/websocket/websocket_layer.hpp"

namespace starling {

class DoorLayers {
 public:
  explicit DoorLayers(std::shared_ptr<const Door> door);

  /// As ByteLayer's. After an error the answer that the client may understand (an alert, an HTTP
  /// status, a close frame) is in `wire_out`.
  Result<void> on_wire_bytes(ByteView wire, Bytes& plain_out, OutputBuffer& wire_out);
  /// Only once established(); consumes all of `plain`.
  Result<void> write_plain(OutputBuffer& plain, OutputBuffer& wire_out);
  void close(OutputBuffer& wire_out);

  /// MQTT may pass.
  [[nodiscard]] bool established() const;
  /// Established, and nothing is left to be done: the bytes of the wire are MQTT from here on.
  [[nodiscard]] bool is_open() const { return established() && !tls_ && !websocket_; }
  [[nodiscard]] bool peer_closed() const;

  /// Whom the PROXY header named; nullopt: nobody, or there is none.
  [[nodiscard]] const std::optional<Endpoint>& proxied_peer() const { return proxied_peer_; }
  /// The user name that a certificate or a pre-shared key proves, as the door wants it made. Empty:
  /// none was proved.
  [[nodiscard]] std::string tls_user() const;

 private:
  Result<void> on_bytes_inside_tls(ByteView bytes, Bytes& plain_out, OutputBuffer& out);

  std::shared_ptr<const Door> door_;
  std::unique_ptr<ProxyHeader> proxy_;  // until it is complete
  std::unique_ptr<SecureChannel> tls_;
  std::unique_ptr<WebSocketLayer> websocket_;
  bool undecided_ = false;  // HTTP or MQTT: no byte has come yet
  Bytes inside_tls_;
  std::optional<Endpoint> proxied_peer_;
};

}  // namespace starling
