// DISCONNECT (3.14).
#include "src/mqtt/body_reader.hpp"

namespace starling::mqtt {

Decoded<Disconnect> read_disconnect(const Frame& frame, ReadContext context) {
  BodyReader in(frame, context);
  Disconnect packet;
  // A normal disconnection may go without saying, and no properties without their length
  // (3.14.2.1).
  if (context.version == ProtocolVersion::v5 && in.remaining() > 0) {
    const bool by_client = context.sender == Sender::client;
    packet.reason = static_cast<ReasonCode>(in.read_u8("reason code"));
    if (!is_allowed(packet.reason, by_client ? ReasonPlace::disconnect_by_client
                                             : ReasonPlace::disconnect_by_server))
      in.fail(ReasonCode::protocol_error, "reason code",
              "has no place in this packet [MQTT5-3.14.2-1]");
    if (in.remaining() > 0) in.read_properties(packet.properties);
    if (!by_client && packet.properties.session_expiry_interval_s)
      in.fail(ReasonCode::protocol_error, "session expiry interval",
              "comes from a server [MQTT5-3.14.2-2]");
  }
  return in.finish(std::move(packet));
}

}  // namespace starling::mqtt
