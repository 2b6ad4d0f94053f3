#include "src/tls/server_credentials.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "starling/check.hpp"
#include "starling/limits.hpp"

#include "src/tls/server_files.hpp"

namespace starling {
namespace {

constexpr std::size_t crls_max = 1'024;  // lists in one file; more are refused

OwnedCertificate parse_certificate(std::string_view pem) {
  gnutls_x509_crt_t raw = nullptr;
  STARLING_CHECK(gnutls_x509_crt_init(&raw) == 0);
  OwnedCertificate certificate{raw};
  const gnutls_datum_t datum = as_datum(as_bytes(pem));
  if (gnutls_x509_crt_import(raw, &datum, GNUTLS_X509_FMT_PEM) < 0) certificate.reset();
  return certificate;
}

/// Fills a ServerCredentials step by step; the first error ends it.
class Loader {
 public:
  explicit Loader(const TlsServerSettings& settings) : settings_(settings) {
    gnutls_certificate_credentials_t certificates = nullptr;
    STARLING_CHECK(gnutls_certificate_allocate_credentials(&certificates) == 0);
    made_.certificates.reset(certificates);
    gnutls_certificate_set_verify_limits(certificates, limits::tls_key_bits_max,
                                         limits::tls_chain_max);
    // For clients of TLS 1.2 that name no group [RFC 7919].
    gnutls_certificate_set_known_dh_params(certificates, GNUTLS_SEC_PARAM_MEDIUM);
  }

  Result<ServerCredentials> load() {
    // Issuers first: they complete the chains of certificates, and revocation lists are theirs.
    for (auto step : {&Loader::load_issuers, &Loader::load_revocations, &Loader::load_certificates,
                      &Loader::load_psk}) {
      if (auto done = (this->*step)(); !done.ok()) return done.error();
    }
    finish_trust();
    return std::move(made_);
  }

 private:
  // --- Whom we trust ---
  Result<void> load_issuers() {
    if (!settings_.client_ca.empty()) {
      auto file = read_pem_file(settings_.client_ca, "CA file");
      if (!file.ok()) return file.error();
      if (auto added = add_issuers(settings_.client_ca, file->view(), true); !added.ok())
        return added;
    }
    if (!settings_.client_ca_dir.empty()) {
      const auto paths = list_pem_directory(settings_.client_ca_dir);
      if (!paths.ok()) return paths.error();
      for (const std::string& path : *paths) {
        auto file = read_pem_file(path, "CA file");
        if (!file.ok()) return file.error();
        if (auto added = add_issuers(path, file->view(), false); !added.ok()) return added;
      }
    }
    if (settings_.require_client_cert && issuers_.empty()) {
      made_.warnings.push_back(
          "client certificates are required, but no CA is known that could have issued one: "
          "nobody can connect");
    }
    return {};
  }

  Result<void> add_issuers(const std::string& path, ByteView pem, bool must_hold_some) {
    const auto blocks = certificate_blocks(pem);
    if (blocks.empty() && must_hold_some)
      return Error{Errc::malformed, "the CA file " + path + " holds no certificate"};
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      const gnutls_datum_t datum = as_datum(as_bytes(blocks[i]));
      auto certificate = parse_certificate(blocks[i]);
      if (certificate == nullptr
          || gnutls_certificate_set_x509_trust_mem(made_.certificates.get(), &datum,
                                                   GNUTLS_X509_FMT_PEM)
                 < 0) {
        return Error{Errc::malformed, "certificate " + std::to_string(i + 1) + " of the CA file "
                                          + path + " is damaged"};
      }
      issuers_.emplace_back(blocks[i], std::move(certificate));
      remember("issuer", as_bytes(blocks[i]));
    }
    return {};
  }

  Result<void> load_revocations() {
    if (settings_.crl.empty()) return {};
    auto file = read_pem_file(settings_.crl, "revocation list");
    if (!file.ok()) return file.error();
    const gnutls_datum_t datum = as_datum(file->view());
    gnutls_x509_crl_t* lists = nullptr;
    unsigned count = 0;
    const int status = gnutls_x509_crl_list_import2(&lists, &count, &datum, GNUTLS_X509_FMT_PEM, 0);
    if (status < 0 || count == 0 || count > crls_max) {
      for (unsigned i = 0; status >= 0 && i < count; ++i) gnutls_x509_crl_deinit(lists[i]);
      if (status >= 0) gnutls_free(lists);
      return Error{Errc::malformed,
                   "the revocation list " + settings_.crl + " cannot be read: "
                       + (status < 0 ? gnutls_strerror(status) : "it holds none, or too many")};
    }
    std::vector<OwnedRevocations> owned;
    for (unsigned i = 0; i < count; ++i) owned.emplace_back(lists[i]);
    gnutls_free(lists);
    for (const auto& list : owned) {
      OwnedDatum issuer;
      if (gnutls_x509_crl_get_raw_issuer_dn(list.get(), issuer.out()) < 0) continue;
      // Without a next update it is good for ever.
      const time_t next = gnutls_x509_crl_get_next_update(list.get());
      made_.revocations.push_back({Bytes(issuer.view().begin(), issuer.view().end()),
                                   next == static_cast<time_t>(-1) ? INT64_MAX : next});
    }
    if (gnutls_certificate_set_x509_crl_mem(made_.certificates.get(), &datum, GNUTLS_X509_FMT_PEM)
        < 0) {
      return Error{Errc::malformed, "the revocation list " + settings_.crl
                                        + " is by nobody in the CA file, or its signature does not "
                                          "hold"};
    }
    remember("crl", file->view());
    return {};
  }

