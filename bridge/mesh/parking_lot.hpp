// ParkingLot: messages of one mesh that may concern peers not found or not linked yet. It keeps
// them in order for a short while, remembers who has got each one already, and gives them to peers
// that come in time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "starling/ids.hpp"
#include "starling/limits.hpp"
#include "starling/publication.hpp"
#include "starling/time.hpp"

#include "dht/keys/prefix_key.hpp"

namespace starling {

class ParkingLot {
 public:
  /// Keeps `message` (under its name in the mesh) for limits::parked_age_max if its QoS is 0, for
  /// limits::unresolved_for otherwise, and never beyond its expiry. `served`: peers that have got
  /// it. False, and counted in dropped(): the bounds of its prefix (QoS 0:
  /// limits::parked_messages_max, parked_bytes_max) or of the mesh
  /// (limits::unresolved_messages_max, unresolved_bytes_max, parked_prefixes_max) leave no room.
  bool park(const SharedPublication& message, std::vector<NodeId> served, TimePoint now);

  /// The messages that `peer` has not got and for which `wants` holds, oldest first; from now on it
  /// has got them.
  [[nodiscard]] std::vector<SharedPublication> take_for(
      const NodeId& peer, const std::function<bool(const Publication&)>& wants);

  /// Lets go what `is_settled`: everybody who may want it is known and linked, or cannot be
  /// reached.
  void settle(const std::function<bool(const Publication&)>& is_settled);
  /// Lets go what has waited long enough. Returns how many.
  std::size_t expire(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;

  /// Each of `visit` once, oldest first.
  void for_each(const std::function<void(const Publication&)>& visit) const;

  [[nodiscard]] std::size_t size() const { return waiting_.size(); }
  [[nodiscard]] bool empty() const { return waiting_.empty(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 private:
  struct Waiting {
    SharedPublication message;
    LiteralPrefix prefix;
    std::vector<NodeId> served;
    TimePoint until;
    std::size_t cost = 0;
  };
  struct Share {               // of one prefix
    std::size_t messages = 0;  // of any QoS
    std::size_t qos0_messages = 0;
    std::size_t qos0_bytes = 0;
  };
  void forget(const Waiting& waiting);
  template <class Predicate>
  std::size_t remove_if(const Predicate& predicate);

  std::deque<Waiting> waiting_;
  std::map<LiteralPrefix, Share> shares_;
  std::size_t bytes_ = 0;
  std::size_t acknowledged_messages_ = 0;  // of QoS 1 and 2
  std::uint64_t dropped_ = 0;
};

}  // namespace starling
