// ListenerPolicy: what the configuration says of the clients that come in by one listener.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "starling/limits.hpp"

#include "src/access/access_rules.hpp"

namespace starling {

/// Listeners are numbered in the order of the configuration. A reload keeps the numbers of those
/// that stay.
using ListenerIndex = std::uint16_t;

struct ListenerPolicy {
  std::string name;  ///< for the log: "1883", "/run/mqtt.sock"
  bool allow_anonymous = false;
  /// False: a client without an id is refused; true: it is given one, if its session is clean.
  bool allow_zero_length_client_id = true;
  std::string auto_id_prefix = "auto-";  ///< of the ids that are given
  bool use_user_name_as_client_id = false;
  bool accepts_v3_1 = true;  ///< protocol levels of CONNECT
  bool accepts_v3_1_1 = true;
  bool accepts_v5 = true;
  std::uint8_t qos_max = 2;  ///< publications above are refused, subscriptions granted less
  std::uint16_t topic_alias_max = limits::topic_alias_max;  ///< inbound, per connection
  std::uint16_t topic_alias_out_max =
      limits::topic_alias_out_max;  ///< aliases we make, if the client takes as many
  std::string mount_point;          ///< put before all topics and filters of its clients
  AccessRules rules;
};

}  // namespace starling