  // --- What we show ---
  Result<void> load_certificates() {
    for (const auto& pair : settings_.certificates) {
      if (auto added = add_certificate(pair); !added.ok()) return added;
    }
    if (settings_.certificates.empty() && !settings_.psk_keys)
      return Error{Errc::malformed, "TLS needs a certificate or pre-shared keys"};
    return {};
  }

  Result<void> add_certificate(const TlsServerSettings::Certificate& pair) {
    auto cert = read_pem_file(pair.cert, "certificate");
    if (!cert.ok()) return cert.error();
    auto key = read_pem_file(pair.key, "private key");
    if (!key.ok()) return key.error();
    const auto blocks = certificate_blocks(cert->view());
    if (blocks.empty())
      return Error{Errc::malformed, "the certificate " + pair.cert + " holds no certificate"};
    const auto first = parse_certificate(blocks[0]);
    if (first == nullptr)
      return Error{Errc::malformed, "the certificate " + pair.cert + " is damaged"};

    std::string chain;
    for (const std::string_view block : blocks) (chain += block) += '\n';
    if (blocks.size() == 1) complete_chain(first.get(), chain);
    const gnutls_datum_t chain_datum = as_datum(as_bytes(chain));
    const gnutls_datum_t key_datum = as_datum(key->view());
    const int status = gnutls_certificate_set_x509_key_mem2(
        made_.certificates.get(), &chain_datum, &key_datum, GNUTLS_X509_FMT_PEM, nullptr, 0);
    if (status < 0) return describe_pair(status, pair, as_text(key->view()));
    const std::int64_t expiry = gnutls_x509_crt_get_expiration_time(first.get());
    made_.expiry = std::min(made_.expiry.value_or(expiry), expiry);
    return {};
  }

  /// A certificate alone in its file takes its issuers from the CA file, as with OpenSSL: that is
  /// how "cafile chain.pem, certfile cert.pem" works. Roots are left out: clients have them.
  void complete_chain(gnutls_x509_crt_t first, std::string& chain) const {
    gnutls_x509_crt_t last = first;
    for (std::size_t length = 1; length < limits::tls_chain_max; ++length) {
      const auto issuer = std::find_if(issuers_.begin(), issuers_.end(), [&](const auto& known) {
        gnutls_x509_crt_t candidate = known.second.get();
        return gnutls_x509_crt_check_issuer(last, candidate) != 0
               && gnutls_x509_crt_check_issuer(candidate, candidate) == 0;
      });
      if (issuer == issuers_.end()) return;
      (chain += issuer->first) += '\n';
      last = issuer->second.get();
    }
  }

  static Error describe_pair(int status, const TlsServerSettings::Certificate& pair,
                             std::string_view key) {
    if (status == GNUTLS_E_CERTIFICATE_KEY_MISMATCH) {
      return {Errc::malformed,
              "the private key " + pair.key + " is not that of the certificate " + pair.cert};
    }
    if (status == GNUTLS_E_DECRYPTION_FAILED || status == GNUTLS_E_PKCS11_PIN_ERROR
        || key.find("ENCRYPTED") != std::string_view::npos) {
      return {Errc::unsupported, "the private key " + pair.key
                                     + " is encrypted, and nobody is here to type its passphrase"};
    }
    if (key.find("PRIVATE KEY") == std::string_view::npos)
      return {Errc::malformed, "the private key " + pair.key + " holds no private key"};
    return {Errc::malformed, "the certificate " + pair.cert + " and the private key " + pair.key
                                 + " cannot be used: " + gnutls_strerror(status)};
  }

  // --- Pre-shared keys ---
  Result<void> load_psk() {
    if (!settings_.psk_keys) return {};
    gnutls_psk_server_credentials_t psk = nullptr;
    STARLING_CHECK(gnutls_psk_allocate_server_credentials(&psk) == 0);
    made_.psk.reset(psk);
    gnutls_psk_set_server_known_dh_params(psk, GNUTLS_SEC_PARAM_MEDIUM);
    if (!settings_.psk_hint.empty()
        && gnutls_psk_set_server_credentials_hint(psk, settings_.psk_hint.c_str()) < 0)
      return Error{Errc::malformed, "the PSK hint cannot be used"};
    for (const auto& [identity, key] : *settings_.psk_keys) {
      remember("psk", as_bytes(identity));
      remember("key", key);
    }
    return {};
  }

  // --- What would make tickets invalid ---
  /// Hashes into the trust, each part with its name and size before it.
  void remember(std::string_view name, ByteView part) {
    Bytes all(trust_.begin(), trust_.end());
    append(all, as_bytes(name));
    for (unsigned shift = 0; shift < 64; shift += 8)
      all.push_back(static_cast<std::uint8_t>(std::uint64_t{part.size()} >> shift));
    append(all, part);
    trust_ = crypto::sha256(all);
    crypto::wipe(all.data(), all.size());
  }
  void finish_trust() {
    remember(settings_.require_client_cert ? "required" : "not asked", {});
    made_.trust = trust_;
  }

  const TlsServerSettings& settings_;
  ServerCredentials made_;
  std::vector<std::pair<std::string, OwnedCertificate>> issuers_;  // PEM and parsed
  crypto::Digest trust_{};
};

}  // namespace

Result<ServerCredentials> load_server_credentials(const TlsServerSettings& settings) {
  return Loader(settings).load();
}

}  // namespace starling
