#include "src/mqtt/read_packet.hpp"

#include <array>

#include "src/mqtt/body_reader.hpp"

namespace starling::mqtt {
namespace {

template <class T>
Decoded<Packet> as_packet(Decoded<T> decoded) {
  if (!decoded) return decoded.error();
  return Packet(std::move(decoded).value());
}

}  // namespace

const char* to_text(PacketType type) {
  constexpr std::array names{"reserved",  "CONNECT",  "CONNACK",     "PUBLISH",
                             "PUBACK",    "PUBREC",   "PUBREL",      "PUBCOMP",
                             "SUBSCRIBE", "SUBACK",   "UNSUBSCRIBE", "UNSUBACK",
                             "PINGREQ",   "PINGRESP", "DISCONNECT",  "AUTH"};
  return names[static_cast<std::size_t>(type) % names.size()];
}

Decoded<Packet> read_packet(const Frame& frame, ReadContext context) {
  switch (frame.type()) {
    case PacketType::connect:
      return as_packet(read_connect(frame, context));
    case PacketType::connack:
      return as_packet(read_connack(frame, context));
    case PacketType::publish:
      return as_packet(read_publish(frame, context));
    case PacketType::puback:
      return as_packet(read_publish_ack<Puback>(frame, context));
    case PacketType::pubrec:
      return as_packet(read_publish_ack<Pubrec>(frame, context));
    case PacketType::pubrel:
      return as_packet(read_publish_ack<Pubrel>(frame, context));
    case PacketType::pubcomp:
      return as_packet(read_publish_ack<Pubcomp>(frame, context));
    case PacketType::subscribe:
      return as_packet(read_subscribe(frame, context));
    case PacketType::suback:
      return as_packet(read_suback(frame, context));
    case PacketType::unsubscribe:
      return as_packet(read_unsubscribe(frame, context));
    case PacketType::unsuback:
      return as_packet(read_unsuback(frame, context));
    case PacketType::pingreq:
      return as_packet(read_pingreq(frame, context));
    case PacketType::pingresp:
      return as_packet(read_pingresp(frame, context));
    case PacketType::disconnect:
      return as_packet(read_disconnect(frame, context));
    case PacketType::auth:
      return as_packet(read_auth(frame, context));
  }
  return PacketError{{Errc::malformed, "packet type 0 is reserved (2.1.2)"},
                     ReasonCode::malformed_packet};
}

}  // namespace starling::mqtt
