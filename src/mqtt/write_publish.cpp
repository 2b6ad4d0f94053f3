// PUBLISH (3.3), for one receiver.
#include "src/mqtt/body_writer.hpp"
#include "src/mqtt/publish_image.hpp"
#include "src/mqtt/write_packet.hpp"

namespace starling::mqtt {
namespace {

struct Sizes {
  std::size_t properties = 0;  // without their length; MQTT 5 only
  std::size_t head = 0;        // of the body, before the payload
};

Sizes sizes_of(const Publish& packet, ProtocolVersion version) {
  Sizes sizes;
  sizes.head = 2 + packet.topic.size() + (packet.qos == QoS::at_most_once ? 0U : 2U);
  if (version == ProtocolVersion::v5) {
    sizes.properties = property_size(packet.properties);
    sizes.head += variable_size(sizes.properties) + sizes.properties;
  }
  return sizes;
}

}  // namespace

PublishHead write_publish_head(const Publish& packet, ProtocolVersion version, Bytes& out) {
  const bool has_id = packet.qos != QoS::at_most_once;
  STARLING_CHECK(has_id || !packet.dup);
  const Sizes sizes = sizes_of(packet, version);
  const std::size_t length = sizes.head + packet.payload.size();
  const std::size_t fixed_header_size = 1 + variable_size(length);
  PublishHead head;
  head.size = fixed_header_size + sizes.head;
  if (has_id) head.packet_id_at = fixed_header_size + 2 + packet.topic.size();

  ByteSink sink(out, head.size);
  sink.put_u8(publish_first_byte(packet.qos, packet.retain, packet.dup));
  put_variable(sink, length);
  put_text(sink, packet.topic);
  if (has_id) put_packet_id(sink, packet.packet_id);
  if (version == ProtocolVersion::v5) {
    put_variable(sink, sizes.properties);
    put_property_fields(sink, packet.properties);
  }
  return head;
}

std::size_t encoded_size(const Publish& packet, ProtocolVersion version) {
  const std::size_t length = sizes_of(packet, version).head + packet.payload.size();
  return 1 + variable_size(length) + length;
}

void write(const Publish& packet, ProtocolVersion version, Bytes& out) {
  write_publish_head(packet, version, out);
  append(out, packet.payload);
}

}  // namespace starling::mqtt
