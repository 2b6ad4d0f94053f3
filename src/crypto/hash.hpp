// SHA-256 and what is built on it: HMAC, HKDF, comparing secrets. Pure functions over GnuTLS;
// nothing is kept between calls, nothing is logged.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "starling/bytes.hpp"

namespace starling::crypto {

using Digest = std::array<std::uint8_t, 32>;
/// A symmetric key: for HMAC-SHA256 and for ChaCha20-Poly1305 (see aead.hpp), never the same one
/// for both.
using Key = std::array<std::uint8_t, 32>;

/// [FIPS 180-4]
Digest sha256(ByteView message);

/// [RFC 2104]. `key` may have any length; keys of 32 bytes are meant.
Digest hmac_sha256(ByteView key, ByteView message);

/// Extract and expand in one step [RFC 5869 §2]. `salt` and `info` may be empty.
/// `size`: 1 to 8160 (255 blocks); more is a bug and aborts.
Bytes hkdf_sha256(ByteView secret, ByteView salt, ByteView info, std::size_t size);

/// Takes as long for equal as for different bytes. Different lengths are unequal (that much is
/// seen).
bool equal_in_constant_time(ByteView a, ByteView b);

/// Overwrites a secret in a way that no optimiser removes.
void wipe(void* bytes, std::size_t size);

}  // namespace starling::crypto
