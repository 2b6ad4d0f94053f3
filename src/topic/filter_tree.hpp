// FilterTree: topic filters as a tree of levels, each filter with one number that its owner gives
// it. The part of SubscriptionTree that does not depend on the type of a subscription.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "src/topic/flat_index.hpp"
#include "src/topic/inline_vector.hpp"
#include "src/topic/keyed_hash.hpp"
#include "src/topic/level_table.hpp"
#include "src/topic/pool.hpp"

namespace starling {

/// Filters and names come as texts that TopicFilter or TopicName has checked.
class FilterTree {
 public:
  static constexpr std::uint32_t none = 0xFFFF'FFFF;
  using NodeIndex = std::uint32_t;
  using Payloads = InlineVector<std::uint32_t, 48>;

  explicit FilterTree(HashSeed seed);

  /// The place of `filter`, or none. It may be there only as the beginning of others: see
  /// payload().
  [[nodiscard]] NodeIndex find(std::string_view filter) const;
  /// The same, made if need be. Give it a payload, or prune() it.
  NodeIndex make(std::string_view filter);
  /// What was set for exactly this filter, or none.
  [[nodiscard]] std::uint32_t payload(NodeIndex node) const { return nodes_[node].payload; }
  void set_payload(NodeIndex node, std::uint32_t payload) { nodes_[node].payload = payload; }
  /// Forgets `node` and whatever above it serves no filter any more. Its payload must be none.
  void prune(NodeIndex node);

  /// Appends the payload of every filter that matches `name`, each once, in an order that depends
  /// only on the history of the tree. Leading wildcards do not see '$' names [MQTT-4.7.2-1].
  void match(std::string_view name, Payloads& out) const;

  /// Nodes ever used have an index below this; ask payload() which of them hold a filter.
  [[nodiscard]] NodeIndex index_end() const { return nodes_.index_end(); }
  /// The filter that ends at `node` (which must hold one).
  [[nodiscard]] std::string text_of(NodeIndex node) const;
  [[nodiscard]] std::size_t memory_bytes() const;

 private:
  // Level ids of the wildcards; real ones count from 0 and never get here.
  static constexpr LevelId plus_level = 0xFFFF'FFFE;
  static constexpr LevelId hash_level = 0xFFFF'FFFD;
  static constexpr NodeIndex root = 0;

  struct Node {
    NodeIndex parent = none;
    LevelId level = LevelTable::none;
    NodeIndex plus = none;               // the child of level "+"
    NodeIndex hash = none;               // the child of level "#", always a leaf
    std::uint32_t literal_children = 0;  // the others are found through edges_
    std::uint32_t payload = none;
  };

  [[nodiscard]] NodeIndex find_literal(NodeIndex parent, LevelId level) const;
  NodeIndex make_child(NodeIndex parent, std::string_view level);
  [[nodiscard]] std::uint32_t edge_hash(NodeIndex parent, LevelId level) const {
    return static_cast<std::uint32_t>(keyed_hash(seed_, parent, level));
  }

  HashSeed seed_;
  LevelTable levels_;
  FlatIndex edges_;  // (parent, level) -> node
  Pool<Node> nodes_;
};

}  // namespace starling
