// Judges the certificate a client shows: issuer, dates, purpose, revocation. Inside this room only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "starling/bytes.hpp"
#include "starling/port/channel.hpp"

#include "src/tls/gnutls_channel.hpp"

namespace starling {

/// What there is to know about one revocation list without looking into it.
struct RevocationList {
  Bytes issuer;              ///< DER of the name
  std::int64_t next_update;  ///< seconds since 1970; after it the list says nothing any more
};

/// Verifies the chain the peer of `session` has shown, or had shown when the session that is resumed
/// began, against the credentials of `session`. With `revocations` there must be one by the issuer
/// of the client's certificate, and it must be up to date, as OpenSSL has it.
/// Errors: bad_identity, expired, not_authorized (revoked), each with the alert that says so.
Result<TlsIdentity, TlsRefusal> judge_client_certificate(
    gnutls_session_int* session, const std::vector<RevocationList>& revocations);

}  // namespace starling
