#include "src/tls/clear_records.hpp"

#include <algorithm>
#include <array>

#include "starling/check.hpp"

namespace starling {
namespace {

constexpr std::uint8_t record_change_cipher_spec = 20;
constexpr std::uint8_t record_handshake = 22;
constexpr std::size_t header_size = 5;

}  // namespace

void ClearRecords::write(ByteView records, std::size_t fragment_max, OutputBuffer& out) {
  STARLING_CHECK(fragment_max > 0);
  while (!encrypted_ && records.size() >= header_size) {
    const std::size_t size = std::size_t{records[3]} << 8U | records[4];
    if (records.size() < header_size + size) break;
    encrypted_ = records[0] == record_change_cipher_spec;
    const ByteView whole = records.first(header_size + size);
    records = records.subspan(whole.size());
    if (whole[0] != record_handshake || size <= fragment_max) {
      out.append(whole);
      continue;
    }
    for (std::size_t at = 0; at < size; at += fragment_max) {
      const std::size_t part = std::min(fragment_max, size - at);
      const std::array<std::uint8_t, header_size> header = {whole[0], whole[1], whole[2],
                                                            static_cast<std::uint8_t>(part >> 8U),
                                                            static_cast<std::uint8_t>(part)};
      out.append(header);
      out.append(whole.subspan(header_size + at, part));
    }
  }
  out.append(records);
}

}  // namespace starling
