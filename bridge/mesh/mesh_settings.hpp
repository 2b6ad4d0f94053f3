// What the mesh is given at the start.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "starling/endpoint.hpp"
#include "starling/ids.hpp"
#include "starling/limits.hpp"
#include "starling/link_limits.hpp"
#include "starling/time.hpp"

#include "bridge/outbox/outbox.hpp"
#include "bridge/reach/relay_service.hpp"
#include "bridge/sharing/share_rules.hpp"
#include "src/crypto/ed25519.hpp"
#include "src/crypto/mesh_keys.hpp"

namespace starling {

class SignatureCache;

/// One mesh that this node belongs to.
struct MeshConfig {
  std::string name;   ///< local; members may call it otherwise, the secret decides
  bool open = false;  ///< `public` and `public/...`: anybody may be a member
  crypto::MeshKeys keys;
  ShareRules rules;
};

/// What this node does with relays.
enum class RelayUse : std::uint8_t {
  off,    ///< its links never lead through others
  use,    ///< where no direct path is found, they do
  offer,  ///< and it carries links of others, if it can be dialled
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

  RelayUse relay = RelayUse::use;
  RelayBounds relay_bounds{};
  std::size_t links_max = limits::links_max;
  double peer_messages_per_s = 0;  ///< what one peer may bring into private meshes; 0: no bound
  double open_messages_per_s = limits::open_messages_per_s;  ///< the same, into open meshes
  std::size_t peer_retained_max = limits::peer_retained_max;
  OutboxBounds outbox{};
  bool keep_outboxes =
      false;  ///< the store keeps outboxes: write their changes into MeshHost::batch()
  std::shared_ptr<SignatureCache> signatures = nullptr;  ///< of records; null: one of its own
};

}  // namespace starling
