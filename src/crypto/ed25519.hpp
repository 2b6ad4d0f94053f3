// Ed25519 [RFC 8032]: the identity of a node. A public key, a signing key, and the forms in which
// they travel and lie on disk [RFC 8410].
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "starling/bytes.hpp"
#include "starling/ids.hpp"
#include "starling/port/entropy.hpp"
#include "starling/result.hpp"

namespace starling::crypto {

using Signature = std::array<std::uint8_t, 64>;
/// The private half of a key pair; everything else follows from it.
using Seed = std::array<std::uint8_t, 32>;

inline constexpr std::size_t spki_size = 44;  // bytes of an Ed25519 SubjectPublicKeyInfo

/// 32 bytes that claim to be a public key. Whether they are a point on the curve shows when a
/// signature is checked.
struct PublicKey {
  std::array<std::uint8_t, 32> bytes{};

  auto operator<=>(const PublicKey&) const = default;
  [[nodiscard]] ByteView view() const { return bytes; }

  /// SubjectPublicKeyInfo in DER, as it stands in certificates [RFC 8410 §4].
  [[nodiscard]] std::array<std::uint8_t, spki_size> spki() const;
  /// SHA-256 of spki().
  [[nodiscard]] NodeId node_id() const;
  /// Reads spki() back. Errors: bad_identity (another algorithm, another length).
  static Result<PublicKey> from_spki(ByteView der);
};

/// Did the owner of `key` sign `message`? About 75 us; false also for bytes that are no key.
bool verify(const PublicKey& key, ByteView message, const Signature& signature);

/// A key pair. Never changes; copies share it, and the last one wipes the seed.
class SigningKey {
 public:
  static SigningKey generate(Entropy& entropy);
  static SigningKey from_seed(const Seed& seed);
  /// PKCS#8, the version without the public half, unencrypted: what from `openssl genpkey
  /// -algorithm ed25519` and `certtool --generate-privkey --key-type ed25519` comes. `text` is at
  /// most 16 KiB and may hold other lines around the block. Errors: too_large; malformed (no such
  /// block, damaged, encrypted); unsupported (RSA and others).
  static Result<SigningKey> from_pem(std::string_view text);
  /// The same for DER.
  static Result<SigningKey> from_pkcs8(ByteView der);

  [[nodiscard]] PublicKey public_key() const;
  [[nodiscard]] NodeId node_id() const { return public_key().node_id(); }
  [[nodiscard]] Signature sign(ByteView message) const;

  /// For the identity file: "-----BEGIN PRIVATE KEY-----" ... with a newline at the end. Secret.
  [[nodiscard]] std::string to_pem() const;
  /// 48 bytes of DER, for libraries that import keys. Secret.
  [[nodiscard]] Bytes to_pkcs8() const;

 private:
  struct Pair;
  explicit SigningKey(std::shared_ptr<const Pair> pair) : pair_(std::move(pair)) {}
  std::shared_ptr<const Pair> pair_;
};

}  // namespace starling::crypto
