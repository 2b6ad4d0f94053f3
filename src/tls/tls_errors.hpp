// GnuTLS' codes and alerts as errors whose sentence an operator understands. Inside this room only.
#pragma once

#include "starling/result.hpp"

struct gnutls_session_int;

namespace starling {

/// `code`: a negative result of a GnuTLS call on `session`. `expectations` completes sentences
/// about what could not be agreed on, e.g. "links need TLS 1.3".
Error describe_tls_error(gnutls_session_int* session, int code, const char* expectations);

}  // namespace starling
