// Property: whatever a client sends, in whatever pieces, the same bytes come out; what is written
// to it can be read back; nothing is sent after a close frame; no more is kept than the head of the
// request. The first byte of the input cuts it; with its highest bit set an upgrade goes before.
#include <algorithm>
#include <cstdlib>

#include "starling/limits.hpp"

#include "src/websocket/websocket_layer.hpp"
#include "tests/support/websocket_client.hpp"

using namespace starling;
using namespace starling::test;

namespace {

struct Outcome {
  bool ok = true;
  Bytes plain;
  Bytes wire;
  bool operator==(const Outcome&) const = default;
};

void take(OutputBuffer& from, Bytes& to) {
  ByteView views[8];
  while (!from.empty()) {
    const std::size_t count = from.gather(views);
    std::size_t size = 0;
    for (std::size_t i = 0; i < count; ++i) {
      append(to, views[i]);
      size += views[i].size();
    }
    from.consume(size);
  }
}

Outcome feed(ByteView bytes, std::size_t piece) {
  static const std::vector<std::string> origins;
  WebSocketLayer layer(origins);
  Outcome outcome;
  OutputBuffer wire;
  while (!bytes.empty() && outcome.ok) {
    const ByteView part = bytes.first(std::min(piece, bytes.size()));
    outcome.ok = layer.on_wire_bytes(part, outcome.plain, wire).ok();
    bytes = bytes.subspan(part.size());
  }
  if (layer.established()) {
    OutputBuffer plain;
    plain.append(as_bytes("answer"));
    if (!layer.write_plain(plain, wire)) std::abort();
    layer.close(wire);
  }
  take(wire, outcome.wire);
  return outcome;
}

/// Of what the server sent: an HTTP head, then whole frames, of which the last is a close frame.
void check(const Outcome& outcome) {
  const std::string_view text = as_text(outcome.wire);
  if (text.substr(0, 12) != "HTTP/1.1 101") return;
  ByteView frames = ByteView(outcome.wire).subspan(text.find("\r\n\r\n") + 4);
  bool closed = false;
  while (const auto frame = take_frame(frames)) {
    if (closed || frame->masked) std::abort();
    closed = frame->opcode == ws_close;
  }
  if (!frames.empty() || !closed) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  Bytes bytes;
  if ((data[0] & 0x80U) != 0) append(bytes, as_bytes(upgrade_request()));
  append(bytes, ByteView(data + 1, size - 1));
  const Outcome whole = feed(bytes, bytes.size() + 1);
  check(whole);
  if (whole.plain.size() > bytes.size()) std::abort();
  const Outcome pieces = feed(bytes, (data[0] & 0x7FU) + std::size_t{1});
  check(pieces);
  if (!(pieces == whole)) std::abort();
  return 0;
}
