#include "src/auth/password_hash.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "starling/limits.hpp"

#include "src/crypto/base64.hpp"

namespace starling {
namespace {

using crypto::Base64Padding;
using crypto::from_base64;
using crypto::to_base64;
using Fields = std::vector<std::string_view>;

constexpr std::size_t new_salt_size = 16;     // bytes; of Argon2 and SCRAM
constexpr std::size_t argon2_salt_min = 8;    // bytes [RFC 9106 §3.1]
constexpr std::size_t argon2_hash_max = 512;  // bytes; 32 are usual

Error malformed(std::string what) {
  return Error{Errc::malformed, std::move(what)};
}

/// Runs of '$' count as one, as they do for Mosquitto.
Fields split_fields(std::string_view text) {
  Fields fields;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('$'), text.size());
    if (end > 0) fields.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return fields;
}

std::optional<std::uint32_t> read_number(std::string_view text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// Takes "m=47104" apart. nullopt: another name, or no number.
std::optional<std::uint32_t> read_named(std::string_view text, char name) {
  if (text.size() < 3 || text[0] != name || text[1] != '=') return std::nullopt;
  return read_number(text.substr(2));
}

Result<std::uint32_t> read_iterations(std::string_view text) {
  const auto iterations = read_number(text);
  if (!iterations || *iterations == 0) return malformed("the number of iterations is not a number");
  if (*iterations > limits::password_iterations_max)
    return Error{Errc::too_large,
                 "more than " + std::to_string(limits::password_iterations_max) + " iterations"};
  return *iterations;
}

Result<Bytes> read_salt(std::string_view text, Base64Padding padding = Base64Padding::required) {
  auto salt = from_base64(text, padding);
  if (!salt || salt->empty()) return malformed("the salt is not in base64");
  if (salt->size() > limits::password_salt_max)
    return Error{Errc::too_large, "the salt is too long"};
  return *std::move(salt);
}

template <class Digest>
Result<Digest> read_digest(std::string_view text) {
  const auto bytes = from_base64(text);
  Digest digest;
  if (!bytes || bytes->size() != digest.size())
    return malformed("the hash is not " + std::to_string(digest.size()) + " bytes in base64");
  std::ranges::copy(*bytes, digest.begin());
  return digest;
}

Result<PasswordHash::Form> read_sha512(const Fields& fields) {
  if (fields.size() < 3) return malformed("the salt or the hash is missing");
  auto salt = read_salt(fields[1]);
  if (!salt) return salt.error();
  const auto hash = read_digest<crypto::Digest512>(fields[2]);
  if (!hash) return hash.error();
  return PasswordHash::Form(Sha512Hash{*std::move(salt), *hash});
}

Result<PasswordHash::Form> read_pbkdf2(const Fields& fields) {
  if (fields.size() < 4) return malformed("the iterations, the salt or the hash is missing");
  const auto iterations = read_iterations(fields[1]);
  if (!iterations) return iterations.error();
  auto salt = read_salt(fields[2]);
  if (!salt) return salt.error();
  const auto hash = read_digest<crypto::Digest512>(fields[3]);
  if (!hash) return hash.error();
  return PasswordHash::Form(Pbkdf2Hash{*iterations, *std::move(salt), *hash});
}

Result<crypto::Argon2Cost> read_argon2_cost(std::string_view text) {
  const std::size_t passes_at = std::min(text.find(','), text.size());
  const std::size_t lanes_at = std::min(text.find(',', passes_at + 1), text.size());
  const auto part = [&](std::size_t begin, std::size_t end) {
    return begin > text.size() ? std::string_view{} : text.substr(begin, end - begin);
  };
  const auto memory_kib = read_named(part(0, passes_at), 'm');
  const auto passes = read_named(part(passes_at + 1, lanes_at), 't');
  const auto lanes = read_named(part(lanes_at + 1, text.size()), 'p');
  if (!memory_kib || !passes || !lanes) return malformed("the cost is not of the form m=,t=,p=");
  if (*passes == 0 || *lanes == 0 || *memory_kib / 8 < *lanes)
    return malformed("a cost that Argon2 does not know");
  if (*memory_kib > limits::argon2_memory_kib_max || *lanes > limits::argon2_lanes_max
      || std::uint64_t{*memory_kib} * *passes > limits::argon2_work_max)
    return Error{Errc::too_large, "a cost above m=" + std::to_string(limits::argon2_memory_kib_max)
                                      + " KiB, p=" + std::to_string(limits::argon2_lanes_max)
                                      + " or m*t=" + std::to_string(limits::argon2_work_max)};
  return crypto::Argon2Cost{*memory_kib, *passes, *lanes};
}

Result<PasswordHash::Form> read_argon2(const Fields& fields) {
  if (fields.size() != 5) return malformed("a part is missing");
  if (fields[1] != "v=19") return Error{Errc::unsupported, "not version 19 of Argon2"};
  const auto cost = read_argon2_cost(fields[2]);
  if (!cost) return cost.error();
  auto salt = read_salt(fields[3], Base64Padding::absent);
  if (!salt) return salt.error();
  if (salt->size() < argon2_salt_min) return malformed("the salt is too short");
  auto hash = from_base64(fields[4], Base64Padding::absent);
  if (!hash || hash->size() < 16 || hash->size() > argon2_hash_max)
    return malformed("the hash is not 16 to 512 bytes in base64");
  return PasswordHash::Form(Argon2Hash{*cost, *std::move(salt), *std::move(hash)});
}

Result<PasswordHash::Form> read_scram(const Fields& fields) {
  if (fields.size() != 5) return malformed("a part is missing");
  const auto iterations = read_iterations(fields[1]);
  if (!iterations) return iterations.error();
  auto salt = read_salt(fields[2]);
  if (!salt) return salt.error();
  const auto stored_key = read_digest<crypto::Digest>(fields[3]);
  if (!stored_key) return stored_key.error();
  const auto server_key = read_digest<crypto::Digest>(fields[4]);
  if (!server_key) return server_key.error();
  return PasswordHash::Form(ScramHash{*iterations, *std::move(salt), *stored_key, *server_key});
}

Result<PasswordHash::Form> read_form(std::string_view text) {
  const Fields fields = split_fields(text);
  if (text.substr(0, 1) != "$" || fields.empty())
    return Error{Errc::unsupported,
                 "not a hash of a form we know ($6$, $7$, $argon2id$, "
                 "$scram-sha-256$)"};
  if (fields[0] == "6") return read_sha512(fields);
  if (fields[0] == "7") return read_pbkdf2(fields);
  if (fields[0] == "argon2id") return read_argon2(fields);
  if (fields[0] == "scram-sha-256") return read_scram(fields);
  return Error{Errc::unsupported,
               "a hash of a form we do not know (known are $6$, $7$, $argon2id$, $scram-sha-256$)"};
}

Bytes make_salt(Entropy& entropy, std::size_t size) {
  Bytes salt(size);
  entropy.fill(salt);
  return salt;
}

/// SaltedPassword, and the two keys a server keeps of it [RFC 5802 §3].
struct ScramKeys {
  crypto::Digest stored_key;
  crypto::Digest server_key;
};
ScramKeys derive_scram_keys(ByteView password, ByteView salt, std::uint32_t iterations) {
  const crypto::Digest salted = crypto::pbkdf2_sha256(password, salt, iterations);
  const crypto::Digest client_key = crypto::hmac_sha256(salted, as_bytes("Client Key"));
  return {crypto::sha256(client_key), crypto::hmac_sha256(salted, as_bytes("Server Key"))};
}

/// What differs from form to form, one operator() a form.
struct TextOf {
  std::string operator()(const Sha512Hash& of) const {
    return "$6$" + to_base64(of.salt) + "$" + to_base64(of.hash);
  }
  std::string operator()(const Pbkdf2Hash& of) const {
    return "$7$" + std::to_string(of.iterations) + "$" + to_base64(of.salt) + "$"
           + to_base64(of.hash);
  }
  std::string operator()(const Argon2Hash& of) const {
    return "$argon2id$v=19$m=" + std::to_string(of.cost.memory_kib)
           + ",t=" + std::to_string(of.cost.passes) + ",p=" + std::to_string(of.cost.lanes) + "$"
           + to_base64(of.salt, Base64Padding::absent) + "$"
           + to_base64(of.hash, Base64Padding::absent);
  }
  std::string operator()(const ScramHash& of) const {
    return "$scram-sha-256$" + std::to_string(of.iterations) + "$" + to_base64(of.salt) + "$"
           + to_base64(of.stored_key) + "$" + to_base64(of.server_key);
  }
};

struct Matches {
  ByteView password;
  bool operator()(const Sha512Hash& of) const {
    return crypto::equal_in_constant_time(crypto::sha512(password, of.salt), of.hash);
  }
  bool operator()(const Pbkdf2Hash& of) const {
    return crypto::equal_in_constant_time(crypto::pbkdf2_sha512(password, of.salt, of.iterations),
                                          of.hash);
  }
  bool operator()(const Argon2Hash& of) const {
    Bytes computed(of.hash.size());
    return crypto::argon2id(password, of.salt, of.cost, computed)
           && crypto::equal_in_constant_time(computed, of.hash);
  }
  bool operator()(const ScramHash& of) const {
    const ScramKeys keys = derive_scram_keys(password, of.salt, of.iterations);
    return crypto::equal_in_constant_time(keys.stored_key, of.stored_key);
  }
};

/// No password is known whose hash is all zeros.
struct Forget {
  void operator()(Sha512Hash& of) const { of.hash = {}; }
  void operator()(Pbkdf2Hash& of) const { of.hash = {}; }
  void operator()(Argon2Hash& of) const { std::ranges::fill(of.hash, std::uint8_t{0}); }
  void operator()(ScramHash& of) const { of.stored_key = of.server_key = {}; }
};

}  // namespace

Result<PasswordHash> PasswordHash::parse(std::string_view text) {
  auto form = read_form(text);
  if (!form) return form.error();
  return PasswordHash(*std::move(form));
}

PasswordHash PasswordHash::make_pbkdf2(ByteView password, Entropy& entropy,
                                       std::uint32_t iterations, std::size_t salt_size) {
  Pbkdf2Hash made;
  made.iterations = iterations;
  made.salt = make_salt(entropy, salt_size);
  made.hash = crypto::pbkdf2_sha512(password, made.salt, iterations);
  return PasswordHash(std::move(made));
}

Result<PasswordHash> PasswordHash::make_argon2id(ByteView password, Entropy& entropy,
                                                 crypto::Argon2Cost cost) {
  Argon2Hash made;
  made.cost = cost;
  made.salt = make_salt(entropy, new_salt_size);
  made.hash.resize(32);
  if (!crypto::argon2id(password, made.salt, cost, made.hash))
    return Error{Errc::io, "no memory for Argon2"};
  return PasswordHash(std::move(made));
}

PasswordHash PasswordHash::make_scram(ByteView password, Entropy& entropy,
                                      std::uint32_t iterations) {
  ScramHash made;
  made.iterations = iterations;
  made.salt = make_salt(entropy, new_salt_size);
  const ScramKeys keys = derive_scram_keys(password, made.salt, iterations);
  made.stored_key = keys.stored_key;
  made.server_key = keys.server_key;
  return PasswordHash(std::move(made));
}

std::string PasswordHash::to_text() const {
  return std::visit(TextOf{}, form_);
}

bool PasswordHash::matches(ByteView password) const {
  return std::visit(Matches{password}, form_);
}

PasswordHash PasswordHash::decoy() const {
  PasswordHash other = *this;
  std::visit(Forget{}, other.form_);
  return other;
}

}  // namespace starling
