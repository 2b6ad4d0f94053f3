// Cuts the records of a handshake that are not encrypted yet. GnuTLS 3.7 forgets what size a client
// of TLS 1.2 can take before it sends the session ticket. Inside this room only.
#pragma once

#include <cstddef>

#include "starling/bytes.hpp"
#include "starling/output_buffer.hpp"

namespace starling {

class ClearRecords {
 public:
  /// Passes whole records on, those of the handshake with at most `fragment_max` bytes each. From
  /// the ChangeCipherSpec on nothing may be cut any more, and nothing is [RFC 5246 §6.2.1].
  void write(ByteView records, std::size_t fragment_max, OutputBuffer& out);

 private:
  bool encrypted_ = false;
};

}  // namespace starling
