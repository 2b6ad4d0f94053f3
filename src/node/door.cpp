#include "src/node/door.hpp"

#include <utility>

namespace starling {

Door door_for(const config::ListenerSettings& listener, std::shared_ptr<ServerChannels> tls) {
  Door door;
  door.proxy_header = listener.proxy_protocol;
  door.tls = std::move(tls);
  if (listener.protocol == config::ListenerProtocol::websockets)
    door.websocket = listener.also_mqtt ? Door::WebSocket::recognised : Door::WebSocket::always;
  door.websocket_origins = listener.websocket_origins;
  if (listener.tls) door.user_from = listener.tls->user_from;
  door.connections_max = listener.connections_max;
  return door;
}

}  // namespace starling
