// The sending half of QoS 1 and 2 (4.3.2, 4.3.3, 4.4): a bounded queue of what waits and a window
// of what is under way. Writes nothing: its owner turns what comes out into packets.
//
// Every message has a position, which counts up; its packet id follows from it when it enters the
// window, so one that is sent again after a crash has the id it had before. Of a session that a store
// keeps, only the beginning of the queue is in memory; the rest is counted here and read back when
// it is needed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "starling/time.hpp"

#include "src/session/delivery.hpp"
#include "src/session/fifo.hpp"
#include "src/session/inflight_window.hpp"

namespace starling {

class OutboundQos {
 public:
  struct Limits {
    std::size_t messages_max;  ///< waiting, also those only on disk; the window not counted
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
    InflightWindow::Spares spares = {};
  };

  using State = InflightState;
  using Inflight = starling::Inflight;

  /// `pool` must outlive it.
  explicit OutboundQos(Pool& pool) : pool_(pool), inflight_(pool.spares) {}
  ~OutboundQos();
  OutboundQos(const OutboundQos&) = delete;
  OutboundQos& operator=(const OutboundQos&) = delete;

  /// A connection is there. `window`: messages under way at a time, 1 to 65535 [MQTT5-3.3.4-9].
  /// Everything in the window is due to be sent again [MQTT-4.4.0-1] [MQTT5-4.4.0-1].
  void on_connected(std::uint16_t window);
  void on_disconnected() {
    window_ = 0;
    inflight_.forget_sent();
  }

  /// The next message to send again, oldest first [MQTT-4.6.0-1]; null when all have been, or the
  /// window of this connection is smaller than what is under way. Good until the next call.
  Inflight* next_to_resend();
  /// There is room in the window for a message that was never sent, and nothing to be resent before
  /// it.
  [[nodiscard]] bool window_is_open() const {
    const std::size_t bytes_max = pool_.limits.inflight_bytes_max;
    return inflight_.all_sent() && inflight_.size() < window_
           && (bytes_max == 0 || inflight_bytes_ < bytes_max || inflight_.empty());
  }
  /// Puts a message into the window [MQTT-4.3.2-1] [MQTT-4.3.3-1]. Only if window_is_open(); its
  /// position is new or came from take_waiting().
  Inflight& begin(Delivery&& delivery);

  /// Puts a message behind the others that wait, or only counts it if the store has it and there are
  /// enough in memory. The caller looks at is_full() before.
  void enqueue(Delivery delivery);
  [[nodiscard]] bool is_full() const {
    return waiting() >= pool_.limits.messages_max || waiting_bytes() >= pool_.limits.bytes_max;
  }
  /// Twice the limit: nobody waits for room any more, this reader must go.
  [[nodiscard]] bool is_overfull() const {
    return waiting() / 2 >= pool_.limits.messages_max
           || waiting_bytes() / 2 >= pool_.limits.bytes_max;
  }
  [[nodiscard]] bool has_waiting() const { return waiting() > 0; }
  /// Takes the oldest waiting message whose time has not run out; those before it are dropped into
  /// `expired` [MQTT5-3.3.2-5]. nullopt also when the next one is not in memory, not safe yet, or
  /// its packet id is still in use.
  std::optional<Delivery> take_waiting(TimePoint now, std::vector<Delivery>& expired);
  /// Drops what has expired anywhere in the queue in memory. Costs a walk: for a full queue, now and
  /// then.
  std::vector<Delivery> take_expired(TimePoint now);
  /// Takes back what waits in memory on behalf of a share group (0: of any): it was never sent,
  /// another member may have it.
  std::vector<Delivery> take_shared(std::uint64_t share_group);
  /// What was taken out and stays here after all goes where it was.
  void put_back(std::vector<Delivery> deliveries);
  /// Takes out of the queue in memory, in order, everything for which `predicate(delivery)` holds.
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

  /// The message of a packet id in the window; null: there is none.
  [[nodiscard]] const Delivery* under_way(std::uint16_t packet_id) {
    const Inflight* entry = inflight_.find(packet_id);
    return entry != nullptr ? &entry->delivery : nullptr;
  }

  [[nodiscard]] std::size_t waiting() const { return queue_.size() + on_disk_.messages; }
  [[nodiscard]] std::size_t waiting_bytes() const { return queued_bytes_ + on_disk_.bytes; }
  [[nodiscard]] std::size_t inflight() const { return inflight_.size(); }
  [[nodiscard]] const InflightWindow& window() const { return inflight_; }
  /// For a message that comes now. Its packet id is free.
  std::uint64_t next_position();

  // --- Sessions that a store keeps

  /// From now on everything that is queued is in the store too.
  void keep_in_store() { is_stored_ = true; }
  [[nodiscard]] bool is_stored() const { return is_stored_; }
  /// Messages up to this position are safe. Those of QoS 2 are not sent before: after a crash their
  /// packet id could name another message, which the client would take for a repeat.
  void on_safe(std::uint64_t position) { safe_up_to_ = std::max(safe_up_to_, position); }

  /// What an earlier process left, before anything else is done. `last_position`: of all that were
  /// ever given. The waiting ones, all beyond `after`, are in the store.
  struct Restored {
    std::vector<Inflight> inflight;  ///< packet ids are set here
    std::uint64_t last_position = 0;
    std::uint64_t after = 0;
    std::size_t messages = 0;
    std::size_t bytes = 0;  ///< of topics and payloads
  };
  void restore(Restored restored);
  /// The position beyond which the store should be read now: little is left in memory and more is
  /// there. Asks once, until on_read(). nullopt: no need.
  std::optional<std::uint64_t> wants_read();
  /// Of what waits, so many messages are only in the store: all beyond read_up_to().
  [[nodiscard]] std::size_t waiting_in_store() const { return on_disk_.messages; }
  [[nodiscard]] std::uint64_t read_up_to() const { return read_up_to_; }
  /// An answer to wants_read() is still to come.
  [[nodiscard]] bool is_reading() const { return is_reading_; }
  /// The answer: the next of those that wait, in order. Empty: there is nothing more.
  void on_read(std::vector<Delivery> deliveries);
  /// The store has dropped a waiting message of so many bytes of topic and payload, as its time ran
  /// out. False: it is in memory, and drops out when its turn comes.
  bool on_expired_in_store(std::uint64_t position, std::size_t bytes);

 private:
  struct Amount {
    std::size_t messages = 0;
    std::size_t bytes = 0;  // sum of Delivery::cost
  };
  Delivery finish(Inflight& entry);
  bool is_in_use(std::uint64_t position);
  void widen(std::uint64_t position);
  void account(Amount& amount, std::size_t cost);
  void account_removed(Amount& amount, std::size_t cost);
  void account_removed(const Delivery& delivery);

  Pool& pool_;
  Fifo<Delivery> queue_;  // in the order of the positions
  std::size_t queued_bytes_ = 0;
  Amount on_disk_;                // waiting, and not in queue_: all behind it
  Amount since_asked_;            // of these, those that came while the store is being read
  std::uint64_t read_up_to_ = 0;  // waiting positions up to this one are in queue_, or were
  std::uint64_t safe_up_to_ = 0;  // see on_safe()
  bool is_stored_ = false;
  bool is_reading_ = false;
  InflightWindow inflight_;
  std::size_t inflight_bytes_ = 0;  // of their payloads
  std::uint64_t earliest_ = 0;      // of the positions in it, or before
  std::uint64_t latest_ = 0;        // of the positions in it, or behind
  std::uint16_t window_ = 0;        // 0: no connection
  std::uint64_t last_position_ = 0;
};

}  // namespace starling
