// The certificate of a node: an envelope for its public key, made in memory at every start.
#pragma once

#include "starling/bytes.hpp"

#include "src/crypto/ed25519.hpp"

namespace starling {

/// A self-signed X.509 certificate in DER: CN = short text of the NodeId, valid from 1970 without a
/// known end [RFC 5280 §4.1.2.5] because the clocks of nodes may be wrong. The same key gives the
/// same bytes. Throws std::runtime_error if GnuTLS refuses the key.
Bytes make_node_certificate(const crypto::SigningKey& key);

}  // namespace starling
