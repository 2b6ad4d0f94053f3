// HttpUpgrade: the opening handshake of a WebSocket that is to carry MQTT, as its server sees it
// [RFC 6455 §4.2] (MQTT 6.0.0). Any path will do: there is only one thing here.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "starling/bytes.hpp"
#include "starling/result.hpp"

namespace starling {

/// Reads one request head, in any pieces.
class HttpUpgrade {
 public:
  struct Answer {
    std::string response;          ///< to be sent, whatever it is
    std::optional<Error> refusal;  ///< why it is not 101 Switching Protocols
  };

  /// `origins`: as WebSocketLayer's; must outlive it.
  explicit HttpUpgrade(const std::vector<std::string>& origins) : origins_(origins) {}

  /// Takes the head from the front of `bytes`; what the client sent behind it stays there. nullopt:
  /// more must come, and `bytes` is empty. Keeps at most limits::http_head_max bytes.
  std::optional<Answer> read(ByteView& bytes);

 private:
  const std::vector<std::string>& origins_;
  Bytes head_;
};

}  // namespace starling
