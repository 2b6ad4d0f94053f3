#include "src/mqtt/frame_reader.hpp"

#include <algorithm>
#include <string>

namespace starling::mqtt {
namespace {

PacketError malformed(const char* what) {
  return {{Errc::malformed, what}, ReasonCode::malformed_packet};
}

}  // namespace

Decoded<FrameReader::Header> FrameReader::read_header(ByteView bytes) const {
  constexpr std::size_t length_bytes_max = 4;  // (2.1.4)
  if (bytes[0] >> 4U == 0) return malformed("packet type 0 is reserved (2.1.2)");
  std::size_t length = 0;
  for (std::size_t i = 0; i < length_bytes_max; ++i) {
    if (i + 1 >= bytes.size()) return Header{};
    const std::uint8_t byte = bytes[i + 1];
    length |= static_cast<std::size_t>(byte & 0x7FU) << (7 * i);
    if ((byte & 0x80U) != 0) continue;
    if (byte == 0 && i > 0)
      return malformed("Remaining Length is not in its shortest form [MQTT5-1.5.5-1]");
    const Header header{i + 2, i + 2 + length};
    if (header.packet_size > packet_size_max_)
      return PacketError{
          {Errc::too_large, "packet of " + std::to_string(header.packet_size)
                                + " bytes is above the maximum of "
                                + std::to_string(packet_size_max_) + " [MQTT5-3.2.2-15]"},
          ReasonCode::packet_too_large};
    return header;
  }
  return malformed("Remaining Length has more than four bytes (2.1.4)");
}

void FrameReader::begin_large(const Header& header, ByteView packet) {
  large_ = std::make_unique<Large>(
      Large{SharedBytes::Builder(header.packet_size - header.header_size), packet[0]});
  ByteView body = packet.subspan(header.header_size);
  large_->body.take(body);
}

bool FrameReader::complete_kept(ByteView& bytes, std::size_t size) {
  if (kept_.size() >= size) return true;
  const std::size_t count = std::min(bytes.size(), size - kept_.size());
  // Doubling keeps the copying linear; stopping at `size` keeps a packet from owning twice its
  // bytes.
  if (kept_.size() + count > kept_.capacity())
    kept_.reserve(std::min(size, std::max(kept_.capacity() * 2, kept_.size() + count)));
  append(kept_, bytes.first(count));
  bytes = bytes.subspan(count);
  return kept_.size() == size;
}

void FrameReader::drop_kept(std::size_t count) {
  if (count == 0) return;
  if (count == kept_.size())
    kept_ = Bytes{};  // an idle connection owns no buffer
  else
    kept_.erase(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(count));
}

void FrameReader::keep(ByteView bytes) {
  append(kept_, bytes);
}

}  // namespace starling::mqtt
