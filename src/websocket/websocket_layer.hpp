// WebSocketLayer: MQTT inside a WebSocket, server side [RFC 6455] (MQTT 6.0.0): first the HTTP
// upgrade, then binary messages whose borders mean nothing. No compression, no text.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "starling/port/channel.hpp"

namespace starling {

class HttpUpgrade;
class WebSocketFrames;

/// A listener for both: HTTP begins with the capital letter of its method, GET in practice, and a
/// CONNECT with 0x10.
[[nodiscard]] inline bool begins_http(std::uint8_t first_byte) {
  return first_byte == 'G';
}

/// Memory: the head of the request (<= limits::http_head_max) until it is answered, afterwards some
/// 4 KiB of libwslay. Messages are handed on as they come, whatever their size.
class WebSocketLayer final : public ByteLayer {
 public:
  /// `origins`: which Origin headers are welcome, "https://example.org" or "example.org"; empty:
  /// any, and none. Must outlive the layer.
  explicit WebSocketLayer(const std::vector<std::string>& origins);
  ~WebSocketLayer() override;

  /// Errors: malformed or protocol_error (what the client did wrong), not_authorized (Origin),
  /// unsupported (not a WebSocket, another version), too_large. The answer to the client, an HTTP
  /// status or a close frame, is in `wire_out` then.
  Result<void> on_wire_bytes(ByteView wire, Bytes& plain_out, OutputBuffer& wire_out) override;
  /// `plain`: whole MQTT packets. Each becomes a binary message of its own.
  Result<void> write_plain(OutputBuffer& plain, OutputBuffer& wire_out) override;
  /// A close frame "going away" (1001), unless one was sent already.
  void close(OutputBuffer& wire_out) override;

  [[nodiscard]] bool established() const override { return frames_ != nullptr; }
  [[nodiscard]] bool peer_closed() const override;

 private:
  std::unique_ptr<HttpUpgrade> upgrade_;     // until it is done
  std::unique_ptr<WebSocketFrames> frames_;  // from then on
};

}  // namespace starling
