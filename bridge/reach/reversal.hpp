// Reversal: a node that cannot dial a peer asks it, over links to members that have a link to it,
// to dial back. This is the bookkeeping of all three parts: who asks, who passes on, who follows.
// It bounds how often each may happen, so that nobody turns the others into hammers; it sends
// nothing itself.
#pragma once

#include <cstddef>
#include <map>
#include <utility>
#include <vector>

#include "starling/ids.hpp"
#include "starling/limits.hpp"
#include "starling/time.hpp"

namespace starling {

class Reversal {
 public:
  // --- The asker.
  /// `asked` could not be dialled. Chooses among `helpers` (linked members of a shared mesh, those
  /// thought to be linked with it first) whom to send the request: at most
  /// limits::dial_me_helpers_max, empty when the last request was less than
  /// limits::dial_me_interval ago.
  [[nodiscard]] std::vector<NodeId> ask(const NodeId& asked, const std::vector<NodeId>& helpers,
                                        TimePoint now);

  // --- The helper.
  /// May a request of `asker`, which came over its own link, be passed on to `asked`? At most one
  /// per pair and limits::dial_me_interval, at most limits::dial_me_per_minute per asker.
  [[nodiscard]] bool may_pass_on(const NodeId& asker, const NodeId& asked, TimePoint now);

  // --- The asked.
  /// May we dial `asker`, as `helper` passed on? Bounded like may_pass_on, per helper.
  [[nodiscard]] bool may_follow(const NodeId& asker, const NodeId& helper, TimePoint now);

  /// Requests remembered, of all parts.
  [[nodiscard]] std::size_t size() const { return asked_.size() + pairs_.size() + rates_.size(); }

 private:
  struct Rate {
    TimePoint window_begin;
    std::size_t count = 0;
  };
  [[nodiscard]] bool take(const NodeId& source, const std::pair<NodeId, NodeId>& pair,
                          TimePoint now);
  void forget_old(TimePoint now);

  // Ordered: strangers choose the ids. Each is bounded by limits::dial_me_pairs_max; when full of
  // young entries, further requests are refused.
  std::map<NodeId, TimePoint> asked_;
  std::map<std::pair<NodeId, NodeId>, TimePoint> pairs_;
  std::map<NodeId, Rate> rates_;
};

}  // namespace starling
