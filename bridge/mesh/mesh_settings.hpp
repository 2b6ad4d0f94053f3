// What the mesh is given at the start, and what it tells about itself afterwards.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "starling/endpoint.hpp"
#include "starling/ids.hpp"
#include "starling/limits.hpp"
#include "starling/link_limits.hpp"
#include "starling/time.hpp"

#include "bridge/outbox/outbox.hpp"
#include "bridge/sharing/share_rules.hpp"
#include "src/crypto/ed25519.hpp"
#include "src/crypto/mesh_keys.hpp"

namespace starling {

/// One mesh that this node belongs to.
struct MeshConfig {
  std::string name;   ///< local; members may call it otherwise, the secret decides
  bool open = false;  ///< `public` and `public/...`: anybody may be a member
  crypto::MeshKeys keys;
  ShareRules rules;
};

struct MeshSettings {
  crypto::SigningKey identity;
  std::uint64_t epoch = 1;            ///< boot counter, kept on disk, greater than ever before
  std::string software = "starling";  ///< told in hello, for people
  std::vector<MeshConfig>
      meshes{};  ///< in order of preference: a message goes to a peer in the first that fits

  std::uint16_t mesh_port = 0;                   ///< TCP port that accepts links
  std::vector<Endpoint> configured_endpoints{};  ///< announced as they are; usually none
  std::vector<Endpoint> local_endpoints{};       ///< addresses of the interfaces, with mesh_port
  std::vector<Endpoint>
      bootstrap_endpoints{};  ///< resolved; decide whether private addresses are announced

  std::size_t links_max = limits::links_max;
  double peer_messages_per_s = 0;  ///< what one peer may bring into private meshes; 0: no bound
  double open_messages_per_s = limits::open_messages_per_s;  ///< the same, into open meshes
  std::size_t peer_retained_max = limits::peer_retained_max;
  OutboxBounds outbox{};
  bool keep_outboxes =
      false;  ///< the store keeps outboxes: write their changes into MeshHost::batch()
};

enum class PeerState : std::uint8_t {
  away,      ///< no link; known, and dialled again in a while unless it is not wanted now
  dialling,  ///< a connection is being made
  linking,   ///< connected; hello, proof and interests are under way
  linked,    ///< its interests are known, messages flow
};

struct PeerStatus {
  NodeId id;
  PeerState state = PeerState::away;
  std::vector<std::string> meshes;  ///< names of the meshes we share, in order of preference
  std::optional<Endpoint> remote;   ///< of the present link
  bool inbound = false;
  std::optional<Duration> round_trip;  ///< of the last heartbeat
  std::uint64_t messages_received = 0;
  std::uint64_t messages_sent = 0;
  std::uint64_t dropped_qos0 = 0;    ///< waited too long, no room to wait, or not linked in time
  std::uint64_t dropped_outbox = 0;  ///< outbox full, message expired or too old
  std::size_t outbox_messages = 0;
  std::size_t outbox_bytes = 0;
  std::size_t interests = 0;  ///< filters it wants from us, all meshes
};

struct MeshStatus {
  std::vector<PeerStatus> peers;    ///< by NodeId
  std::size_t members_known = 0;    ///< all meshes, ourselves not counted
  std::size_t links = 0;            ///< linked peers
  std::size_t parked_messages = 0;  ///< waiting for a lookup or for a link
  std::vector<Endpoint> announced;  ///< where we say we can be dialled
};

}  // namespace starling
