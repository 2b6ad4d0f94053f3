// OpenSSL's way to name cipher suites, as mosquitto.conf has it, in terms of GnuTLS' priorities.
#pragma once

#include <string>
#include <vector>

namespace starling {

/// At least one of them.
struct TlsVersions {
  bool v1_2 = true;
  bool v1_3 = true;
};

/// Priority strings. GnuTLS has one list of ciphers for all versions, OpenSSL two: a session begins
/// with `any`, and goes on with that of the version that has been agreed on.
struct CipherChoice {
  std::string any;
  std::string tls12;                  ///< empty: `any` does
  std::string tls13;                  ///< empty: `any` does
  std::vector<std::string> warnings;  ///< sentences: what could not be followed
};

/// What kinds of handshake there are credentials for.
struct KeyExchanges {
  bool certificate = true;
  bool psk = false;
};

/// `ciphers`: an OpenSSL cipher list ("ECDHE-ECDSA-AES128-GCM-SHA256:HIGH:!aNULL", with OpenSSL's
/// operators and keywords), or a GnuTLS priority string, which then holds for both versions; empty:
/// the default. `ciphers_tls13`: names like "TLS_AES_128_GCM_SHA256"; empty: the default.
/// What names nothing that GnuTLS has gives the default and a warning, never an error.
CipherChoice choose_ciphers(const std::string& ciphers, const std::string& ciphers_tls13,
                            const TlsVersions& versions, const KeyExchanges& exchanges);

}  // namespace starling
