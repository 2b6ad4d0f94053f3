#include "bridge/link/duplicate_link.hpp"

#include <compare>
#include <utility>

namespace starling {
namespace {

std::strong_ordering order(const LinkSide& a, const LinkSide& b) {
  return std::pair(a.epoch, a.ordinal) <=> std::pair(b.epoch, b.ordinal);
}

/// What `node` said on the link that it calls `side`.
const LinkSide& side_of(const LinkStanding& link, const NodeId& node) {
  return link.dialler.node == node ? link.dialler : link.listener;
}

/// Has `node` lost `earlier`? It opened `later` afterwards and then knew no other link.
bool has_lost(const NodeId& node, const LinkStanding& earlier, const LinkStanding& later) {
  const LinkSide& now = side_of(later, node);
  return std::is_gt(order(now, side_of(earlier, node))) && !now.holds_other;
}

}  // namespace

bool is_kept(const LinkStanding& a, const LinkStanding& b) {
  const NodeId& one = a.dialler.node;
  const NodeId& two = a.listener.node;
  const bool a_lost = has_lost(one, a, b) || has_lost(two, a, b);
  const bool b_lost = has_lost(one, b, a) || has_lost(two, b, a);
  if (a_lost != b_lost) return b_lost;
  if (a.relayed != b.relayed) return b.relayed;
  if (a.dialler.node != b.dialler.node) return a.dialler.node > b.dialler.node;
  const auto by_dialler = order(a.dialler, b.dialler);
  // A dialler that counts wrongly leaves it to the listener: at one end that is ourselves.
  return std::is_gt(std::is_neq(by_dialler) ? by_dialler : order(a.listener, b.listener));
}

}  // namespace starling
