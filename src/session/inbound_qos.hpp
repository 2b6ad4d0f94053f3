// The receiving half of QoS 1 and 2 (4.3.2, 4.3.3): which packet ids of QoS 2 are open, and how
// many messages the client has under way. Sends nothing: its owner owes the acknowledgements.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "starling/publication.hpp"

namespace starling {

class InboundQos {
 public:
  enum class Arrival : std::uint8_t {
    fresh,      ///< to be delivered onwards
    repeated,   ///< a QoS 2 message we own already: acknowledge it again, deliver nothing
    over_quota  ///< the client exceeds the receive maximum we told it [MQTT5-3.3.4-7]
  };

  /// A new connection; open packet ids of the session stay open. `receive_maximum` 0: the protocol
  /// of the client knows no such bound (3.1.1).
  void on_connected(std::uint16_t receive_maximum);

  /// `packet_id` is not used for QoS 0. QoS 1: always a new message [MQTT-4.3.2-2] [MQTT5-4.3.2-5].
  /// QoS 2: new unless the id is open [MQTT-4.3.3-2] [MQTT5-4.3.3-10].
  Arrival on_publish(QoS qos, std::uint16_t packet_id);

  /// PUBREC with a reason of 0x80 or more is about to be sent: the id is free again
  /// [MQTT5-4.3.3-9].
  void on_refused(std::uint16_t packet_id);

  /// PUBREL has come. False: no such id is open. The id is free for a new message [MQTT5-4.3.3-12].
  bool on_pubrel(std::uint16_t packet_id);

  /// PUBACK, PUBCOMP or a refusing PUBREC has left: the client may send one more [MQTT5-4.9.0-2].
  void on_acknowledged() { under_way_ -= under_way_ > 0 ? 1 : 0; }

  [[nodiscard]] std::size_t open_ids() const { return open_.size(); }

 private:
  std::vector<std::uint16_t> open_;  // QoS 2 ids between PUBLISH and PUBREL, sorted
  std::uint32_t under_way_ = 0;      // on this connection
  std::uint16_t receive_maximum_ = 0;
};

}  // namespace starling
