// ModelStore: the Store port as plain maps, everything safe at once. What a real store must do, said
// in the fewest words; and the disk of a simulated host.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "starling/check.hpp"
#include "starling/port/store.hpp"

namespace starling::sim {

class ModelStore final : public Store {
 public:
  struct Session {
    StoredSession session;
    bool away = false;
    std::optional<TimePoint> ends_at;
    std::optional<TimePoint> will_due;
    std::map<std::string, StoredSubscription> subscriptions;
    std::vector<StoredInboundId> inbound;
    std::map<std::uint64_t, StoredDelivery> queue;
    std::uint64_t last_position = 0;
    std::uint64_t sent_up_to = 0;

    [[nodiscard]] bool is_waiting(const StoredDelivery& delivery) const {
      return delivery.state == StoredDelivery::State::waiting && delivery.position > sent_up_to;
    }
  };

  void set_handlers(Handlers handlers) override { handlers_ = std::move(handlers); }
  [[nodiscard]] bool keeps_anything() const override { return true; }

  BatchNumber commit(StoreBatch batch) override {
    if (!batch.empty()) ++last_;
    for (StoreChange& change : batch.changes)
      std::visit([this](auto& what) { apply(what); }, change);
    if (handlers_.committed) handlers_.committed(last_);
    return last_;
  }

  StoreNumbers load(StoreLoader& loader) override {
    for (const auto& [topic, kept] : retained) loader.on_retained(kept.message, kept.author);
    std::erase_if(sessions, [](const auto& entry) { return entry.second.session.expiry_s == 0; });
    for (const auto& [number, kept] : sessions) loader.on_session(loaded(kept));
    return numbers;
  }

  /// At once.
  [[nodiscard]] std::vector<StoredDelivery> read(const QueueRead& what) const {
    std::vector<StoredDelivery> found;
    std::size_t bytes = 0;
    const auto at = sessions.find(what.session);
    if (at == sessions.end()) return found;
    for (auto next = at->second.queue.upper_bound(what.after); next != at->second.queue.end();
         ++next) {
      if (!at->second.is_waiting(next->second)) continue;
      if (found.size() == what.count_max || (!found.empty() && bytes >= what.bytes_max)) break;
      bytes += bytes_of(next->second);
      found.push_back(next->second);
    }
    return found;
  }
  void read_queue(const QueueRead& what,
                  std::function<void(std::vector<StoredDelivery>)> done) override {
    done(read(what));
  }

  [[nodiscard]] const Session* find(std::string_view client_id) const {
    for (const auto& [number, kept] : sessions)
      if (kept.session.client_id == client_id) return &kept;
    return nullptr;
  }

  std::map<SessionNumber, Session> sessions;
  std::map<TopicName, RetainedSet> retained;
  StoreNumbers numbers;

 private:
  static std::size_t bytes_of(const StoredDelivery& delivery) {
    return delivery.message->topic.text().size() + delivery.message->payload.size();
  }
  static LoadedSession loaded(const Session& kept) {
    LoadedSession session;
    session.session = kept.session;
    session.away = kept.away;
    session.ends_at = kept.ends_at;
    session.will_due = kept.will_due;
    session.inbound = kept.inbound;
    session.last_position = session.waiting_after = kept.last_position;
    for (const auto& [filter, subscription] : kept.subscriptions)
      session.subscriptions.push_back(subscription);
    for (const auto& [position, delivery] : kept.queue) {
      if (kept.is_waiting(delivery)) {
        if (session.waiting++ == 0) session.waiting_after = position - 1;
        session.waiting_bytes += bytes_of(delivery);
        continue;
      }
      session.in_flight.push_back(delivery);
      if (delivery.state == StoredDelivery::State::waiting)
        session.in_flight.back().state = StoredDelivery::State::sent;
    }
    return session;
  }

  void keep(const SharedPublication& message) {
    if (message == nullptr) return;
    STARLING_CHECK(message->number != 0);
    numbers.message = std::max(numbers.message, message->number);
  }
  template <class Act>
  void with(SessionNumber number, Act act) {
    const auto at = sessions.find(number);
    if (at != sessions.end()) act(at->second);
  }

  void apply(RetainedSet& what) {
    keep(what.message);
    retained.insert_or_assign(what.message->topic, what);
  }
  void apply(RetainedErased& what) { retained.erase(what.topic); }
  void apply(SessionSaved& what) {
    STARLING_CHECK(what.session->number != 0);
    numbers.session = std::max(numbers.session, what.session->number);
    Session& session = sessions[what.session->number];
    session.session = *what.session;
    session.away = false;
  }
  void apply(SessionAway& what) {
    with(what.session, [&](Session& session) {
      session.away = true;
      session.ends_at = what.ends_at;
      session.will_due = what.will_due;
    });
  }
  void apply(WillErased& what) {
    with(what.session, [&](Session& session) { session.session.will.reset(); });
  }
  void apply(SessionErased& what) { sessions.erase(what.session); }
  void apply(SubscriptionSaved& what) {
    with(what.session, [&](Session& session) {
      session.subscriptions[what.subscription.filter] = what.subscription;
    });
  }
  void apply(SubscriptionErased& what) {
    with(what.session, [&](Session& session) { session.subscriptions.erase(what.filter); });
  }
  void apply(MessageQueued& what) {
    keep(what.delivery.message);
    with(what.session, [&](Session& session) {
      session.last_position = std::max(session.last_position, what.delivery.position);
      STARLING_CHECK(session.queue.emplace(what.delivery.position, what.delivery).second);
    });
  }
  void apply(MessagesSent& what) {
    with(what.session, [&](Session& session) { session.sent_up_to = what.up_to; });
  }
  void apply(MessageReceived& what) {
    with(what.session, [&](Session& session) {
      const auto at = session.queue.find(what.position);
      if (at != session.queue.end()) at->second.state = StoredDelivery::State::received;
    });
  }
  void apply(MessageDone& what) {
    with(what.session, [&](Session& session) { session.queue.erase(what.position); });
  }
  void apply(InboundIdOpened& what) {
    keep(what.id.held);
    with(what.session, [&](Session& session) { session.inbound.push_back(what.id); });
  }
  void apply(InboundIdClosed& what) {
    with(what.session, [&](Session& session) {
      std::erase_if(session.inbound,
                    [&](const StoredInboundId& id) { return id.packet_id == what.packet_id; });
    });
  }
  void apply(InboundHeldTaken& what) {
    with(what.session, [&](Session& session) {
      for (StoredInboundId& id : session.inbound) id.held = nullptr;
    });
  }
  void apply(OutboxQueued&) {}
  void apply(OutboxDone&) {}

  Handlers handlers_;
  BatchNumber last_ = 0;
};

}  // namespace starling::sim
