// ServerSession: the machine of one client. It holds what outlives a connection (4.1: messages that
// wait or are under way, open packet ids) apart from what ends with it (Terms, aliases, quota). It
// decides what the client is sent and when; who gets which message at all is the broker's.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "starling/limits.hpp"
#include "starling/publication.hpp"

#include "src/mqtt/packet.hpp"
#include "src/mqtt/packet_error.hpp"
#include "src/mqtt/publish_image.hpp"
#include "src/mqtt/write_packet.hpp"
#include "src/session/delivery.hpp"
#include "src/session/inbound_qos.hpp"
#include "src/session/keep_alive.hpp"
#include "src/session/outbound_qos.hpp"
#include "src/session/packet_outlet.hpp"
#include "src/session/topic_alias.hpp"

namespace starling {

class ServerSession {
 public:
  /// What CONNECT and our answer to it agree on.
  struct Terms {
    mqtt::ProtocolVersion version = mqtt::ProtocolVersion::v5;
    std::uint16_t keep_alive_s = 0;
    std::uint16_t receive_maximum =
        0;                     ///< messages the client may have under way; 0: no bound was told
    std::uint16_t window = 1;  ///< messages it may be sent at a time, at least 1
    std::size_t packet_size_max = 0;        ///< what it accepts, in bytes [MQTT5-3.1.2-24]
    std::uint16_t topic_alias_max = 0;      ///< what we accept
    std::uint16_t topic_alias_out_max = 0;  ///< aliases we may set [MQTT5-3.1.2-26]
    std::size_t topic_levels_max = limits::topic_levels_max;  ///< of topics it publishes to
  };

  /// What has been written to clients.
  struct Traffic {
    std::int64_t packets = 0;
    std::int64_t bytes = 0;
  };

  /// What became of a message of QoS 1 or 2.
  enum class Placement : std::uint8_t {
    sent,          ///< written, and in the window until it is acknowledged
    discarded,     ///< larger than the client accepts: as if it had been delivered [MQTT5-3.1.2-25]
    queued,        ///< waits for the window, the socket or the client's return
    beyond_limit,  ///< the same, in a queue that is full: its publisher must wait
    dropped        ///< the queue of an absent client is full
  };

  /// `queues` and `sent` are common to all sessions and must outlive it.
  ServerSession(std::string client_id, OutboundQos::Pool& queues, Traffic& sent)
      : client_id_(std::move(client_id)), outbound_(queues), sent_(sent) {}

  [[nodiscard]] const std::string& client_id() const { return client_id_; }
  [[nodiscard]] const Terms& terms() const { return terms_; }
  /// The client can be sent to: begin_sending() was called for its connection.
  [[nodiscard]] bool is_sending() const { return outlet_ != nullptr; }
  /// The client takes a PUBLISH as everybody gets it: without aliases, its topic in full.
  [[nodiscard]] bool takes_images() const { return aliases_out_ == nullptr && mount_ == nullptr; }
  /// What stands before all its topics here; empty: nothing (see topic_mount.hpp).
  [[nodiscard]] std::string_view mount() const {
    return mount_ ? std::string_view(*mount_) : std::string_view();
  }

  /// While no client is there.
  void set_mount(std::string_view mount);
  /// CONNECT is accepted: packets of the client may come.
  void on_connected(const Terms& terms, TimePoint now);
  /// CONNACK is written. `outlet` must stay until on_disconnected(). send_waiting() then sends
  /// again what is unacknowledged [MQTT-4.4.0-1] [MQTT5-4.4.0-1].
  void begin_sending(PacketOutlet& outlet);
  void on_disconnected();

  // --- From the client -------------------------------------------------------------------------

  /// Any packet. Cheap.
  void on_heard(TimePoint now) { keep_alive_.on_packet(now); }
  [[nodiscard]] const KeepAlive& keep_alive() const { return keep_alive_; }

  struct Arrived {
    TopicName topic;
    bool repeated = false;  ///< we own it already: acknowledge it, deliver nothing
  };
  /// Errors end the connection: those of TopicAliases, and receive_maximum_exceeded.
  mqtt::Decoded<Arrived> on_publish(const mqtt::Publish& packet);
  InboundQos& inbound() { return inbound_; }

  // Acknowledgements go to outbound() directly; send_waiting() then fills the room they made.

  // --- To the client ---------------------------------------------------------------------------

