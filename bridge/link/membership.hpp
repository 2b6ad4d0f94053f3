// Membership on one link: how two nodes find out which meshes they share without telling anybody
// else their names, and prove that they hold the secret. Pure functions of K_member, the channel
// and the two ids [MESH-4.2].
#pragma once

#include <array>
#include <cstdint>

#include "starling/ids.hpp"

#include "bridge/wire/frame.hpp"
#include "src/crypto/mesh_keys.hpp"

namespace starling {

/// Keying material of the TLS channel under "EXPORTER-starling-link-1", without context: the same
/// at both ends, different on every channel [MESH-2.1-5].
using ChannelSecret = std::array<std::uint8_t, 32>;

enum class LinkRole : std::uint8_t { dialler = 1, listener = 2 };
inline constexpr LinkRole other(LinkRole role) {
  return role == LinkRole::dialler ? LinkRole::listener : LinkRole::dialler;
}

/// What both ends know of the channel they speak over.
struct ChannelIdentity {
  ChannelSecret secret{};
  NodeId dialler;
  NodeId listener;
};

/// What `role` calls the mesh on this channel. Who lacks the key cannot tell which mesh it is, nor
/// that two channels speak of the same one; and nobody can hand back a tag that was shown to him,
/// since the other side's differs.
wire::MeshTag mesh_tag(const crypto::Key& member_key, const ChannelIdentity& channel,
                       LinkRole role);

/// That `role` holds the key, on this channel and no other.
wire::MemberProof member_proof(const crypto::Key& member_key, const ChannelIdentity& channel,
                               LinkRole role);
/// In constant time.
bool member_proof_holds(const wire::MemberProof& proof, const crypto::Key& member_key,
                        const ChannelIdentity& channel, LinkRole prover);

}  // namespace starling
