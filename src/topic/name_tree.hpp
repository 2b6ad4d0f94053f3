// NameTree: topic names as a tree of levels, each with one number its owner gives it, and cursors
// that walk the names matching a filter. The part of TopicMap that does not depend on the type of a
// value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "starling/topic.hpp"

#include "src/topic/flat_index.hpp"
#include "src/topic/keyed_hash.hpp"
#include "src/topic/level_text.hpp"
#include "src/topic/pool.hpp"

namespace starling {

class NameTree {
 public:
  static constexpr std::uint32_t none = 0xFFFF'FFFF;
  using NodeIndex = std::uint32_t;
  class Cursor;

  explicit NameTree(HashSeed seed);
  ~NameTree();
  NameTree(const NameTree&) = delete;
  NameTree& operator=(const NameTree&) = delete;

  /// The place of `name`, or none. It may be there only as the beginning of others: see payload().
  [[nodiscard]] NodeIndex find(std::string_view name) const;
  /// The same, made if need be. Give it a payload, or prune() it.
  NodeIndex make(std::string_view name);
  [[nodiscard]] std::uint32_t payload(NodeIndex node) const { return nodes_[node].payload; }
  void set_payload(NodeIndex node, std::uint32_t payload) { nodes_[node].payload = payload; }
  /// Forgets `node` and whatever above it serves no name any more. Its payload must be none.
  void prune(NodeIndex node);

  /// Moves `cursor` on until it stands on a matching name and returns its payload, or none when
  /// there are no more or `steps` has run out (each node looked at takes one step). See
  /// Cursor::finished().
  std::uint32_t next(Cursor& cursor, std::size_t& steps) const;

  /// The name whose place this is.
  [[nodiscard]] std::string text_of(NodeIndex node) const;
  /// Bytes taken from the heap. Looks at everything.
  [[nodiscard]] std::size_t memory_bytes() const;

  /// Where a walk over all names that match one filter stands. It survives every change of the
  /// tree: a name that is there from the beginning to the end of the walk is met exactly once, one
  /// that comes or goes meanwhile at most once for each time it came. The walk follows the age of
  /// levels, not hashes.
  class Cursor {
   public:
    Cursor(NameTree& tree, TopicFilter filter);
    ~Cursor();
    Cursor(const Cursor&) = delete;
    Cursor& operator=(const Cursor&) = delete;

    [[nodiscard]] bool finished() const { return to_visit_.empty(); }
    [[nodiscard]] const TopicFilter& filter() const { return filter_; }

   private:
    friend class NameTree;
    /// What leads on at `depth`: beyond the end only a '#', from where on everything counts.
    [[nodiscard]] std::string_view level(std::size_t depth) const {
      return depth < levels_.size() ? levels_[depth] : "#";
    }
    // to_visit_[d]: the next node of depth d to look at, or none; the walk is depth first.
    std::vector<NodeIndex> to_visit_;
    TopicFilter filter_;
    std::vector<std::string_view> levels_;  // of filter_
    NameTree* tree_;                        // nullptr once the tree is gone
    Cursor* previous_ = nullptr;
    Cursor* next_ = nullptr;
  };

 private:
  static constexpr NodeIndex root = 0;

  struct alignas(32) Node {  // 32 bytes: never across two cache lines
    NodeIndex parent = none;
    NodeIndex first_child = none;
    NodeIndex next_sibling = none;
    NodeIndex previous_sibling = none;  // of a first child: the last one
    std::uint32_t payload = none;
    LevelText level;
  };

  [[nodiscard]] NodeIndex find_child(NodeIndex parent, std::string_view level) const;
  NodeIndex make_child(NodeIndex parent, std::string_view level);
  void unlink(NodeIndex node);
  void step_cursors_over(NodeIndex node);
  [[nodiscard]] NodeIndex first_candidate(NodeIndex parent, std::string_view level) const;
  [[nodiscard]] std::uint32_t edge_hash(NodeIndex parent, std::string_view level) const {
    return static_cast<std::uint32_t>(keyed_hash(seed_, parent, level));
  }

  HashSeed seed_;
  FlatIndex edges_;  // (parent, level) -> node
  Pool<Node> nodes_;
  Cursor* cursors_ = nullptr;  // all that live, as an intrusive list
};

}  // namespace starling
