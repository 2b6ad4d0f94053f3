#include "simulations/world/trace_digest.hpp"

#include <cstring>

namespace starling::sim {

void TraceDigest::add(ByteView bytes) {
  add(bytes.size());
  while (!bytes.empty()) {
    std::uint64_t word = 0;
    const std::size_t size = bytes.size() < sizeof word ? bytes.size() : sizeof word;
    std::memcpy(&word, bytes.data(), size);
    add(word);
    bytes = bytes.subspan(size);
  }
}

std::string TraceDigest::text() const {
  Bytes bytes;
  ByteWriter(bytes).write_u64(state_);
  return to_hex(bytes);
}

}  // namespace starling::sim
