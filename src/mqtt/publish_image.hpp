// PublishImage: a PUBLISH encoded once per (version, QoS class) and sent to many: each subscriber
// gets a copy with packet id and flags of its own, while large payloads are shared by all.
#pragma once

#include <cstddef>
#include <cstdint>

#include "starling/bytes.hpp"
#include "starling/output_buffer.hpp"

#include "src/mqtt/packet.hpp"

namespace starling::mqtt {

/// Packet type and flags (3.3.1).
constexpr std::uint8_t publish_first_byte(QoS qos, bool retain, bool dup) {
  return static_cast<std::uint8_t>(static_cast<unsigned>(PacketType::publish) << 4U
                                   | (dup ? 8U : 0U) | static_cast<unsigned>(qos) << 1U
                                   | (retain ? 1U : 0U));
}

/// Where in a written head the changeable parts lie, counted from its first byte (which holds the
/// flags).
struct PublishHead {
  std::size_t size = 0;          ///< bytes before the payload
  std::size_t packet_id_at = 0;  ///< of two bytes; 0 for QoS 0, which has none
};

/// Appends everything before the payload to `out`. packet.payload is not read but for its size.
PublishHead write_publish_head(const Publish& packet, ProtocolVersion version, Bytes& out);

class PublishImage {
 public:
  /// An image of nothing; encode() gives it a content.
  PublishImage() = default;

  /// Encodes `packet` with `payload` (packet.payload is not looked at). Its flags and packet id do
  /// not matter, only whether its QoS is 0: an image of QoS 1 may be appended as QoS 2. Reuses the
  /// memory of the image before. What is above limits::packet_size_max (only possible for a message
  /// that came in just below it) is measured but not encoded: ask size() before append_to().
  void encode(Publish packet, const SharedBytes& payload, ProtocolVersion version);

  /// Bytes of the whole packet: to be compared with the peer's Maximum Packet Size [MQTT5-3.1.2-24]
  /// or, if it named none, with limits::packet_size_max.
  [[nodiscard]] std::size_t size() const { return head_.size + payload_size_; }

  /// `packet_id` is 0 if and only if `qos` is 0, and the image must have been encoded for that.
  /// `dup` is only for what is sent again [MQTT-3.3.1-1] [MQTT-3.3.1-2]. Payloads of at least
  /// OutputBuffer::share_from bytes are shared.
  void append_to(OutputBuffer& out, QoS qos, bool retain, bool dup, std::uint16_t packet_id) const;

 private:
  Bytes copied_;        // the head, with a small payload behind it
  SharedBytes shared_;  // a large payload
  PublishHead head_;
  std::size_t payload_size_ = 0;
};

}  // namespace starling::mqtt
