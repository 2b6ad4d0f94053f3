// Functions that turn passwords into keys: SHA-512 (old and quick), PBKDF2, Argon2id. Pure
// functions over GnuTLS and libargon2. The slow ones are for worker threads.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "starling/bytes.hpp"

#include "src/crypto/hash.hpp"

namespace starling::crypto {

using Digest512 = std::array<std::uint8_t, 64>;

/// [FIPS 180-4] of `first` followed by `second`.
Digest512 sha512(ByteView first, ByteView second);

/// [RFC 8018 §5.2], one block long. `iterations` >= 1. About 1 us (SHA-256: 0.6 us) an iteration.
Digest512 pbkdf2_sha512(ByteView password, ByteView salt, std::uint32_t iterations);
Digest pbkdf2_sha256(ByteView password, ByteView salt, std::uint32_t iterations);

/// What an Argon2id hash costs [RFC 9106 §3.1].
struct Argon2Cost {
  std::uint32_t memory_kib = 47'104;  ///< at least 8 per lane
  std::uint32_t passes = 1;           ///< at least 1
  std::uint32_t lanes = 1;            ///< at least 1; all on the calling thread
};

/// Argon2id, version 0x13 [RFC 9106]. Fills `out` (at least 4 bytes) from a salt of at least 8. The
/// caller bounds `cost`: this takes cost.memory_kib of memory at once. False: there is no such
/// memory.
[[nodiscard]] bool argon2id(ByteView password, ByteView salt, const Argon2Cost& cost,
                            std::span<std::uint8_t> out);

}  // namespace starling::crypto
