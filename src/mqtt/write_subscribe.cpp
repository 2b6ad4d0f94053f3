// SUBSCRIBE (3.8) and UNSUBSCRIBE (3.10): what a client writes.
#include "src/mqtt/body_writer.hpp"
#include "src/mqtt/write_packet.hpp"

namespace starling::mqtt {
namespace {

std::uint8_t options_of(const Subscription& subscription, ProtocolVersion version) {
  auto options = static_cast<unsigned>(subscription.qos);
  if (version == ProtocolVersion::v5) {
    if (subscription.no_local) options |= 0x04U;
    if (subscription.retain_as_published) options |= 0x08U;
    options |= static_cast<unsigned>(subscription.retain_handling) << 4U;
  }
  return static_cast<std::uint8_t>(options);
}

template <class Sink>
void put_body(Sink& out, const Subscribe& packet, ProtocolVersion version) {
  STARLING_CHECK(!packet.subscriptions.empty());
  put_packet_id(out, packet.packet_id);
  if (version == ProtocolVersion::v5) put_properties(out, packet.properties);
  for (const Subscription& subscription : packet.subscriptions) {
    put_text(out, subscription.filter);
    out.put_u8(options_of(subscription, version));
  }
}

template <class Sink>
void put_body(Sink& out, const Unsubscribe& packet, ProtocolVersion version) {
  STARLING_CHECK(!packet.filters.empty());
  put_packet_id(out, packet.packet_id);
  if (version == ProtocolVersion::v5) put_properties(out, packet.properties);
  for (const std::string_view filter : packet.filters) put_text(out, filter);
}

}  // namespace

std::size_t encoded_size(const Subscribe& packet, ProtocolVersion version) {
  return packet_size([&](auto& sink) { put_body(sink, packet, version); });
}

void write(const Subscribe& packet, ProtocolVersion version, Bytes& out) {
  put_packet(PacketType::subscribe, 0b10, out,
             [&](auto& sink) { put_body(sink, packet, version); });
}

std::size_t encoded_size(const Unsubscribe& packet, ProtocolVersion version) {
  return packet_size([&](auto& sink) { put_body(sink, packet, version); });
}

void write(const Unsubscribe& packet, ProtocolVersion version, Bytes& out) {
  put_packet(PacketType::unsubscribe, 0b10, out,
             [&](auto& sink) { put_body(sink, packet, version); });
}

}  // namespace starling::mqtt
