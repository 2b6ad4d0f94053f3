// Property: a header says the same in one piece and byte by byte, and never takes what follows it.
// The first byte of the input cuts it in two.
#include <algorithm>
#include <cstdlib>

#include "src/websocket/proxy_header.hpp"

using namespace starling;

namespace {

struct Outcome {
  int kind = 0;  // 0: wants more, 1: complete, 2: refused
  std::size_t taken = 0;
  std::optional<Endpoint> source;
  bool operator==(const Outcome&) const = default;
};

Outcome read(ByteView bytes, std::size_t piece) {
  ProxyHeader header;
  Outcome outcome;
  while (!bytes.empty()) {
    const ByteView part = bytes.first(std::min(piece, bytes.size()));
    ByteView rest = part;
    const auto done = header.read(rest);
    if (!done) return {2, 0, std::nullopt};
    outcome.taken += part.size() - rest.size();
    if (*done) return {1, outcome.taken, header.source()};
    if (!rest.empty()) std::abort();
    bytes = bytes.subspan(part.size());
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView bytes(data + 1, size - 1);
  const Outcome whole = read(bytes, bytes.size() + 1);
  if (!(read(bytes, 1) == whole)) std::abort();
  if (!(read(bytes, std::size_t{data[0]} + 1) == whole)) std::abort();
  return 0;
}
