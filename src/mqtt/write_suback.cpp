// SUBACK (3.9) and UNSUBACK (3.11).
#include "src/mqtt/body_writer.hpp"
#include "src/mqtt/write_packet.hpp"

namespace starling::mqtt {
namespace {

// Before MQTT 5 there is one way to refuse a subscription [MQTT-3.9.3-2].
ReasonCode said_in(ProtocolVersion version, ReasonCode reason) {
  return version != ProtocolVersion::v5 && is_refusal(reason) ? ReasonCode::unspecified_error
                                                              : reason;
}

template <class Sink>
void put_body(Sink& out, const Suback& packet, ProtocolVersion version) {
  STARLING_CHECK(!packet.reasons.empty());
  put_packet_id(out, packet.packet_id);
  if (version == ProtocolVersion::v5) put_properties(out, packet.properties);
  for (const ReasonCode reason : packet.reasons)
    out.put_u8(static_cast<std::uint8_t>(said_in(version, reason)));
}

template <class Sink>
void put_body(Sink& out, const Unsuback& packet, ProtocolVersion version) {
  put_packet_id(out, packet.packet_id);
  if (version != ProtocolVersion::v5) return;
  STARLING_CHECK(!packet.reasons.empty());
  put_properties(out, packet.properties);
  for (const ReasonCode reason : packet.reasons) out.put_u8(static_cast<std::uint8_t>(reason));
}

}  // namespace

std::size_t encoded_size(const Suback& packet, ProtocolVersion version) {
  return packet_size([&](auto& sink) { put_body(sink, packet, version); });
}

void write(const Suback& packet, ProtocolVersion version, Bytes& out) {
  put_packet(PacketType::suback, 0, out, [&](auto& sink) { put_body(sink, packet, version); });
}

std::size_t encoded_size(const Unsuback& packet, ProtocolVersion version) {
  return packet_size([&](auto& sink) { put_body(sink, packet, version); });
}

void write(const Unsuback& packet, ProtocolVersion version, Bytes& out) {
  put_packet(PacketType::unsuback, 0, out, [&](auto& sink) { put_body(sink, packet, version); });
}

}  // namespace starling::mqtt
