#include "src/tls/server_profile.hpp"

#include <algorithm>
#include <cstring>

#include "starling/check.hpp"
#include "starling/limits.hpp"

namespace starling {
namespace {

constexpr std::size_t logged_identity_max = 64;   // bytes of a name anybody may have sent
constexpr std::size_t ticket_record_min = 2'048;  // bytes; room for a ticket with a certificate

/// What a ClientHello says of its client.
struct Offer {
  std::size_t record_max = limits::tls_record_max;
  bool names_versions = false;  // knows TLS 1.3, which cuts what is too large by itself
};

int read_extension(void* to, unsigned type, const unsigned char* data, unsigned size) {
  constexpr unsigned max_fragment_length = 1;  // [RFC 6066 §4]
  constexpr unsigned record_size_limit = 28;   // [RFC 8449 §4]
  constexpr unsigned supported_versions = 43;  // [RFC 8446 §4.2.1]
  auto& offer = *static_cast<Offer*>(to);
  std::size_t record_max = limits::tls_record_max;
  if (type == max_fragment_length && size == 1 && data[0] >= 1 && data[0] <= 4)
    record_max = std::size_t{256} << data[0];
  if (type == record_size_limit && size == 2) record_max = std::size_t{data[0]} << 8U | data[1];
  offer.record_max = std::min(offer.record_max, record_max);
  offer.names_versions = offer.names_versions || type == supported_versions;
  return 0;
}

OwnedPriorities parse_priorities(const std::string& text) {
  if (text.empty()) return {};
  gnutls_priority_t parsed = nullptr;
  STARLING_CHECK(gnutls_priority_init(&parsed, text.c_str(), nullptr) == 0);
  return OwnedPriorities{parsed};
}

const ServerProfile& profile_of(gnutls_session_t session) {
  const auto* context = static_cast<TlsSessionContext*>(gnutls_session_get_ptr(session));
  return static_cast<const ServerProfile&>(*context->profile);
}

}  // namespace

TicketKey make_ticket_key() {
  auto key = std::make_shared<OwnedDatum>();
  STARLING_CHECK(gnutls_session_ticket_key_generate(key->out()) == 0);
  return key;
}

ServerProfile::ServerProfile(const TlsServerSettings& settings, ServerCredentials credentials,
                             const CipherChoice& ciphers, const TlsVersions& versions,
                             TicketKey ticket_key)
    : credentials_(std::move(credentials)),
      psk_keys_(settings.psk_keys.value_or(TlsServerSettings::PskKeys{})),
      alpn_(settings.alpn),
      require_client_cert_(settings.require_client_cert),
      versions_(versions),
      any_(parse_priorities(ciphers.any)),
      tls12_(parse_priorities(ciphers.tls12)),
      tls13_(parse_priorities(ciphers.tls13)),
      ticket_key_(std::move(ticket_key)) {
  if (credentials_.psk != nullptr)
    gnutls_psk_set_server_credentials_function2(credentials_.psk.get(), find_psk);
}

void ServerProfile::prepare(gnutls_session_t session, TlsRole role) const {
  STARLING_CHECK(role == TlsRole::server);
  STARLING_CHECK(gnutls_priority_set(session, any_.get()) == 0);
  STARLING_CHECK(
      gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials_.certificates.get())
      == 0);
  if (credentials_.psk != nullptr) {
    STARLING_CHECK(gnutls_credentials_set(session, GNUTLS_CRD_PSK, credentials_.psk.get()) == 0);
  }
  // Names of issuers help no client that has one certificate, and cost bytes; OpenSSL's servers
  // send none either unless they are told to.
  gnutls_certificate_send_x509_rdn_sequence(session, 1);
  gnutls_certificate_server_set_request(
      session, require_client_cert_ ? GNUTLS_CERT_REQUIRE : GNUTLS_CERT_IGNORE);

  std::vector<gnutls_datum_t> protocols;
  for (const std::string& name : alpn_) protocols.push_back(as_datum(as_bytes(name)));
  if (!protocols.empty()) {
    STARLING_CHECK(gnutls_alpn_set_protocols(session, protocols.data(),
                                             static_cast<unsigned>(protocols.size()), 0)
                   == 0);
  }
  gnutls_handshake_set_max_packet_length(session, limits::tls_handshake_message_max);
  gnutls_db_set_cache_expiration(
      session,
      static_cast<int>(
          std::chrono::duration_cast<std::chrono::seconds>(limits::tls_ticket_lifetime).count()));
  gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_CLIENT_HELLO, GNUTLS_HOOK_PRE,
                                     before_client_hello);
  if (tls12_ != nullptr || tls13_ != nullptr)
    gnutls_handshake_set_post_client_hello_function(session, on_client_hello);
}

