#include "src/tls/link_channels.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include "starling/check.hpp"
#include "starling/limits.hpp"

#include "src/crypto/hash.hpp"
#include "src/tls/credentials.hpp"
#include "src/tls/gnutls_channel.hpp"
#include "src/tls/gnutls_owned.hpp"

namespace starling {
namespace {

constexpr std::string_view alpn = "starling/1";
// Signatures other than Ed25519 are let in here so that a peer with another key can be told apart
// from one without: identify() refuses it by its key, in words.
// AES-128 needs ten rounds where AES-256, which GnuTLS would prefer, needs fourteen, a quarter less work
// in the cipher. Where a CPU has no instructions for either, GnuTLS's ChaCha20 is the fastest.
constexpr const char* priorities =
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:-CIPHER-ALL:";
constexpr const char* ciphers_of_fast_aes = "+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305";
constexpr const char* ciphers_of_slow_aes = "+CHACHA20-POLY1305:+AES-128-GCM:+AES-256-GCM";

/// GnuTLS has its own look at the CPU, but tells nobody.
bool has_fast_aes() {
#if defined(__x86_64__) || defined(__i386__)
  return __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul");
#elif defined(__aarch64__)
  return (getauxval(AT_HWCAP) & HWCAP_AES) != 0;
#else
  return false;
#endif
}

void require(int status, const char* step) {
  if (status >= 0) return;
  throw std::runtime_error(std::string("cannot prepare TLS for links: ") + step + ": "
                           + gnutls_strerror(status));
}

Result<crypto::PublicKey> ed25519_key_of(const gnutls_datum_t& der) {
  gnutls_x509_crt_t crt = nullptr;
  STARLING_CHECK(gnutls_x509_crt_init(&crt) == 0);
  const OwnedCertificate owned{crt};
  if (const int status = gnutls_x509_crt_import(crt, &der, GNUTLS_X509_FMT_DER); status < 0) {
    return Error{Errc::bad_identity,
                 std::string("the peer's certificate is damaged: ") + gnutls_strerror(status)};
  }
  const int algorithm = gnutls_x509_crt_get_pk_algorithm(crt, nullptr);
  if (algorithm != GNUTLS_PK_EDDSA_ED25519) {
    const char* name =
        algorithm < 0 ? nullptr : gnutls_pk_get_name(static_cast<gnutls_pk_algorithm_t>(algorithm));
    return Error{Errc::bad_identity, "the peer's certificate holds a key of type "
                                         + std::string(name != nullptr ? name : "unknown")
                                         + "; links need Ed25519"};
  }
  gnutls_ecc_curve_t curve{};
  OwnedDatum raw;
  OwnedDatum none;
  crypto::PublicKey key;
  if (gnutls_x509_crt_get_pk_ecc_raw(crt, &curve, raw.out(), none.out()) < 0
      || raw.view().size() != key.bytes.size()) {
    return Error{Errc::bad_identity, "the peer's certificate holds a damaged Ed25519 key"};
  }
  std::copy(raw.view().begin(), raw.view().end(), key.bytes.begin());
  return key;
}

/// TLS 1.3, mutual, "starling/1". No CA, no dates: who may come in is decided by NodeId, later.
class LinkProfile final : public TlsProfile {
 public:
  explicit LinkProfile(const crypto::SigningKey& identity) {
    gnutls_certificate_credentials_t credentials = nullptr;
    require(gnutls_certificate_allocate_credentials(&credentials), "credentials");
    credentials_.reset(credentials);
    const Bytes certificate = make_node_certificate(identity);
    Bytes key = identity.to_pkcs8();
    const gnutls_datum_t certificate_datum = as_datum(certificate);
    const gnutls_datum_t key_datum = as_datum(key);
    const Bytes seal = crypto::hkdf_sha256(key, {}, as_bytes("starling link ticket"), seal_.size());
    std::copy(seal.begin(), seal.end(), seal_.begin());
    const int status =
        gnutls_certificate_set_x509_key_mem2(credentials, &certificate_datum, &key_datum,
                                             GNUTLS_X509_FMT_DER, nullptr, GNUTLS_PKCS_PLAIN);
    gnutls_memset(key.data(), 0, key.size());
    require(status, "certificate");

    gnutls_priority_t parsed = nullptr;
    const std::string chosen =
        std::string(priorities) + (has_fast_aes() ? ciphers_of_fast_aes : ciphers_of_slow_aes);
    require(gnutls_priority_init(&parsed, chosen.c_str(), nullptr), "priorities");
    priorities_.reset(parsed);
    require(gnutls_session_ticket_key_generate(ticket_key_.out()), "ticket key");
  }

  void prepare(gnutls_session_t session, TlsRole role) const override {
    STARLING_CHECK(gnutls_priority_set(session, priorities_.get()) == 0);
    STARLING_CHECK(gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials_.get())
                   == 0);
    const gnutls_datum_t protocol = as_datum(as_bytes(alpn));
    STARLING_CHECK(gnutls_alpn_set_protocols(session, &protocol, 1, GNUTLS_ALPN_MANDATORY) == 0);
    gnutls_handshake_set_max_packet_length(session, limits::link_handshake_message_max);
    if (role == TlsRole::client) return;
    gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
    STARLING_CHECK(gnutls_session_ticket_enable_server(session, ticket_key_.get()) == 0);
  }

  Result<TlsPeer, TlsRefusal> identify(gnutls_session_t session) const override {
    auto node = node_of(session);
    if (!node.ok()) return TlsRefusal{node.error(), GNUTLS_A_BAD_CERTIFICATE};
    return TlsPeer{*node, std::nullopt};
  }

  [[nodiscard]] const crypto::Key& ticket_seal() const override { return seal_; }

  [[nodiscard]] bool speaks(int version) const override { return version == GNUTLS_TLS1_3; }

  [[nodiscard]] const char* expectations() const override {
    return "links need TLS 1.3 with the protocol starling/1";
  }

 private:
  static Result<NodeId> node_of(gnutls_session_t session) {
    gnutls_datum_t agreed{};
    // "Mandatory" concerns peers that offer other protocols; one may offer none.
    if (gnutls_alpn_get_selected_protocol(session, &agreed) != 0
        || as_text({agreed.data, agreed.size}) != alpn) {
      return Error{Errc::unsupported,
                   "the peer did not ask for the protocol starling/1 (ALPN): not a mesh node"};
    }
    unsigned count = 0;
    const gnutls_datum_t* chain = gnutls_certificate_get_peers(session, &count);
    if (chain == nullptr || count == 0) {
      return Error{Errc::bad_identity, "the peer showed no certificate"};
    }
    const auto key = ed25519_key_of(chain[0]);
    if (!key.ok()) return key.error();
    return key->node_id();
  }

  OwnedCredentials credentials_;
  OwnedPriorities priorities_;
  OwnedDatum ticket_key_;  // of this process run
  crypto::Key seal_{};     // of the identity
};

}  // namespace

GnutlsLinkChannels::GnutlsLinkChannels(const crypto::SigningKey& identity)
    : profile_(std::make_shared<LinkProfile>(identity)) {}

GnutlsLinkChannels::~GnutlsLinkChannels() = default;

std::unique_ptr<SecureChannel> GnutlsLinkChannels::make_client(ByteView ticket) {
  return std::make_unique<GnutlsChannel>(profile_, TlsRole::client, ticket);
}

std::unique_ptr<SecureChannel> GnutlsLinkChannels::make_server() {
  return std::make_unique<GnutlsChannel>(profile_, TlsRole::server, ByteView{});
}

}  // namespace starling
