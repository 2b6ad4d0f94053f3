// What a mesh's secret is good for: three keys, each for one purpose, none of which tells another
// one.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "starling/result.hpp"

#include "src/crypto/hash.hpp"

namespace starling::crypto {

/// 256 bits that all members of a mesh hold, and nobody else.
using MeshSecret = std::array<std::uint8_t, 32>;

struct MeshKeys {
  Key topic{};   ///< K_topic: HMAC of topic prefixes and node ids into DHT keys
  Key record{};  ///< K_record: seals the bodies of DHT records
  Key member{};  ///< K_member: HMAC proof of membership on a link

  friend bool operator==(const MeshKeys&, const MeshKeys&) = default;
};

/// HKDF-SHA256 with the salt "starling mesh/1" and the infos "topic", "record", "member". The
/// mesh's name does not go in: who holds the secret is a member, whatever he calls the mesh.
MeshKeys derive_mesh_keys(const MeshSecret& secret);

/// `public` and `public/<anything>`: meshes without a lock.
bool is_open_mesh(std::string_view name);

/// The secret that follows from the name of an open mesh, so it hides nothing from anybody who
/// knows or guesses the name. nullopt: the name is not open; such a mesh needs a secret of its own.
std::optional<MeshSecret> open_mesh_secret(std::string_view name);

/// Reads a secret as its file holds it: 64 hexadecimal digits of either case, white space around
/// them. Errors: malformed; `what` does not repeat any of it.
Result<MeshSecret> parse_mesh_secret(std::string_view text);

}  // namespace starling::crypto
