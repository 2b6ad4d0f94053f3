// The facade itself: making and ending it, where each packet goes, and the verbs of the node.
#include "src/broker/broker.hpp"

#include <algorithm>
#include <utility>

#include "starling/check.hpp"

#include "src/mqtt/write_packet.hpp"

namespace starling {

using mqtt::PacketError;
using mqtt::ReasonCode;

namespace {

OutboundQos::Limits queue_limits(const BrokerSettings& settings) {
  return {settings.queued_messages_max, settings.queued_bytes_max, settings.inflight_bytes_max};
}

}  // namespace

Broker::Broker(BrokerSettings settings, std::vector<ListenerPolicy> listeners, BrokerHost& host,
               Scheduler& scheduler, Entropy& entropy, LogSink& log)
    : settings_(std::move(settings)),
      host_(host),
      scheduler_(scheduler),
      log_(log),
      listeners_(std::move(listeners)),
      hash_seed_(HashSeed::from(entropy)),
      queues_{queue_limits(settings_)},
      publish_denials_(log),
      full_queues_(log),
      registry_(hash_seed_, settings_.sessions_max, queues_, sent_, entropy),
      subscriptions_(hash_seed_),
      retained_(hash_seed_, settings_.retained_messages_max),
      fan_out_(subscriptions_.tree(), registry_, subscriptions_.groups(), host, counters_,
               settings_) {
  STARLING_CHECK(settings_.inflight_max > 0 && settings_.receive_maximum > 0);
  STARLING_CHECK(!listeners_.empty());
}

Broker::~Broker() {
  for (auto& entry : connections_) {
    scheduler_.cancel(entry.second.keep_alive_wake);
    scheduler_.cancel(entry.second.replay_wake);
    scheduler_.cancel(entry.second.request_wake);
  }
  registry_.for_each([this](LocalSession& session) {
    scheduler_.cancel(session.away_wake);
    scheduler_.cancel(session.stalled_wake);
  });
  scheduler_.cancel(retained_wake_);
}

Connection* Broker::find(ConnectionId id) {
  if (found_last_ != nullptr && found_last_->id == id) return found_last_;
  const auto at = connections_.find(id);
  if (at == connections_.end()) return nullptr;
  return found_last_ = &at->second;
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
  on_early_packet(*connection, packet);
}

// Before CONNACK. The host hands us nothing while a CONNECT is being decided upon, except in an
// exchange, where only AUTH and DISCONNECT may come [MQTT5-3.1.2-30].
void Broker::on_early_packet(Connection& connection, const mqtt::Packet& packet) {
  if (connection.stage == Connection::Stage::opened) {
    if (const auto* connect = std::get_if<mqtt::Connect>(&packet))
      return on_connect(connection, *connect);
    // [MQTT-3.1.0-1] [MQTT5-3.1.0-1]
    return close(connection, ReasonCode::protocol_error, "the first packet was not CONNECT", false);
  }
  if (connection.stage == Connection::Stage::exchanging) {
    if (const auto* auth = std::get_if<mqtt::Auth>(&packet)) return on_auth(connection, *auth);
    if (std::holds_alternative<mqtt::Disconnect>(packet))
      return close(connection, ReasonCode::success, "the client gave up authenticating", false);
  }
  refuse(connection, ReasonCode::protocol_error, "a packet before CONNACK", Telling::why);
}

template <class Packet>
void Broker::take(ConnectionId id, const Packet& packet,
                  void (Broker::*on_it)(Connection&, const Packet&)) {
  Connection* connection = find(id);
  if (connection == nullptr) return;
  if (connection->session == nullptr) return on_packet(id, mqtt::Packet{packet});
  ++counters_.packets_received;
  connection->session->machine.on_heard(now());
  (this->*on_it)(*connection, packet);
}

void Broker::on_packet(ConnectionId id, const mqtt::Publish& packet) {
  take(id, packet, &Broker::on_publish);
}
void Broker::on_packet(ConnectionId id, const mqtt::Puback& packet) {
  take(id, packet, &Broker::on_puback);
}
void Broker::on_packet(ConnectionId id, const mqtt::Pubrec& packet) {
  take(id, packet, &Broker::on_pubrec);
}
void Broker::on_packet(ConnectionId id, const mqtt::Pubrel& packet) {
  take(id, packet, &Broker::on_pubrel);
}
void Broker::on_packet(ConnectionId id, const mqtt::Pubcomp& packet) {
  take(id, packet, &Broker::on_pubcomp);
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
    case mqtt::PacketType::auth:
      return on_auth(connection, std::get<mqtt::Auth>(packet));
    default:
      return close(connection, ReasonCode::protocol_error, "a packet that only servers send", true);
  }
}

