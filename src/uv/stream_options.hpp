// StreamOptions: what a listener gives the streams it accepts.
#pragma once

#include <cstdint>

namespace starling {

/// Bytes on the wire, of many streams together.
struct StreamTraffic {
  std::int64_t received = 0;
  std::int64_t sent = 0;
};

struct StreamOptions {
  /// Small packets leave at once (TCP_NODELAY). All of a turn leaves together in any case.
  bool nodelay = true;
  /// Where the streams count; null: nowhere. Outlives them.
  StreamTraffic* traffic = nullptr;
};

}  // namespace starling
