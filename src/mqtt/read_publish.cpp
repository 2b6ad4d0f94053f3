// PUBLISH (3.3), the packet everything else is about: no allocation unless it has user properties
// or subscription identifiers.
#include "src/mqtt/body_reader.hpp"

namespace starling::mqtt {

Decoded<Publish> read_publish(const Frame& frame, ReadContext context) {
  constexpr unsigned retain_bit = 0x01;
  constexpr unsigned dup_bit = 0x08;
  const unsigned flags = frame.flags();
  const unsigned qos = flags >> 1U & 3U;
  const bool is_v5 = context.version == ProtocolVersion::v5;

  BodyReader in(PacketType::publish, frame.body);
  Decoded<Publish> result{Publish{}};  // filled in place: to move one costs as much as to read it
  Publish& packet = *result;
  if (qos == 3) in.fail(ReasonCode::malformed_packet, "QoS", "is 3 [MQTT-3.3.1-4] [MQTT5-3.3.1-4]");
  packet.qos = static_cast<QoS>(qos);
  packet.retain = (flags & retain_bit) != 0;
  packet.dup = (flags & dup_bit) != 0;
  if (packet.dup && qos == 0)
    in.fail(ReasonCode::malformed_packet, "DUP",
            "is set with QoS 0 [MQTT-3.3.1-2] [MQTT5-3.3.1-2]");

  packet.topic = as_text(in.read_binary("topic name"));
  if (qos != 0) packet.packet_id = in.read_packet_id();
  if (is_v5) in.read_properties(packet.properties);
  packet.payload = in.read_rest();
  packet.shared = frame.shared;

  const PublishProperties& properties = packet.properties;
  if (packet.topic.empty() && !is_v5)
    in.fail(ReasonCode::malformed_packet, "topic name", "is empty [MQTT-4.7.3-1]");
  else if (packet.topic.empty() && !properties.topic_alias)
    in.fail(ReasonCode::protocol_error, "topic name", "is empty without a topic alias (3.3.2.1)");
  else if (!packet.topic.empty() && !is_topic_name(packet.topic))
    // A wildcard can be read but breaks a rule; text that is none cannot be read.
    in.fail(packet.topic.find_first_of("+#") != std::string_view::npos
                ? ReasonCode::protocol_error
                : ReasonCode::malformed_packet,
            "topic name",
            "has a wildcard or is not MQTT text [MQTT-3.3.2-1] [MQTT-3.3.2-2] [MQTT5-3.3.2-1] "
            "[MQTT5-3.3.2-2]");
  if (!properties.subscription_identifiers.empty() && context.sender == Sender::client)
    in.fail(ReasonCode::protocol_error, "subscription identifier",
            "comes from a client [MQTT5-3.3.4-6]");
  if (!in.ok()) [[unlikely]]
    return in.error();
  return result;
}

}  // namespace starling::mqtt
