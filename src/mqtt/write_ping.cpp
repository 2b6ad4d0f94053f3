// PINGREQ and PINGRESP (3.12, 3.13).
#include "src/mqtt/body_writer.hpp"
#include "src/mqtt/write_packet.hpp"

namespace starling::mqtt {

std::size_t encoded_size(const Pingreq&, ProtocolVersion) {
  return 2;
}
std::size_t encoded_size(const Pingresp&, ProtocolVersion) {
  return 2;
}

void write(const Pingreq&, ProtocolVersion, Bytes& out) {
  put_packet(PacketType::pingreq, 0, out, [](auto&) {});
}
void write(const Pingresp&, ProtocolVersion, Bytes& out) {
  put_packet(PacketType::pingresp, 0, out, [](auto&) {});
}

}  // namespace starling::mqtt
