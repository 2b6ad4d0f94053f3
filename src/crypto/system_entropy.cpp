#include "src/crypto/system_entropy.hpp"

#include <gnutls/crypto.h>

#include "starling/check.hpp"

namespace starling::crypto {

void SystemEntropy::fill(std::span<std::uint8_t> out) {
  if (out.empty()) return;
  STARLING_CHECK(gnutls_rnd(GNUTLS_RND_RANDOM, out.data(), out.size()) == 0);
}

}  // namespace starling::crypto
