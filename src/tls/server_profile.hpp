// ServerProfile: what the sessions of one MQTT listener ask and accept, until its files are read
// again. Inside this room only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/tls/cipher_list.hpp"
#include "src/tls/gnutls_channel.hpp"
#include "src/tls/gnutls_owned.hpp"
#include "src/tls/server_channels.hpp"
#include "src/tls/server_credentials.hpp"

namespace starling {

/// The secret that tickets are made with. GnuTLS derives the keys of periods of
/// limits::tls_ticket_lifetime from it.
using TicketKey = std::shared_ptr<const OwnedDatum>;
TicketKey make_ticket_key();

class ServerProfile final : public TlsProfile {
 public:
  /// `ciphers` must have been parsed before: priority strings that GnuTLS refuses are a bug here.
  ServerProfile(const TlsServerSettings& settings, ServerCredentials credentials,
                const CipherChoice& ciphers, const TlsVersions& versions, TicketKey ticket_key);

  [[nodiscard]] const crypto::Digest& trust() const { return credentials_.trust; }
  [[nodiscard]] const TicketKey& ticket_key() const { return ticket_key_; }

  // TlsProfile
  void prepare(gnutls_session_int* session, TlsRole role) const override;
  Result<TlsPeer, TlsRefusal> identify(gnutls_session_int* session) const override;
  [[nodiscard]] const crypto::Key& ticket_seal() const override { return no_seal_; }
  [[nodiscard]] bool speaks(int version) const override;
  [[nodiscard]] const char* expectations() const override;

 private:
  static int before_client_hello(gnutls_session_int* session, unsigned type, unsigned when,
                                 unsigned incoming, const gnutls_datum_t* message);
  static int on_client_hello(gnutls_session_int* session);
  static int find_psk(gnutls_session_int* session, const gnutls_datum_t* identity,
                      gnutls_datum_t* key);

  ServerCredentials credentials_;
  TlsServerSettings::PskKeys psk_keys_;
  std::vector<std::string> alpn_;
  bool require_client_cert_;
  TlsVersions versions_;
  OwnedPriorities any_;
  OwnedPriorities tls12_;  // null: any_ does
  OwnedPriorities tls13_;
  TicketKey ticket_key_;
  crypto::Key no_seal_{};  // only clients keep tickets
};

}  // namespace starling
