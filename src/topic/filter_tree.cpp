#include "src/topic/filter_tree.hpp"

#include <algorithm>
#include <vector>

#include "src/topic/level_cursor.hpp"

namespace starling {

FilterTree::FilterTree(HashSeed seed) : seed_(seed), levels_(seed) {
  nodes_.add(Node{});
}

FilterTree::NodeIndex FilterTree::find_literal(NodeIndex parent, LevelId level) const {
  if (level == LevelTable::none || nodes_[parent].literal_children == 0) return none;
  return edges_.find(edge_hash(parent, level), [&](NodeIndex index) {
    const Node& node = nodes_[index];
    return node.parent == parent && node.level == level;
  });
}

FilterTree::NodeIndex FilterTree::find(std::string_view filter) const {
  NodeIndex node = root;
  for (LevelCursor levels(filter); levels.has_next() && node != none;) {
    const std::string_view level = levels.next();
    if (level == "+")
      node = nodes_[node].plus;
    else if (level == "#")
      node = nodes_[node].hash;
    else
      node = find_literal(node, levels_.find(level));
  }
  return node;
}

FilterTree::NodeIndex FilterTree::make(std::string_view filter) {
  NodeIndex node = root;
  for (LevelCursor levels(filter); levels.has_next();) node = make_child(node, levels.next());
  return node;
}

FilterTree::NodeIndex FilterTree::make_child(NodeIndex parent, std::string_view level) {
  if (level == "+" || level == "#") {
    NodeIndex& known = level == "+" ? nodes_[parent].plus : nodes_[parent].hash;
    if (known != none) return known;
    Node made;
    made.parent = parent;
    made.level = level == "+" ? plus_level : hash_level;
    return known = nodes_.add(made);  // pages do not move: `known` is still good
  }
  const LevelId id = levels_.acquire(level);
  if (const NodeIndex known = find_literal(parent, id); known != none) {
    levels_.release(id);
    return known;
  }
  Node made;
  made.parent = parent;
  made.level = id;
  const NodeIndex index = nodes_.add(made);
  edges_.insert(edge_hash(parent, id), index);
  ++nodes_[parent].literal_children;
  return index;
}

void FilterTree::prune(NodeIndex index) {
  while (index != root) {
    const Node node = nodes_[index];
    if (node.payload != none || node.plus != none || node.hash != none || node.literal_children > 0)
      return;
    Node& parent = nodes_[node.parent];
    if (node.level == plus_level) {
      parent.plus = none;
    } else if (node.level == hash_level) {
      parent.hash = none;
    } else {
      edges_.erase(edge_hash(node.parent, node.level), index);
      levels_.release(node.level);
      --parent.literal_children;
    }
    nodes_.remove(index);
    index = node.parent;
  }
}

void FilterTree::match(std::string_view name, Payloads& out) const {
  // The level ids of the name, looked up once; unknown ones can only be met by wildcards.
  InlineVector<LevelId, 32> levels;
  for (LevelCursor cursor(name); cursor.has_next();) levels.push_back(levels_.find(cursor.next()));

  struct Visit {
    NodeIndex node;
    std::uint32_t depth;  // levels of the name above and including this node
  };
  InlineVector<Visit, 32> open;
  open.push_back(Visit{root, 0});
  while (!open.empty()) {
    const Visit at = open.back();
    open.pop_back();
    const Node& node = nodes_[at.node];
    const bool hidden = at.depth == 0 && name.front() == '$';  // [MQTT-4.7.2-1]
    // "sport/#" also matches "sport": a '#' child is looked at here, at its parent's level
    // (4.7.1.2).
    if (node.hash != none && !hidden) out.push_back(nodes_[node.hash].payload);
    if (at.depth == levels.size()) {
      if (node.payload != none) out.push_back(node.payload);
      continue;
    }
    if (node.plus != none && !hidden) open.push_back(Visit{node.plus, at.depth + 1});
    const NodeIndex literal = find_literal(at.node, levels[at.depth]);
    if (literal != none) open.push_back(Visit{literal, at.depth + 1});
  }
}

std::string FilterTree::text_of(NodeIndex node) const {
  std::vector<std::string_view> levels;
  for (; node != root; node = nodes_[node].parent) {
    const LevelId level = nodes_[node].level;
    levels.push_back(level == plus_level ? "+" : level == hash_level ? "#" : levels_.text(level));
  }
  std::string text(levels.back());
  for (auto level = levels.rbegin() + 1; level != levels.rend(); ++level) {
    text += '/';
    text += *level;
  }
  return text;
}

std::size_t FilterTree::memory_bytes() const {
  return levels_.memory_bytes() + edges_.memory_bytes() + nodes_.memory_bytes();
}

}  // namespace starling
