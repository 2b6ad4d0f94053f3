#include "src/crypto/mesh_keys.hpp"

#include <algorithm>

#include "starling/bytes.hpp"

namespace starling::crypto {
namespace {

std::array<std::uint8_t, 32> derive(ByteView secret, std::string_view salt, std::string_view info) {
  Bytes derived = hkdf_sha256(secret, as_bytes(salt), as_bytes(info), 32);
  std::array<std::uint8_t, 32> key{};
  std::copy(derived.begin(), derived.end(), key.begin());
  wipe(derived.data(), derived.size());
  return key;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view white_space = " \t\r\n";
  const std::size_t first = text.find_first_not_of(white_space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(white_space) - first + 1);
}

}  // namespace

MeshKeys derive_mesh_keys(const MeshSecret& secret) {
  constexpr std::string_view salt = "starling mesh/1";
  return MeshKeys{.topic = derive(secret, salt, "topic"),
                  .record = derive(secret, salt, "record"),
                  .member = derive(secret, salt, "member")};
}

bool is_open_mesh(std::string_view name) {
  constexpr std::string_view prefix = "public/";
  return name == "public" || (name.size() > prefix.size() && name.starts_with(prefix));
}

std::optional<MeshSecret> open_mesh_secret(std::string_view name) {
  if (!is_open_mesh(name)) return std::nullopt;
  return derive(as_bytes(name), "starling open mesh/1", "secret");
}

Result<MeshSecret> parse_mesh_secret(std::string_view text) {
  const std::string_view digits = trimmed(text);
  MeshSecret secret{};
  std::optional<Bytes> bytes;
  if (digits.size() == 2 * secret.size()) bytes = from_hex(digits);
  if (!bytes) return Error{Errc::malformed, "a mesh secret is 64 hexadecimal digits"};
  std::copy(bytes->begin(), bytes->end(), secret.begin());
  wipe(bytes->data(), bytes->size());
  return secret;
}

}  // namespace starling::crypto
