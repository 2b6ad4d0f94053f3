// AUTH (3.15), MQTT 5 only.
#include "src/mqtt/body_reader.hpp"

namespace starling::mqtt {

Decoded<Auth> read_auth(const Frame& frame, ReadContext context) {
  BodyReader in(frame, context);
  Auth packet;
  if (in.remaining() > 0) {
    packet.reason = static_cast<ReasonCode>(in.read_u8("reason code"));
    in.read_properties(packet.properties);
    if (!packet.properties.authentication_method)
      in.fail(ReasonCode::protocol_error, "authentication method", "is missing (3.15.2.2.2)");
  }
  // An empty one means success (3.15.2.1); whether that may be said now is the session's to know.
  if (!is_allowed(packet.reason, context.sender == Sender::client ? ReasonPlace::auth_by_client
                                                                  : ReasonPlace::auth_by_server))
    in.fail(ReasonCode::protocol_error, "reason code",
            "has no place in this packet [MQTT5-3.15.2-1]");
  return in.finish(std::move(packet));
}

}  // namespace starling::mqtt
