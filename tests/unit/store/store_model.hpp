// What a Store must hold after a number of changes, as plain maps, and a writer of random batches
// such as a broker would hand over. For tests that compare it with what a Store loads.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "starling/port/store.hpp"

#include "tests/support/seeded_random.hpp"

namespace starling::test {

/// Values: copied to remember an earlier state.
class StoreModel {
 public:
  void apply(const StoreBatch& batch);
  /// Sessions that end with the process are gone after a load.
  void restart();
  /// Everything, as lines that can be compared with those of another model or of a LoadedCopy. What
  /// a Store may choose freely (how far ahead of use its counters run) is not in them.
  [[nodiscard]] std::string text() const;

  /// The last one given out for a message, stored or not.
  std::uint64_t last_message = 0;
  /// The greatest of any message that is there.
  [[nodiscard]] std::uint64_t greatest_message() const;
  /// The greatest that were stored; a Store must not go back behind them.
  SessionNumber greatest_session = 0;
  std::map<SessionNumber, std::uint64_t> greatest_position;

  struct Session {
    StoredSession facts;
    bool away = false;
    std::optional<TimePoint> ends_at;
    std::optional<TimePoint> will_due;
    std::map<std::string, StoredSubscription> subscriptions;
    std::vector<StoredInboundId> inbound;
    std::map<std::uint64_t, StoredDelivery> queue;
    std::uint64_t sent_up_to = 0;
  };
  struct Retained {
    SharedPublication message;
    std::shared_ptr<const StoredAuthor> author;
  };
  std::map<SessionNumber, Session> sessions;
  std::map<std::string, Retained> retained;

 private:
  void apply_change(const RetainedSet& change);
  void apply_change(const RetainedErased& change);
  void apply_change(const SessionSaved& change);
  void apply_change(const SessionAway& change);
  void apply_change(const WillErased& change);
  void apply_change(const SessionErased& change);
  void apply_change(const SubscriptionSaved& change);
  void apply_change(const SubscriptionErased& change);
  void apply_change(const MessageQueued& change);
  void apply_change(const MessagesSent& change);
  void apply_change(const MessageReceived& change);
  void apply_change(const MessageDone& change);
  void apply_change(const InboundIdOpened& change);
  void apply_change(const InboundIdClosed& change);
  void apply_change(const InboundHeldTaken& change);
  void apply_change(const OutboxQueued&) {}  // nothing is loaded of it
  void apply_change(const OutboxDone&) {}
};

/// Takes a load; `queues` is to be filled with what read_queue() gives for each session.
class LoadedCopy final : public StoreLoader {
 public:
  void on_retained(SharedPublication message, std::shared_ptr<const StoredAuthor> author) override;
  void on_session(LoadedSession session) override;
  [[nodiscard]] std::string text() const;
  /// What contradicts itself (counts, positions, a session after the retained ones); empty: nothing.
  [[nodiscard]] std::string contradiction() const;

  std::map<SessionNumber, std::vector<StoredDelivery>> queues;
  std::map<SessionNumber, LoadedSession> sessions;

 private:
  std::map<std::string, StoreModel::Retained> retained_;
  std::string trouble_;
};

/// A batch of 1 to some 20 changes that make sense after those in `model`; applies them to it.
StoreBatch random_batch(StoreModel& model, SeededRandom& random, TimePoint now);

}  // namespace starling::test
