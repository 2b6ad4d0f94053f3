// LanBeacon: what a node says into its local network so that members of its meshes who live there
// find it without anybody's help. It names no mesh: only who holds a mesh's secret sees which of the
// tags belong to it. The format is section 10 of bridge/wire/PROTOCOL.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "starling/bytes.hpp"
#include "starling/endpoint.hpp"
#include "starling/ids.hpp"
#include "starling/result.hpp"
#include "starling/time.hpp"

#include "src/crypto/hash.hpp"

namespace starling {

constexpr std::uint16_t lan_beacon_port = 21'884;  ///< UDP [MESH-10.1-1]
constexpr std::size_t lan_beacon_bytes_max = 1024;
constexpr std::size_t lan_tags_max = 16;

/// Where beacons go, with their port [MESH-10.1-1].
[[nodiscard]] Endpoint lan_group_v4();
[[nodiscard]] Endpoint lan_group_v6();
/// May beacons leave by, and come from, this address? Private ones of a house may; neither global
/// ones, whose neighbours are strangers, nor those of carriers (100.64.0.0/10), nor link-local IPv6,
/// which cannot be dialled without its interface [MESH-10.1-3].
[[nodiscard]] bool is_lan_address(const Endpoint& address);

using LanTag = std::array<std::uint8_t, 16>;

struct LanBeacon {
  NodeId node;
  std::uint16_t port = 0;  ///< where it accepts links; not 0
  std::vector<LanTag>
      tags;  ///< one for each mesh, and others that mean nothing; at most lan_tags_max
  std::uint64_t instance = 0;  ///< chosen anew at each start

  bool operator==(const LanBeacon&) const = default;
};

/// Hours since 1970.
[[nodiscard]] std::uint64_t lan_hour(UnixSeconds now);
/// What a member writes for its mesh in `hour`. The tags of `beacon` play no part [MESH-10.2-2].
[[nodiscard]] LanTag lan_tag(const crypto::Key& member_key, const LanBeacon& beacon,
                             std::uint64_t hour);

/// The beacon keeps its bounds.
[[nodiscard]] Bytes write_lan_beacon(const LanBeacon& beacon);
/// Errors: too_large (more than lan_beacon_bytes_max bytes, or too many tags), unsupported (of a
/// later version), malformed.
[[nodiscard]] Result<LanBeacon> read_lan_beacon(ByteView bytes);

}  // namespace starling
