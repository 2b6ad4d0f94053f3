// Door: what a listener puts between its streams and MQTT, as values. [PROXY header] -> [TLS] ->
// [WebSocket] -> MQTT, each of them optional. DoorLayers (door_layers.hpp) are one client's passage.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "starling/port/channel.hpp"

#include "src/config/settings.hpp"

namespace starling {

struct Door {
  enum class WebSocket : std::uint8_t {
    never,
    always,
    recognised  ///< HTTP and plain MQTT on one port: the first byte tells
  };

  bool proxy_header = false;            ///< every connection opens with one
  std::shared_ptr<ServerChannels> tls;  ///< null: no TLS
  WebSocket websocket = WebSocket::never;
  std::vector<std::string> websocket_origins;  ///< empty: any
  /// What a certificate or a pre-shared key makes of the user name.
  config::CertificateUser user_from = config::CertificateUser::none;
  std::uint32_t connections_max = 0;  ///< at this listener; 0: only the node's bound

  /// Nothing stands between: packets are cut out of the stream itself.
  [[nodiscard]] bool is_open() const {
    return !proxy_header && !tls && websocket == WebSocket::never;
  }
};

/// The door that a listener's settings ask for. `tls`: channels made of its TlsSettings; null
/// without.
Door door_for(const config::ListenerSettings& listener, std::shared_ptr<ServerChannels> tls);

}  // namespace starling
