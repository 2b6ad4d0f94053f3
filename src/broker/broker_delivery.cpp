// What waits for clients: pumping queues, replaying retained messages, and what is done about
// queues that are full.
#include "starling/check.hpp"

#include "src/broker/broker.hpp"

namespace starling {

void Broker::pump(LocalSession& session) {
  if (session.replays.empty()) {
    fan_out_.send_waiting(session, now());
  } else {
    replay(session);
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
  for (std::size_t n = 0; n < limits::replay_slice_messages && !session.replays.empty(); ++n) {
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
        return;
      case Step::steps_used_up:
        return replay_later(*session.connection);
    }
  }
  if (!session.replays.empty()) return replay_later(*session.connection);
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
    if (kept != nullptr && !kept->message->has_expired(now())) replay_message(session, only, *kept);
    return Step::went_on;
  }
  if (front.cursor == nullptr) front.cursor = retained_.make_cursor(front.filter);
  if (const RetainedMessages::Kept* kept = retained_.next(*front.cursor, steps, now())) {
    replay_message(session, front, *kept);
    return Step::went_on;
  }
  if (!front.cursor->finished()) return Step::steps_used_up;
  session.replays.pop_front();
  return Step::went_on;
}

void Broker::replay_message(LocalSession& session, const RetainedReplay& replayed,
                            const RetainedMessages::Kept& kept) {
  if (replayed.no_local && kept.publisher == session.client_hash) return;  // [MQTT5-3.8.3-3]
  if (!session.access.may_receive(kept.message->topic)) {
    ++counters_.denied_receive;
    return;
  }
  fan_out_.send_retained(session, kept.message, lower(kept.message->qos, replayed.qos),
                         replayed.identifier, now());
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

// What a share group gave to a session that has left goes to another member.
void Broker::hand_over(LocalSession& session, std::vector<Delivery> deliveries,
                       bool to_present_only) {
  for (Delivery& delivery : deliveries) {
    if (fan_out_.hand_over(delivery, session, to_present_only, now(), outcome_)) {
      fan_out_.on_acknowledged(session, delivery);
      handle_outcome();
    } else if (to_present_only) {
      session.machine.outbound().enqueue(std::move(delivery));
    }
  }
}

}  // namespace starling
