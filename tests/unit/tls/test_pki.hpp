// A certificate authority for tests: keys, certificates and revocation lists with fixed dates, as
// files in a folder of their own. And the time GnuTLS believes it is.
#pragma once

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "src/tls/gnutls_owned.hpp"

namespace starling::test {

/// GnuTLS asks this clock as long as it lives.
class FixedTime {
 public:
  static constexpr std::time_t summer_2025 = 1'750'000'000;
  FixedTime() {
    now = summer_2025;
    gnutls_global_set_time_function(tell);
  }
  ~FixedTime() { gnutls_global_set_time_function(std::time); }
  FixedTime(const FixedTime&) = delete;
  FixedTime& operator=(const FixedTime&) = delete;

  static inline std::time_t now = summer_2025;

 private:
  static std::time_t tell(std::time_t* to) {
    if (to != nullptr) *to = now;
    return now;
  }
};

enum class KeyKind { ecdsa, rsa };

/// A key; RSA keys are made once per process and name, since that takes long.
class TestKey {
 public:
  explicit TestKey(KeyKind kind = KeyKind::ecdsa) {
    gnutls_x509_privkey_t raw = nullptr;
    gnutls_x509_privkey_init(&raw);
    key_.reset(raw);
    if (kind == KeyKind::rsa) {
      static const OwnedPrivateKey rsa = make_rsa();
      BOOST_REQUIRE(gnutls_x509_privkey_cpy(raw, rsa.get()) == 0);
      return;
    }
    BOOST_REQUIRE(gnutls_x509_privkey_generate(raw, GNUTLS_PK_ECDSA,
                                               GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0)
                  == 0);
  }
  [[nodiscard]] gnutls_x509_privkey_t get() const { return key_.get(); }
  [[nodiscard]] std::string pem() const {
    OwnedDatum out;
    BOOST_REQUIRE(gnutls_x509_privkey_export2_pkcs8(key_.get(), GNUTLS_X509_FMT_PEM, nullptr,
                                                    GNUTLS_PKCS_PLAIN, out.out())
                  == 0);
    return std::string(as_text(out.view()));
  }
  [[nodiscard]] std::string encrypted_pem() const {
    OwnedDatum out;
    BOOST_REQUIRE(gnutls_x509_privkey_export2_pkcs8(key_.get(), GNUTLS_X509_FMT_PEM, "secret",
                                                    GNUTLS_PKCS_PBES2_AES_128, out.out())
                  == 0);
    return std::string(as_text(out.view()));
  }

