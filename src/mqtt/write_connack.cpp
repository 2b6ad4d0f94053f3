// CONNACK (3.2).
#include "src/mqtt/body_writer.hpp"
#include "src/mqtt/write_packet.hpp"

namespace starling::mqtt {
namespace {

bool can_be_said(const Connack& packet, ProtocolVersion version) {
  return version == ProtocolVersion::v5 || to_return_code(packet.reason).has_value();
}

template <class Sink>
void put_body(Sink& out, const Connack& packet, ProtocolVersion version) {
  STARLING_CHECK(!packet.session_present || packet.reason == ReasonCode::success);
  // In MQTT 3.1 the first byte is reserved: there is no session present flag yet.
  const bool flag = packet.session_present && version != ProtocolVersion::v3_1;
  out.put_u8(flag ? 1 : 0);
  if (version != ProtocolVersion::v5) return out.put_u8(to_return_code(packet.reason).value_or(0));
  out.put_u8(static_cast<std::uint8_t>(packet.reason));
  put_properties(out, packet.properties);
}

}  // namespace

std::size_t encoded_size(const Connack& packet, ProtocolVersion version) {
  if (!can_be_said(packet, version)) return 0;
  return packet_size([&](auto& sink) { put_body(sink, packet, version); });
}

void write(const Connack& packet, ProtocolVersion version, Bytes& out) {
  if (!can_be_said(packet, version)) return;
  put_packet(PacketType::connack, 0, out, [&](auto& sink) { put_body(sink, packet, version); });
}

}  // namespace starling::mqtt
