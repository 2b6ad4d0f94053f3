// What the TLS room makes of cipher lists of OpenSSL: a list per line comes in, the suites of TLS 1.2 that it names go
// out, by OpenSSL's names, in order, separated by ':'. For comparing with "openssl ciphers".
#include <iostream>
#include <string>

#include "src/tls/cipher_suites.hpp"

int main(int argc, char**) {
  // With an argument: all suites there are.
  if (argc > 1) {
    for (const auto& suite : starling::all_cipher_suites()) std::cout << suite.openssl_name << '\n';
    return 0;
  }
  for (std::string line; std::getline(std::cin, line);) {
    std::string names;
    for (const auto* suite : starling::expand_openssl_ciphers(line).suites)
      (names += names.empty() ? "" : ":") += suite->openssl_name;
    std::cout << names << std::endl;
  }
}
