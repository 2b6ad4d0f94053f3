// Fuzzes the MQTT codec. Input: one byte of choices, one for the maximum packet size, one that says
// how the stream is split, then the stream. Properties: what is read, written and read again is
// equal; any split of the stream gives the same packets and the same end; nothing above the maximum
// is kept.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "starling/check.hpp"
#include "starling/output_buffer.hpp"

#include "src/mqtt/frame_reader.hpp"
#include "src/mqtt/publish_image.hpp"
#include "src/mqtt/read_packet.hpp"
#include "src/mqtt/write_packet.hpp"

using namespace starling;
using namespace starling::mqtt;

namespace {

struct Outcome {
  std::vector<Bytes> packets;  // first byte and body of each
  ReasonCode end = ReasonCode::success;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Frame frame_of(ByteView packet) {
  return {packet[0], packet.subspan(1)};
}

/// Feeds `stream` in pieces of 1 to `piece_max` bytes; with `stop` the reader is stopped at each
/// packet.
Outcome cut(ByteView stream, std::size_t packet_size_max, std::size_t piece_max, bool stop) {
  FrameReader reader(packet_size_max);
  Outcome outcome;
  const auto take = [&](const Frame& frame) {
    STARLING_CHECK(frame.body.size() + 2 <= packet_size_max);
    Bytes packet{frame.first_byte};
    append(packet, frame.body);
    outcome.packets.push_back(packet);
    return stop ? Reading::stop : Reading::go_on;
  };
  const auto read = [&](ByteView piece) {
    const auto result = reader.read(piece, take);
    if (!result) outcome.end = result.error().reason;
    return result.ok();
  };
  for (std::size_t at = 0, step = 1; at < stream.size(); step = step % piece_max + 1) {
    const ByteView piece = stream.subspan(at, std::min(step, stream.size() - at));
    at += piece.size();
    if (!read(piece)) return outcome;
    for (std::size_t packets = 0; stop && packets != outcome.packets.size();) {
      packets = outcome.packets.size();
      if (!read({})) return outcome;
    }
    // Until its length has come whole, up to four bytes of a header are kept whatever the maximum.
    STARLING_CHECK(reader.kept_bytes() < std::max<std::size_t>(packet_size_max, 5));
  }
  return outcome;
}

template <class T>
void check_image(const T&, const Bytes&, ProtocolVersion) {}
void check_image(const Publish& packet, const Bytes& written, ProtocolVersion version) {
  PublishImage image;
  image.encode(packet, SharedBytes(packet.payload), version);
  STARLING_CHECK(image.size() == written.size());
  OutputBuffer out;
  image.append_to(out, packet.qos, packet.retain, packet.dup, packet.packet_id);
  std::vector<ByteView> views(4);
  views.resize(out.gather(views));
  Bytes appended;
  for (const ByteView view : views) append(appended, view);
  STARLING_CHECK(appended == written);
}

void check_packet(const Bytes& bytes, ReadContext context) {
  const auto packet = read_packet(frame_of(bytes), context);
  if (!packet) {
    STARLING_CHECK(is_refusal(packet.error().reason) && !packet.error().what.empty());
    if (bytes[0] >> 4U == 1) version_for_refusal(frame_of(bytes));
    return;
  }
  Bytes written;
  write(*packet, context.version, written);
  STARLING_CHECK(written.size() == encoded_size(*packet, context.version));
  const Outcome again = cut(written, written.size(), written.size(), false);
  STARLING_CHECK(again.packets.size() == 1);
  const auto reread = read_packet(frame_of(again.packets[0]), context);
  STARLING_CHECK(reread.ok() && *reread == *packet);
  std::visit([&](const auto& one) { check_image(one, written, context.version); }, *packet);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  constexpr ProtocolVersion versions[] = {ProtocolVersion::v3_1, ProtocolVersion::v3_1_1,
                                          ProtocolVersion::v5, ProtocolVersion::v5};
  const ReadContext context{versions[data[0] & 3U],
                            (data[0] & 4U) != 0 ? Sender::server : Sender::client};
  const std::size_t packet_size_max = 2 + std::size_t{data[1]} * 64;
  const std::size_t piece_max = 1 + std::size_t{data[2]};
  const ByteView stream(data + 3, size - 3);

  const Outcome whole =
      cut(stream, packet_size_max, std::max<std::size_t>(stream.size(), 1), false);
  STARLING_CHECK(cut(stream, packet_size_max, piece_max, false) == whole);
  STARLING_CHECK(cut(stream, packet_size_max, piece_max, true) == whole);
  for (const Bytes& packet : whole.packets) check_packet(packet, context);
  return 0;
}
