// Publication: what a PUBLISH means once no MQTT flag is left. It crosses rooms and nodes as a
// value.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "starling/bytes.hpp"
#include "starling/ids.hpp"
#include "starling/time.hpp"
#include "starling/topic.hpp"

namespace starling {

/// Delivery promise (4.3). Values are those on the wire.
enum class QoS : std::uint8_t { at_most_once = 0, at_least_once = 1, exactly_once = 2 };
inline constexpr QoS lower(QoS a, QoS b) {
  return a < b ? a : b;
}

/// The MQTT 5 properties that travel with a message unchanged from publisher to subscriber
/// [MQTT5-3.3.2-4] [MQTT5-3.3.2-15] [MQTT5-3.3.2-16] [MQTT5-3.3.2-17] [MQTT5-3.3.2-18]
/// [MQTT5-3.3.2-20].
struct MessageProperties {
  std::optional<std::uint8_t> payload_format_indicator;
  std::optional<std::string> content_type;
  std::optional<std::string> response_topic;
  std::optional<Bytes> correlation_data;
  std::vector<std::pair<std::string, std::string>> user_properties;

  friend bool operator==(const MessageProperties&, const MessageProperties&) = default;
};

struct Publication {
  TopicName topic;
  SharedBytes payload;
  QoS qos = QoS::at_most_once;
  bool retain = false;
  /// When the message loses its meaning; nullopt: never. Carried between nodes as time remaining.
  std::optional<TimePoint> expires_at;
  /// Null when the publisher set none.
  std::shared_ptr<const MessageProperties> properties;
  /// Zero origin until the node has stamped it.
  MessageId id;
  /// This node's own number for it, by which its store knows it; 0: it has none yet. Never sent.
  std::uint64_t number = 0;

  [[nodiscard]] bool has_expired(TimePoint now) const { return expires_at && *expires_at <= now; }
};

/// Stored once, however many queues hold it.
using SharedPublication = std::shared_ptr<const Publication>;

}  // namespace starling
