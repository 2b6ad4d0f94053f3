// PUBACK, PUBREC, PUBREL and PUBCOMP (3.4 to 3.7).
#include "src/mqtt/body_reader.hpp"

namespace starling::mqtt {

template <class Ack>
Decoded<Ack> read_publish_ack(const Frame& frame, ReadContext context) {
  constexpr bool answers_publish =
      Ack::type == PacketType::puback || Ack::type == PacketType::pubrec;
  BodyReader in(frame, context);
  Ack packet;
  packet.packet_id = in.read_packet_id();
  // Success may go without saying, and no properties without their length (3.4.2.1).
  if (context.version == ProtocolVersion::v5 && in.remaining() > 0) {
    packet.reason = static_cast<ReasonCode>(in.read_u8("reason code"));
    if (!is_allowed(packet.reason, answers_publish ? ReasonPlace::puback : ReasonPlace::pubrel))
      in.fail(ReasonCode::protocol_error, "reason code",
              "has no place in this packet [MQTT5-3.4.2-1] [MQTT5-3.5.2-1] [MQTT5-3.6.2-1] "
              "[MQTT5-3.7.2-1]");
    if (in.remaining() > 0) in.read_properties(packet.properties);
  }
  return in.finish(std::move(packet));
}

template Decoded<Puback> read_publish_ack(const Frame& frame, ReadContext context);
template Decoded<Pubrec> read_publish_ack(const Frame& frame, ReadContext context);
template Decoded<Pubrel> read_publish_ack(const Frame& frame, ReadContext context);
template Decoded<Pubcomp> read_publish_ack(const Frame& frame, ReadContext context);

}  // namespace starling::mqtt
