// A TLS listener for MQTT clients with an authority of its own, and GnuTLS clients as tests want
// them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/tls/server_channels.hpp"
#include "tests/unit/tls/test_pki.hpp"
#include "tests/unit/tls/tls_fixture.hpp"

namespace starling::test {

/// What a client offers and shows.
struct ClientWishes {
  std::string priorities = "NORMAL";
  const TestCertificate* certificate = nullptr;
  std::vector<const TestCertificate*> issuers = {};  ///< sent after the certificate
  std::string psk_identity = {};
  std::string psk_key = {};  ///< raw
  std::vector<std::string> alpn = {};
  std::size_t record_max = 0;  ///< of what it wants to get [RFC 8449]; 0: says nothing
};

/// A client of the test, made of the same channel. It trusts `root`.
class ClientProfile final : public TlsProfile {
 public:
  ClientProfile(const TestCertificate& root, ClientWishes wishes) : wishes_(std::move(wishes)) {
    gnutls_certificate_credentials_t credentials = nullptr;
    gnutls_certificate_allocate_credentials(&credentials);
    credentials_.reset(credentials);
    gnutls_x509_crt_t trusted = root.get();
    gnutls_certificate_set_x509_trust(credentials, &trusted, 1);
    if (wishes_.certificate != nullptr) {
      std::string chain = wishes_.certificate->pem();
      for (const auto* issuer : wishes_.issuers) chain += issuer->pem();
      const std::string key = wishes_.certificate->key().pem();
      const gnutls_datum_t chain_datum = as_datum(as_bytes(chain));
      const gnutls_datum_t key_datum = as_datum(as_bytes(key));
      BOOST_REQUIRE(gnutls_certificate_set_x509_key_mem2(credentials, &chain_datum, &key_datum,
                                                         GNUTLS_X509_FMT_PEM, nullptr, 0)
                    >= 0);
    }
    if (!wishes_.psk_identity.empty()) {
      gnutls_psk_allocate_client_credentials(&psk_);
      const gnutls_datum_t identity = as_datum(as_bytes(wishes_.psk_identity));
      const gnutls_datum_t key = as_datum(as_bytes(wishes_.psk_key));
      BOOST_REQUIRE(gnutls_psk_set_client_credentials2(psk_, &identity, &key, GNUTLS_PSK_KEY_RAW)
                    == 0);
    }
    gnutls_priority_t priorities = nullptr;
    BOOST_REQUIRE(gnutls_priority_init(&priorities, wishes_.priorities.c_str(), nullptr) == 0);
    priorities_.reset(priorities);
  }
  ~ClientProfile() override {
    if (psk_ != nullptr) gnutls_psk_free_client_credentials(psk_);
  }

  void prepare(gnutls_session_t session, TlsRole) const override {
    seen_.session = session;
    gnutls_priority_set(session, priorities_.get());
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials_.get());
    if (psk_ != nullptr) gnutls_credentials_set(session, GNUTLS_CRD_PSK, psk_);
    std::vector<gnutls_datum_t> names;
    for (const auto& name : wishes_.alpn) names.push_back(as_datum(as_bytes(name)));
    if (!names.empty())
      gnutls_alpn_set_protocols(session, names.data(), static_cast<unsigned>(names.size()), 0);
    if (wishes_.record_max > 0)
      BOOST_REQUIRE(gnutls_record_set_max_recv_size(session, wishes_.record_max) == 0);
  }
  /// Refuses a server whose certificate does not lead to the root.
  Result<TlsPeer, TlsRefusal> identify(gnutls_session_t session) const override {
    if (gnutls_auth_get_type(session) != GNUTLS_CRD_CERTIFICATE) return TlsPeer{};
    unsigned status = 0;
    if (gnutls_certificate_verify_peers2(session, &status) == 0 && status == 0) return TlsPeer{};
    return TlsRefusal{{Errc::bad_identity, "the server's certificate does not hold"},
                      GNUTLS_A_UNKNOWN_CA};
  }
  [[nodiscard]] const crypto::Key& ticket_seal() const override { return seal_; }
  [[nodiscard]] bool speaks(int) const override { return true; }
  [[nodiscard]] const char* expectations() const override { return "a client of a test"; }

  /// The session of the last channel made with it. Good as long as that channel lives.
  [[nodiscard]] gnutls_session_t session() const { return seen_.session; }

 private:
  struct Seen {
    gnutls_session_t session = nullptr;
  };
  ClientWishes wishes_;
  OwnedCredentials credentials_;
  OwnedPriorities priorities_;
  gnutls_psk_client_credentials_t psk_ = nullptr;
  crypto::Key seal_{};
  mutable Seen seen_;
};

