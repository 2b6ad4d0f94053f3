// What outlives the process: what the store is told of sessions, what it gives back, and what is done
// while it cannot take anything.
#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "starling/check.hpp"

#include "src/broker/broker.hpp"

namespace starling {

using mqtt::ReasonCode;
using Kind = Acknowledgement::Kind;

// --- What the store is told

void Broker::save_session(const LocalSession& session, std::uint32_t expiry_s) {
  if (session.stored == 0) return;
  StoredSession saved{session.stored,
                      session.client_id(),
                      expiry_s,
                      session.user,
                      listeners_.at(session.listener).name,
                      std::string(session.machine.mount()),
                      std::nullopt};
  if (session.will != nullptr) saved.will = session.will->stored();
  journal(session, SessionSaved{std::make_shared<const StoredSession>(std::move(saved))});
}

void Broker::save_departure(LocalSession& session, bool had_will) {
  if (session.stored == 0) return;
  SessionAway away{session.stored, std::nullopt, std::nullopt};
  if (session.expiry_s != expiry_never) away.ends_at = session.ends_at;
  if (session.will != nullptr) away.will_due = session.will_due;
  if (had_will && session.will == nullptr) journal(session, WillErased{session.stored});
  journal(session, away);
}

/// The session has ended. `leaves_orphans`: share groups may have given it what is only in the store,
/// and another member must have it.
void Broker::forget_stored(LocalSession& session, bool leaves_orphans) {
  if (session.stored == 0) return;
  const OutboundQos& outbound = session.machine.outbound();
  if (!leaves_orphans || outbound.waiting_in_store() == 0)
    return journal(session, SessionErased{session.stored});
  orphans_.insert(session.stored);
  save_session(session, 0);  // should the process end now, it ends with it
  if (!outbound.is_reading()) read_orphans(session.stored, outbound.read_up_to());
}

void Broker::read_orphans(SessionNumber session, std::uint64_t after) {
  host_.read_queue({session, after, limits::queue_refill_messages, limits::queue_memory_bytes});
}

void Broker::on_orphans_read(SessionNumber session, std::vector<StoredDelivery> deliveries) {
  for (const StoredDelivery& stored : deliveries) {
    const Delivery delivery = restored(stored);
    if (delivery.share_group != 0 && fan_out_.hand_over(delivery, nullptr, false, now(), outcome_))
      handle_outcome();
  }
  if (!deliveries.empty()) return read_orphans(session, deliveries.back().position);
  orphans_.erase(session);
  host_.batch().changes.push_back(SessionErased{session});
}

// --- What it gives back

/// Collects who published what is retained: many messages have one author.
class Broker::Loader final : public StoreLoader {
 public:
  explicit Loader(Broker& broker) : broker_(broker) {}

  void on_retained(SharedPublication message, std::shared_ptr<const StoredAuthor> author) override {
    broker_.retained_.take(message, author ? author_like(*author) : nullptr);
  }
  void on_session(LoadedSession session) override { broker_.restore_session(std::move(session)); }

 private:
  std::shared_ptr<const Author> author_like(const StoredAuthor& stored) {
    auto& known = authors_[{stored.client_id, stored.user, stored.listener}];
    if (known == nullptr)
      known =
          std::make_shared<const Author>(Author{stored, broker_.listener_named(stored.listener)});
    return known;
  }

