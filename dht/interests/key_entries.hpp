// KeyEntries: the keys that an InterestFinder has open, and what lies under them. For the .cpp files
// of this room.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "starling/ids.hpp"
#include "starling/peer_record.hpp"
#include "starling/port/rendezvous.hpp"
#include "starling/time.hpp"
#include "starling/topic.hpp"

#include "dht/keys/prefix_key.hpp"
#include "dht/records/interest_record.hpp"

namespace starling {

struct Place {
  LiteralPrefix prefix;
  Shard shard;
  auto operator<=>(const Place&) const = default;
  [[nodiscard]] bool is_root() const { return shard.level == 0; }
};

struct KeyEntry {
  enum class Stage : std::uint8_t { waiting, asking, resolved };

  std::uint64_t serial = 0;  ///< callbacks of an earlier entry of the same place are not for this
  DhtKey key;
  Stage stage = Stage::waiting;
  TimePoint begun_at;          ///< asking
  TimePoint complete_at;       ///< while asking
  TimePoint complete_at_last;  ///< complete_at never goes beyond it
  std::optional<TimePoint> reread_at;
  Rendezvous::Handle listening;
  std::map<NodeId, InterestRecord> records;

  // Of a root, for all its shards.
  TimePoint last_used;
  bool is_complete = false;            ///< resolved, and so are the shards
  TimePoint shards_due;                ///< without an answer until then, they count as resolved
  std::set<std::uint8_t> levels;       ///< of shards where somebody has been found
  std::optional<TimePoint> review_at;  ///< which shards are to be read?
};

/// A prefix's shards stand behind its root.
using KeyEntries = std::map<Place, KeyEntry>;

/// See InterestFinder. Of a node that stands at several places of a prefix, its newest record
/// counts: one that has moved from one shard to another is seen in both for a while.
std::vector<PeerRecord> peers_wanting(const KeyEntries& entries, const TopicName& name,
                                      UnixSeconds today);

/// Has `prefix` been resolved, at its root and in every shard that is open?
bool all_resolved(const KeyEntries& entries, const LiteralPrefix& prefix);

/// How many nodes have filed under the key of this root.
double estimate_of(const KeyEntry& root, UnixSeconds today);

}  // namespace starling
