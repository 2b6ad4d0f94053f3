#include "src/mqtt/write_packet.hpp"

namespace starling::mqtt {

std::size_t encoded_size(const Packet& packet, ProtocolVersion version) {
  return std::visit([&](const auto& one) { return encoded_size(one, version); }, packet);
}

void write(const Packet& packet, ProtocolVersion version, Bytes& out) {
  std::visit([&](const auto& one) { write(one, version, out); }, packet);
}

}  // namespace starling::mqtt
