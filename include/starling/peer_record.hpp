// PeerRecord: what a node tells the world about itself.
#pragma once

#include <cstdint>
#include <vector>

#include "starling/endpoint.hpp"
#include "starling/ids.hpp"
#include "starling/time.hpp"

namespace starling {

/// A member with which a node that cannot be dialled keeps a link: it hands requests to that node on.
struct Via {
  NodeId node;
  Endpoint endpoint;    ///< where the member can be dialled
  bool relays = false;  ///< and it carries links to that node
  friend bool operator==(const Via&, const Via&) = default;
};

struct PeerRecord {
  NodeId id;
  std::vector<Endpoint> endpoints;  ///< where it can be dialled, best first; empty: it cannot
  std::uint64_t epoch = 0;          ///< its boot counter
  std::uint64_t sequence = 0;       ///< newer replaces older within an epoch
  UnixSeconds expires_at = 0;
  /// Of a node without endpoints. One that relays names itself.
  std::vector<Via> vias = {};
};

}  // namespace starling
