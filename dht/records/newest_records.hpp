// NewestRecords: which record of a node under a key is the newest seen, so that older ones that
// somebody puts again are known for what they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "starling/ids.hpp"
#include "starling/limits.hpp"
#include "starling/time.hpp"

#include "dht/records/envelope.hpp"

namespace starling {

enum class Freshness : std::uint8_t {
  newer,  ///< nothing newer is known: use it
  same,   ///< the newest known one again (a refresh)
  older,  ///< a replay, or overtaken on the way: do not use it
};

/// Bounded: beyond `count_max` the entry whose records lapse first is forgotten. That is safe,
/// since a lapsed record is refused for its date; only a flood of valid records can push a living
/// entry out.
class NewestRecords {
 public:
  explicit NewestRecords(std::size_t count_max = limits::records_remembered_max)
      : count_max_(count_max < 1 ? 1 : count_max) {}

  /// Judges a record and remembers it. A reader calls it after the body has opened, so that only
  /// members can fill the table.
  Freshness note(const VerifiedEnvelope& envelope, UnixSeconds now);
  /// Judges without remembering.
  [[nodiscard]] Freshness judge(const VerifiedEnvelope& envelope) const;

  [[nodiscard]] std::size_t size() const { return newest_.size(); }

 private:
  using Place = std::pair<NodeId, DhtKey>;
  struct Entry {
    RecordStamp stamp;
    UnixSeconds kept_until = 0;  // the latest expiry of any record seen for the place
  };

  void forget_first();

  // Ordered, not hashed: strangers choose the ids.
  std::map<Place, Entry> newest_;
  std::set<std::pair<UnixSeconds, Place>> by_end_;  // the same places, by kept_until
  std::size_t count_max_;
};

}  // namespace starling
