#include "src/tls/client_channels.hpp"

#include <arpa/inet.h>
#include <array>
#include <gnutls/crypto.h>
#include <stdexcept>
#include <sys/socket.h>

#include "starling/check.hpp"
#include "starling/limits.hpp"

#include "src/tls/gnutls_channel.hpp"
#include "src/tls/gnutls_owned.hpp"

namespace starling {
namespace {

constexpr const char* priorities = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

void require(int status, const std::string& what) {
  if (status < 0) throw std::runtime_error(what + ": " + gnutls_strerror(status));
}

bool is_address(const std::string& name) {
  std::array<std::uint8_t, sizeof(in6_addr)> address{};
  return ::inet_pton(AF_INET, name.c_str(), address.data()) == 1
         || ::inet_pton(AF_INET6, name.c_str(), address.data()) == 1;
}

class ClientProfile final : public TlsProfile {
 public:
  explicit ClientProfile(const TlsClientSettings& settings)
      : server_name_(settings.server_name), verify_(settings.verify) {
    gnutls_certificate_credentials_t credentials = nullptr;
    require(gnutls_certificate_allocate_credentials(&credentials), "TLS");
    credentials_.reset(credentials);
    read_trust(settings);
    if (!settings.certificate_file.empty())
      require(gnutls_certificate_set_x509_key_file(credentials, settings.certificate_file.c_str(),
                                                   settings.key_file.c_str(), GNUTLS_X509_FMT_PEM),
              "cannot use " + settings.certificate_file + " with " + settings.key_file);
    gnutls_priority_t parsed = nullptr;
    require(gnutls_priority_init(&parsed, priorities, nullptr), "TLS priorities");
    priorities_.reset(parsed);
    require(gnutls_rnd(GNUTLS_RND_KEY, seal_.data(), seal_.size()), "random bytes");
  }

  void prepare(gnutls_session_t session, TlsRole role) const override {
    STARLING_CHECK(role == TlsRole::client);
    STARLING_CHECK(gnutls_priority_set(session, priorities_.get()) == 0);
    STARLING_CHECK(gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials_.get())
                   == 0);
    // Only names may be asked for, not addresses [RFC 6066 §3].
    if (!server_name_.empty() && !is_address(server_name_))
      gnutls_server_name_set(session, GNUTLS_NAME_DNS, server_name_.data(), server_name_.size());
    gnutls_handshake_set_max_packet_length(session, limits::tls_handshake_message_max);
  }

  Result<TlsPeer, TlsRefusal> identify(gnutls_session_t session) const override {
    // A resumed session is one whose ticket we got from the server that was judged then.
    if (!verify_ || gnutls_session_is_resumed(session) != 0) return TlsPeer{};
    // A certificate for clients must not do for a server, and what is for another name is no better
    // than none. Addresses are compared with those in the certificate.
    std::string name = server_name_;
    std::string purpose = GNUTLS_KP_TLS_WWW_SERVER;
    std::array<gnutls_typed_vdata_st, 2> expected{
        gnutls_typed_vdata_st{GNUTLS_DT_KEY_PURPOSE_OID,
                              reinterpret_cast<unsigned char*>(purpose.data()), 0},
        gnutls_typed_vdata_st{GNUTLS_DT_DNS_HOSTNAME, reinterpret_cast<unsigned char*>(name.data()),
                              0}};
    unsigned doubts = 0;
    const int status =
        gnutls_certificate_verify_peers(session, expected.data(), expected.size(), &doubts);
    if (status < 0)
      return TlsRefusal{{Errc::bad_identity, std::string("the server's certificate cannot be "
                                                         "checked: ")
                                                 + gnutls_strerror(status)},
                        GNUTLS_A_BAD_CERTIFICATE};
    if (doubts == 0) return TlsPeer{};
    OwnedDatum text;
    gnutls_certificate_verification_status_print(doubts, GNUTLS_CRT_X509, text.out(), 0);
    std::string why(as_text(text.view()));
    while (!why.empty() && (why.back() == ' ' || why.back() == '\0')) why.pop_back();
    return TlsRefusal{{Errc::bad_identity, "the server's certificate is not trusted: " + why},
                      GNUTLS_A_BAD_CERTIFICATE};
  }

  [[nodiscard]] const crypto::Key& ticket_seal() const override { return seal_; }
  [[nodiscard]] bool speaks(int version) const override {
    return version == GNUTLS_TLS1_2 || version == GNUTLS_TLS1_3;
  }
  [[nodiscard]] const char* expectations() const override {
    return "this client speaks TLS 1.2 and 1.3";
  }

 private:
  void read_trust(const TlsClientSettings& settings) {
    if (!settings.verify) return;
    if (settings.ca_file.empty()) {
      require(gnutls_certificate_set_x509_system_trust(credentials_.get()),
              "cannot read the certificates that the system trusts");
      return;
    }
    const int count = gnutls_certificate_set_x509_trust_file(
        credentials_.get(), settings.ca_file.c_str(), GNUTLS_X509_FMT_PEM);
    require(count, "cannot read " + settings.ca_file);
    if (count == 0) throw std::runtime_error(settings.ca_file + " holds no certificate");
  }

  std::string server_name_;
  bool verify_;
  OwnedCredentials credentials_;
  OwnedPriorities priorities_;
  crypto::Key seal_{};  // of this process
};

}  // namespace

TlsClientChannels::TlsClientChannels(const TlsClientSettings& settings)
    : profile_(std::make_shared<ClientProfile>(settings)) {}

TlsClientChannels::~TlsClientChannels() = default;

std::unique_ptr<SecureChannel> TlsClientChannels::make_client(ByteView ticket) {
  return std::make_unique<GnutlsChannel>(profile_, TlsRole::client, ticket);
}

}  // namespace starling
