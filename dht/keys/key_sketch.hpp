// KeySketch: how many nodes file a record under a key, told from those that stand at its root, and
// where in consequence everybody files and reads. A key stays small for all of them: the nodes with
// the smallest ranks keep their record at the root, shard {0, 0}, which makes the root a bottom-k
// sketch of all; the others stand in the shards of a level that follows from the estimate. Pure:
// the same nodes seen give every node the same answer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "starling/ids.hpp"
#include "starling/time.hpp"

#include "dht/keys/prefix_key.hpp"

namespace starling {

/// So many records are to stand at a root; a node leaves it only when `root_leave` others have
/// smaller ranks there, so that nobody goes back and forth while nodes come and go.
inline constexpr std::size_t root_keep = 32;
inline constexpr std::size_t root_leave = 40;
/// Records of one shard, aimed at.
inline constexpr double shard_records = 16;
/// Nodes counted at one root; more is a flood.
inline constexpr std::size_t sketch_nodes_max = 256;

/// First 64 bits of SHA-256(key ‖ NodeId ‖ u64 day): another order of all nodes every day, so that
/// nobody stands in front for ever. `day`: days since 1970.
std::uint64_t root_rank(const DhtKey& root, const NodeId& node, std::uint64_t day);

/// Ceil(log2(estimate / 16)), at least 1 and at most 16: the level of those that do not stand at the
/// root.
std::uint8_t shard_level(double estimate);
/// First `level` (at most 32) bits of SHA-256(NodeId ‖ key): where `node` stands among the shards.
Shard shard_of(const DhtKey& root, const NodeId& node, std::uint8_t level);

class KeySketch {
 public:
  explicit KeySketch(const DhtKey& root) : root_(root) {}

  /// `node` has a valid record at the root. Each node counts once; beyond sketch_nodes_max none.
  void add(const NodeId& node);
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] const DhtKey& root() const { return root_; }

  /// How many nodes there are in all: within a third, nearly always within a half. Exact while few
  /// stand at the root and nowhere else. Around midnight both days count, since some have the new
  /// order already: the greater estimate is the right one, as under the other day's order those at
  /// the root are just anybody.
  [[nodiscard]] double estimate(UnixSeconds now) const;

  /// Where `node` files its record. `standing`: where it does now, if it does.
  [[nodiscard]] Shard place_for(const NodeId& node, std::optional<Shard> standing,
                                UnixSeconds now) const;
  /// May the root soon be the place of `node`, or no longer be it? Others need to look more rarely.
  [[nodiscard]] bool is_near_border(const NodeId& node, UnixSeconds now) const;

 private:
  [[nodiscard]] std::size_t count_smaller(std::uint64_t rank, const NodeId& than,
                                          std::uint64_t day) const;

  DhtKey root_;
  std::set<NodeId> nodes_;  // ordered, not hashed: strangers choose the ids
};

/// The shards to be read besides the root: all of the estimate's level, the first few of the levels
/// next to it, and all of a level in `used`, where somebody has been found (others may have filed
/// when there were more nodes, or fewer), with the first few of the levels next to that. Empty when
/// the root holds everybody. The most important first, at most `count_max`.
std::vector<Shard> shards_to_read(double estimate, const std::set<std::uint8_t>& used,
                                  std::size_t count_max);

}  // namespace starling