/// Tickets are for those who can read them. One of TLS 1.2 carries the client's certificate and must
/// fit one record, since small clients (mbedTLS 2) do not put messages together.
int ServerProfile::before_client_hello(gnutls_session_t session, unsigned /*type*/,
                                       unsigned /*when*/, unsigned /*incoming*/,
                                       const gnutls_datum_t* message) {
  const ServerProfile& self = profile_of(session);
  Offer offer;
  if (gnutls_ext_raw_parse(&offer, read_extension, message, GNUTLS_EXT_RAW_FLAG_TLS_CLIENT_HELLO)
      < 0)
    return 0;  // it will not get far
  const bool is_small = !offer.names_versions && offer.record_max < ticket_record_min;
  // After a HelloRetryRequest there is a second ClientHello, and tickets are there already.
  if (!is_small || !self.require_client_cert_)
    gnutls_session_ticket_enable_server(session, self.ticket_key_->get());
  return 0;
}

/// The version has been agreed on, a cipher suite not yet.
int ServerProfile::on_client_hello(gnutls_session_t session) {
  const ServerProfile& self = profile_of(session);
  const bool is_tls13 = gnutls_protocol_get_version(session) == GNUTLS_TLS1_3;
  gnutls_priority_t priorities = is_tls13 ? self.tls13_.get() : self.tls12_.get();
  return priorities == nullptr ? 0 : gnutls_priority_set(session, priorities);
}

/// Whom GnuTLS is told not to exist it lets fail as late, and as a wrong key would.
int ServerProfile::find_psk(gnutls_session_t session, const gnutls_datum_t* identity,
                            gnutls_datum_t* key) {
  const ServerProfile& self = profile_of(session);
  const std::string name(as_text({identity->data, identity->size}));
  const auto found = self.psk_keys_.find(name);
  const bool is_known = found != self.psk_keys_.end() && !found->second.empty();
  auto* context = static_cast<TlsSessionContext*>(gnutls_session_get_ptr(session));
  context->psk = TlsSessionContext::Psk{name.substr(0, logged_identity_max), is_known};
  if (!is_known) return 1;
  const Bytes& bytes = found->second;
  key->data = static_cast<unsigned char*>(gnutls_malloc(bytes.size()));
  if (key->data == nullptr) return -1;
  key->size = static_cast<unsigned>(bytes.size());
  std::memcpy(key->data, bytes.data(), bytes.size());
  return 0;
}

Result<TlsPeer, TlsRefusal> ServerProfile::identify(gnutls_session_t session) const {
  // A resumed session has the identity of the one it goes on with: it must still be one of ours.
  gnutls_datum_t psk{};
  if (gnutls_auth_get_type(session) == GNUTLS_CRD_PSK
      && gnutls_psk_server_get_username2(session, &psk) == 0 && psk.size > 0) {
    TlsIdentity identity;
    identity.psk = as_text({psk.data, psk.size});
    if (psk_keys_.count(identity.psk) == 0) {
      return TlsRefusal{{Errc::bad_identity, "the pre-shared key of this session is gone"},
                        GNUTLS_A_UNKNOWN_PSK_IDENTITY};
    }
    return TlsPeer{std::nullopt, std::move(identity)};
  }
  if (!require_client_cert_) return TlsPeer{};
  auto judged = judge_client_certificate(session, credentials_.revocations);
  if (!judged.ok()) return judged.error();
  return TlsPeer{std::nullopt, std::move(judged).value()};
}

bool ServerProfile::speaks(int version) const {
  return (versions_.v1_2 && version == GNUTLS_TLS1_2)
         || (versions_.v1_3 && version == GNUTLS_TLS1_3);
}

const char* ServerProfile::expectations() const {
  if (!versions_.v1_3) return "this listener speaks TLS 1.2 only";
  if (!versions_.v1_2) return "this listener speaks TLS 1.3 only";
  return "this listener speaks TLS 1.2 and 1.3";
}

}  // namespace starling
