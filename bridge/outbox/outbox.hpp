// Outbox: the QoS 1 and 2 messages that one peer has not acknowledged yet, in the order in which
// they were accepted. It outlives links: a new link begins again at the oldest one, with the same
// MessageIds. It knows neither sockets nor frames; lane numbers are given by the link and mean
// nothing beyond it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>

#include "starling/ids.hpp"
#include "starling/limits.hpp"
#include "starling/publication.hpp"
#include "starling/time.hpp"

namespace starling {

struct OutboxEntry {
  SharedPublication message;     ///< under the name it has inside the mesh
  std::size_t mesh = 0;          ///< the owner's number of the mesh it travels in
  QoS qos = QoS::at_least_once;  ///< what this peer gets: never more than message->qos
  TimePoint queued_at;
};

struct OutboxBounds {
  std::size_t messages_max = limits::outbox_messages_max;
  std::size_t bytes_max = limits::outbox_bytes_max;
  Duration age_max = limits::outbox_age_max;
};

class Outbox {
 public:
  explicit Outbox(OutboxBounds bounds = {}) : bounds_(bounds) {}

  /// Appends behind everything that waits. False, and nothing kept, when the bounds allow no more:
  /// what was promised earlier is kept, the newcomer is dropped and counted in dropped().
  [[nodiscard]] bool add(OutboxEntry entry);

  /// The oldest entry that has not been sent on the present link; null when there is none. Entries
  /// that have expired, or are older than the bound on age, are passed over and given up here.
  /// Valid until the next call of a non-const member.
  [[nodiscard]] const OutboxEntry* peek_unsent(TimePoint now);
  /// The entry of the last peek_unsent() went out as `lane_number`, which is greater than all
  /// before it on this link.
  void mark_sent(std::uint64_t lane_number);

  /// The entry of the last peek_unsent() cannot be sent at all: given up, counted in dropped().
  void give_up_unsent();

  /// The peer has made everything up to `lane_number` safe. Returns the last message that is done
  /// with, nullopt when the number told nothing new.
  std::optional<MessageId> acknowledge(std::uint64_t lane_number);

  /// The link is gone: whatever is not acknowledged counts as unsent again.
  void rewind();

  /// Gives up what expired or is too old and is not under way. Returns how many entries that were.
  std::size_t expire(TimePoint now);
  /// Gives up every entry that is not under way and for which `unwanted` holds; they are not
  /// counted as dropped. Returns how many.
  std::size_t forget_if(const std::function<bool(const OutboxEntry&)>& unwanted);
  /// Gives up everything, under way or not. Returns how many entries that were.
  std::size_t clear();

  /// The smallest MessageId that may still be sent or is not acknowledged: the receiver need not
  /// remember older ones of this origin. nullopt when nothing waits.
  [[nodiscard]] std::optional<MessageId> floor() const;

  [[nodiscard]] std::size_t size() const { return live_; }
  [[nodiscard]] bool empty() const { return live_ == 0; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  /// Entries sent on the present link and not acknowledged.
  [[nodiscard]] std::size_t under_way() const { return sent_live_; }
  /// Since construction: refused by add(), expired, or cleared.
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 private:
  struct Slot {
    OutboxEntry entry;              // message is null once the slot is dead
    std::uint64_t lane_number = 0;  // 0: not sent on the present link
  };
  [[nodiscard]] bool is_stale(const OutboxEntry& entry, TimePoint now) const;
  void kill(Slot& slot);
  void pop_dead_front();

  OutboxBounds bounds_;
  std::deque<Slot> slots_;  // in order; [0, next_) has been sent on the present link or is dead
  std::size_t next_ = 0;
  std::size_t live_ = 0;
  std::size_t sent_live_ = 0;
  std::size_t bytes_ = 0;
  std::uint64_t dropped_ = 0;
};

/// What a message costs against OutboxBounds::bytes_max: topic, payload, properties and a fixed
/// part for the structures around them. A message that many peers wait for counts in full for each.
[[nodiscard]] std::size_t outbox_cost(const Publication& message);

}  // namespace starling
