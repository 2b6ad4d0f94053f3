// GnutlsLinkChannels: the channels of links between nodes. TLS 1.3 only, both sides show a
// certificate with an Ed25519 key, ALPN "starling/1" is mandatory, session tickets make
// reconnection cheap.
#pragma once

#include <memory>

#include "starling/port/channel.hpp"

#include "src/crypto/ed25519.hpp"

namespace starling {

class TlsProfile;

/// Channels may outlive the factory. Errors of their on_wire_bytes():
///   malformed       bytes that are not TLS, or break it
///   unsupported     TLS 1.2 or older; no common cipher; no ALPN "starling/1"
///   bad_identity    no certificate, a key that is not Ed25519, a signature that does not hold
///   too_large       a handshake message above limits::link_handshake_message_max
///   protocol_error  everything else, the peer's alerts among it
class GnutlsLinkChannels final : public LinkChannels {
 public:
  /// Throws std::runtime_error if GnuTLS refuses the key.
  explicit GnutlsLinkChannels(const crypto::SigningKey& identity);
  ~GnutlsLinkChannels() override;

  /// A ticket may be kept on disk. One that was made by another identity, that is damaged or too
  /// large (limits::session_ticket_max), or whose peer has restarted since, is as good as none.
  std::unique_ptr<SecureChannel> make_client(ByteView ticket) override;
  std::unique_ptr<SecureChannel> make_server() override;

 private:
  std::shared_ptr<const TlsProfile> profile_;
};

}  // namespace starling
