// PUBACK, PUBREC, PUBREL and PUBCOMP (3.4 to 3.7).
#include "src/mqtt/body_writer.hpp"
#include "src/mqtt/write_packet.hpp"

namespace starling::mqtt {
namespace {

template <class Sink, PacketType Type>
void put_body(Sink& out, const PublishAck<Type>& packet, ProtocolVersion version) {
  put_packet_id(out, packet.packet_id);
  if (version != ProtocolVersion::v5) return;
  const bool has_properties = property_size(packet.properties) > 0;
  if (packet.reason == ReasonCode::success && !has_properties) return;  // (3.4.2.1)
  out.put_u8(static_cast<std::uint8_t>(packet.reason));
  if (has_properties) put_properties(out, packet.properties);
}

template <PacketType Type>
std::size_t ack_size(const PublishAck<Type>& packet, ProtocolVersion version) {
  return packet_size([&](auto& sink) { put_body(sink, packet, version); });
}

template <PacketType Type>
void write_ack(const PublishAck<Type>& packet, ProtocolVersion version, Bytes& out) {
  constexpr unsigned flags = Type == PacketType::pubrel ? 0b10 : 0;
  put_packet(Type, flags, out, [&](auto& sink) { put_body(sink, packet, version); });
}

}  // namespace

std::size_t encoded_size(const Puback& packet, ProtocolVersion version) {
  return ack_size(packet, version);
}
std::size_t encoded_size(const Pubrec& packet, ProtocolVersion version) {
  return ack_size(packet, version);
}
std::size_t encoded_size(const Pubrel& packet, ProtocolVersion version) {
  return ack_size(packet, version);
}
std::size_t encoded_size(const Pubcomp& packet, ProtocolVersion version) {
  return ack_size(packet, version);
}

void write(const Puback& packet, ProtocolVersion version, Bytes& out) {
  write_ack(packet, version, out);
}
void write(const Pubrec& packet, ProtocolVersion version, Bytes& out) {
  write_ack(packet, version, out);
}
void write(const Pubrel& packet, ProtocolVersion version, Bytes& out) {
  write_ack(packet, version, out);
}
void write(const Pubcomp& packet, ProtocolVersion version, Bytes& out) {
  write_ack(packet, version, out);
}

}  // namespace starling::mqtt