/// A client and a server joined by memory, and the client's own view.
struct ClientWire : Wire {
  ClientWire(std::shared_ptr<ClientProfile> profile_, std::unique_ptr<SecureChannel> server_,
             ByteView ticket)
      : Wire(std::make_unique<GnutlsChannel>(profile_, TlsRole::client, ticket),
             std::move(server_)),
        profile(std::move(profile_)) {}

  [[nodiscard]] gnutls_session_t session() const { return profile->session(); }
  [[nodiscard]] std::string version() const {
    return gnutls_protocol_get_name(gnutls_protocol_get_version(session()));
  }
  [[nodiscard]] std::string suite() const {
    const char* name = gnutls_ciphersuite_get(session());
    return name == nullptr ? "" : name;
  }
  /// The certificates the server has sent.
  [[nodiscard]] std::vector<Bytes> server_chain() const {
    unsigned count = 0;
    const gnutls_datum_t* chain = gnutls_certificate_get_peers(session(), &count);
    std::vector<Bytes> all;
    for (unsigned i = 0; chain != nullptr && i < count; ++i)
      all.emplace_back(chain[i].data, chain[i].data + chain[i].size);
    return all;
  }
  [[nodiscard]] std::string server_key_kind() const {
    const auto chain = server_chain();
    if (chain.empty()) return "none";
    gnutls_x509_crt_t crt = nullptr;
    gnutls_x509_crt_init(&crt);
    const OwnedCertificate owned{crt};
    const gnutls_datum_t der = as_datum(chain[0]);
    BOOST_REQUIRE(gnutls_x509_crt_import(crt, &der, GNUTLS_X509_FMT_DER) == 0);
    return gnutls_pk_get_name(
        static_cast<gnutls_pk_algorithm_t>(gnutls_x509_crt_get_pk_algorithm(crt, nullptr)));
  }
  [[nodiscard]] std::string alpn() const {
    gnutls_datum_t name{};
    if (gnutls_alpn_get_selected_protocol(session(), &name) != 0) return "";
    return std::string(as_text({name.data, name.size}));
  }

  std::shared_ptr<ClientProfile> profile;
};

inline const std::string tls12 = "NORMAL:-VERS-ALL:+VERS-TLS1.2";
inline const std::string tls13 = "NORMAL:-VERS-ALL:+VERS-TLS1.3";

/// A listener with an ECDSA and an RSA certificate of one authority.
struct ListenerFixture {
  FixedTime time;
  TestFolder folder;
  TestCertificate root{
      {.name = "Root", .is_ca = true, .from = 1'000'000'000, .until = 4'000'000'000}};
  TestCertificate ecdsa{{.name = "broker", .dns_name = "localhost"}, &root};
  TestCertificate rsa{{.name = "broker", .key = KeyKind::rsa, .dns_name = "localhost"}, &root};
  TlsServerSettings settings;

  ListenerFixture() { settings.certificates = {pair("ecdsa", ecdsa), pair("rsa", rsa)}; }

  TlsServerSettings::Certificate pair(const std::string& name,
                                      const TestCertificate& certificate) const {
    return {folder.write(name + ".pem", certificate.pem()),
            folder.write(name + ".key", certificate.key().pem())};
  }
  /// Client certificates by `root` are demanded.
  void require_client_certificates() {
    settings.client_ca = folder.write("ca.pem", root.pem());
    settings.require_client_cert = true;
  }
  [[nodiscard]] std::unique_ptr<GnutlsServerChannels> open() const {
    auto channels = GnutlsServerChannels::open(settings);
    BOOST_REQUIRE_MESSAGE(channels.ok(), (channels.ok() ? "" : channels.error().what));
    return std::move(channels).value();
  }
  /// Why it cannot be opened.
  [[nodiscard]] std::string refusal() const {
    const auto channels = GnutlsServerChannels::open(settings);
    return channels.ok() ? "" : channels.error().what;
  }
  [[nodiscard]] ClientWire dial(GnutlsServerChannels& listener, ClientWishes wishes = {},
                                ByteView ticket = {}) const {
    ClientWire wire(std::make_shared<ClientProfile>(root, std::move(wishes)),
                    listener.make_server(), ticket);
    wire.greet();
    return wire;
  }
  /// With the settings as they are now.
  [[nodiscard]] ClientWire dial(ClientWishes wishes = {}) const {
    const auto listener = open();
    return dial(*listener, std::move(wishes));
  }
};

}  // namespace starling::test
