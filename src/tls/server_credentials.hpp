// What a TLS listener shows and whom it trusts, read from files into GnuTLS' handles. Inside this
// room only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/crypto/hash.hpp"
#include "src/tls/client_certificate.hpp"
#include "src/tls/gnutls_owned.hpp"
#include "src/tls/server_channels.hpp"

namespace starling {

struct ServerCredentials {
  OwnedCredentials certificates;
  OwnedPskCredentials psk;                  ///< null: not offered; who finds keys is not set yet
  std::vector<RevocationList> revocations;  ///< empty: there was no file
  crypto::Digest trust{};                   ///< of all that clients are judged by
  std::vector<std::string> warnings;
  std::optional<std::int64_t> expiry;  ///< of the first certificate to end, seconds since 1970
};

/// Errors: see GnutlsServerChannels::open.
Result<ServerCredentials> load_server_credentials(const TlsServerSettings& settings);

}  // namespace starling
