// What waits for clients: pumping queues, replaying retained messages, and what is done about
// queues that are full.
#include "starling/check.hpp"

#include "src/broker/broker.hpp"
#include "src/session/topic_mount.hpp"

namespace starling {

namespace {

bool may_replay(LocalSession& session) {
  return session.connection != nullptr && !session.replays.empty()
         && session.replays.front().suback <= session.connection->subacks_sent;
}

}  // namespace

void Broker::pump(LocalSession& session) {
  if (may_replay(session)) {
    replay(session);
  } else {
    fan_out_.send_waiting(session, now());
  }
  if (!session.holds.empty() && !session.machine.is_full()) give_room(session);
}

// --- Retained messages to a new subscription

// One retained message, then one that waits, and so on: neither starves the other, also when room
// in the window comes one by one.
void Broker::replay(LocalSession& session) {
  if (!session.machine.is_sending()) return;
  fan_out_.send_waiting(session, now(), 0);  // what must be sent again comes first
  std::size_t steps = limits::replay_slice_steps;
  for (std::size_t n = 0; n < limits::replay_slice_messages && may_replay(session); ++n) {
    const bool queue_is_next = std::exchange(session.queue_is_next, false);
    if (queue_is_next && session.machine.outbound().has_waiting()
        && session.machine.can_write(QoS::at_least_once)) {
      fan_out_.send_waiting(session, now(), 1);
      continue;
    }
    switch (replay_one(session, steps)) {
      case Step::went_on:
        session.queue_is_next = true;
        break;
      case Step::blocked:  // an acknowledgement or on_writable() comes back here
        session.queue_is_next = queue_is_next;
        // What waits may be what it is blocked by.
        return fan_out_.send_waiting(session, now());
      case Step::steps_used_up:
        return replay_later(*session.connection);
    }
  }
  if (may_replay(session)) return replay_later(*session.connection);
  fan_out_.send_waiting(session, now());
}

Broker::Step Broker::replay_one(LocalSession& session, std::size_t& steps) {
  RetainedReplay& front = session.replays.front();
  if (!session.machine.can_write(front.qos)) return Step::blocked;
  if (!front.filter.has_wildcard()) {
    const RetainedReplay only = session.replays.pop_front();
    const auto topic = TopicName::parse(only.filter.text());
    STARLING_CHECK(topic.ok());
    const RetainedMessages::Kept* kept = retained_.find(*topic);
    if (kept != nullptr && !kept->has_expired(now())) replay_message(session, only, *kept, *topic);
    return Step::went_on;
  }
  if (front.cursor == nullptr) front.cursor = retained_.make_cursor(front.filter);
  if (const RetainedMessages::Entry* next = retained_.next(*front.cursor, steps, now())) {
    replay_message(session, front, next->value, retained_.topic_of(*next));
    return Step::went_on;
  }
  if (!front.cursor->finished()) return Step::steps_used_up;
  session.replays.pop_front();
  return Step::went_on;
}

void Broker::replay_message(LocalSession& session, const RetainedReplay& replayed,
                            const RetainedMessages::Kept& kept, const TopicName& topic) {
  if (replayed.no_local && kept.author() && kept.author()->client_id == session.client_id())
    return;  // [MQTT5-3.8.3-3]
  const std::string_view mount = session.machine.mount();
  if (!mount.empty() && !unmounted(mount, topic.text())) return;
  if (!session.access.may_receive(topic) || !may_still_publish(kept, topic)) {
    ++counters_.denied_receive;
    return;
  }
  fan_out_.send_retained(session, kept.message(topic), replayed.qos, replayed.identifier, now());
}

// What was allowed once may have been planted: rules that were changed since hold for what is kept,
// as in Mosquitto.
bool Broker::may_still_publish(const RetainedMessages::Kept& kept,
                               const TopicName& topic) const {
  if (!settings_.check_retain_source || kept.author() == nullptr) return true;
  const Author& author = *kept.author();
  return listeners_.at(author.at)
      .rules.allows({author.user, author.client_id}, Action::publish, topic);
}

void Broker::replay_later(Connection& connection) {
  if (connection.replay_wake) return;
  connection.replay_wake = scheduler_.wake_at(now(), [this, id = connection.id] {
    Connection* still_there = find(id);
    if (still_there == nullptr) return;
    still_there->replay_wake = {};
    if (still_there->session != nullptr) pump(*still_there->session);
  });
}

// --- Full queues

std::uint64_t Broker::hold_publisher(WithheldPublishers::Waiting who) {
  if (outcome_.full.empty()) return 0;
  ++counters_.publishers_withheld;
  const std::uint64_t hold = withheld_.open(who, outcome_.full.size());
  for (LocalSession* session : outcome_.full) session->holds.push_back(hold);
  return hold;
}

// Closes nothing: that is for a later turn, when nobody is in the middle of anything.
void Broker::handle_outcome() {
  if (outcome_.dropped != nullptr)
    full_queues_.note("queue_full_message_dropped", outcome_.dropped->client_id(), now());
  for (LocalSession* session : outcome_.full) {
    const bool at_once = session->machine.outbound().is_overfull();
    if (session->stalled_wake && !at_once) continue;
    scheduler_.cancel(session->stalled_wake);
    const TimePoint due = at_once ? now() : now() + limits::consumer_stalled_max;
    session->stalled_wake =
        scheduler_.wake_at(due, [this, key = session->key] { on_stalled(key); });
  }
}

void Broker::on_stalled(SubscriberKey key) {
  LocalSession& session = registry_.at(key);  // its end cancels this
  session.stalled_wake = {};
  if (session.connection == nullptr || !session.machine.is_full()) return;
  ++counters_.readers_stalled;
  close(*session.connection, mqtt::ReasonCode::quota_exceeded, "its queue stayed full", true);
}

void Broker::give_room(LocalSession& session) {
  scheduler_.cancel(session.stalled_wake);
  session.stalled_wake = {};
  while (!session.holds.empty()) {
    const auto who = withheld_.on_room(session.holds.pop_front());
    if (!who) continue;
    if (const auto* id = std::get_if<ConnectionId>(&*who)) {
      if (Connection* publisher = find(*id)) flush_owed(*publisher);
    } else {
      host_.on_mesh_message_placed(std::get<MessageId>(*who));
    }
  }
}

// The rules or the user have changed: what waits and may no longer be read goes nowhere. What a
// client that is away was sent and did not acknowledge would be sent again, so that goes too.
void Broker::drop_denied(LocalSession& session) {
  // Without rules nothing is denied, and a queue may be long: a million messages are 30 ms.
  static const TopicName any = TopicName::parse("any").value();
  if (session.access.decide(Action::receive, any).why == AccessDecision::Why::no_rules) return;
  OutboundQos& outbound = session.machine.outbound();
  const auto is_denied = [&session](const Delivery& delivery) {
    return !session.access.may_receive(delivery.message->topic);
  };
  std::vector<Delivery> dropped = outbound.take_matching(is_denied);
  if (!session.machine.is_sending()) {
    std::vector<std::uint16_t> ids;
    outbound.window().for_each([&](const OutboundQos::Inflight& entry) {
      if (entry.state != OutboundQos::State::awaiting_pubcomp && is_denied(entry.delivery))
        ids.push_back(entry.packet_id);
    });
    for (const std::uint16_t id : ids) dropped.push_back(outbound.abandon(id).value());
  }
  for (const Delivery& delivery : dropped) {
    ++counters_.denied_receive;
    fan_out_.on_acknowledged(session, delivery);
  }
}

// A message of QoS 1 that a share group gave to a client which has left without acknowledging it: to
// another member that is there, or it stays where it is and is sent again (4.8.2). QoS 2 always
// stays [MQTT5-4.8.2-4].
void Broker::hand_over_window(LocalSession& session) {
  struct Unacknowledged {
    std::uint16_t packet_id;
    Delivery delivery;
  };
  std::vector<Unacknowledged> shared;
  session.machine.outbound().window().for_each([&shared](const OutboundQos::Inflight& entry) {
    if (entry.delivery.share_group != 0 && entry.state == OutboundQos::State::awaiting_puback)
      shared.push_back({entry.packet_id, entry.delivery});
  });
  for (const Unacknowledged& entry : shared) {
    if (!fan_out_.hand_over(entry.delivery, &session, true, now(), outcome_)) continue;
    session.machine.outbound().abandon(entry.packet_id);
    fan_out_.on_acknowledged(session, entry.delivery);
    handle_outcome();
  }
}

// What a share group gave to a session that has left goes to another member.
void Broker::hand_over(LocalSession& session, std::vector<Delivery> deliveries,
                       bool to_present_only) {
  std::vector<Delivery> stay;
  for (Delivery& delivery : deliveries) {
    if (fan_out_.hand_over(delivery, &session, to_present_only, now(), outcome_)) {
      fan_out_.on_acknowledged(session, delivery);
      handle_outcome();
    } else if (to_present_only) {
      stay.push_back(std::move(delivery));
    }
  }
  session.machine.outbound().put_back(std::move(stay));
}

}  // namespace starling
