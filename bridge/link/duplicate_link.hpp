// Two links between the same two nodes: which one stays. Both ends decide alone and must decide
// alike, so the rule uses only what both ends know [MESH-8.2].
#pragma once

#include <cstdint>

#include "starling/ids.hpp"

namespace starling {

/// What one end said about a link in its hello.
struct LinkSide {
  NodeId node;
  std::uint64_t epoch = 0;
  std::uint64_t ordinal = 0;  ///< later links of a node and epoch have greater ones
  bool holds_other = false;   ///< it still held an earlier link with the other end
};

struct LinkStanding {
  LinkSide dialler;
  LinkSide listener;
  bool relayed = false;  ///< it leads through another member
};

/// Is `a` kept rather than `b`? Exactly one of the two is, also when asked the other way round and
/// at the other end. Both are links between the same two nodes, and not the same link.
/// * An end that opened one of them later and then held no other has lost the earlier one (it was
///   restarted, or the network was): the later one stays.
/// * Else both are alive. One that leads straight to the other end is kept rather than a relayed one.
/// * Of two that one node dialled, its later one stays; if they were dialled
///   from both ends, the one dialled by the greater NodeId.
[[nodiscard]] bool is_kept(const LinkStanding& a, const LinkStanding& b);

}  // namespace starling
