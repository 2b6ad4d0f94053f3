// Sealing bytes: ChaCha20-Poly1305 with 12-byte nonces [RFC 8439 §2.8].
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "starling/bytes.hpp"
#include "starling/result.hpp"

#include "src/crypto/hash.hpp"

namespace starling::crypto {

/// Under one key a nonce seals one message; used twice, both messages can be read and forged.
using Nonce = std::array<std::uint8_t, 12>;
inline constexpr std::size_t seal_overhead = 16;  // bytes that a sealed message is longer: the tag

/// Ciphertext followed by its tag. `associated`: not hidden, but nothing opens if it is changed.
Bytes seal(const Key& key, const Nonce& nonce, ByteView associated, ByteView plain);

/// Errors: bad_identity, when key, nonce, associated data or a single bit differ from those of
/// `seal`.
Result<Bytes> open_sealed(const Key& key, const Nonce& nonce, ByteView associated, ByteView sealed);

}  // namespace starling::crypto
