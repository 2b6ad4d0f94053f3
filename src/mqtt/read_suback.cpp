// SUBACK (3.9) and UNSUBACK (3.11): what a client reads.
#include "starling/limits.hpp"

#include "src/mqtt/body_reader.hpp"

namespace starling::mqtt {
namespace {

bool is_return_code(ReasonCode reason) {
  return reason <= ReasonCode::granted_qos_2 || reason == ReasonCode::unspecified_error;
}

/// One reason code per filter, until the end. `is_right` says which may stand there.
template <class IsRight>
void read_reasons(BodyReader& in, std::vector<ReasonCode>& reasons, IsRight is_right) {
  if (in.ok() && in.remaining() == 0)
    in.fail(ReasonCode::protocol_error, "payload", "has no reason code (3.9.3)");
  while (in.remaining() > 0) {
    if (reasons.size() >= limits::filters_per_packet_max) {
      in.fail(ReasonCode::quota_exceeded, "payload", "has too many reason codes");
      return;
    }
    const auto reason = static_cast<ReasonCode>(in.read_u8("reason code"));
    if (!is_right(reason))
      in.fail(ReasonCode::protocol_error, "reason code",
              "has no place in this packet [MQTT-3.9.3-2] [MQTT5-3.9.3-2] [MQTT5-3.11.3-2]");
    reasons.push_back(reason);
  }
}

}  // namespace

Decoded<Suback> read_suback(const Frame& frame, ReadContext context) {
  const bool is_v5 = context.version == ProtocolVersion::v5;
  BodyReader in(frame, context);
  Suback packet;
  packet.packet_id = in.read_packet_id();
  if (is_v5) in.read_properties(packet.properties);
  read_reasons(in, packet.reasons, [&](ReasonCode reason) {
    return is_v5 ? is_allowed(reason, ReasonPlace::suback) : is_return_code(reason);
  });
  return in.finish(std::move(packet));
}

Decoded<Unsuback> read_unsuback(const Frame& frame, ReadContext context) {
  BodyReader in(frame, context);
  Unsuback packet;
  packet.packet_id = in.read_packet_id();
  if (context.version == ProtocolVersion::v5) {
    in.read_properties(packet.properties);
    read_reasons(in, packet.reasons,
                 [](ReasonCode reason) { return is_allowed(reason, ReasonPlace::unsuback); });
  }
  return in.finish(std::move(packet));
}

}  // namespace starling::mqtt