  /// QoS 0. `image`: the message encoded for this client's version without subscription ids, given
  /// only if can_write(); null to have it encoded. False: not sent, because nobody is there, the socket is congested, or the
  /// packet is larger than the client accepts.
  bool send_qos0(const Publication& message, bool retain,
                 std::span<const std::uint32_t> subscription_ids, const mqtt::PublishImage* image,
                 TimePoint now);
  /// QoS 1 and 2 (`image` likewise, used only if it can be sent at once). A full queue still takes
  /// it while the client is there: its publisher is to be held back instead.
  Placement deliver(Delivery&& delivery, const mqtt::PublishImage* image, TimePoint now);
  /// A message of this QoS could be written now: the client is there, its socket not congested, and
  /// for QoS 1 and 2 its window open. What waits in the queue is not looked at, unless the message
  /// would have to wait there to become safe.
  [[nodiscard]] bool can_write(QoS qos) const {
    if (qos == QoS::at_most_once) return outlet_ != nullptr && !outlet_->write_is_congested();
    return window_accepts() && !(must_be_safe(qos) && outbound_.waiting() >= terms_.window);
  }
  /// QoS 1 and 2, past the queue. Only if can_write(). Returns sent or discarded; queued if it must
  /// be safe first.
  Placement deliver_now(Delivery delivery, TimePoint now);
  /// A QoS 0 message that shall wait behind others: queued, or dropped if the queue is full.
  Placement enqueue_qos0(Delivery delivery);

  struct Sent {
    std::size_t messages = 0;  ///< for the first time
    std::size_t bytes = 0;     ///< of their payloads
    std::uint64_t up_to = 0;   ///< position of the last one of QoS 1 or 2; 0: none
  };
  /// What came out of the queue and is done with; appended to.
  struct Ended {
    std::vector<Delivery> unsent;  ///< expired, too large, or without a name for the client
    std::vector<Delivery> qos0;    ///< sent, and no acknowledgement follows
  };
  /// Sends again what must be, then at most `count_max` of what waits, as far as the window and the
  /// socket allow.
  Sent send_waiting(TimePoint now, Ended& ended,
                    std::size_t count_max = std::numeric_limits<std::size_t>::max());

  /// The queue has as much as it may hold.
  [[nodiscard]] bool is_full() const { return outbound_.is_full(); }
  OutboundQos& outbound() { return outbound_; }
  [[nodiscard]] const OutboundQos& outbound() const { return outbound_; }

  /// A packet other than PUBLISH. False if it is larger than the client accepts and was not sent.
  /// Reason strings and user properties are left out if that makes it fit.
  template <class Packet>
  bool send(const Packet& packet) {
    return outlet_ != nullptr && write_packet(packet);
  }

 private:
  template <class Packet>
  bool write_packet(const Packet& packet) {
    Bytes& out = outlet_->output().tail();
    const std::size_t before = out.size();
    if (!mqtt::write_within(packet, terms_.version, terms_.packet_size_max, out)) return false;
    on_written(out.size() - before);
    return true;
  }
  void on_written(std::size_t bytes) {
    ++sent_.packets;
    sent_.bytes += static_cast<std::int64_t>(bytes);
    outlet_->flush_soon();
  }
  struct Flags {
    QoS qos = QoS::at_most_once;
    bool retain = false;
    bool dup = false;
    std::uint16_t packet_id = 0;
  };
  /// False: too large for the client, nothing was written.
  bool write_publish(const Publication& message, Flags flags,
                     std::span<const std::uint32_t> subscription_ids,
                     const mqtt::PublishImage* image, TimePoint now);
  bool write_publish(const Delivery& delivery, std::uint16_t packet_id, bool dup,
                     const mqtt::PublishImage* image, TimePoint now);
  /// The message back if it is too large for the client.
  std::optional<Delivery> start(Delivery&& delivery, const mqtt::PublishImage* image,
                                TimePoint now);
  /// A client that has its QoS 2 message under an id we may forget takes the next one for a repeat.
  [[nodiscard]] bool must_be_safe(QoS qos) const {
    return qos == QoS::exactly_once && outbound_.is_stored();
  }
  [[nodiscard]] bool window_accepts() const {
    return outlet_ != nullptr && outbound_.window_is_open() && !outlet_->write_is_congested();
  }

  std::string client_id_;
  std::unique_ptr<const std::string> mount_;  // null: none
  InboundQos inbound_;
  OutboundQos outbound_;
  Traffic& sent_;

  // Of the connection:
  PacketOutlet* outlet_ = nullptr;
  Terms terms_;
  KeepAlive keep_alive_;
  std::unique_ptr<TopicAliases> aliases_;         // null: it has not published yet
  std::unique_ptr<OutboundAliases> aliases_out_;  // null: it takes none
};

}  // namespace starling
