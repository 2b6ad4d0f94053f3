#include "src/node/clear_channel.hpp"

#include <array>

namespace starling {

Result<void> ClearChannel::start(OutputBuffer&) {
  return {};
}

Result<void> ClearChannel::on_wire_bytes(ByteView wire, Bytes& plain_out, OutputBuffer&) {
  append(plain_out, wire);
  return {};
}

Result<void> ClearChannel::write_plain(OutputBuffer& plain, OutputBuffer& wire_out) {
  std::array<ByteView, 16> views;
  while (!plain.empty()) {
    std::size_t moved = 0;
    const std::size_t count = plain.gather(views);
    for (std::size_t i = 0; i < count; ++i) {
      wire_out.append(views[i]);
      moved += views[i].size();
    }
    plain.consume(moved);
  }
  return {};
}

void ClearChannel::close(OutputBuffer&) {}

Result<Bytes> ClearChannel::export_keying_material(std::string_view, ByteView, std::size_t) const {
  return Error{Errc::unsupported, "a clear channel has no keying material"};
}

}  // namespace starling
