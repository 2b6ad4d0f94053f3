#include "tests/unit/store/store_model.hpp"

#include <algorithm>

#include "starling/check.hpp"

namespace starling::test {
namespace {

std::string number(std::uint64_t value) {
  return std::to_string(value);
}

/// Rows hold milliseconds, and a wall clock tells whole seconds: instants are equal within two.
std::string instant(const std::optional<TimePoint>& when) {
  if (!when) return "never";
  const auto ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(when->time_since_epoch()).count();
  return number(static_cast<std::uint64_t>((ms + 500'000) / 1'000'000));
}

std::string content(const Publication& message) {
  std::string out(message.topic.text());
  std::uint64_t sum = 14'695'981'039'346'656'037U;  // FNV-1a
  for (const std::uint8_t byte : message.payload.view()) sum = (sum ^ byte) * 1'099'511'628'211U;
  out += " " + number(message.payload.size()) + "/" + number(sum) + " q"
         + number(static_cast<std::uint64_t>(message.qos)) + (message.retain ? " retain" : "");
  if (!message.properties || *message.properties == MessageProperties{}) return out;
  const MessageProperties& p = *message.properties;
  out += " {" + p.content_type.value_or("-") + "|" + p.response_topic.value_or("-") + "|"
         + (p.correlation_data ? to_hex(*p.correlation_data) : "-") + "|"
         + (p.payload_format_indicator ? number(*p.payload_format_indicator) : "-");
  for (const auto& [name, value] : p.user_properties) out += "|" + name + "=" + value;
  return out + "}";
}

std::string message_text(const Publication& message) {
  return "#" + number(message.number) + " " + content(message) + " until "
         + instant(message.expires_at);
}

std::string retained_text(const StoreModel::Retained& one) {
  std::string out = "retained " + message_text(*one.message);
  if (one.author)
    out += " by " + one.author->client_id + "/" + one.author->user.value_or("-") + "/"
           + one.author->listener;
  return out + "\n";
}

std::string delivery_text(const StoredDelivery& one) {
  std::string out = "  at " + number(one.position) + " "
                    + std::array{"waiting", "sent", "received"}[static_cast<std::size_t>(one.state)]
                    + " q" + number(static_cast<std::uint64_t>(one.qos))
                    + (one.retain ? " retain" : "") + " [" + one.share + "]";
  for (const std::uint32_t id : one.subscription_ids) out += " " + number(id);
  return out + " " + message_text(*one.message) + "\n";
}

std::string facts_text(const StoredSession& session, bool away,
                       const std::optional<TimePoint>& ends_at,
                       const std::optional<TimePoint>& will_due) {
  std::string out = "session " + number(session.number) + " " + session.client_id + " "
                    + number(session.expiry_s) + " " + session.user.value_or("-") + " "
                    + session.listener + " " + session.mount;
  if (away) out += " away, ends " + instant(ends_at) + ", will " + instant(will_due);
  out += "\n";
  if (session.will)
    out += "  will " + content(*session.will->message) + " after " + number(session.will->delay_s)
           + " for " + (session.will->expiry_s ? number(*session.will->expiry_s) : "ever") + "\n";
  return out;
}

std::string subscription_text(const StoredSubscription& one) {
  return "  wants " + one.filter + " " + number(one.options) + " " + number(one.identifier) + "\n";
}

std::string inbound_text(const StoredInboundId& one) {
  return "  open " + number(one.packet_id) + " " + (one.held ? message_text(*one.held) : "-")
         + "\n";
}

}  // namespace

// --- StoreModel

void StoreModel::apply(const StoreBatch& batch) {
  for (const StoreChange& change : batch.changes)
    std::visit([this](const auto& one) { apply_change(one); }, change);
}

void StoreModel::restart() {
  std::erase_if(sessions, [](const auto& one) { return one.second.facts.expiry_s == 0; });
  for (auto& [id, session] : sessions)
    for (auto& [position, delivery] : session.queue)
      if (position <= session.sent_up_to)
        delivery.state = std::max(delivery.state, StoredDelivery::State::sent);
}

std::string StoreModel::text() const {
  std::string out;
  for (const auto& [topic, one] : retained) out += retained_text(one);
  for (const auto& [id, session] : sessions) {
    out += facts_text(session.facts, session.away, session.ends_at, session.will_due);
    for (const auto& [filter, one] : session.subscriptions) out += subscription_text(one);
    for (const StoredInboundId& one : session.inbound) out += inbound_text(one);
    for (const auto& [position, one] : session.queue) out += delivery_text(one);
  }
  return out;
}

std::uint64_t StoreModel::greatest_message() const {
  std::uint64_t greatest = 0;
  for (const auto& [topic, one] : retained) greatest = std::max(greatest, one.message->number);
  for (const auto& [id, session] : sessions) {
    for (const auto& [position, one] : session.queue)
      greatest = std::max(greatest, one.message->number);
    for (const StoredInboundId& one : session.inbound)
      if (one.held) greatest = std::max(greatest, one.held->number);
  }
  return greatest;
}

void StoreModel::apply_change(const RetainedSet& change) {
  retained[std::string(change.message->topic.text())] = {change.message, change.author};
}
void StoreModel::apply_change(const RetainedErased& change) {
  retained.erase(std::string(change.topic.text()));
}
void StoreModel::apply_change(const SessionSaved& change) {
  Session& session = sessions[change.session->number];
  session.facts = *change.session;
  session.away = false;
  session.ends_at = session.will_due = std::nullopt;
  greatest_session = std::max(greatest_session, change.session->number);
}
void StoreModel::apply_change(const SessionAway& change) {
  Session& session = sessions.at(change.session);
  session.away = true;
  session.ends_at = change.ends_at;
  session.will_due = change.will_due;
}
void StoreModel::apply_change(const WillErased& change) {
  Session& session = sessions.at(change.session);
  session.facts.will = std::nullopt;
  session.will_due = std::nullopt;
}
void StoreModel::apply_change(const SessionErased& change) {
  sessions.erase(change.session);
  greatest_position.erase(change.session);
}
void StoreModel::apply_change(const SubscriptionSaved& change) {
  sessions.at(change.session).subscriptions[change.subscription.filter] = change.subscription;
}
void StoreModel::apply_change(const SubscriptionErased& change) {
  sessions.at(change.session).subscriptions.erase(change.filter);
}
void StoreModel::apply_change(const MessageQueued& change) {
  std::uint64_t& greatest = greatest_position[change.session];
  greatest = std::max(greatest, change.delivery.position);
  sessions.at(change.session).queue[change.delivery.position] = change.delivery;
}
void StoreModel::apply_change(const MessagesSent& change) {
  sessions.at(change.session).sent_up_to = change.up_to;
}
void StoreModel::apply_change(const MessageReceived& change) {
  auto& queue = sessions.at(change.session).queue;
  if (const auto found = queue.find(change.position); found != queue.end())
    found->second.state = StoredDelivery::State::received;
}
void StoreModel::apply_change(const MessageDone& change) {
  sessions.at(change.session).queue.erase(change.position);
}
void StoreModel::apply_change(const InboundIdOpened& change) {
  apply_change(InboundIdClosed{change.session, change.id.packet_id});
  sessions.at(change.session).inbound.push_back(change.id);
}
void StoreModel::apply_change(const InboundIdClosed& change) {
  std::erase_if(sessions.at(change.session).inbound,
                [&](const auto& one) { return one.packet_id == change.packet_id; });
}
void StoreModel::apply_change(const InboundHeldTaken& change) {
  for (StoredInboundId& one : sessions.at(change.session).inbound) one.held = nullptr;
}

// --- LoadedCopy

void LoadedCopy::on_retained(SharedPublication message,
                             std::shared_ptr<const StoredAuthor> author) {
  if (!sessions.empty()) trouble_ += "a retained message after a session; ";
  const std::string topic(message->topic.text());
  if (retained_.contains(topic)) trouble_ += topic + " is retained twice; ";
  retained_[topic] = {std::move(message), std::move(author)};
}

void LoadedCopy::on_session(LoadedSession session) {
  const SessionNumber id = session.session.number;
  if (!sessions.emplace(id, std::move(session)).second)
    trouble_ += "session " + number(id) + " came twice; ";
}

std::string LoadedCopy::text() const {
  std::string out;
  for (const auto& [topic, one] : retained_) out += retained_text(one);
  for (const auto& [id, loaded] : sessions) {
    out += facts_text(loaded.session, loaded.away, loaded.ends_at, loaded.will_due);
    std::map<std::string, StoredSubscription> subscriptions;
    for (const auto& one : loaded.subscriptions) subscriptions[one.filter] = one;
    for (const auto& [filter, one] : subscriptions) out += subscription_text(one);
    for (const StoredInboundId& one : loaded.inbound) out += inbound_text(one);
    std::map<std::uint64_t, StoredDelivery> all;
    for (const StoredDelivery& one : loaded.in_flight) all[one.position] = one;
    if (const auto queue = queues.find(id); queue != queues.end())
      for (const StoredDelivery& one : queue->second) all[one.position] = one;
    for (const auto& [position, one] : all) out += delivery_text(one);
  }
  return out;
}

std::string LoadedCopy::contradiction() const {
  std::string found = trouble_;
  for (const auto& [id, loaded] : sessions) {
    const std::string name = "session " + number(id) + ": ";
    static const std::vector<StoredDelivery> none;
    const auto queue = queues.find(id);
    const std::vector<StoredDelivery>& waiting = queue == queues.end() ? none : queue->second;
    std::uint64_t bytes = 0;
    std::uint64_t last = loaded.waiting_after;
    for (const StoredDelivery& one : waiting) {
      bytes += one.message->topic.text().size() + one.message->payload.size();
      if (one.position <= last) found += name + "positions do not rise behind waiting_after; ";
      if (one.state != StoredDelivery::State::waiting) found += name + "one waits and was sent; ";
      last = one.position;
    }
    if (waiting.size() != loaded.waiting) found += name + "waiting is a wrong count; ";
    if (bytes != loaded.waiting_bytes) found += name + "waiting_bytes is wrong; ";
    if (last > loaded.last_position) found += name + "last_position is behind a position; ";
    last = 0;
    for (const StoredDelivery& one : loaded.in_flight) {
      if (one.state == StoredDelivery::State::waiting) found += name + "in flight, yet waiting; ";
      if (one.position <= last) found += name + "in_flight is out of order; ";
      last = one.position;
    }
  }
  return found;
}

// --- random_batch

namespace {

SharedPublication random_message(StoreModel& model, SeededRandom& random, TimePoint now) {
  auto message = std::make_shared<Publication>(
      Publication{.topic = TopicName::parse("t/" + number(random.upto(12))).value(),
                  .payload = {},
                  .qos = static_cast<QoS>(random.upto(3)),
                  .retain = random.one_in(2),
                  .expires_at = {},
                  .properties = nullptr,
                  .id = {}});
  Bytes payload(random.one_in(8) ? random.upto(9'000) : random.upto(60));
  random.fill(payload);
  message->payload = SharedBytes(payload);
  message->number = ++model.last_message;
  if (random.one_in(4)) message->expires_at = now + std::chrono::hours(1 + random.upto(1'000));
  if (random.one_in(4)) {
    MessageProperties properties;
    if (random.one_in(2)) properties.content_type = "text/\"plain\"";
    if (random.one_in(2)) properties.response_topic = "answer/\xC3\xA4";
    if (random.one_in(2)) properties.correlation_data = Bytes{0, 1, 255};
    if (random.one_in(2)) properties.payload_format_indicator = 1;
    for (std::uint64_t i = random.upto(3); i > 0; --i)
      properties.user_properties.emplace_back("n\\" + number(i), "\n\"v\"");
    message->properties = std::make_shared<const MessageProperties>(std::move(properties));
  }
  return message;
}

class BatchWriter {
 public:
  BatchWriter(StoreModel& model, SeededRandom& random, TimePoint now)
      : model_(model), random_(random), now_(now) {}

  StoreBatch write() {
    for (std::uint64_t i = 1 + random_.upto(random_.one_in(4) ? 20 : 4); i > 0; --i) one();
    while (batch_.empty()) one();  // not everything that may be tried changes something
    return std::move(batch_);
  }

 private:
  template <typename Change>
  void add(Change change) {
    StoreBatch single;
    single.changes.emplace_back(change);
    model_.apply(single);
    batch_.changes.emplace_back(std::move(change));
  }

  void one() {
    if (model_.sessions.size() < 3 || random_.one_in(15)) return begin_session();
    auto at = model_.sessions.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(random_.upto(model_.sessions.size())));
    StoreModel::Session& session = at->second;
    const SessionNumber id = at->first;
    switch (random_.upto(20)) {
      case 0:
        return add(RetainedErased{TopicName::parse("t/" + number(random_.upto(12))).value()});
      case 1:
        return save(session.facts);
      case 2:
        return leave(id, session);
      case 3:
        return add(WillErased{id});
      case 4:
        return random_.one_in(4) ? add(SessionErased{id}) : publish();
      case 5:
        return subscribe(id);
      case 6:
        return add(SubscriptionErased{id, "f/" + number(random_.upto(5))});
      case 7:
      case 8:
        return open_inbound(id);
      case 9:
        return add(InboundIdClosed{id, static_cast<std::uint16_t>(1 + random_.upto(6))});
      case 10:
        return add(InboundHeldTaken{id});
      case 11:
        return send(id, session);
      case 12:
        return receive(id, session);
      case 13:
      case 14:
      case 15:
        return finish(id, session);
      default:
        return publish();
    }
  }

  void begin_session() {
    StoredSession session;
    session.number = ++model_.greatest_session;
    session.client_id = "client-" + number(session.number % 7);
    session.listener = "0";
    session.expiry_s = random_.one_in(8) ? 0 : 1'000;
    save(session);
  }

  void save(StoredSession session) {
    session.user = random_.one_in(2) ? std::optional<std::string>("anna") : std::nullopt;
    session.mount = random_.one_in(4) ? "house/" : "";
    session.will = std::nullopt;
    if (random_.one_in(3)) {
      auto message = std::make_shared<Publication>(*random_message(model_, random_, now_));
      message->number = 0;
      message->expires_at = std::nullopt;
      session.will = StoredWill{message, static_cast<std::uint32_t>(random_.upto(100)), {}};
      if (random_.one_in(2)) session.will->expiry_s = 77;
    }
    add(SessionSaved{std::make_shared<const StoredSession>(std::move(session))});
  }

  void leave(SessionNumber id, const StoreModel::Session& session) {
    SessionAway away{id, {}, {}};
    if (random_.one_in(2)) away.ends_at = now_ + std::chrono::hours(500);
    if (session.facts.will) away.will_due = now_ + std::chrono::hours(250);
    add(away);
  }

  void subscribe(SessionNumber id) {
    add(SubscriptionSaved{
        id,
        {"f/" + number(random_.upto(5)), static_cast<std::uint8_t>(random_.upto(48)),
         static_cast<std::uint32_t>(random_.upto(3))}});
  }

  void open_inbound(SessionNumber id) {
    StoredInboundId inbound;
    inbound.packet_id = static_cast<std::uint16_t>(1 + random_.upto(6));
    if (random_.one_in(2)) inbound.held = random_message(model_, random_, now_);
    add(InboundIdOpened{id, inbound});
  }

  /// To some sessions, retained or not: one message, several references.
  void publish() {
    const SharedPublication message = random_message(model_, random_, now_);
    std::vector<SessionNumber> ids;
    for (const auto& [id, session] : model_.sessions)
      if (random_.one_in(2)) ids.push_back(id);
    if (message->retain)
      add(RetainedSet{message, random_.one_in(2) ? std::make_shared<const StoredAuthor>(
                                   StoredAuthor{"author", std::nullopt, "1"})
                                                 : nullptr});
    for (const SessionNumber id : ids) {
      StoredDelivery delivery;
      delivery.position = next_position(id);
      delivery.message = message;
      delivery.qos = random_.one_in(2) ? QoS::at_least_once : QoS::exactly_once;
      delivery.retain = random_.one_in(4);
      const StoreModel::Session& session = model_.sessions.at(id);
      // At once only when nothing waits ahead of it.
      const bool idle = session.queue.empty()
                        || session.queue.rbegin()->second.state != StoredDelivery::State::waiting
                        || session.queue.rbegin()->first <= session.sent_up_to;
      if (idle && random_.one_in(3)) delivery.state = StoredDelivery::State::sent;
      if (random_.one_in(4)) delivery.subscription_ids = {1, 4'000'000};
      if (random_.one_in(6)) delivery.share = "$share/g/t/#";
      add(MessageQueued{id, delivery});
    }
  }

  std::uint64_t next_position(SessionNumber id) {
    return model_.greatest_position[id] + (random_.one_in(10) ? 3 : 1);
  }

  void send(SessionNumber id, const StoreModel::Session& session) {
    if (session.queue.empty()) return;
    const auto up_to = std::max(session.sent_up_to, a_position(session));
    add(MessagesSent{id, up_to});
  }
  void receive(SessionNumber id, const StoreModel::Session& session) {
    if (session.queue.empty()) return;
    const std::uint64_t position = a_position(session);
    const StoredDelivery& delivery = session.queue.at(position);
    const bool sent =
        delivery.state != StoredDelivery::State::waiting || position <= session.sent_up_to;
    if (sent && delivery.qos == QoS::exactly_once) add(MessageReceived{id, position});
  }
  void finish(SessionNumber id, const StoreModel::Session& session) {
    if (session.queue.empty()) return;
    add(MessageDone{id, random_.one_in(3) ? a_position(session) : session.queue.begin()->first});
  }
  std::uint64_t a_position(const StoreModel::Session& session) {
    auto at = session.queue.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(random_.upto(session.queue.size())));
    return at->first;
  }

  StoreModel& model_;
  SeededRandom& random_;
  TimePoint now_;
  StoreBatch batch_;
};

}  // namespace

StoreBatch random_batch(StoreModel& model, SeededRandom& random, TimePoint now) {
  return BatchWriter(model, random, now).write();
}

}  // namespace starling::test
