#include "src/crypto/password_kdf.hpp"

#include <argon2.h>
#include <gnutls/crypto.h>

#include "starling/check.hpp"

#include "src/crypto/gnutls_handle.hpp"

namespace starling::crypto {
namespace {

void pbkdf2(gnutls_mac_algorithm_t mac, ByteView password, ByteView salt, std::uint32_t iterations,
            std::span<std::uint8_t> out) {
  STARLING_CHECK(iterations >= 1);
  const gnutls_datum_t key = as_datum(password);
  const gnutls_datum_t salted = as_datum(salt);
  STARLING_CHECK(gnutls_pbkdf2(mac, &key, &salted, iterations, out.data(), out.size()) == 0);
}

/// libargon2 does not write to what it is given without the flags that wipe its inputs.
std::uint8_t* unchanged(ByteView bytes) {
  return const_cast<std::uint8_t*>(bytes.data());
}

}  // namespace

Digest512 sha512(ByteView first, ByteView second) {
  gnutls_hash_hd_t hash = nullptr;
  STARLING_CHECK(gnutls_hash_init(&hash, GNUTLS_DIG_SHA512) == 0);
  for (const ByteView part : {first, second})
    STARLING_CHECK(part.empty() || gnutls_hash(hash, part.data(), part.size()) == 0);
  Digest512 digest;
  gnutls_hash_deinit(hash, digest.data());
  return digest;
}

Digest512 pbkdf2_sha512(ByteView password, ByteView salt, std::uint32_t iterations) {
  Digest512 out;
  pbkdf2(GNUTLS_MAC_SHA512, password, salt, iterations, out);
  return out;
}

Digest pbkdf2_sha256(ByteView password, ByteView salt, std::uint32_t iterations) {
  Digest out;
  pbkdf2(GNUTLS_MAC_SHA256, password, salt, iterations, out);
  return out;
}

bool argon2id(ByteView password, ByteView salt, const Argon2Cost& cost,
              std::span<std::uint8_t> out) {
  argon2_context context{};
  context.out = out.data();
  context.outlen = static_cast<std::uint32_t>(out.size());
  context.pwd = unchanged(password);
  context.pwdlen = static_cast<std::uint32_t>(password.size());
  context.salt = unchanged(salt);
  context.saltlen = static_cast<std::uint32_t>(salt.size());
  context.t_cost = cost.passes;
  context.m_cost = cost.memory_kib;
  context.lanes = cost.lanes;
  context.threads = 1;  // the result depends on the lanes only
  context.version = ARGON2_VERSION_13;
  context.flags = ARGON2_DEFAULT_FLAGS;
  const int error = argon2_ctx(&context, Argon2_id);
  if (error == ARGON2_MEMORY_ALLOCATION_ERROR) return false;
  STARLING_CHECK(error == ARGON2_OK);
  return true;
}

}  // namespace starling::crypto
