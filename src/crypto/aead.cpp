#include "src/crypto/aead.hpp"

#include <gnutls/crypto.h>

#include "starling/check.hpp"

#include "src/crypto/gnutls_handle.hpp"

namespace starling::crypto {
namespace {

using Cipher = Owned<gnutls_aead_cipher_hd_t, gnutls_aead_cipher_deinit>;

Cipher make_cipher(const Key& key) {
  const gnutls_datum_t datum = as_datum(key);
  gnutls_aead_cipher_hd_t handle = nullptr;
  STARLING_CHECK(gnutls_aead_cipher_init(&handle, GNUTLS_CIPHER_CHACHA20_POLY1305, &datum) == 0);
  return Cipher(handle);
}

}  // namespace

Bytes seal(const Key& key, const Nonce& nonce, ByteView associated, ByteView plain) {
  const gnutls_datum_t text = as_datum(plain);
  const gnutls_datum_t extra = as_datum(associated);
  Bytes sealed(plain.size() + seal_overhead);
  std::size_t size = sealed.size();
  STARLING_CHECK(gnutls_aead_cipher_encrypt(make_cipher(key).get(), nonce.data(), nonce.size(),
                                            extra.data, associated.size(), seal_overhead, text.data,
                                            plain.size(), sealed.data(), &size)
                 == 0);
  STARLING_CHECK(size == sealed.size());
  return sealed;
}

Result<Bytes> open_sealed(const Key& key, const Nonce& nonce, ByteView associated,
                          ByteView sealed) {
  if (sealed.size() < seal_overhead) {
    return Error{Errc::bad_identity, "sealed bytes are shorter than their tag"};
  }
  const gnutls_datum_t extra = as_datum(associated);
  Bytes plain(sealed.size());  // GnuTLS wants a place to write to even when nothing is in it
  std::size_t size = plain.size();
  if (gnutls_aead_cipher_decrypt(make_cipher(key).get(), nonce.data(), nonce.size(), extra.data,
                                 associated.size(), seal_overhead, sealed.data(), sealed.size(),
                                 plain.data(), &size)
      != 0) {
    return Error{Errc::bad_identity, "sealed bytes do not open with this key"};
  }
  plain.resize(size);
  return plain;
}

}  // namespace starling::crypto
