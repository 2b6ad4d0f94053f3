// The receiving half of QoS 1 and 2 (4.3.2, 4.3.3): which packet ids of QoS 2 are open, the messages
// that wait for their PUBREL, and how many the client has under way. Sends nothing: its owner owes
// the acknowledgements.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "starling/limits.hpp"
#include "starling/publication.hpp"

#include "src/session/fifo.hpp"

namespace starling {

class InboundQos {
 public:
  /// QoS 1 messages of a client that may be unacknowledged at a time, whatever it was told: as many
  /// as one read from its socket can bring.
  static constexpr std::uint32_t unacknowledged_max = 16'384;

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

  /// There is room to keep a QoS 2 message of so many payload bytes until its PUBREL.
  [[nodiscard]] bool can_hold(std::size_t bytes) const {
    return held_.size() < limits::held_messages_max
           && (bytes <= limits::held_bytes_max && held_bytes_ <= limits::held_bytes_max - bytes);
  }
  /// The message of an open id. Only if can_hold(). As in Mosquitto it goes on with PUBREL, which
  /// the standard leaves to the receiver (4.3.3).
  void hold(std::uint16_t packet_id, std::shared_ptr<Publication> message);
  /// Everything that is held, in the order it came: it goes on before its PUBREL.
  std::vector<std::shared_ptr<Publication>> take_held();

  /// An id that an earlier process left open, in the order it was opened. `held` may be null.
  void restore(std::uint16_t packet_id, std::shared_ptr<Publication> held);

  struct Released {
    bool known = false;  ///< the id was open; it is free for a new message [MQTT5-4.3.3-12]
    std::shared_ptr<Publication> held;  ///< goes on now; null: it did so before
  };
  /// PUBREL has come.
  Released on_pubrel(std::uint16_t packet_id);

  /// PUBACK (QoS 1), or PUBCOMP or a refusing PUBREC (QoS 2) has left: the client may send one more
  /// [MQTT5-4.9.0-2].
  void on_acknowledged(QoS qos) {
    std::uint32_t& under_way = qos == QoS::exactly_once ? under_way_qos2_ : under_way_qos1_;
    under_way -= under_way > 0 ? 1 : 0;
  }

  [[nodiscard]] std::size_t open_ids() const { return open_.size(); }

 private:
  struct Held {
    std::uint16_t packet_id = 0;
    std::shared_ptr<Publication> message;
  };
  bool close(std::uint16_t packet_id);

  std::vector<std::uint16_t> open_;  // QoS 2 ids between PUBLISH and PUBREL, sorted
  Fifo<Held> held_;                  // of these, in the order they came
  std::size_t held_bytes_ = 0;       // of their payloads
  // On this connection. That a QoS 1 message is still unacknowledged is our doing, not the client's:
  // its PUBACK waits for the end of the turn, the store or a full reader. Clients that know no
  // quota, and whom other brokers answer at once, must not be sent away for it. So only what waits
  // for the client's own PUBREL counts towards the maximum, and QoS 1 has a bound of its own.
  std::uint32_t under_way_qos1_ = 0;
  std::uint32_t under_way_qos2_ = 0;
  std::uint16_t receive_maximum_ = 0;
};

}  // namespace starling
