#include "src/topic/name_tree.hpp"

#include <utility>

#include "src/topic/level_cursor.hpp"

namespace starling {
namespace {

bool is_wildcard(std::string_view level) {
  return level == "+" || level == "#";
}

}  // namespace

NameTree::NameTree(HashSeed seed) : seed_(seed) {
  nodes_.add(Node{});
}

NameTree::~NameTree() {
  for (Cursor* cursor = cursors_; cursor != nullptr; cursor = cursor->next_) {
    cursor->to_visit_.clear();
    cursor->tree_ = nullptr;
  }
}

NameTree::NodeIndex NameTree::find_child(NodeIndex parent, std::string_view level) const {
  if (nodes_[parent].first_child == none) return none;
  return edges_.find(edge_hash(parent, level), [&](NodeIndex index) {
    return nodes_[index].parent == parent && nodes_[index].level.view() == level;
  });
}

NameTree::NodeIndex NameTree::find(std::string_view name) const {
  NodeIndex node = root;
  for (LevelCursor levels(name); levels.has_next() && node != none;)
    node = find_child(node, levels.next());
  return node;
}

NameTree::NodeIndex NameTree::make(std::string_view name) {
  NodeIndex node = root;
  for (LevelCursor levels(name); levels.has_next();) node = make_child(node, levels.next());
  return node;
}

NameTree::NodeIndex NameTree::make_child(NodeIndex parent, std::string_view level) {
  if (const NodeIndex known = find_child(parent, level); known != none) return known;
  Node made;
  made.parent = parent;
  made.level = LevelText(level);
  const NodeIndex index = nodes_.add(std::move(made));
  edges_.insert(edge_hash(parent, level), index);
  // Appended behind its siblings: a walk that has not ended yet meets it.
  const NodeIndex first = nodes_[parent].first_child;
  if (first == none) {
    nodes_[parent].first_child = index;
    nodes_[index].previous_sibling = index;
  } else {
    const NodeIndex last = nodes_[first].previous_sibling;
    nodes_[last].next_sibling = index;
    nodes_[index].previous_sibling = last;
    nodes_[first].previous_sibling = index;
  }
  return index;
}

void NameTree::prune(NodeIndex index) {
  while (index != root && nodes_[index].payload == none && nodes_[index].first_child == none) {
    const NodeIndex parent = nodes_[index].parent;
    step_cursors_over(index);
    unlink(index);
    edges_.erase(edge_hash(parent, nodes_[index].level.view()), index);
    nodes_.remove(index);
    index = parent;
  }
}

void NameTree::unlink(NodeIndex index) {
  const Node& node = nodes_[index];
  Node& parent = nodes_[node.parent];
  const NodeIndex first = parent.first_child;
  if (first == index)
    parent.first_child = node.next_sibling;
  else
    nodes_[node.previous_sibling].next_sibling = node.next_sibling;
  // The first child names the last one; whoever is first now, if anybody is, inherits or updates
  // that.
  if (node.next_sibling != none)
    nodes_[node.next_sibling].previous_sibling = node.previous_sibling;
  else if (first != index)
    nodes_[first].previous_sibling = node.previous_sibling;
}

// A walk that was going to look at `node` next looks at the one behind it instead, if its filter
// has a wildcard there.
void NameTree::step_cursors_over(NodeIndex node) {
  for (Cursor* cursor = cursors_; cursor != nullptr; cursor = cursor->next_)
    for (std::size_t depth = 0; depth < cursor->to_visit_.size(); ++depth)
      if (cursor->to_visit_[depth] == node)
        cursor->to_visit_[depth] =
            is_wildcard(cursor->level(depth)) ? nodes_[node].next_sibling : none;
}

NameTree::NodeIndex NameTree::first_candidate(NodeIndex parent, std::string_view level) const {
  return is_wildcard(level) ? nodes_[parent].first_child : find_child(parent, level);
}

std::uint32_t NameTree::next(Cursor& cursor, std::size_t& steps) const {
  const std::size_t filter_depth = cursor.levels_.size();
  const bool ends_in_hash = cursor.levels_.back() == "#";
  const bool hides_dollar = cursor.filter_.starts_with_wildcard();  // [MQTT-4.7.2-1]
  auto& to_visit = cursor.to_visit_;
  while (!to_visit.empty() && steps > 0) {
    --steps;
    const std::size_t depth = to_visit.size() - 1;
    const NodeIndex index = to_visit.back();
    if (index == none) {
      to_visit.pop_back();
      continue;
    }
    const Node& node = nodes_[index];
    to_visit.back() = is_wildcard(cursor.level(depth)) ? node.next_sibling : none;
    if (depth == 0 && hides_dollar && node.level.view().starts_with('$')) continue;

    const bool at_last_level = depth + 1 >= filter_depth;
    // "sport/#" also matches "sport" (4.7.1.2).
    const bool before_hash = ends_in_hash && depth + 2 == filter_depth;
    if (!at_last_level || ends_in_hash)
      to_visit.push_back(first_candidate(index, cursor.level(depth + 1)));
    if ((at_last_level || before_hash) && node.payload != none) return node.payload;
  }
  return none;
}

std::string NameTree::text_of(NodeIndex node) const {
  std::vector<std::string_view> levels;  // from the last one to the first
  for (; node != root; node = nodes_[node].parent) levels.push_back(nodes_[node].level.view());
  std::string text(levels.back());
  for (auto level = levels.rbegin() + 1; level != levels.rend(); ++level) {
    text += '/';
    text += *level;
  }
  return text;
}

std::size_t NameTree::memory_bytes() const {
  std::size_t bytes = edges_.memory_bytes() + nodes_.memory_bytes();
  nodes_.for_each_slot([&](NodeIndex, const Node& node) { bytes += node.level.heap_bytes(); });
  return bytes;
}

NameTree::Cursor::Cursor(NameTree& tree, TopicFilter filter)
    : filter_(std::move(filter)),
      levels_(split_levels(filter_.text())),
      tree_(&tree),
      next_(tree.cursors_) {
  if (next_ != nullptr) next_->previous_ = this;
  tree.cursors_ = this;
  to_visit_.push_back(tree.first_candidate(root, levels_.front()));
}

NameTree::Cursor::~Cursor() {
  if (tree_ == nullptr) return;
  if (previous_ != nullptr)
    previous_->next_ = next_;
  else
    tree_->cursors_ = next_;
  if (next_ != nullptr) next_->previous_ = previous_;
}

}  // namespace starling
