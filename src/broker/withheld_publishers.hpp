// WithheldPublishers: messages that were placed in full queues, and who waits for their
// acknowledgement. A hold ends when each of these queues has room again, or its reader has gone.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <variant>

#include "starling/ids.hpp"

namespace starling {

class WithheldPublishers {
 public:
  using HoldId = std::uint64_t;
  /// A client of ours, or a message that came from the mesh.
  using Waiting = std::variant<ConnectionId, MessageId>;

  /// `queues`: how many full queues took the message, at least one. Never returns 0.
  HoldId open(Waiting who, std::size_t queues) {
    holds_.emplace(++last_, Hold{who, queues});
    return last_;
  }

  /// One of its queues has room. Who waited, if it was the last one.
  std::optional<Waiting> on_room(HoldId hold) {
    const auto at = holds_.find(hold);
    if (at == holds_.end() || --at->second.queues > 0) return std::nullopt;
    const Waiting who = at->second.who;
    holds_.erase(at);
    return who;
  }

  [[nodiscard]] bool is_open(HoldId hold) const { return holds_.contains(hold); }
  [[nodiscard]] std::size_t size() const { return holds_.size(); }

 private:
  struct Hold {
    Waiting who;
    std::size_t queues;
  };
  std::map<HoldId, Hold> holds_;
  HoldId last_ = 0;
};

}  // namespace starling
