// CONNACK (3.2): what a client reads.
#include "src/mqtt/body_reader.hpp"

namespace starling::mqtt {
namespace {

ReasonCode read_reason(BodyReader& in, ProtocolVersion version) {
  const std::uint8_t code = in.read_u8("return code");
  if (version != ProtocolVersion::v5) {
    const auto reason = from_return_code(code);
    if (!reason) in.fail(ReasonCode::protocol_error, "return code", "is reserved (3.2.2.3)");
    return reason.value_or(ReasonCode::unspecified_error);
  }
  const auto reason = static_cast<ReasonCode>(code);
  if (!is_allowed(reason, ReasonPlace::connack))
    in.fail(ReasonCode::protocol_error, "reason code",
            "has no place in this packet [MQTT5-3.2.2-8]");
  return reason;
}

}  // namespace

Decoded<Connack> read_connack(const Frame& frame, ReadContext context) {
  BodyReader in(frame, context);
  Connack packet;
  std::uint8_t flags = in.read_u8("acknowledge flags");
  if (context.version == ProtocolVersion::v3_1) flags = 0;  // there the byte means nothing
  if (flags > 1)
    in.fail(ReasonCode::malformed_packet, "acknowledge flags",
            "use reserved bits (3.2.2.1) [MQTT5-3.2.2-1]");
  packet.session_present = flags == 1;
  packet.reason = read_reason(in, context.version);
  if (packet.session_present && packet.reason != ReasonCode::success)
    in.fail(ReasonCode::protocol_error, "session present",
            "is set in a refusal [MQTT-3.2.2-4] [MQTT5-3.2.2-6]");
  if (context.version == ProtocolVersion::v5) in.read_properties(packet.properties);
  return in.finish(std::move(packet));
}

}  // namespace starling::mqtt
