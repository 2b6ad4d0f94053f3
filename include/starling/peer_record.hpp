// PeerRecord: what a node tells the world about itself.
#pragma once

#include <cstdint>
#include <vector>

#include "starling/endpoint.hpp"
#include "starling/ids.hpp"
#include "starling/time.hpp"

namespace starling {

struct PeerRecord {
  NodeId id;
  std::vector<Endpoint> endpoints;  ///< where it can be dialled, best first; empty: it cannot
  std::uint64_t epoch = 0;          ///< its boot counter
  std::uint64_t sequence = 0;       ///< newer replaces older within an epoch
  UnixSeconds expires_at = 0;
};

}  // namespace starling
