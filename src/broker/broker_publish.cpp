// What clients and other nodes publish: whether it is taken, kept, and to whom it goes.
#include <algorithm>
#include <utility>

#include "src/broker/broker.hpp"
#include "src/session/message_text.hpp"

namespace starling {

using mqtt::ReasonCode;
using Kind = Acknowledgement::Kind;

namespace {

constexpr std::size_t retained_expired_per_turn = 1'000;

/// Topics only the broker itself may publish to; as in Mosquitto, a bridge may tell its state.
bool is_reserved(std::string_view topic) {
  if (!topic.starts_with("$SYS") && !topic.starts_with("$share")) return false;
  static const TopicFilter bridge_state =
      TopicFilter::parse("$SYS/broker/connection/+/state").value();
  return !bridge_state.matches(topic);
}

SharedBytes keep_payload(const mqtt::Publish& packet) {
  const bool is_most =
      packet.shared != nullptr && packet.payload.size() > packet.shared->size() / 2;
  return is_most ? SharedBytes::slice(*packet.shared, packet.payload) : SharedBytes(packet.payload);
}

}  // namespace

void Broker::on_publish(Connection& connection, const mqtt::Publish& packet) {
  LocalSession& session = *connection.session;
  if (static_cast<std::uint8_t>(packet.qos) > connection.qos_max)  // (3.2.2.3.4)
    return close(connection, ReasonCode::qos_not_supported, "PUBLISH above the maximum QoS", true);
  if (packet.retain && !connection.retain_available)  // (3.2.2.3.5)
    return close(connection, ReasonCode::retain_not_supported, "nothing is retained here", true);
  auto arrived = session.machine.on_publish(packet);
  if (!arrived) return fail(connection, arrived.error());
  if (arrived->repeated)  // [MQTT-4.3.3-2] [MQTT5-4.3.3-10]
    return owe(connection, acknowledgement(Kind::pubrec, packet.packet_id), 0);
  ++counters_.publish_received;
  counters_.publish_bytes_received += static_cast<std::int64_t>(packet.payload.size());
  if (settings_.payload_size_max > 0 && packet.payload.size() > settings_.payload_size_max) {
    ++counters_.refused_too_large;
    publish_denials_.note("publish_too_large", session.client_id(), now());
    return refuse_publish(connection, packet, ReasonCode::quota_exceeded);
  }
  if (!may_publish(session, arrived->topic)) {
    ++counters_.denied_publish;
    publish_denials_.note("publish_denied", session.client_id(), now());
    return refuse_publish(connection, packet, ReasonCode::not_authorized);
  }

  const bool must_wait =
      packet.qos != QoS::at_most_once && must_wait_for_store(session, packet, arrived->topic);
  if (must_wait) {
    if (connection.version == mqtt::ProtocolVersion::v5)
      return refuse_publish(connection, packet, ReasonCode::quota_exceeded);
    if (host_.store_backlog() > limits::store_backlog_bytes_max)
      return close(connection, ReasonCode::quota_exceeded, "the disk is full", true);
  }

  std::optional<TimePoint> expires_at;
  if (packet.properties.message_expiry_interval_s)
    expires_at = now() + std::chrono::seconds{*packet.properties.message_expiry_interval_s};
  auto message = std::make_shared<Publication>(Publication{std::move(arrived->topic),
                                                           keep_payload(packet),
                                                           packet.qos,
                                                           packet.retain,
                                                           expires_at,
                                                           keep_properties(packet.properties),
                                                           {}});
  if (packet.qos == QoS::exactly_once)
    return take_qos2(connection, packet.packet_id, std::move(message));
  const SharedPublication accepted = accept(std::move(message), session);
  if (packet.qos == QoS::at_most_once) return handle_outcome();
  const bool unwanted = !outcome_.matched && !host_.may_be_wanted_elsewhere(accepted->topic);
  const std::uint64_t hold = hold_publisher(connection.id);
  handle_outcome();
  // As in Mosquitto only PUBACK says it (3.4.2.1).
  owe(connection,
      acknowledgement(Kind::puback, packet.packet_id,
                      unwanted ? ReasonCode::no_matching_subscribers : ReasonCode::success),
      hold, must_wait ? RestsOn::store : RestsOn::nothing);
}

// Goes on with its PUBREL. Where too much is held already, what came first goes on before that, so
// that the order of the messages stays.
void Broker::take_qos2(Connection& connection, std::uint16_t packet_id,
                       std::shared_ptr<Publication> message) {
  LocalSession& session = *connection.session;
  InboundQos& inbound = session.machine.inbound();
  std::uint64_t hold = 0;
  RestsOn rests = RestsOn::store;
  if (inbound.can_hold(message->payload.size())) {
    if (session.stored != 0) number(*message);
    journal(session, InboundIdOpened{session.stored, {packet_id, message}});
    inbound.hold(packet_id, std::move(message));
    rests = rests_on(session);
  } else {
    journal(session, InboundHeldTaken{session.stored});
    for (const auto& before : inbound.take_held()) {
      accept(std::make_shared<Publication>(*before), session);
      handle_outcome();
    }
    accept(std::move(message), session);
    journal(session, InboundIdOpened{session.stored, {packet_id, nullptr}});
    hold = hold_publisher(connection.id);
    handle_outcome();
  }
  owe(connection, acknowledgement(Kind::pubrec, packet_id), hold, rests);
}

void Broker::on_pubrel(Connection& connection, const mqtt::Pubrel& packet) {
  LocalSession& session = *connection.session;
  const InboundQos::Released released = session.machine.inbound().on_pubrel(packet.packet_id);
  if (!released.known)
    return promise(
        connection,
        acknowledgement(Kind::pubcomp, packet.packet_id, ReasonCode::packet_identifier_not_found),
        RestsOn::nothing);
  std::uint64_t hold = 0;
  RestsOn rests = rests_on(session);
  if (released.held && !released.held->has_expired(now())) {
    if (store_fails() && needs_store(*released.held)) rests = RestsOn::store;
    // The store may be reading it; then what is stamped is a copy.
    accept(session.stored == 0 ? released.held : std::make_shared<Publication>(*released.held),
           session);
    hold = hold_publisher(connection.id);
    handle_outcome();
  }
  journal(session, InboundIdClosed{session.stored, packet.packet_id});
  owe(connection, acknowledgement(Kind::pubcomp, packet.packet_id), hold, rests);
}

bool Broker::may_publish(const LocalSession& session, const TopicName& topic) const {
  return !(topic.is_dollar() && is_reserved(topic.text())) && session.access.may_publish(topic);
}

// A refused message is dropped; MQTT 5 lets us say so, before it the acknowledgement looks like any
// other [MQTT-3.3.5-2].
void Broker::refuse_publish(Connection& connection, const mqtt::Publish& packet,
                            ReasonCode reason) {
  if (packet.qos == QoS::at_most_once) return;
  if (connection.version != mqtt::ProtocolVersion::v5) reason = ReasonCode::success;
  if (packet.qos == QoS::at_least_once)
    return owe(connection, acknowledgement(Kind::puback, packet.packet_id, reason), 0,
               RestsOn::nothing);
  if (mqtt::is_refusal(reason)) connection.session->machine.inbound().on_refused(packet.packet_id);
  owe(connection, acknowledgement(Kind::pubrec, packet.packet_id, reason), 0, RestsOn::nothing);
}

const std::shared_ptr<const Author>& Broker::author_of(LocalSession& session) const {
  if (session.author == nullptr)
    session.author = std::make_shared<const Author>(
        Author{{session.client_id(), session.user, listeners_.at(session.listener).name},
               session.listener});
  return session.author;
}

/// It is stamped now: ids follow the order in which messages go on.
SharedPublication Broker::accept(std::shared_ptr<Publication> message, LocalSession& publisher) {
  message->id = host_.next_message_id();
  number(*message);
  const SharedPublication accepted = std::move(message);
  if (accepted->retain) retain(accepted, author_of(publisher));
  fan_out_.publish(accepted, publisher.key, now(), outcome_);
  host_.on_local_publication(accepted);
  return accepted;
}

MeshPlacement Broker::deliver_from_mesh(const SharedPublication& message) {
  ++counters_.publish_from_mesh;
  const std::string_view topic = message->topic.text();
  const auto levels = static_cast<std::size_t>(std::ranges::count(topic, '/')) + 1;
  if (levels > settings_.topic_levels_max || message->has_expired(now()))
    return MeshPlacement::placed;
  if (message->retain) retain(message, nullptr);
  fan_out_.publish(message, 0, now(), outcome_);
  const std::uint64_t hold = hold_publisher(message->id);
  handle_outcome();
  return hold == 0 ? MeshPlacement::placed : MeshPlacement::waiting;
}

void Broker::retain(SharedPublication message, std::shared_ptr<const Author> author) {
  if (settings_.retain_expiry_s > 0 && !message->expires_at && !message->payload.empty()) {
    Publication mortal = *message;
    mortal.expires_at = now() + std::chrono::seconds{settings_.retain_expiry_s};
    mortal.number = 0;  // those who wait for the message have it without
    number(mortal);
    message = std::make_shared<const Publication>(std::move(mortal));
  }
  switch (retained_.take(message, author)) {
    case RetainedMessages::Outcome::stored:
      if (settings_.store_keeps_anything)
        host_.batch().changes.push_back(RetainedSet{message, std::move(author)});
      return watch_retained_expiry();
    case RetainedMessages::Outcome::erased:
      if (settings_.store_keeps_anything)
        host_.batch().changes.push_back(RetainedErased{message->topic});
      return;
    case RetainedMessages::Outcome::nothing_to_erase:
      return;
    case RetainedMessages::Outcome::refused_full:
      ++counters_.retained_refused;
      return;
  }
}

void Broker::watch_retained_expiry() {
  const auto next = retained_.next_expiry();
  if (!next || (retained_wake_ && retained_wake_at_ <= *next)) return;
  scheduler_.cancel(retained_wake_);
  retained_wake_at_ = *next;
  retained_wake_ = scheduler_.wake_at(*next, [this] {
    retained_wake_ = {};
    for (const TopicName& topic : retained_.drop_expired(now(), retained_expired_per_turn))
      if (settings_.store_keeps_anything) host_.batch().changes.push_back(RetainedErased{topic});
    watch_retained_expiry();
  });
}

}  // namespace starling
