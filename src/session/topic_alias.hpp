// The topic aliases a client has set on its connection (3.3.2.3.4), and the name it used last, so
// that a client that keeps to its topics does not have them copied and checked with every message.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "starling/topic.hpp"

#include "src/mqtt/packet_error.hpp"

namespace starling {

class TopicAliases {
 public:
  TopicAliases() = default;
  /// `alias_max`: what we told the client; 0 before MQTT 5. Nothing outlives a connection
  /// [MQTT5-3.3.2-7].
  explicit TopicAliases(std::uint16_t alias_max) : alias_max_(alias_max) {}

  /// The topic a PUBLISH means. `text` is empty when only an alias was sent. Errors:
  /// topic_alias_invalid (0, or above the maximum [MQTT5-3.2.2-17] [MQTT5-3.3.2-8]
  /// [MQTT5-3.3.2-9]), protocol_error (an alias that was never set, or neither name nor alias),
  /// topic_name_invalid (more levels than limits::topic_levels_max), malformed_packet (no topic
  /// name at all).
  mqtt::Decoded<TopicName> resolve(std::string_view text, std::optional<std::uint16_t> alias);

 private:
  mqtt::Decoded<TopicName> name_of(std::string_view text);

  std::vector<std::optional<TopicName>> names_;  // index: alias - 1; grown on use
  std::optional<TopicName> last_;
  std::uint16_t alias_max_ = 0;
};

}  // namespace starling
