// Base64 by GnuTLS, whose decoder skips white space and forgives stray bits: what it read is
// written again, and must come out the same.
#include "src/crypto/base64.hpp"

#include "starling/check.hpp"

#include "src/crypto/gnutls_handle.hpp"

namespace starling::crypto {

std::string to_base64(ByteView bytes, Base64Padding padding) {
  if (bytes.empty()) return {};
  const gnutls_datum_t data = as_datum(bytes);
  OwnedDatum encoded;
  STARLING_CHECK(gnutls_base64_encode2(&data, encoded.out()) == 0);
  std::string text(as_text(encoded.view()));
  if (padding == Base64Padding::absent)
    while (!text.empty() && text.back() == '=') text.pop_back();
  return text;
}

std::optional<Bytes> from_base64(std::string_view text, Base64Padding padding) {
  if (text.empty()) return Bytes{};
  std::string padded(text);
  if (padding == Base64Padding::absent) padded.append((4 - padded.size() % 4) % 4, '=');
  const gnutls_datum_t data = as_datum(as_bytes(padded));
  OwnedDatum decoded;
  if (gnutls_base64_decode2(&data, decoded.out()) != 0) return std::nullopt;
  Bytes bytes(decoded.view().begin(), decoded.view().end());
  if (to_base64(bytes, padding) != text) return std::nullopt;
  return bytes;
}

}  // namespace starling::crypto
