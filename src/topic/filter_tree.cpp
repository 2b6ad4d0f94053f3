#include "src/topic/filter_tree.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "src/topic/level_cursor.hpp"

namespace starling {

FilterTree::FilterTree(HashSeed seed) : seed_(seed) {
  nodes_.add(Node{});
}

FilterTree::NodeIndex FilterTree::find_literal(NodeIndex parent, std::string_view level) const {
  if (nodes_[parent].literal_children == 0) return none;
  return edges_.find(edge_hash(parent, level), [&](NodeIndex index) {
    const Node& node = nodes_[index];
    return node.parent == parent && node.level.view() == level;
  });
}

FilterTree::NodeIndex FilterTree::find_child(NodeIndex parent, std::string_view level) const {
  if (level != "+") return find_literal(parent, level);
  return nodes_[parent].plus_is_node != 0 ? nodes_[parent].plus : none;
}

FilterNumber FilterTree::find(std::string_view filter) const {
  NodeIndex node = root;
  for (LevelCursor levels(filter);;) {
    const std::string_view level = levels.next();
    if (!levels.has_next() && level == "+") return number(node, End::plus);
    if (!levels.has_next() && level == "#") return number(node, End::hash);
    node = find_child(node, level);
    if (node == none) return none;
    if (!levels.has_next()) return number(node, End::here);
  }
}

FilterNumber FilterTree::make(std::string_view filter) {
  NodeIndex node = root;
  for (LevelCursor levels(filter);;) {
    const std::string_view level = levels.next();
    if (!levels.has_next() && level == "+") return number(node, End::plus);
    if (!levels.has_next() && level == "#") return number(node, End::hash);
    node = make_child(node, level);
    if (!levels.has_next()) return number(node, End::here);
  }
}

FilterTree::NodeIndex FilterTree::make_child(NodeIndex parent, std::string_view level) {
  if (const NodeIndex known = find_child(parent, level); known != none) return known;
  if (level == "+") return make_plus_node(parent);
  Node made;
  made.parent = parent;
  made.level = LevelText(level);
  const NodeIndex index = nodes_.add(std::move(made));
  edges_.insert(edge_hash(parent, level), index);
  ++nodes_[parent].literal_children;
  return index;
}

FilterTree::NodeIndex FilterTree::make_plus_node(NodeIndex parent) {
  Node made;
  made.parent = parent;
  made.level = LevelText("+");
  made.payload = nodes_[parent].plus;
  const NodeIndex index = nodes_.add(std::move(made));
  nodes_[parent].plus = index;
  nodes_[parent].plus_is_node = 1;
  return index;
}

std::uint32_t FilterTree::payload(FilterNumber filter) const {
  const Node& node = nodes_[node_of(filter)];
  switch (end_of(filter)) {
    case End::hash:
      return node.hash;
    case End::plus:
      return node.plus_is_node != 0 ? nodes_[node.plus].payload : node.plus;
    case End::here:
      break;
  }
  return node.payload;
}

void FilterTree::set_payload(FilterNumber filter, std::uint32_t payload) {
  Node& node = nodes_[node_of(filter)];
  switch (end_of(filter)) {
    case End::hash:
      node.hash = payload;
      return;
    case End::plus:
      (node.plus_is_node != 0 ? nodes_[node.plus].payload : node.plus) = payload;
      return;
    case End::here:
      node.payload = payload;
  }
}

void FilterTree::prune(FilterNumber filter) {
  NodeIndex index = node_of(filter);
  if (end_of(filter) == End::plus && nodes_[index].plus_is_node != 0) index = nodes_[index].plus;
  while (index != root) {
    const Node& node = nodes_[index];
    const NodeIndex up = node.parent;
    if (node.plus != none || node.hash != none || node.literal_children > 0) return;
    Node& parent = nodes_[up];
    if (parent.plus_is_node != 0 && parent.plus == index) {
      parent.plus = node.payload;
      parent.plus_is_node = 0;
    } else {
      if (node.payload != none) return;
      edges_.erase(edge_hash(up, node.level.view()), index);
      --parent.literal_children;
    }
    nodes_.remove(index);
    index = up;
  }
}

void FilterTree::match(std::string_view name, Payloads& out) const {
  InlineVector<std::string_view, 32> levels;
  for (LevelCursor cursor(name); cursor.has_next();) levels.push_back(cursor.next());

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
    if (node.hash != none && !hidden) out.push_back(node.hash);
    if (at.depth == levels.size()) {
      if (node.payload != none) out.push_back(node.payload);
      continue;
    }
    if (node.plus != none && !hidden) {
      if (node.plus_is_node != 0)
        open.push_back(Visit{node.plus, at.depth + 1});
      else if (at.depth + 1 == levels.size())
        out.push_back(node.plus);
    }
    const NodeIndex literal = find_literal(at.node, levels[at.depth]);
    if (literal != none) open.push_back(Visit{literal, at.depth + 1});
  }
}

std::string FilterTree::text_of(FilterNumber filter) const {
  std::vector<std::string_view> levels;  // from the last one to the first
  if (end_of(filter) == End::hash) levels.emplace_back("#");
  if (end_of(filter) == End::plus) levels.emplace_back("+");
  for (NodeIndex node = node_of(filter); node != root; node = nodes_[node].parent)
    levels.push_back(nodes_[node].level.view());
  std::string text(levels.back());
  for (auto level = levels.rbegin() + 1; level != levels.rend(); ++level) {
    text += '/';
    text += *level;
  }
  return text;
}

std::size_t FilterTree::memory_bytes() const {
  std::size_t bytes = edges_.memory_bytes() + nodes_.memory_bytes();
  nodes_.for_each_slot([&](NodeIndex, const Node& node) { bytes += node.level.heap_bytes(); });
  return bytes;
}

}  // namespace starling
