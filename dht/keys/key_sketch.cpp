#include "dht/keys/key_sketch.hpp"

#include <algorithm>
#include <cmath>

#include "starling/bytes.hpp"

#include "src/crypto/hash.hpp"

namespace starling {
namespace {

// Two days count within so much of midnight. Readers look further than writers, so that clocks half
// an hour off do no harm: whoever writes by a day is read by it.
constexpr UnixSeconds writers_overlap = 30 * 60;
constexpr UnixSeconds readers_overlap = 2 * writers_overlap;
constexpr UnixSeconds day_length = 24 * 60 * 60;

// The estimate takes the greatest of those that k smallest ranks give, for these k: a root that has
// lost a few of its nodes still tells the truth, and so does one where somebody with a great rank
// stands who has not looked yet. The price is an estimate some 5 % too high.
constexpr std::size_t k_min = 24;
constexpr std::size_t k_max = 32;

constexpr std::uint8_t level_min = 1;
constexpr std::uint8_t level_max = 16;
constexpr double level_slack = 0.25;  // beyond the border (as a logarithm) before a record moves
constexpr std::uint32_t probed_shards = 4;  // of a level where perhaps nobody stands
constexpr double come_below = static_cast<double>(root_leave);
constexpr double sharded_above = static_cast<double>(root_keep);

struct Days {
  std::uint64_t first;
  std::uint64_t last;  // the same or the next
};

std::uint64_t day_of(UnixSeconds time) {
  return time <= 0 ? 0 : static_cast<std::uint64_t>(time / day_length);
}
Days days_around(UnixSeconds now, UnixSeconds overlap) {
  return {day_of(now - overlap), day_of(now + overlap)};
}

std::uint64_t first_64_bits(const crypto::Digest& digest) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value = value << 8U | digest[i];
  return value;
}

/// In (0, 1].
double as_fraction(std::uint64_t rank) {
  return (static_cast<double>(rank) + 1) / 0x1p64;
}

/// The level as a number with its fraction: what is rounded up.
double level_of(double estimate) {
  return std::log2(std::max(estimate, 1.0) / shard_records);
}

}  // namespace

std::uint64_t root_rank(const DhtKey& root, const NodeId& node, std::uint64_t day) {
  Bytes message;
  ByteWriter writer(message);
  writer.write_bytes(root.view());
  writer.write_bytes(node.view());
  writer.write_u64(day);
  return first_64_bits(crypto::sha256(message));
}

std::uint8_t shard_level(double estimate) {
  const double level = std::ceil(level_of(estimate));
  return static_cast<std::uint8_t>(
      std::clamp(level, static_cast<double>(level_min), static_cast<double>(level_max)));
}

Shard shard_of(const DhtKey& root, const NodeId& node, std::uint8_t level) {
  if (level == 0) return {};
  Bytes message;
  ByteWriter writer(message);
  writer.write_bytes(node.view());
  writer.write_bytes(root.view());
  const std::uint64_t bits = first_64_bits(crypto::sha256(message));
  return {level, static_cast<std::uint32_t>(bits >> (64U - level))};
}

void KeySketch::add(const NodeId& node) {
  if (nodes_.size() < sketch_nodes_max) nodes_.insert(node);
}

double KeySketch::estimate(UnixSeconds now) const {
  double greatest = static_cast<double>(nodes_.size());
  if (nodes_.size() < k_min) return greatest;
  const Days days = days_around(now, readers_overlap);
  for (std::uint64_t day = days.first; day <= days.last; ++day) {
    std::vector<std::uint64_t> ranks;
    ranks.reserve(nodes_.size());
    for (const NodeId& node : nodes_) ranks.push_back(root_rank(root_, node, day));
    std::sort(ranks.begin(), ranks.end());
    for (std::size_t k = k_min; k <= std::min(k_max, ranks.size()); ++k)
      greatest = std::max(greatest, static_cast<double>(k - 1) / as_fraction(ranks[k - 1]));
  }
  return greatest;
}

std::size_t KeySketch::count_smaller(std::uint64_t rank, const NodeId& than,
                                     std::uint64_t day) const {
  return static_cast<std::size_t>(std::count_if(
      nodes_.begin(), nodes_.end(),
      [&](const NodeId& node) { return node != than && root_rank(root_, node, day) < rank; }));
}

Shard KeySketch::place_for(const NodeId& node, std::optional<Shard> standing,
                           UnixSeconds now) const {
  if (nodes_.size() < root_keep) {
    // Room for all, or for those at least that would be next; see below.
    if (standing == Shard{} || nodes_.size() < k_min) return {};
  }
  const double all = estimate(now);
  const Days days = days_around(now, writers_overlap);
  for (std::uint64_t day = days.first; day <= days.last; ++day) {
    const std::uint64_t rank = root_rank(root_, node, day);
    const std::size_t smaller = count_smaller(rank, node, day);
    if (standing == Shard{}) {
      if (smaller < root_leave) return {};
    } else if (smaller < root_keep && as_fraction(rank) * all < come_below) {
      // A node with many before it who have gone, or a day that has just begun: without the second
      // condition everybody would come at once.
      return {};
    }
  }
  const double level = level_of(all);
  if (standing && standing->level >= level_min && level <= standing->level + level_slack
      && level > standing->level - 1 - level_slack)
    return shard_of(root_, node, standing->level);
  return shard_of(root_, node, shard_level(all));
}

bool KeySketch::is_near_border(const NodeId& node, UnixSeconds now) const {
  if (nodes_.size() < root_keep / 2) return false;  // room for long
  const double all = estimate(now);
  const Days days = days_around(now, writers_overlap);
  for (std::uint64_t day = days.first; day <= days.last; ++day)
    if (as_fraction(root_rank(root_, node, day)) * all < 2 * come_below) return true;
  return false;
}

std::vector<Shard> shards_to_read(double estimate, const std::set<std::uint8_t>& used,
                                  std::size_t count_max) {
  std::vector<Shard> shards;
  if (estimate <= sharded_above && used.empty()) return shards;
  const auto add = [&](std::uint8_t level, std::uint32_t from, std::uint32_t to) {
    for (std::uint32_t index = from; index < to && shards.size() < count_max; ++index)
      shards.push_back({level, index});
  };
  std::set<std::uint8_t> whole = used;
  if (estimate > sharded_above) whole.insert(shard_level(estimate));
  std::set<std::uint8_t> probed;
  for (const std::uint8_t level : whole) {
    if (level > level_min) probed.insert(static_cast<std::uint8_t>(level - 1));
    if (level < level_max) probed.insert(static_cast<std::uint8_t>(level + 1));
  }
  const auto size_of = [](std::uint8_t level) { return std::uint32_t{1} << level; };
  for (const std::uint8_t level : whole) add(level, 0, std::min(probed_shards, size_of(level)));
  for (const std::uint8_t level : probed)
    if (!whole.contains(level)) add(level, 0, std::min(probed_shards, size_of(level)));
  for (const std::uint8_t level : whole)
    add(level, std::min(probed_shards, size_of(level)), size_of(level));
  return shards;
}

}  // namespace starling