  Broker& broker_;
  std::map<std::tuple<std::string, std::optional<std::string>, std::string>,
           std::shared_ptr<const Author>>
      authors_;
};

StoreNumbers Broker::restore(Store& store) {
  STARLING_CHECK(registry_.size() == 0 && retained_.empty());
  Loader loader(*this);
  const StoreNumbers numbers = store.load(loader);
  watch_retained_expiry();
  return numbers;
}

ListenerIndex Broker::listener_named(std::string_view name) const {
  const auto at = std::ranges::find(listeners_, name, &ListenerPolicy::name);
  return at == listeners_.end() ? ListenerIndex{0}
                                : static_cast<ListenerIndex>(at - listeners_.begin());
}

void Broker::restore_session(LoadedSession loaded) {
  StoredSession& stored = loaded.session;
  const bool is_known = registry_.find(stored.client_id) != nullptr;
  LocalSession* made = is_known ? nullptr : registry_.create(stored.client_id);
  if (made == nullptr) {
    log_.error("session_not_restored",
               {{"client", stored.client_id},
                {"why", is_known ? "there is one of this client id" : "too many sessions"}});
    host_.batch().changes.push_back(SessionErased{stored.number});
    return;
  }
  LocalSession& session = *made;
  ++counters_.sessions;
  counters_.sessions_maximum = std::max(counters_.sessions_maximum, counters_.sessions);
  registry_.set_stored(session, stored.number);
  session.expiry_s = cut_expiry(stored.expiry_s, settings_.session_expiry_max_s);
  session.user = std::move(stored.user);
  session.listener = listener_named(stored.listener);
  session.access =
      listeners_.at(session.listener).rules.for_client({session.user, session.client_id()});
  session.machine.set_mount(stored.mount);
  if (stored.will) session.will = std::make_unique<Will>(Will::from(*stored.will));
  for (const StoredSubscription& subscription : loaded.subscriptions)
    restore_subscription(session, subscription);

  OutboundQos::Restored queue;
  queue.last_position = loaded.last_position;
  queue.after = loaded.waiting_after;
  queue.messages = loaded.waiting;
  queue.bytes = loaded.waiting_bytes;
  for (const StoredDelivery& delivery : loaded.in_flight) {
    if (delivery.qos == QoS::at_most_once) {  // sent once, and once is all
      journal(session, MessageDone{session.stored, delivery.position});
      continue;
    }
    using State = OutboundQos::State;
    const bool twice = delivery.qos == QoS::exactly_once;
    const bool received = delivery.state == StoredDelivery::State::received;
    const State state = received ? State::awaiting_pubcomp
                        : twice  ? State::awaiting_pubrec
                                 : State::awaiting_puback;
    queue.inflight.push_back({restored(delivery), 0, state});
  }
  session.machine.outbound().restore(std::move(queue));
  for (StoredInboundId& id : loaded.inbound)
    session.machine.inbound().restore(id.packet_id,
                                      id.held ? std::make_shared<Publication>(*id.held) : nullptr);

  // A client that was there was cut off when the process ended: that is now, as far as we know.
  const bool for_ever = session.expiry_s == expiry_never;
  const TimePoint latest_end = now() + std::chrono::seconds{session.expiry_s};
  session.ends_at =
      loaded.away && loaded.ends_at ? std::min(*loaded.ends_at, latest_end) : latest_end;
  if (session.will != nullptr) {
    const auto left = for_ever ? std::nullopt : std::optional<Duration>(session.ends_at - now());
    session.will_due =
        loaded.away && loaded.will_due ? *loaded.will_due : session.will->due_at(now(), left);
  }
  if (!loaded.away) save_departure(session, session.will != nullptr);
  watch_away(session);
}

void Broker::restore_subscription(LocalSession& session, const StoredSubscription& stored) {
  auto parsed = SubscriptionName::parse(stored.filter);
  if (!parsed) return;
  const SubscriptionId id{std::move(parsed->filter), std::move(parsed->share_group)};
  const auto qos = static_cast<QoS>(std::min(stored.options & 3U, 2U));
  const SubscriptionOptions options{stored.identifier & subscription_identifier_max, qos,
                                    (stored.options & 4U) != 0, (stored.options & 8U) != 0};
  put_subscription(session, id, options);
}

Delivery Broker::restored(const StoredDelivery& stored) const {
  Delivery delivery{stored.message,          stored.qos, stored.retain,
                    stored.subscription_ids, 0,          stored.position};
  if (stored.share.empty()) return delivery;
  if (auto parsed = SubscriptionName::parse(stored.share))
    delivery.share_group =
        subscriptions_.groups().key_of({std::move(parsed->filter), std::move(parsed->share_group)});
  return delivery;
}

void Broker::on_queue_read(SessionNumber number, std::vector<StoredDelivery> deliveries) {
  LocalSession* session = registry_.find_stored(number);
  if (session == nullptr) {
    if (orphans_.contains(number)) on_orphans_read(number, std::move(deliveries));
    return;
  }
  std::vector<Delivery> read;
  read.reserve(deliveries.size());
  for (const StoredDelivery& stored : deliveries) read.push_back(restored(stored));
  session->machine.outbound().on_read(std::move(read));
  drop_denied(*session);
  pump(*session);
}

void Broker::on_queue_safe(SessionNumber number, std::uint64_t position) {
  LocalSession* session = registry_.find_stored(number);
  if (session == nullptr) return;
  session->machine.outbound().on_safe(position);
  pump(*session);
}

void Broker::on_expired_in_store(const std::vector<ExpiredDelivery>& expired) {
  for (const ExpiredDelivery& gone : expired) {
    LocalSession* session = registry_.find_stored(gone.session);
    if (session == nullptr) continue;
    if (session->machine.outbound().on_expired_in_store(gone.position, gone.bytes))
      ++counters_.dropped_expired;
  }
}

// --- While it cannot take anything

void Broker::on_store_health(StoreHealth health) {
  store_health_ = health;
  if (!store_fails()) return;
  // It may last longer than a keep alive.
  for (auto& [id, connection] : connections_) {
    if (connection.session == nullptr || !connection.session->machine.is_sending()) continue;
    for (; connection.pings_owed > 0; --connection.pings_owed) send_pingresp(connection);
  }
}

bool Broker::must_wait_for_store(const LocalSession& session, const mqtt::Publish& packet,
                                 const TopicName& topic) const {
  if (!store_fails()) return false;
  return packet.retain || (packet.qos == QoS::exactly_once && session.stored != 0)
         || fan_out_.needs_store(topic);
}

bool Broker::needs_store(const Publication& message) const {
  return message.retain || fan_out_.needs_store(message.topic);
}

// A refused message may have reached those who are there: at least once, as promised. What of it waits
// for the store will be placed as well.
bool Broker::answer_waiting(ConnectionId id, const Acknowledgement& what) {
  Connection* connection = find(id);
  if (connection == nullptr || connection->session == nullptr) return true;
  LocalSession& session = *connection->session;
  switch (what.kind) {
    case Kind::puback:
    case Kind::pubrec: {
      if (connection->version != mqtt::ProtocolVersion::v5) return false;
      Acknowledgement refusal = what;
      if (!mqtt::is_refusal(static_cast<ReasonCode>(what.reason)))
        refusal.reason = static_cast<std::uint8_t>(ReasonCode::quota_exceeded);
      if (what.kind == Kind::pubrec) {
        (void)session.machine.inbound().on_pubrel(what.packet_id);
        journal(session, InboundIdClosed{session.stored, what.packet_id});
      }
      release(id, refusal);
      return true;
    }
    case Kind::connack:
      if (!what.session_present && session.stored != 0) return false;
      break;
    case Kind::pubcomp:  // its message may wait for the store
      return false;
    default:
      if (session.stored != 0) return false;
  }
  release(id, what);
  return true;
}

}  // namespace starling
