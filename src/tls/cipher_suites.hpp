// The TLS 1.2 suites that GnuTLS and OpenSSL share, and OpenSSL's language to pick among them.
// Inside this room only.
#pragma once

#include <gnutls/gnutls.h>
#include <string>
#include <string_view>
#include <vector>

namespace starling {

struct CipherSuite {
  std::string openssl_name;  ///< "ECDHE-RSA-AES128-GCM-SHA256"
  std::string gnutls_name;   ///< "TLS_ECDHE_RSA_AES_128_GCM_SHA256"
  gnutls_kx_algorithm_t kx;
  gnutls_cipher_algorithm_t cipher;
  gnutls_mac_algorithm_t mac;

  [[nodiscard]] bool uses_psk() const;
};

/// Without those that encrypt nothing, prove nothing, or that OpenSSL 3 does not have either (RC4,
/// 3DES, SRP). Made once, in OpenSSL's order of strength.
const std::vector<CipherSuite>& all_cipher_suites();

struct ExpandedCiphers {
  std::vector<const CipherSuite*> suites;  ///< in order of preference
  std::vector<std::string> unknown;        ///< words that name nothing here
};

/// What a cipher list of OpenSSL means: names of suites (OpenSSL's or IANA's) and keywords,
/// separated by ':', ',', ';' or space; joined by '+' they are all demanded; before them '!'
/// removes for good, '-' removes, '+' puts last; "@STRENGTH" sorts. "@SECLEVEL=..." has no meaning
/// here and is returned as unknown. See "openssl ciphers" (openssl-ciphers(1)).
ExpandedCiphers expand_openssl_ciphers(std::string_view list);

}  // namespace starling
