// Packets of connected clients, publications, and the acknowledgements both owe each other.
#include "src/broker/broker.hpp"

#include <algorithm>
#include <utility>

#include "starling/check.hpp"

#include "src/mqtt/write_packet.hpp"
#include "src/session/message_text.hpp"

namespace starling {

using mqtt::PacketError;
using mqtt::ReasonCode;
using Kind = Acknowledgement::Kind;

namespace {

constexpr std::size_t retained_expired_per_turn = 1'000;

bool is_v5(const Connection& connection) {
  return connection.version == mqtt::ProtocolVersion::v5;
}

Acknowledgement acknowledgement(Kind kind, std::uint16_t packet_id,
                                ReasonCode reason = ReasonCode::success) {
  Acknowledgement what;
  what.kind = kind;
  what.packet_id = packet_id;
  what.reason = static_cast<std::uint8_t>(reason);
  return what;
}

/// Topics only the broker itself may publish to; as in Mosquitto, a bridge may tell its state.
bool is_reserved(std::string_view topic) {
  if (!topic.starts_with("$SYS") && !topic.starts_with("$share")) return false;
  static const TopicFilter bridge_state =
      TopicFilter::parse("$SYS/broker/connection/+/state").value();
  return !bridge_state.matches(topic);
}

}  // namespace

Broker::Broker(BrokerSettings settings, BrokerHost& host, Scheduler& scheduler, Entropy& entropy,
               LogSink& log, AccessRules rules)
    : settings_(settings),
      host_(host),
      scheduler_(scheduler),
      log_(log),
      rules_(std::move(rules)),
      hash_seed_(HashSeed::from(entropy)),
      publish_denials_(log),
      full_queues_(log),
      registry_(settings.sessions_max, {settings.queued_messages_max, settings.queued_bytes_max},
                entropy),
      tree_(hash_seed_),
      retained_(hash_seed_, settings.retained_messages_max),
      fan_out_(tree_, registry_, groups_, host, counters_, settings.store_keeps_anything) {
  STARLING_CHECK(settings.inflight_max > 0 && settings.receive_maximum > 0);
}

Broker::~Broker() {
  for (auto& entry : connections_) {
    scheduler_.cancel(entry.second.keep_alive_wake);
    scheduler_.cancel(entry.second.replay_wake);
  }
  registry_.for_each([this](LocalSession& session) {
    scheduler_.cancel(session.away_wake);
    scheduler_.cancel(session.stalled_wake);
  });
  scheduler_.cancel(retained_wake_);
}

Connection* Broker::find(ConnectionId id) {
  const auto at = connections_.find(id);
  return at == connections_.end() ? nullptr : &at->second;
}

// --- Packets

void Broker::on_packet(ConnectionId id, const mqtt::Packet& packet) {
  Connection* connection = find(id);
  if (connection == nullptr) return;
  ++counters_.packets_received;
  if (connection->session != nullptr) {
    connection->session->machine.on_heard(now());
    return on_session_packet(*connection, packet);
  }
  if (const auto* connect = std::get_if<mqtt::Connect>(&packet))
    return on_connect(*connection, *connect);
  // [MQTT-3.1.0-1] [MQTT5-3.1.0-1]
  close(*connection, ReasonCode::protocol_error, "the first packet was not CONNECT", false);
}

void Broker::on_packet(ConnectionId id, const mqtt::Publish& packet) {
  Connection* connection = find(id);
  if (connection == nullptr) return;
  if (connection->session == nullptr) return on_packet(id, mqtt::Packet{packet});
  ++counters_.packets_received;
  connection->session->machine.on_heard(now());
  on_publish(*connection, packet);
}

void Broker::on_session_packet(Connection& connection, const mqtt::Packet& packet) {
  switch (mqtt::type_of(packet)) {
    case mqtt::PacketType::publish:
      return on_publish(connection, std::get<mqtt::Publish>(packet));
    case mqtt::PacketType::puback:
      return on_puback(connection, std::get<mqtt::Puback>(packet));
    case mqtt::PacketType::pubrec:
      return on_pubrec(connection, std::get<mqtt::Pubrec>(packet));
    case mqtt::PacketType::pubrel:
      return on_pubrel(connection, std::get<mqtt::Pubrel>(packet));
    case mqtt::PacketType::pubcomp:
      return on_pubcomp(connection, std::get<mqtt::Pubcomp>(packet));
    case mqtt::PacketType::subscribe:
      return on_subscribe(connection, std::get<mqtt::Subscribe>(packet));
    case mqtt::PacketType::unsubscribe:
      return on_unsubscribe(connection, std::get<mqtt::Unsubscribe>(packet));
    case mqtt::PacketType::pingreq:
      return on_pingreq(connection);
    case mqtt::PacketType::disconnect:
      return on_disconnect(connection, std::get<mqtt::Disconnect>(packet));
    case mqtt::PacketType::connect:  // [MQTT-3.1.0-2] [MQTT5-3.1.0-2]
      return close(connection, ReasonCode::protocol_error, "a second CONNECT", true);
    case mqtt::PacketType::auth:  // [MQTT5-4.12.0-7]: CONNECT named no method, or was refused
      return close(connection, ReasonCode::protocol_error, "AUTH without a method", true);
    default:
      return close(connection, ReasonCode::protocol_error, "a packet that only servers send", true);
  }
}

void Broker::on_packet_error(ConnectionId id, const PacketError& error,
                             std::optional<mqtt::ProtocolVersion> refuse_in) {
  Connection* connection = find(id);
  if (connection == nullptr) return;
  if (connection->session != nullptr) return fail(*connection, error);
  if (refuse_in) return refuse(*connection, *refuse_in, error.reason, error.what);
  close(*connection, error.reason, error.what, false);
}

void Broker::on_writable(ConnectionId id) {
  Connection* connection = find(id);
  if (connection != nullptr && connection->session != nullptr) pump(*connection->session);
}

void Broker::on_pingreq(Connection& connection) {  // [MQTT-3.12.4-1] [MQTT5-3.12.4-1]
  connection.ping_owed = !connection.session->machine.is_sending();
  if (connection.ping_owed) return;  // nothing may leave before CONNACK
  mqtt::write(mqtt::Pingresp{}, connection.version, connection.port->output().tail());
  connection.port->flush_soon();
}

// --- PUBLISH from a client

void Broker::on_publish(Connection& connection, const mqtt::Publish& packet) {
  LocalSession& session = *connection.session;
  auto arrived = session.machine.on_publish(packet);
  if (!arrived) return fail(connection, arrived.error());
  if (arrived->repeated)  // [MQTT-4.3.3-2] [MQTT5-4.3.3-10]
    return owe(connection, acknowledgement(Kind::pubrec, packet.packet_id), 0);
  ++counters_.publish_received;
  counters_.publish_bytes_received += static_cast<std::int64_t>(packet.payload.size());
  if (!may_publish(session, arrived->topic)) return refuse_publish(connection, packet);

  std::optional<TimePoint> expires_at;
  if (packet.properties.message_expiry_interval_s)
    expires_at = now() + std::chrono::seconds{*packet.properties.message_expiry_interval_s};
  const auto message = std::make_shared<const Publication>(
      Publication{std::move(arrived->topic), SharedBytes(packet.payload), packet.qos, packet.retain,
                  expires_at, keep_properties(packet.properties), host_.next_message_id()});
  accept(message, session.key, session.client_hash);
  if (packet.qos == QoS::at_most_once) return handle_outcome();

  if (packet.qos == QoS::exactly_once)
    journal(session, InboundIdOpened{session.client_id(), packet.packet_id});
  const std::uint64_t hold = hold_publisher(connection.id);
  handle_outcome();
  const Kind kind = packet.qos == QoS::at_least_once ? Kind::puback : Kind::pubrec;
  owe(connection, acknowledgement(kind, packet.packet_id), hold);
}

bool Broker::may_publish(const LocalSession& session, const TopicName& topic) const {
  return !(topic.is_dollar() && is_reserved(topic.text())) && session.access.may_publish(topic);
}

// A refused message is dropped; MQTT 5 lets us say so, before it the acknowledgement looks like any
// other [MQTT-3.3.5-2].
void Broker::refuse_publish(Connection& connection, const mqtt::Publish& packet) {
  ++counters_.denied_publish;
  publish_denials_.note("publish_denied", connection.session->client_id(), now());
  if (packet.qos == QoS::at_most_once) return;
  const ReasonCode reason = is_v5(connection) ? ReasonCode::not_authorized : ReasonCode::success;
  if (packet.qos == QoS::at_least_once)
    return owe(connection, acknowledgement(Kind::puback, packet.packet_id, reason), 0);
  if (mqtt::is_refusal(reason)) connection.session->machine.inbound().on_refused(packet.packet_id);
  owe(connection, acknowledgement(Kind::pubrec, packet.packet_id, reason), 0);
}

void Broker::accept(const SharedPublication& message, SubscriberKey publisher,
                    std::uint64_t publisher_hash) {
  if (message->retain) retain(message, publisher_hash);
  fan_out_.publish(message, publisher, now(), outcome_);
  host_.on_local_publication(message);
}

MeshPlacement Broker::deliver_from_mesh(const SharedPublication& message) {
  ++counters_.publish_from_mesh;
  const std::string_view topic = message->topic.text();
  const auto levels = static_cast<std::size_t>(std::ranges::count(topic, '/')) + 1;
  if (levels > limits::topic_levels_max || message->has_expired(now()))
    return MeshPlacement::placed;
  if (message->retain) retain(message, 0);
  fan_out_.publish(message, 0, now(), outcome_);
  const std::uint64_t hold = hold_publisher(message->id);
  handle_outcome();
  return hold == 0 ? MeshPlacement::placed : MeshPlacement::waiting;
}

void Broker::retain(const SharedPublication& message, std::uint64_t publisher_hash) {
  switch (retained_.take(message, publisher_hash)) {
    case RetainedMessages::Outcome::stored:
      if (settings_.store_keeps_anything) host_.batch().changes.push_back(RetainedSet{message});
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

// --- Acknowledgements to publishers

// In the order in which the messages came, also when some of them had to wait for room in a
// reader's queue.
void Broker::owe(Connection& connection, Acknowledgement what, std::uint64_t hold) {
  if (hold == 0 && connection.owed.empty())
    return host_.acknowledge_after_commit(connection.id, what);
  connection.owed.push_back({std::move(what), hold});
}

void Broker::flush_owed(Connection& connection) {
  while (!connection.owed.empty()) {
    const std::uint64_t hold = connection.owed.front().hold;
    if (hold != 0 && withheld_.is_open(hold)) return;
    host_.acknowledge_after_commit(connection.id, connection.owed.pop_front().what);
  }
}

void Broker::release(ConnectionId id, const Acknowledgement& what) {
  Connection* connection = find(id);
  if (connection == nullptr || connection->session == nullptr) return;
  ServerSession& machine = connection->session->machine;
  // Before MQTT 5 these acknowledgements only know success.
  const auto reason =
      is_v5(*connection) ? static_cast<ReasonCode>(what.reason) : ReasonCode::success;
  const auto to_reasons = [](const std::vector<std::uint8_t>& codes) {
    std::vector<ReasonCode> reasons;
    reasons.reserve(codes.size());
    for (const std::uint8_t code : codes) reasons.push_back(static_cast<ReasonCode>(code));
    return reasons;
  };
  switch (what.kind) {
    case Kind::connack:
      return release_connack(*connection, what);
    case Kind::puback:
      machine.inbound().on_acknowledged();
      machine.send(mqtt::Puback{what.packet_id, reason, {}});
      return;
    case Kind::pubrec:
      if (mqtt::is_refusal(reason)) machine.inbound().on_acknowledged();
      machine.send(mqtt::Pubrec{what.packet_id, reason, {}});
      return;
    case Kind::pubrel:
      machine.send(mqtt::Pubrel{what.packet_id, reason, {}});
      return;
    case Kind::pubcomp:
      machine.inbound().on_acknowledged();
      machine.send(mqtt::Pubcomp{what.packet_id, reason, {}});
      return;
    case Kind::suback:
      machine.send(mqtt::Suback{what.packet_id, to_reasons(what.reasons), {}});
      return;
    case Kind::unsuback:
      machine.send(mqtt::Unsuback{what.packet_id, to_reasons(what.reasons), {}});
      return;
  }
}

// --- Acknowledgements from subscribers

void Broker::on_puback(Connection& connection, const mqtt::Puback& packet) {
  LocalSession& session = *connection.session;
  const auto done = session.machine.outbound().on_puback(packet.packet_id);
  if (!done) return;  // a repeat, or nonsense that harms nobody
  fan_out_.on_acknowledged(session, *done);
  pump(session);
}

void Broker::on_pubrec(Connection& connection, const mqtt::Pubrec& packet) {
  LocalSession& session = *connection.session;
  std::optional<Delivery> ended;
  switch (session.machine.outbound().on_pubrec(packet.packet_id, mqtt::is_refusal(packet.reason),
                                               ended)) {
    case OutboundQos::Received::send_pubrel:
      return host_.acknowledge_after_commit(connection.id,
                                            acknowledgement(Kind::pubrel, packet.packet_id));
    case OutboundQos::Received::unknown:
      if (mqtt::is_refusal(packet.reason)) return;
      return host_.acknowledge_after_commit(
          connection.id,
          acknowledgement(Kind::pubrel, packet.packet_id, ReasonCode::packet_identifier_not_found));
    case OutboundQos::Received::finished:  // [MQTT5-4.4.0-2]
      fan_out_.on_acknowledged(session, *ended);
      return pump(session);
  }
}

void Broker::on_pubcomp(Connection& connection, const mqtt::Pubcomp& packet) {
  LocalSession& session = *connection.session;
  const auto done = session.machine.outbound().on_pubcomp(packet.packet_id);
  if (!done) return;
  fan_out_.on_acknowledged(session, *done);
  pump(session);
}

void Broker::on_pubrel(Connection& connection, const mqtt::Pubrel& packet) {
  LocalSession& session = *connection.session;
  const bool known = session.machine.inbound().on_pubrel(packet.packet_id);
  if (known) journal(session, InboundIdClosed{session.client_id(), packet.packet_id});
  host_.acknowledge_after_commit(
      connection.id,
      acknowledgement(Kind::pubcomp, packet.packet_id,
                      known ? ReasonCode::success : ReasonCode::packet_identifier_not_found));
}

// --- The node

void Broker::set_access_rules(AccessRules rules) {
  rules_ = std::move(rules);
  registry_.for_each([this](LocalSession& session) {
    session.access = rules_.for_client({session.user, session.client_id()});
  });
}

void Broker::stop() {
  std::vector<ConnectionId> ids;
  ids.reserve(connections_.size());
  for (const auto& entry : connections_) ids.push_back(entry.first);
  std::ranges::sort(ids);
  // Clients still here see the wills of those that are about to be cut off. What no store keeps
  // would never be published after a delay.
  registry_.for_each([this](LocalSession& session) {
    if (session.will == nullptr) return;
    if (!settings_.store_keeps_anything || session.will->delay() == std::chrono::seconds{0})
      publish_will(session);
  });
  for (const ConnectionId id : ids)
    if (Connection* connection = find(id))
      close(*connection, ReasonCode::server_shutting_down, "the server is shutting down", true);
}

}  // namespace starling
