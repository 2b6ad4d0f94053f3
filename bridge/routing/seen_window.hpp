// SeenWindow: each MessageId once. At least once on the way plus this memory makes exactly once. It
// never forgets early: what it cannot remember it refuses, and the origin sends it again later.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "starling/ids.hpp"
#include "starling/limits.hpp"
#include "starling/time.hpp"

namespace starling {

/// What an origin counts with: its boot epoch, then the message within it. Without the origin.
struct MessageNumber {
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;
  auto operator<=>(const MessageNumber&) const = default;
};

struct SeenWindowBounds {
  std::size_t ids_max = limits::seen_ids_max;          ///< remembered above the floor, per origin
  std::size_t origins_max = limits::seen_origins_max;  ///< told apart
  Duration idle_max =
      limits::outbox_age_max;  ///< an origin keeps nothing longer than this to resend it
};

enum class Seen : std::uint8_t {
  fresh,           ///< never seen, and remembered now: deliver it
  duplicate,       ///< seen before: acknowledge it, do not deliver it
  no_room,         ///< too many ids above this origin's floor: neither deliver nor acknowledge
  unknown_origin,  ///< too many origins: neither deliver nor acknowledge
};

class SeenWindow {
 public:
  explicit SeenWindow(SeenWindowBounds bounds = {}) : bounds_(bounds) {}

  /// A message that is acknowledged between nodes (QoS 1 and 2). Remembered if fresh. The floor
  /// itself finds room even in a full window.
  Seen admit(const MessageId& id, TimePoint now);
  /// `origin` has seen every message before `floor` acknowledged by us and will not send them
  /// again: they count as seen, and need no room. Only to be believed from the origin itself. A
  /// floor that goes back is ignored.
  void on_floor(const NodeId& origin, MessageNumber floor, TimePoint now);

  /// A QoS 0 message. Nobody acknowledges or resends these, so no floor covers them: each origin
  /// has a sliding window over its latest limits::seen_unacknowledged_span sequence numbers, and
  /// what is older counts as a duplicate.
  Seen admit_unacknowledged(const MessageId& id, TimePoint now);

  /// The origin's peer has left the mesh for good.
  void forget(const NodeId& origin) {
    origins_.erase(origin);
    latest_ = nullptr;
  }

  [[nodiscard]] std::size_t origin_count() const { return origins_.size(); }
  /// Ids remembered above the floor of `origin`.
  [[nodiscard]] std::size_t outstanding(const NodeId& origin) const;
  /// How many more ids of `origin` would find room: the credit it can be given.
  [[nodiscard]] std::size_t room(const NodeId& origin) const;

 private:
  /// The latest sequence numbers of one epoch as a ring of bits.
  struct Recent {
    std::uint64_t epoch = 0;
    std::uint64_t highest = 0;
    std::vector<std::uint64_t> bits;  // empty until the first QoS 0 message
  };
  struct Origin {
    MessageNumber floor;
    std::vector<MessageNumber> above;  // ordered; those before `first` are below the floor
    std::size_t first = 0;
    Recent recent;
    TimePoint last_heard;
  };
  Origin* find_or_make(const NodeId& origin, TimePoint now);
  void forget_idle_origin(TimePoint now);

  SeenWindowBounds bounds_;
  std::map<NodeId, Origin> origins_;
  std::pair<const NodeId, Origin>* latest_ = nullptr;  // asked about last: mostly the next one too
  TimePoint all_busy_until_;  // no origin has been idle long enough before this
};

}  // namespace starling
