// Delivery: one message on its way to one subscriber, as it waits in a queue or in the window. The
// message itself is shared with everybody else who waits for it.
#pragma once

#include <cstdint>
#include <vector>

#include "starling/publication.hpp"

namespace starling {

struct Delivery {
  SharedPublication message;
  QoS qos = QoS::at_least_once;  ///< the publisher's, lowered to what was granted [MQTT5-3.8.4-8]
  bool retain = false;           ///< the RETAIN flag this subscriber shall see
  std::vector<std::uint32_t> subscription_ids =
      {};  ///< of all matching subscriptions [MQTT5-3.3.4-4]
  std::uint64_t share_group =
      0;  ///< the group that picked this subscriber; 0: nobody else may have it
  std::uint64_t position = 0;  ///< in the session's queue: counts up, never repeats

  /// What it counts against the byte limit of a queue: its own share and the message it keeps
  /// alive.
  [[nodiscard]] std::size_t cost() const {
    return cost_of(message->topic.text().size() + message->payload.size());
  }
  /// The same for one of which only the bytes of topic and payload are known.
  static constexpr std::size_t cost_of(std::size_t bytes);
};

constexpr std::size_t Delivery::cost_of(std::size_t bytes) {
  return sizeof(Delivery) + sizeof(Publication) + bytes;
}

}  // namespace starling
