// What the tests of src/tls share: two channels joined by memory, and peers that are not as a link
// wants them.
#pragma once

#include <boost/test/unit_test.hpp>
#include <functional>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <memory>
#include <optional>
#include <string>

#include "src/crypto/ed25519.hpp"
#include "src/tls/gnutls_channel.hpp"
#include "src/tls/gnutls_owned.hpp"
#include "src/tls/link_channels.hpp"

namespace starling::test {

inline crypto::SigningKey key_number(std::uint8_t number) {
  crypto::Seed seed{};
  seed.fill(number);
  return crypto::SigningKey::from_seed(seed);
}

inline Bytes take_all(OutputBuffer& buffer) {
  Bytes all;
  std::array<ByteView, 64> views;
  while (!buffer.empty()) {
    std::size_t size = 0;
    const std::size_t count = buffer.gather(views);
    for (std::size_t i = 0; i < count; ++i) {
      append(all, views[i]);
      size += views[i].size();
    }
    buffer.consume(size);
  }
  return all;
}

/// One channel with what went wrong and what it decrypted.
struct End {
  explicit End(std::unique_ptr<SecureChannel> channel_) : channel(std::move(channel_)) {}

  void feed(ByteView wire) {
    const auto result = channel->on_wire_bytes(wire, plain, wire_out);
    if (!result.ok() && !error) error = result.error();
  }
  void send(std::string_view text) {
    OutputBuffer buffer;
    buffer.append(as_bytes(text));
    const auto result = channel->write_plain(buffer, wire_out);
    if (!result.ok() && !error) error = result.error();
  }
  [[nodiscard]] bool says(std::string_view part) const {
    return error && error->what.find(part) != std::string::npos;
  }

  std::unique_ptr<SecureChannel> channel;
  OutputBuffer wire_out;
  Bytes plain;
  std::optional<Error> error;
};

/// A client and a server. What one has written is carried to the other in steps of `chunk` bytes.
struct Wire {
  Wire(std::unique_ptr<SecureChannel> client_, std::unique_ptr<SecureChannel> server_)
      : client(std::move(client_)), server(std::move(server_)) {
    BOOST_REQUIRE(client.channel->start(client.wire_out).ok());
  }

  /// Until both have nothing more to say. Whoever has failed hears nothing any more.
  void carry(std::size_t chunk = SIZE_MAX) {
    while (!client.wire_out.empty() || !server.wire_out.empty()) {
      carry_from(client, server, chunk);
      carry_from(server, client, chunk);
    }
  }
  /// As carry(), and the server has a word for whom it let in: tickets leave with it.
  void greet() {
    carry();
    if (!is_open() || client.error || server.error) return;
    server.send("welcome");
    carry();
    client.plain.clear();
  }
  [[nodiscard]] bool is_open() const {
    return client.channel->established() && server.channel->established();
  }

  End client;
  End server;
  std::size_t carried = 0;  // bytes, both ways

 private:
  void carry_from(End& from, End& to, std::size_t chunk) {
    const Bytes wire = take_all(from.wire_out);
    carried += wire.size();
    for (std::size_t at = 0; at < wire.size() && !to.error;
         at += std::min(chunk, wire.size() - at)) {
      to.feed(ByteView(wire).subspan(at, std::min(chunk, wire.size() - at)));
    }
  }
};

inline std::string text_of(const Bytes& bytes) {
  return std::string(as_text(bytes));
}

/// A peer as the test wants it. It accepts everybody.
class OddProfile final : public TlsProfile {
 public:
  struct Wishes {
    const char* priorities = "NORMAL:-VERS-ALL:+VERS-TLS1.3";
    std::string alpn = "starling/1";  ///< empty: none
    std::optional<gnutls_pk_algorithm_t> key =
        GNUTLS_PK_EDDSA_ED25519;  ///< nullopt: no certificate
    unsigned key_bits = 0;
    time_t valid_until = 4'000'000'000;
    std::size_t chain_length = 1;
    crypto::Key ticket_seal{};
    /// Shows the certificate of this node, whose key it does not hold.
    std::optional<Bytes> stolen_certificate;
  };

