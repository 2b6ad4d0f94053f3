// DISCONNECT (3.14) and AUTH (3.15): reason and properties may both go without saying.
#include "src/mqtt/body_writer.hpp"
#include "src/mqtt/write_packet.hpp"

namespace starling::mqtt {
namespace {

template <class Sink>
void put_body(Sink& out, const Disconnect& packet, ProtocolVersion version) {
  if (version != ProtocolVersion::v5) return;
  const bool has_properties = property_size(packet.properties) > 0;
  if (packet.reason == ReasonCode::success && !has_properties) return;  // (3.14.2.1)
  out.put_u8(static_cast<std::uint8_t>(packet.reason));
  if (has_properties) put_properties(out, packet.properties);
}

template <class Sink>
void put_body(Sink& out, const Auth& packet, ProtocolVersion version) {
  STARLING_CHECK(version == ProtocolVersion::v5);
  if (packet.reason == ReasonCode::success && property_size(packet.properties) == 0)
    return;  // (3.15.2.1)
  out.put_u8(static_cast<std::uint8_t>(packet.reason));
  put_properties(out, packet.properties);
}

}  // namespace

std::size_t encoded_size(const Disconnect& packet, ProtocolVersion version) {
  return packet_size([&](auto& sink) { put_body(sink, packet, version); });
}

void write(const Disconnect& packet, ProtocolVersion version, Bytes& out) {
  put_packet(PacketType::disconnect, 0, out, [&](auto& sink) { put_body(sink, packet, version); });
}

std::size_t encoded_size(const Auth& packet, ProtocolVersion version) {
  return packet_size([&](auto& sink) { put_body(sink, packet, version); });
}

void write(const Auth& packet, ProtocolVersion version, Bytes& out) {
  put_packet(PacketType::auth, 0, out, [&](auto& sink) { put_body(sink, packet, version); });
}

}  // namespace starling::mqtt
