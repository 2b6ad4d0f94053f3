// The will a client left with its CONNECT (3.1.2.5), kept until it is published or taken back.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "starling/port/store.hpp"
#include "starling/publication.hpp"
#include "starling/result.hpp"

#include "src/mqtt/packet.hpp"

namespace starling {

class Will {
 public:
  /// Copies it out of the packet. `mount` is put before its topic. Errors: malformed (its topic is
  /// none), too_large (more than `levels_max` levels).
  static Result<Will> from(const mqtt::Will& will, std::size_t levels_max,
                           std::string_view mount = {});

  /// As the store gave it back.
  static Will from(const StoredWill& will);
  [[nodiscard]] StoredWill stored() const;

  /// When it is due after the connection ended at `closed_at` in a session that ends `session_left`
  /// later (nullopt: never): after its delay or with the session, what is first [MQTT5-3.1.2-8].
  [[nodiscard]] TimePoint due_at(TimePoint closed_at, std::optional<Duration> session_left) const;
  [[nodiscard]] std::chrono::seconds delay() const { return std::chrono::seconds{delay_s_}; }

  /// The message as it is published at `now`: its expiry begins to count only then (3.1.3.2.4).
  [[nodiscard]] Publication publication(TimePoint now) const;

 private:
  explicit Will(TopicName topic) : topic_(std::move(topic)) {}

  TopicName topic_;
  SharedBytes payload_;
  std::shared_ptr<const MessageProperties> properties_;
  std::uint32_t delay_s_ = 0;
  std::optional<std::uint32_t> expiry_s_;
  QoS qos_ = QoS::at_most_once;
  bool retain_ = false;
};

}  // namespace starling
