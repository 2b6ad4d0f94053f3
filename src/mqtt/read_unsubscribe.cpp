// UNSUBSCRIBE (3.10).
#include "starling/limits.hpp"
#include "starling/topic.hpp"

#include "src/mqtt/body_reader.hpp"

namespace starling::mqtt {

Decoded<Unsubscribe> read_unsubscribe(const Frame& frame, ReadContext context) {
  BodyReader in(frame, context);
  Unsubscribe packet;
  packet.packet_id = in.read_packet_id(ReasonCode::malformed_packet);
  if (context.version == ProtocolVersion::v5) in.read_properties(packet.properties);
  if (in.ok() && in.remaining() == 0)
    in.fail(ReasonCode::protocol_error, "payload",
            "has no topic filter [MQTT-3.10.3-2] [MQTT5-3.10.3-2]");
  while (in.remaining() > 0) {
    if (packet.filters.size() >= limits::filters_per_packet_max) {
      in.fail(ReasonCode::quota_exceeded, "payload", "has too many topic filters");
      break;
    }
    const std::string_view filter = in.read_text("topic filter");
    if (in.ok() && !TopicFilter::parse(filter))
      in.fail(ReasonCode::malformed_packet, "topic filter",
              "is empty or has a misplaced wildcard [MQTT-4.7.1-2] [MQTT-4.7.1-3] [MQTT-4.7.3-1]");
    packet.filters.push_back(filter);
  }
  return in.finish(std::move(packet));
}

}  // namespace starling::mqtt
