#include "src/crypto/hash.hpp"

#include <gnutls/crypto.h>

#include "starling/check.hpp"

#include "src/crypto/gnutls_handle.hpp"

namespace starling::crypto {

Digest sha256(ByteView message) {
  const gnutls_datum_t text = as_datum(message);
  Digest digest;
  STARLING_CHECK(gnutls_hash_fast(GNUTLS_DIG_SHA256, text.data, message.size(), digest.data())
                 == 0);
  return digest;
}

Digest hmac_sha256(ByteView key, ByteView message) {
  const gnutls_datum_t secret = as_datum(key);
  const gnutls_datum_t text = as_datum(message);
  Digest digest;
  STARLING_CHECK(gnutls_hmac_fast(GNUTLS_MAC_SHA256, secret.data, key.size(), text.data,
                                  message.size(), digest.data())
                 == 0);
  return digest;
}

Bytes hkdf_sha256(ByteView secret, ByteView salt, ByteView info, std::size_t size) {
  STARLING_CHECK(size >= 1 && size <= 255 * sizeof(Digest));
  const gnutls_datum_t input = as_datum(secret);
  const gnutls_datum_t salted = as_datum(salt);
  const gnutls_datum_t label = as_datum(info);
  Digest extracted;
  STARLING_CHECK(gnutls_hkdf_extract(GNUTLS_MAC_SHA256, &input, &salted, extracted.data()) == 0);
  const gnutls_datum_t pseudorandom = as_datum(extracted);
  Bytes out(size);
  STARLING_CHECK(gnutls_hkdf_expand(GNUTLS_MAC_SHA256, &pseudorandom, &label, out.data(), size)
                 == 0);
  wipe(extracted.data(), extracted.size());
  return out;
}

bool equal_in_constant_time(ByteView a, ByteView b) {
  if (a.size() != b.size()) return false;
  return a.empty() || gnutls_memcmp(a.data(), b.data(), a.size()) == 0;
}

void wipe(void* bytes, std::size_t size) {
  gnutls_memset(bytes, 0, size);
}

}  // namespace starling::crypto
