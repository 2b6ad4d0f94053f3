#include "src/tls/credentials.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "src/tls/gnutls_owned.hpp"

namespace starling {
namespace {

void require(int status, const char* step) {
  if (status >= 0) return;
  throw std::runtime_error(std::string("cannot make the certificate of this node: ") + step + ": "
                           + gnutls_strerror(status));
}

OwnedPrivateKey import_key(const crypto::SigningKey& identity) {
  gnutls_x509_privkey_t raw = nullptr;
  require(gnutls_x509_privkey_init(&raw), "key");
  OwnedPrivateKey key{raw};
  Bytes der = identity.to_pkcs8();
  const gnutls_datum_t datum = as_datum(der);
  const int status = gnutls_x509_privkey_import_pkcs8(raw, &datum, GNUTLS_X509_FMT_DER, nullptr,
                                                      GNUTLS_PKCS_PLAIN);
  gnutls_memset(der.data(), 0, der.size());
  require(status, "key");
  return key;
}

}  // namespace

Bytes make_node_certificate(const crypto::SigningKey& identity) {
  const OwnedPrivateKey key = import_key(identity);
  gnutls_x509_crt_t crt = nullptr;
  require(gnutls_x509_crt_init(&crt), "certificate");
  const OwnedCertificate owned{crt};

  const NodeId id = identity.node_id();
  const std::string name = id.to_short_text();
  // Serial numbers are positive and at most 20 bytes long [RFC 5280 §4.1.2.2].
  std::array<std::uint8_t, 16> serial{};
  std::copy_n(id.bytes.begin(), serial.size(), serial.begin());
  serial[0] = static_cast<std::uint8_t>((serial[0] & 0x7FU) | 0x01U);

  require(gnutls_x509_crt_set_version(crt, 3), "version");
  require(gnutls_x509_crt_set_serial(crt, serial.data(), serial.size()), "serial number");
  require(gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, name.data(),
                                        static_cast<unsigned>(name.size())),
          "name");
  require(gnutls_x509_crt_set_activation_time(crt, 0), "dates");
  require(gnutls_x509_crt_set_expiration_time(
              crt, static_cast<time_t>(GNUTLS_X509_NO_WELL_DEFINED_EXPIRATION)),
          "dates");
  require(gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE), "key usage");
  require(gnutls_x509_crt_set_key(crt, key.get()), "key");
  require(gnutls_x509_crt_sign2(crt, crt, key.get(), GNUTLS_DIG_SHA512, 0), "signature");

  OwnedDatum der;
  require(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, der.out()), "encoding");
  return {der.view().begin(), der.view().end()};
}

}  // namespace starling
