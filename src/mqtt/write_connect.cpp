// CONNECT (3.1): what a client writes.
#include "src/mqtt/body_writer.hpp"
#include "src/mqtt/write_packet.hpp"

namespace starling::mqtt {
namespace {

std::uint8_t connect_flags(const Connect& packet) {
  unsigned flags = packet.clean_start ? 0x02U : 0U;
  if (packet.will) {
    flags |= 0x04U | static_cast<unsigned>(packet.will->qos) << 3U;
    if (packet.will->retain) flags |= 0x20U;
  }
  if (packet.password) flags |= 0x40U;
  if (packet.user_name) flags |= 0x80U;
  return static_cast<std::uint8_t>(flags);
}

template <class Sink>
void put_body(Sink& out, const Connect& packet) {
  const bool is_v5 = packet.version == ProtocolVersion::v5;
  STARLING_CHECK(is_v5 || !packet.password || packet.user_name);
  put_text(out, packet.version == ProtocolVersion::v3_1 ? "MQIsdp" : "MQTT");
  out.put_u8(static_cast<std::uint8_t>(packet.version));
  out.put_u8(connect_flags(packet));
  out.put_u16(packet.keep_alive_s);
  if (is_v5) put_properties(out, packet.properties);
  put_text(out, packet.client_id);
  if (packet.will) {
    if (is_v5) put_properties(out, packet.will->properties);
    put_text(out, packet.will->topic);
    put_binary(out, packet.will->payload);
  }
  if (packet.user_name) put_text(out, *packet.user_name);
  if (packet.password) put_binary(out, *packet.password);
}

}  // namespace

std::size_t encoded_size(const Connect& packet, ProtocolVersion) {
  return packet_size([&](auto& sink) { put_body(sink, packet); });
}

void write(const Connect& packet, ProtocolVersion, Bytes& out) {
  put_packet(PacketType::connect, 0, out, [&](auto& sink) { put_body(sink, packet); });
}

}  // namespace starling::mqtt
