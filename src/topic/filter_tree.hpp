// FilterTree: topic filters as a tree of levels, each filter with one payload that its owner gives
// it. The part of SubscriptionTree that does not depend on the type of a subscription.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "src/topic/flat_index.hpp"
#include "src/topic/inline_vector.hpp"
#include "src/topic/keyed_hash.hpp"
#include "src/topic/level_text.hpp"
#include "src/topic/pool.hpp"

namespace starling {

/// Names a filter as long as it has a payload; given out again afterwards.
using FilterNumber = std::uint32_t;

/// Filters and names come as texts that TopicFilter or TopicName has checked.
class FilterTree {
 public:
  static constexpr std::uint32_t none = 0xFFFF'FFFF;
  using Payloads = InlineVector<std::uint32_t, 48>;

  explicit FilterTree(HashSeed seed);

  /// The number of `filter`, or none. It may have no payload: see payload().
  [[nodiscard]] FilterNumber find(std::string_view filter) const;
  /// The same, made if need be. Give it a payload, or prune() it.
  FilterNumber make(std::string_view filter);
  /// What was set for exactly this filter, or none.
  [[nodiscard]] std::uint32_t payload(FilterNumber filter) const;
  void set_payload(FilterNumber filter, std::uint32_t payload);
  /// Forgets a filter and whatever above it serves no other any more. Its payload must be none.
  void prune(FilterNumber filter);

  /// Appends the payload of every filter that matches `name`, each once, in an order that depends
  /// only on the history of the tree. Leading wildcards do not see '$' names [MQTT-4.7.2-1].
  void match(std::string_view name, Payloads& out) const;

  /// Calls visit(FilterNumber, payload) for every filter, in the order of their places.
  template <class Visit>
  void for_each(Visit&& visit) const {
    nodes_.for_each_slot([&](NodeIndex index, const Node& node) {
      if (node.payload != none) visit(number_of(index), node.payload);
      if (node.hash != none) visit(number(index, End::hash), node.hash);
      if (node.plus != none && !node.plus_is_node) visit(number(index, End::plus), node.plus);
    });
  }
  /// The text of a filter that has a payload.
  [[nodiscard]] std::string text_of(FilterNumber filter) const;
  /// Bytes taken from the heap. Looks at everything.
  [[nodiscard]] std::size_t memory_bytes() const;

 private:
  using NodeIndex = std::uint32_t;
  static constexpr NodeIndex root = 0;

  // 32 bytes, so that it never lies across two cache lines. Where a level is the last one of its
  // filter and a wildcard, it needs no node: the payload stands in its parent. (A filter with a '+'
  // at its end costs 32 bytes less for it, and a match of it one miss of the cache.)
  struct alignas(32) Node {
    NodeIndex parent = none;
    std::uint32_t plus = none;     // child "+": its payload, or itself if plus_is_node
    std::uint32_t hash = none;     // child "#": its payload
    std::uint32_t payload = none;  // of the filter that ends here
    std::uint32_t plus_is_node : 1 = 0;
    std::uint32_t literal_children : 31 = 0;  // found through edges_
    LevelText level;                          // "+" only of a `plus` with children of its own
  };

  /// The last level of a filter, seen from the node it is kept at. Part of its number.
  enum class End : std::uint8_t { here = 0, hash = 1, plus = 2 };
  static FilterNumber number(NodeIndex node, End end) {
    return node << 2U | static_cast<std::uint32_t>(end);
  }
  static NodeIndex node_of(FilterNumber filter) { return filter >> 2U; }
  static End end_of(FilterNumber filter) { return static_cast<End>(filter & 3U); }
  /// Of the filter that ends at `node`: it stays the same when a '+' gets or loses its node.
  [[nodiscard]] FilterNumber number_of(NodeIndex node) const {
    return nodes_[node].level.view() == "+" ? number(nodes_[node].parent, End::plus)
                                            : number(node, End::here);
  }

  [[nodiscard]] NodeIndex find_literal(NodeIndex parent, std::string_view level) const;
  [[nodiscard]] NodeIndex find_child(NodeIndex parent, std::string_view level) const;
  NodeIndex make_child(NodeIndex parent, std::string_view level);
  NodeIndex make_plus_node(NodeIndex parent);
  [[nodiscard]] std::uint32_t edge_hash(NodeIndex parent, std::string_view level) const {
    return static_cast<std::uint32_t>(keyed_hash(seed_, parent, level));
  }

  HashSeed seed_;
  FlatIndex edges_;  // (parent, level) -> node
  Pool<Node> nodes_;
};

}  // namespace starling
