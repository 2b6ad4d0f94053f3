// GnutlsServerChannels: the channels of one TLS listener for MQTT clients. TLS 1.2 and 1.3,
// certificates of several kinds side by side, client certificates with revocations, pre-shared
// keys, session tickets. Files may change: they are read again on request, and open channels keep
// what they began with.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "starling/bytes.hpp"
#include "starling/port/channel.hpp"
#include "starling/result.hpp"

namespace starling {

/// What a listener shows and asks. Names of files are paths; empty: none.
struct TlsServerSettings {
  struct Certificate {
    std::string cert;  ///< PEM file: the server's certificate first, then its issuers
    std::string key;   ///< PEM file, not encrypted
  };
  using PskKeys = std::map<std::string, Bytes>;  ///< identity -> key

  std::vector<Certificate> certificates;  ///< one per kind of key; the client's abilities choose
  std::string client_ca;                  ///< PEM file of issuers of client certificates
  std::string client_ca_dir;              ///< directory of such files
  std::string crl;                        ///< PEM file of revocations
  /// True: no handshake without a certificate that holds. False: none is asked for.
  bool require_client_cert = false;
  std::string versions;       ///< "tlsv1.2", "tlsv1.3": that one only; empty: both
  std::string ciphers;        ///< OpenSSL's cipher list of TLS 1.2, or a GnuTLS priority string;
                              ///< empty: the default
  std::string ciphers_tls13;  ///< OpenSSL's names of TLS 1.3 suites; empty: the default
  std::optional<PskKeys> psk_keys;  ///< set: PSK is offered, to these identities
  std::string psk_hint;             ///< shown to clients of TLS 1.2
  /// Answered if the client offers one of them, never demanded. "http/1.1" for WebSockets.
  std::vector<std::string> alpn = {"mqtt"};
};

/// Channels may outlive the factory. Errors of their on_wire_bytes():
///   malformed       bytes that are not TLS (MQTT and HTTP are named), or break it
///   unsupported     TLS 1.1 or older; no common cipher
///   bad_identity    no client certificate, or one that does not hold; a PSK that is not ours
///   expired         a client certificate or the revocation list out of date
///   not_authorized  a client certificate that has been revoked
///   too_large       a handshake message above limits::tls_handshake_message_max
///   protocol_error  everything else, the peer's alerts and renegotiation among it
class GnutlsServerChannels final : public ServerChannels {
 public:
  /// Reads all files. Errors (io, malformed, too_large, unsupported): one sentence that names the
  /// file or the setting.
  static Result<std::unique_ptr<GnutlsServerChannels>> open(TlsServerSettings settings);
  ~GnutlsServerChannels() override;

  std::unique_ptr<SecureChannel> make_server() override;

  /// Reads the files again. On an error everything stays as it was; else new channels take what was
  /// read, and open ones keep what they have. Tickets of earlier sessions stay good unless what
  /// clients are judged by (CA, CRL, PSK, whether a certificate is asked for) has changed.
  Result<void> reread();
  /// The same with other settings.
  Result<void> reread(TlsServerSettings settings);

  /// Files and directories whose change is a reason to reread(). Without the PSK file, which
  /// somebody else has read.
  [[nodiscard]] std::vector<std::string> files() const;
  /// Sentences about settings that could not be followed to the letter, for the log.
  [[nodiscard]] const std::vector<std::string>& warnings() const;
  /// When the first of the listener's certificates ends, in seconds since 1970; nullopt: there is
  /// none (PSK only).
  [[nodiscard]] std::optional<std::int64_t> certificate_expiry() const;

 private:
  struct Loaded;
  GnutlsServerChannels(TlsServerSettings settings, std::shared_ptr<const Loaded> loaded);

  TlsServerSettings settings_;
  std::shared_ptr<const Loaded> loaded_;
};

}  // namespace starling
