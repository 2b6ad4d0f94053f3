// Topic aliases (3.3.2.3.4). TopicAliases: those a client has set on its connection, and the name it
// used last, so that a client that keeps to its topics does not have them copied and checked with
// every message. OutboundAliases: those we set towards a client that takes them.
#pragma once

#include <array>
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
  /// [MQTT5-3.3.2-7]. `mount`: put before each name (see topic_mount.hpp); must outlive this.
  TopicAliases(std::uint16_t alias_max, std::size_t levels_max, std::string_view mount = {})
      : alias_max_(alias_max), levels_max_(levels_max), mount_(mount) {}

  /// The topic a PUBLISH means. `text` is empty when only an alias was sent. Errors:
  /// topic_alias_invalid (0, or above the maximum [MQTT5-3.2.2-17] [MQTT5-3.3.2-8]
  /// [MQTT5-3.3.2-9]), protocol_error (an alias that was never set, or neither name nor alias),
  /// topic_name_invalid (more levels than there may be, or too long with its mount point),
  /// malformed_packet (no topic name at all).
  mqtt::Decoded<TopicName> resolve(std::string_view text, std::optional<std::uint16_t> alias);

 private:
  mqtt::Decoded<TopicName> name_of(std::string_view text);

  std::vector<std::optional<TopicName>> names_;  // index: alias - 1; grown on use
  std::optional<TopicName> last_;                // as it is known here
  bool last_is_mounted_ = false;                 // mount_ stands before what the client wrote
  std::uint16_t alias_max_ = 0;
  std::size_t levels_max_ = 0;
  std::string_view mount_;
};

/// The first names get an alias at once. When all are taken, the one that was not used for longest
/// gives way to a name that comes a second time within a short while: topics that come once each,
/// as in a replay of retained messages, push nobody out.
class OutboundAliases {
 public:
  OutboundAliases() = default;
  /// `alias_max`: the smaller of what the client takes and what we use; 0: none [MQTT5-3.1.2-26]
  /// [MQTT5-3.1.2-27].
  explicit OutboundAliases(std::uint16_t alias_max) : alias_max_(alias_max) {}

  struct Choice {
    std::uint16_t alias = 0;  ///< 0: none for this message
    bool is_known = false;    ///< the client knows it already: the name need not be sent
  };
  /// The alias with which a message of this topic should be sent. Names too short to gain get none.
  Choice choose(const TopicName& topic);
  /// A PUBLISH with this new alias and the name was written: from now on the alias may stand alone.
  void bind(std::uint16_t alias, const TopicName& topic);

 private:
  struct Entry {
    TopicName topic;
    std::uint64_t last_used = 0;
  };
  std::vector<Entry> entries_;                 // index: alias - 1
  std::array<std::uint16_t, 16> seen_once_{};  // short hashes of names that came lately; 0: none
  std::uint64_t uses_ = 0;
  std::uint16_t alias_max_ = 0;
};

}  // namespace starling