  explicit OddProfile(Wishes wishes) : wishes_(std::move(wishes)) {
    gnutls_certificate_credentials_t credentials = nullptr;
    gnutls_certificate_allocate_credentials(&credentials);
    credentials_.reset(credentials);
    gnutls_priority_t priorities = nullptr;
    BOOST_REQUIRE(gnutls_priority_init(&priorities, wishes_.priorities, nullptr) == 0);
    priorities_.reset(priorities);
    if (wishes_.key) make_certificate();
  }

  void prepare(gnutls_session_t session, TlsRole role) const override {
    gnutls_priority_set(session, priorities_.get());
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials_.get());
    if (!wishes_.alpn.empty()) {
      const gnutls_datum_t protocol = as_datum(as_bytes(wishes_.alpn));
      gnutls_alpn_set_protocols(session, &protocol, 1, 0);
    }
    if (role == TlsRole::server) {
      gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST);
    }
  }
  Result<TlsPeer, TlsRefusal> identify(gnutls_session_t) const override { return TlsPeer{}; }
  [[nodiscard]] const crypto::Key& ticket_seal() const override { return wishes_.ticket_seal; }
  [[nodiscard]] bool speaks(int) const override { return true; }
  [[nodiscard]] const char* expectations() const override { return "this test is easily pleased"; }

 private:
  void make_certificate() {
    gnutls_x509_privkey_t key = nullptr;
    gnutls_x509_privkey_init(&key);
    const OwnedPrivateKey owned_key{key};
    BOOST_REQUIRE(gnutls_x509_privkey_generate(key, *wishes_.key, wishes_.key_bits, 0) == 0);
    gnutls_x509_crt_t crt = nullptr;
    gnutls_x509_crt_init(&crt);
    const OwnedCertificate owned_crt{crt};
    if (wishes_.stolen_certificate) {
      const gnutls_datum_t der = as_datum(*wishes_.stolen_certificate);
      BOOST_REQUIRE(gnutls_x509_crt_import(crt, &der, GNUTLS_X509_FMT_DER) == 0);
      gnutls_certificate_set_flags(credentials_.get(), GNUTLS_CERTIFICATE_SKIP_KEY_CERT_MATCH);
    } else {
      const unsigned char serial = 1;
      gnutls_x509_crt_set_version(crt, 3);
      gnutls_x509_crt_set_serial(crt, &serial, 1);
      gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, "odd", 3);
      gnutls_x509_crt_set_activation_time(crt, 1);
      gnutls_x509_crt_set_expiration_time(crt, wishes_.valid_until);
      gnutls_x509_crt_set_key(crt, key);
      BOOST_REQUIRE(gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA512, 0) == 0);
    }
    std::vector<gnutls_x509_crt_t> chain(wishes_.chain_length, crt);
    BOOST_REQUIRE(gnutls_certificate_set_x509_key(credentials_.get(), chain.data(),
                                                  static_cast<int>(chain.size()), key)
                  >= 0);
  }

  Wishes wishes_;
  OwnedCredentials credentials_;
  OwnedPriorities priorities_;
};

inline std::unique_ptr<SecureChannel> odd_peer(TlsRole role, OddProfile::Wishes wishes,
                                               ByteView ticket = {}) {
  return std::make_unique<GnutlsChannel>(std::make_shared<OddProfile>(std::move(wishes)), role,
                                         ticket);
}

/// Two nodes.
struct NodesFixture {
  crypto::SigningKey alice = key_number(1);
  crypto::SigningKey bob = key_number(2);
  GnutlsLinkChannels alices{alice};
  GnutlsLinkChannels bobs{bob};

  /// Alice dials Bob.
  Wire dial(ByteView ticket = {}) { return {alices.make_client(ticket), bobs.make_server()}; }
};

}  // namespace starling::test
