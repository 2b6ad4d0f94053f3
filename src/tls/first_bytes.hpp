// Tells TLS from what is not TLS by the first two bytes. GnuTLS' answer to plain text is a riddle,
// and it waits for whole records before it gives one. Inside this room only.
#pragma once

#include "starling/bytes.hpp"
#include "starling/result.hpp"

namespace starling {

class FirstBytes {
 public:
  /// `wire`: what has come next. Error malformed: it is not TLS, and what it may be instead.
  Result<void> look_at(ByteView wire);

 private:
  int seen_ = 0;
};

}  // namespace starling
