// The sending half of QoS 1 and 2 (4.3.2, 4.3.3, 4.4): a bounded queue of what waits and a window
// of what is under way. Packet ids are given when a message enters the window, not before. Writes
// nothing: its owner turns what comes out into packets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "starling/time.hpp"

#include "src/session/delivery.hpp"
#include "src/session/fifo.hpp"

namespace starling {

class OutboundQos {
 public:
  struct Limits {
    std::size_t messages_max;  ///< waiting, the window not counted
    std::size_t bytes_max;     ///< sum of Delivery::cost of these
    std::size_t inflight_bytes_max =
        0;  ///< payload bytes in the window that close it; 0: no bound. One message always goes.
  };

  /// What the queues of all sessions have in common: their limits, which may change, and how much
  /// they hold together.
  struct Pool {
    Limits limits;
    std::int64_t waiting = 0;        ///< messages in all queues
    std::int64_t waiting_bytes = 0;  ///< sum of Delivery::cost of these
    std::int64_t inflight = 0;       ///< messages in all windows
  };

  enum class State : std::uint8_t { awaiting_puback, awaiting_pubrec, awaiting_pubcomp };

  /// A message that was sent, or must be sent again after a reconnect.
  struct Inflight {
    Delivery delivery;
    std::uint64_t sequence = 0;  // of its packet id, see next_packet_id
    std::uint16_t packet_id = 0;
    State state = State::awaiting_puback;
  };

  /// `pool` must outlive it.
  explicit OutboundQos(Pool& pool) : pool_(pool) {}
  ~OutboundQos();
  OutboundQos(const OutboundQos&) = delete;
  OutboundQos& operator=(const OutboundQos&) = delete;

  /// A connection is there. `window`: messages under way at a time, 1 to 65535 [MQTT5-3.3.4-9].
  /// Everything in the window is due to be sent again [MQTT-4.4.0-1] [MQTT5-4.4.0-1].
  void on_connected(std::uint16_t window);
  void on_disconnected() {
    window_ = 0;
    resent_ = 0;
  }

  /// The next message to send again, oldest first [MQTT-4.6.0-1]; null when all have been, or the
  /// window of this connection is smaller than what is under way. Good until the next call.
  Inflight* next_to_resend();
  /// There is room in the window for a message that was never sent, and nothing to be resent before
  /// it.
  [[nodiscard]] bool window_is_open() const {
    const std::size_t bytes_max = pool_.limits.inflight_bytes_max;
    return resent_ == inflight_.size() && inflight_.size() < window_
           && (bytes_max == 0 || inflight_bytes_ < bytes_max || inflight_.empty());
  }
  /// Puts a message into the window [MQTT-4.3.2-1] [MQTT-4.3.3-1]. Only if window_is_open().
  Inflight& begin(Delivery delivery);

  /// Puts a message behind the others that wait. The caller looks at is_full() before.
  void enqueue(Delivery delivery);
  [[nodiscard]] bool is_full() const {
    return queue_.size() >= pool_.limits.messages_max || queued_bytes_ >= pool_.limits.bytes_max;
  }
  /// Twice the limit: nobody waits for room any more, this reader must go.
  [[nodiscard]] bool is_overfull() const {
    return queue_.size() / 2 >= pool_.limits.messages_max
           || queued_bytes_ / 2 >= pool_.limits.bytes_max;
  }
  [[nodiscard]] bool has_waiting() const { return !queue_.empty(); }
  /// Takes the oldest waiting message whose time has not run out; those before it are dropped into
  /// `expired` [MQTT5-3.3.2-5].
  std::optional<Delivery> take_waiting(TimePoint now, std::vector<Delivery>& expired);
  /// Drops what has expired anywhere in the queue. Costs a walk: for a full queue, now and then.
  std::vector<Delivery> take_expired(TimePoint now);
  /// Takes back what waits on behalf of a share group (0: of any): it was never sent, another
  /// member may have it.
  std::vector<Delivery> take_shared(std::uint64_t share_group);
  /// Takes out of the queue, in order, everything for which `predicate(delivery)` holds.
  template <class Predicate>
  std::vector<Delivery> take_matching(Predicate predicate) {
    auto taken = queue_.extract(predicate);
    for (const Delivery& delivery : taken) account_removed(delivery);
    return taken;
  }
  /// The session ends: everything that waits.
  std::vector<Delivery> take_all_waiting();
  /// The session ends: everything in the window, oldest first.
  std::vector<Inflight> take_inflight();

  /// What an acknowledgement of a subscriber means. Of another kind than the message in the window
  /// awaits, it is a breach of the protocol (4.3.2, 4.3.3).
  enum class Received : std::uint8_t { finished, send_pubrel, unknown, out_of_place };
  /// PUBACK. finished: its message is put into `ended`.
  Received on_puback(std::uint16_t packet_id, std::optional<Delivery>& ended);
  /// PUBREC. `refused`: its reason is 0x80 or more, the message is done with [MQTT5-4.4.0-2].
  /// Otherwise PUBREL is due, also when it was sent before [MQTT5-4.3.3-4].
  Received on_pubrec(std::uint16_t packet_id, bool refused, std::optional<Delivery>& ended);
  /// PUBCOMP. finished: its message is put into `ended`.
  Received on_pubcomp(std::uint16_t packet_id, std::optional<Delivery>& ended);
  /// It turned out too large for the client: as if it had been delivered [MQTT5-3.1.2-25].
  std::optional<Delivery> abandon(std::uint16_t packet_id);

  [[nodiscard]] std::size_t waiting() const { return queue_.size(); }
  [[nodiscard]] std::size_t waiting_bytes() const { return queued_bytes_; }
  [[nodiscard]] std::size_t inflight() const { return inflight_.size(); }
  [[nodiscard]] const std::vector<Inflight>& window() const { return inflight_; }
  /// For the store; counts up.
  std::uint64_t next_position() { return ++last_position_; }

 private:
  Inflight* find(std::uint16_t packet_id);
  Delivery finish(Inflight& entry);
  std::uint64_t next_sequence();
  void account_removed(const Delivery& delivery);

  Pool& pool_;
  Fifo<Delivery> queue_;
  std::size_t queued_bytes_ = 0;
  std::vector<Inflight> inflight_;  // in the order they were first sent
  std::size_t inflight_bytes_ = 0;  // of their payloads
  std::size_t resent_ = 0;          // of these the first so many were sent on this connection
  std::uint16_t window_ = 0;        // 0: no connection
  std::uint64_t last_sequence_ = 0;
  std::uint64_t last_position_ = 0;
};

}  // namespace starling