void Broker::on_packet_error(ConnectionId id, const PacketError& error,
                             std::optional<mqtt::ProtocolVersion> refuse_in) {
  Connection* connection = find(id);
  if (connection == nullptr) return;
  if (connection->session != nullptr) return fail(*connection, error);
  if (connection->request) return refuse(*connection, error.reason, error.what, Telling::why);
  if (!refuse_in) return close(*connection, error.reason, error.what, false);
  // As Mosquitto: a CONNECT that is no good closes without a word [MQTT-3.1.4-1] [MQTT5-3.1.4-1],
  // except for what has an answer of its own.
  connection->version = *refuse_in;
  const bool is_nonsense =
      error.reason == ReasonCode::malformed_packet || error.reason == ReasonCode::protocol_error;
  refuse(*connection, error.reason, error.what, is_nonsense ? Telling::nothing : Telling::code);
}

void Broker::on_writable(ConnectionId id) {
  Connection* connection = find(id);
  if (connection != nullptr && connection->session != nullptr) pump(*connection->session);
}

// [MQTT-3.12.4-1] [MQTT5-3.12.4-1]. Behind what waits for the commit only, CONNACK first of all; not
// behind what is withheld.
void Broker::on_pingreq(Connection& connection) {
  const bool may_be_long = store_fails() && connection.session->machine.is_sending();
  if (connection.promised == 0 || may_be_long) return send_pingresp(connection);
  ++connection.pings_owed;
}

void Broker::send_pingresp(Connection& connection) {
  Bytes& out = connection.port->output().tail();
  const std::size_t before = out.size();
  mqtt::write(mqtt::Pingresp{}, connection.version, out);
  ++sent_.packets;
  sent_.bytes += static_cast<std::int64_t>(out.size() - before);
  connection.port->flush_soon();
}

// --- The node

void Broker::configure(BrokerSettings settings, std::vector<ListenerPolicy> listeners) {
  STARLING_CHECK(listeners.size() >= listeners_.size());
  settings_ = std::move(settings);
  listeners_ = std::move(listeners);
  queues_.limits = queue_limits(settings_);
  registry_.set_count_max(settings_.sessions_max);
  retained_.set_count_max(settings_.retained_messages_max);
  registry_.for_each([this](LocalSession& session) {
    const AccessRules& rules = listeners_.at(session.listener).rules;
    session.access = rules.for_client({session.user, session.client_id()});
    drop_denied(session);
    pump(session);  // there may be room in its queue now
  });
  send_away_revoked();
}

/// As Mosquitto does when it reads its files again.
void Broker::send_away_revoked() {
  std::vector<ConnectionId> revoked;
  registry_.for_each([&](LocalSession& session) {
    if (session.connection != nullptr && !may_stay(*session.connection))
      revoked.push_back(session.connection->id);
  });
  std::ranges::sort(revoked);
  for (const ConnectionId id : revoked)
    if (Connection* connection = find(id))
      close(*connection, ReasonCode::not_authorized, "it may not be here any more", true);
}

bool Broker::may_stay(const Connection& connection) {
  if (connection.info.user_from_tls) return true;
  const std::optional<std::string>& user = connection.session->user;
  return user ? host_.may_stay(connection.id, *user) : policy_of(connection).allow_anonymous;
}

void Broker::publish_system(const TopicName& topic, std::string_view payload, bool retain_it) {
  Publication message{topic, SharedBytes(as_bytes(payload)), QoS::exactly_once, retain_it, {}, {},
                      {}};
  number(message);
  const auto shared = std::make_shared<const Publication>(std::move(message));
  if (retain_it) retained_.take(shared, nullptr);  // made anew at every start: no store keeps it
  fan_out_.publish(shared, 0, now(), outcome_);
  handle_outcome();
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
      give_up(*connection, ReasonCode::server_shutting_down, "the server is shutting down");
}

BrokerCounters Broker::counters() const {
  BrokerCounters all = counters_;
  all.bytes_sent = sent_.bytes;
  all.packets_sent = sent_.packets;
  all.retained_messages = static_cast<std::int64_t>(retained_.size());
  all.retained_bytes = static_cast<std::int64_t>(retained_.payload_bytes());
  all.queued_messages = queues_.waiting;
  all.queued_bytes = queues_.waiting_bytes;
  all.inflight_messages = queues_.inflight;
  return all;
}

}  // namespace starling
