// PasswordHash: what a password file keeps instead of a password, in the five forms we read. No
// files, no tables; see password_file.hpp.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "starling/bytes.hpp"
#include "starling/port/entropy.hpp"
#include "starling/result.hpp"

#include "src/crypto/password_kdf.hpp"

namespace starling {

/// `$6$salt$hash`: SHA-512 of the password and the salt, as Mosquitto up to 1.6 wrote it.
struct Sha512Hash {
  Bytes salt;
  crypto::Digest512 hash{};
};

/// `$7$iterations$salt$hash`: PBKDF2 with HMAC-SHA-512; Mosquitto 2.0 writes 101 iterations and 12
/// bytes of salt, 2.1 1000 and 64.
struct Pbkdf2Hash {
  std::uint32_t iterations = 0;
  Bytes salt;
  crypto::Digest512 hash{};
};

/// `$argon2id$v=19$m=47104,t=1,p=1$salt$hash`: the default of Mosquitto 2.1.
struct Argon2Hash {
  crypto::Argon2Cost cost;
  Bytes salt;
  Bytes hash;
};

/// `$scram-sha-256$iterations$salt$stored-key$server-key`: what a SCRAM server keeps [RFC 5802 §3].
/// It serves plain passwords too; the others cannot serve SCRAM.
struct ScramHash {
  std::uint32_t iterations = 0;
  Bytes salt;
  crypto::Digest stored_key{};
  crypto::Digest server_key{};
};

/// One of them, with every parameter within the bounds of limits.hpp: checking a password against
/// it takes a bounded time and memory.
class PasswordHash {
 public:
  using Form = std::variant<Sha512Hash, Pbkdf2Hash, Argon2Hash, ScramHash>;

  /// Reads what stands behind `user:`. Errors: malformed, unsupported (another form), too_large (a
  /// cost above limits::password_*). The messages never show any of the hash.
  static Result<PasswordHash> parse(std::string_view text);

  // New ones, with salts from `entropy`. Costs are those of Mosquitto 2.1; it and 2.0 both read
  // what make_pbkdf2() makes: 2.0 knows no other length of a salt than 12 bytes.
  static PasswordHash make_pbkdf2(ByteView password, Entropy& entropy,
                                  std::uint32_t iterations = 1'000, std::size_t salt_size = 12);
  /// Takes 46 MiB and some 50 ms. Errors: io (no memory).
  static Result<PasswordHash> make_argon2id(ByteView password, Entropy& entropy,
                                            crypto::Argon2Cost cost = {});
  static PasswordHash make_scram(ByteView password, Entropy& entropy,
                                 std::uint32_t iterations = 10'000);

  [[nodiscard]] std::string to_text() const;
  /// Slow: for a worker thread. Compares in constant time. Without memory for Argon2: false.
  [[nodiscard]] bool matches(ByteView password) const;
  /// A hash of the same form and cost that no password matches: checking it takes the same time.
  [[nodiscard]] PasswordHash decoy() const;

  [[nodiscard]] const Form& form() const { return form_; }
  /// nullptr unless it can serve SCRAM.
  [[nodiscard]] const ScramHash* scram() const { return std::get_if<ScramHash>(&form_); }

 private:
  explicit PasswordHash(Form form) : form_(std::move(form)) {}
  Form form_;
};

}  // namespace starling