 private:
  static OwnedPrivateKey make_rsa() {
    gnutls_x509_privkey_t raw = nullptr;
    gnutls_x509_privkey_init(&raw);
    BOOST_REQUIRE(gnutls_x509_privkey_generate(raw, GNUTLS_PK_RSA, 2048, 0) == 0);
    return OwnedPrivateKey{raw};
  }
  OwnedPrivateKey key_;
};

/// What a certificate says.
struct Wanted {
  std::string name = "lamp";  ///< CN
  std::string subject = {};   ///< instead of the name: a whole DN, most significant first
  KeyKind key = KeyKind::ecdsa;
  bool is_ca = false;
  std::time_t from = FixedTime::summer_2025 - 86'400;
  std::time_t until = FixedTime::summer_2025 + 86'400;
  std::string purpose = {};   ///< OID of an extended key usage; empty: none is named
  std::string dns_name = {};  ///< SAN
};

/// A certificate with its key; issued by `issuer`, or by itself.
class TestCertificate {
 public:
  explicit TestCertificate(const Wanted& wanted, const TestCertificate* issuer = nullptr)
      : key_(wanted.key) {
    static std::uint32_t serials = 100;
    const std::uint32_t number = ++serials;
    const std::array<std::uint8_t, 4> serial = {1, static_cast<std::uint8_t>(number >> 16U),
                                                static_cast<std::uint8_t>(number >> 8U),
                                                static_cast<std::uint8_t>(number)};
    gnutls_x509_crt_t crt = nullptr;
    gnutls_x509_crt_init(&crt);
    certificate_.reset(crt);
    gnutls_x509_crt_set_version(crt, 3);
    gnutls_x509_crt_set_serial(crt, serial.data(), serial.size());
    if (wanted.subject.empty()) {
      gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, wanted.name.data(),
                                    static_cast<unsigned>(wanted.name.size()));
    } else {
      const char* where = nullptr;
      BOOST_REQUIRE(gnutls_x509_crt_set_dn(crt, wanted.subject.c_str(), &where) == 0);
    }
    gnutls_x509_crt_set_activation_time(crt, wanted.from);
    gnutls_x509_crt_set_expiration_time(crt, wanted.until);
    gnutls_x509_crt_set_basic_constraints(crt, wanted.is_ca ? 1 : 0, -1);
    gnutls_x509_crt_set_key_usage(
        crt, wanted.is_ca ? GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN
                          : GNUTLS_KEY_DIGITAL_SIGNATURE
                                | (wanted.key == KeyKind::rsa ? GNUTLS_KEY_KEY_ENCIPHERMENT : 0U));
    if (!wanted.purpose.empty())
      gnutls_x509_crt_set_key_purpose_oid(crt, wanted.purpose.c_str(), 0);
    if (!wanted.dns_name.empty()) {
      gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, wanted.dns_name.data(),
                                           static_cast<unsigned>(wanted.dns_name.size()), 0);
    }
    gnutls_x509_crt_set_key(crt, key_.get());
    const TestCertificate& by = issuer == nullptr ? *this : *issuer;
    BOOST_REQUIRE(gnutls_x509_crt_sign2(crt, by.get(), by.key_.get(), GNUTLS_DIG_SHA256, 0) == 0);
  }

  [[nodiscard]] gnutls_x509_crt_t get() const { return certificate_.get(); }
  [[nodiscard]] const TestKey& key() const { return key_; }
  [[nodiscard]] std::string pem() const {
    OwnedDatum out;
    BOOST_REQUIRE(gnutls_x509_crt_export2(certificate_.get(), GNUTLS_X509_FMT_PEM, out.out()) == 0);
    return std::string(as_text(out.view()));
  }

  /// A list by this authority that revokes `revoked`.
  [[nodiscard]] std::string revocations(const std::vector<const TestCertificate*>& revoked,
                                        std::time_t next_update = 4'000'000'000) const {
    gnutls_x509_crl_t crl = nullptr;
    gnutls_x509_crl_init(&crl);
    const OwnedRevocations owned{crl};
    gnutls_x509_crl_set_version(crl, 2);
    gnutls_x509_crl_set_this_update(crl, 1'000'000'000);
    gnutls_x509_crl_set_next_update(crl, next_update);
    for (const TestCertificate* one : revoked)
      BOOST_REQUIRE(gnutls_x509_crl_set_crt(crl, one->get(), 1'000'000'000) == 0);
    BOOST_REQUIRE(gnutls_x509_crl_sign2(crl, get(), key_.get(), GNUTLS_DIG_SHA256, 0) == 0);
    OwnedDatum out;
    BOOST_REQUIRE(gnutls_x509_crl_export2(crl, GNUTLS_X509_FMT_PEM, out.out()) == 0);
    return std::string(as_text(out.view()));
  }

 private:
  TestKey key_;
  OwnedCertificate certificate_;
};

/// A folder that goes with the test.
class TestFolder {
 public:
  TestFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "starling-tls-XXXXXX").string();
    BOOST_REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  [[nodiscard]] std::string path(const std::string& name) const { return path_ / name; }
  /// Returns the path.
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream file(path(name), std::ios::binary);
    file << text;
    BOOST_REQUIRE(file.good());
    return path(name);
  }

 private:
  std::filesystem::path path_;
};

}  // namespace starling::test
