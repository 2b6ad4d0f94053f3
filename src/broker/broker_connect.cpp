// How connections and sessions begin and end: CONNECT, takeover, DISCONNECT, silence, wills,
// expiry.
#include <algorithm>
#include <utility>

#include "starling/check.hpp"

#include "src/broker/broker.hpp"
#include "src/mqtt/write_packet.hpp"

namespace starling {

using mqtt::ReasonCode;

namespace {

// How the access rules name other nodes: no client may call itself so.
constexpr std::string_view mesh_user_prefix = "mesh:";

const char* protocol_text(mqtt::ProtocolVersion version) {
  switch (version) {
    case mqtt::ProtocolVersion::v3_1:
      return "mqtt31";
    case mqtt::ProtocolVersion::v3_1_1:
      return "mqtt311";
    case mqtt::ProtocolVersion::v5:
      return "mqtt5";
  }
  return "?";
}

/// How long the session outlives its connection. Before MQTT 5 for ever, unless it is a clean one
/// [MQTT-3.1.2-4] [MQTT-3.1.2-6].
std::uint32_t expiry_asked(const mqtt::Connect& packet) {
  if (packet.version != mqtt::ProtocolVersion::v5) return packet.clean_start ? 0 : expiry_never;
  return packet.properties.session_expiry_interval_s.value_or(0);
}

struct Refusal {
  ReasonCode reason;
  const char* why;
};

/// What a CONNECT can be refused for before any session is looked at.
std::optional<Refusal> refusal_of(const ConnectionInfo& info, const mqtt::Connect& packet) {
  if (packet.properties.authentication_method)  // [MQTT5-4.12.0-1]
    return Refusal{ReasonCode::bad_authentication_method,
                   "an authentication method we do not know"};
  if (!info.allow_anonymous)
    return Refusal{ReasonCode::not_authorized, "anonymous clients are not allowed here"};
  if (packet.user_name && packet.user_name->starts_with(mesh_user_prefix))
    return Refusal{ReasonCode::not_authorized, "a user name that is kept for other nodes"};
  if (!packet.client_id.empty()) return std::nullopt;
  // MQTT 3.1 wants an id of 1 to 23 bytes; 3.1.1 wants a clean session without one [MQTT-3.1.3-8].
  if (packet.version == mqtt::ProtocolVersion::v3_1
      || (packet.version == mqtt::ProtocolVersion::v3_1_1 && !packet.clean_start))
    return Refusal{ReasonCode::client_identifier_not_valid, "no client id"};
  return std::nullopt;
}

}  // namespace

void Broker::on_connection_opened(ConnectionId id, ConnectionPort& port, ConnectionInfo info) {
  Connection& connection = connections_[id];
  STARLING_CHECK(connection.port == nullptr);
  connection.id = id;
  connection.port = &port;
  connection.info = std::move(info);
}

void Broker::on_connection_closed(ConnectionId id, std::string_view why) {
  if (Connection* connection = find(id))
    forget(*connection, why.empty() ? "the client closed the connection" : why, true);
}

// --- CONNECT

void Broker::on_connect(Connection& connection, const mqtt::Connect& packet) {
  connection.version = packet.version;
  if (const auto refusal = refusal_of(connection.info, packet))
    return refuse(connection, packet.version, refusal->reason, refusal->why);
  std::unique_ptr<Will> will;
  if (packet.will) {
    auto kept = Will::from(*packet.will);
    if (!kept)
      return refuse(connection, packet.version, ReasonCode::topic_name_invalid, kept.error().what);
    will = std::make_unique<Will>(*std::move(kept));
  }

  connection.client_id_assigned = packet.client_id.empty();
  std::string client_id =
      connection.client_id_assigned ? registry_.make_client_id() : std::string(packet.client_id);
  bool present = false;
  LocalSession* session = open_session(std::move(client_id), packet.clean_start, present);
  if (session == nullptr) {
    const ReasonCode reason = packet.version == mqtt::ProtocolVersion::v5
                                  ? ReasonCode::quota_exceeded
                                  : ReasonCode::server_unavailable;
    return refuse(connection, packet.version, reason, "too many sessions");
  }
  session->will =
      std::move(will);  // a delayed one of the connection before is void [MQTT5-3.1.3-9]
  attach(connection, *session, packet);

  Acknowledgement connack;
  connack.kind = Acknowledgement::Kind::connack;
  connack.session_present = present;
  host_.acknowledge_after_commit(connection.id, connack);
}

void Broker::refuse(Connection& connection, mqtt::ProtocolVersion version, ReasonCode reason,
                    std::string_view why) {
  ++counters_.connections_refused;
  log_.info("client_refused", {{"addr", connection.info.peer.to_text()},
                               {"proto", protocol_text(version)},
                               {"reason", why}});
  mqtt::Connack connack;
  connack.reason = reason;
  // Before MQTT 5 there are five reasons; where none applies we close without a word
  // [MQTT-3.2.2-6].
  if (mqtt::encoded_size(connack, version) > 0) {
    mqtt::write(connack, version, connection.port->output().tail());
    connection.port->flush_soon();
  }
  ConnectionPort& port = *connection.port;
  connections_.erase(connection.id);
  port.close();  // [MQTT-3.2.2-5] [MQTT5-3.2.2-7]
}

LocalSession* Broker::open_session(std::string client_id, bool clean_start, bool& present) {
  LocalSession* known = registry_.find(client_id);
  if (known != nullptr && known->connection != nullptr) {  // [MQTT-3.1.4-2] [MQTT5-3.1.4-3]
    close(*known->connection, ReasonCode::session_taken_over, "its client id connected anew", true);
    known = registry_.find(client_id);  // it may have ended with its connection
  }
  if (known != nullptr && clean_start) {  // [MQTT-3.1.2-6] [MQTT5-3.1.2-4]
    end_session(*known);
    known = nullptr;
  }
  present = known != nullptr;
  if (present) return known;  // [MQTT-3.1.2-4] [MQTT5-3.1.2-5]
  LocalSession* made = registry_.create(std::move(client_id));
  if (made == nullptr) return nullptr;
  made->client_hash = keyed_hash(hash_seed_, made->client_id());
  ++counters_.sessions;
  return made;
}

void Broker::attach(Connection& connection, LocalSession& session, const mqtt::Connect& packet) {
  STARLING_CHECK(session.connection == nullptr && connection.session == nullptr);
  const bool v5 = packet.version == mqtt::ProtocolVersion::v5;
  scheduler_.cancel(session.away_wake);
  session.away_wake = {};
  session.connection = &connection;
  connection.session = &session;
  connection.clean_start = packet.clean_start;
  connection.expiry_asked_s = expiry_asked(packet);
  session.user.reset();
  if (packet.user_name) session.user.emplace(*packet.user_name);
  session.access = rules_.for_client({session.user, session.client_id()});
  set_expiry(session, connection.expiry_asked_s);

  ServerSession::Terms terms;
  terms.version = packet.version;
  terms.keep_alive_s = packet.keep_alive_s;
  terms.receive_maximum = v5 ? settings_.receive_maximum : std::uint16_t{0};
  terms.window =
      std::min(settings_.inflight_max, packet.properties.receive_maximum.value_or(
                                           limits::receive_maximum_default));  // [MQTT5-4.9.0-1]
  terms.packet_size_max = packet.properties.maximum_packet_size.value_or(
      static_cast<std::uint32_t>(limits::packet_size_max));
  terms.topic_alias_max = v5 ? settings_.topic_alias_max : std::uint16_t{0};
  session.machine.on_connected(terms, now());
  watch_keep_alive(connection);
  ++counters_.clients_connected;
  ++counters_.connections_accepted;
}

void Broker::release_connack(Connection& connection, const Acknowledgement& what) {
  LocalSession& session = *connection.session;
  const ServerSession::Terms& terms = session.machine.terms();
  mqtt::Connack connack;
  connack.session_present = what.session_present;
  if (connection.version == mqtt::ProtocolVersion::v5) {
    connack.properties.receive_maximum = terms.receive_maximum;
    if (terms.topic_alias_max > 0) connack.properties.topic_alias_maximum = terms.topic_alias_max;
    if (settings_.packet_size_max < limits::packet_size_max)
      connack.properties.maximum_packet_size =
          static_cast<std::uint32_t>(settings_.packet_size_max);
    if (connection.client_id_assigned)  // [MQTT5-3.1.3-7] [MQTT5-3.2.2-16]
      connack.properties.assigned_client_identifier = session.client_id();
  }
  Bytes& out = connection.port->output().tail();
  if (!mqtt::write_within(connack, connection.version, terms.packet_size_max, out))
    return close(connection, ReasonCode::packet_too_large, "it does not accept even a CONNACK",
                 true);
  session.machine.begin_sending(*connection.port);
  connection.port->flush_soon();
  log_.info("client_connected", {{"client", session.client_id()},
                                 {"addr", connection.info.peer.to_text()},
                                 {"user", session.user.value_or("")},
                                 {"proto", protocol_text(connection.version)},
                                 {"clean", connection.clean_start},
                                 {"keep_alive_s", terms.keep_alive_s}});
  if (connection.ping_owed) on_pingreq(connection);
  pump(session);
}

// --- The end of a connection

void Broker::on_disconnect(Connection& connection, const mqtt::Disconnect& packet) {
  if (const auto expiry_s = packet.properties.session_expiry_interval_s) {
    if (connection.expiry_asked_s == 0 && *expiry_s != 0)  // (3.14.2.2.2)
      return close(connection, ReasonCode::protocol_error,
                   "DISCONNECT prolongs a session that was to end", true);
    set_expiry(*connection.session, *expiry_s);
  }
  // [MQTT-3.14.4-3] [MQTT5-3.14.4-3]
  const bool keep_will = packet.reason != ReasonCode::success;
  ConnectionPort& port = *connection.port;
  forget(connection, "the client disconnected", keep_will);
  port.close();
}

void Broker::fail(Connection& connection, const mqtt::PacketError& error) {
  close(connection, error.reason, error.what, true);
}

void Broker::close(Connection& connection, ReasonCode reason, std::string_view why,
                   bool keep_will) {
  // Nothing but a CONNACK may come first [MQTT5-3.14.0-1]; before MQTT 5 servers send no
  // DISCONNECT.
  if (connection.session != nullptr && connection.version == mqtt::ProtocolVersion::v5) {
    mqtt::Disconnect disconnect;
    disconnect.reason = mqtt::is_allowed(reason, mqtt::ReasonPlace::disconnect_by_server)
                            ? reason
                            : ReasonCode::unspecified_error;
    disconnect.properties.reason_string = why;
    connection.session->machine.send(disconnect);
  }
  ConnectionPort& port = *connection.port;
  forget(connection, why, keep_will);
  port.close();
}

void Broker::forget(Connection& connection, std::string_view why, bool keep_will) {
  scheduler_.cancel(connection.keep_alive_wake);
  scheduler_.cancel(connection.replay_wake);
  LocalSession* session = connection.session;
  if (session != nullptr) {
    log_.info("client_disconnected", {{"client", session->client_id()},
                                      {"addr", connection.info.peer.to_text()},
                                      {"user", session->user.value_or("")},
                                      {"proto", protocol_text(connection.version)},
                                      {"reason", why}});
    --counters_.clients_connected;
  } else {
    log_.debug("connection_closed", {{"addr", connection.info.peer.to_text()}, {"reason", why}});
  }
  connections_.erase(connection.id);
  if (session != nullptr) detach(*session, keep_will);
}

/// The session goes on without its client, or ends.
void Broker::detach(LocalSession& session, bool keep_will) {
  session.connection = nullptr;
  session.machine.on_disconnected();
  give_room(session);
  if (!keep_will) session.will.reset();
  if (session.expiry_s == 0) return end_session(session);  // [MQTT5-4.1.0-2]

  const bool for_ever = session.expiry_s == expiry_never;
  const Duration left = std::chrono::seconds{session.expiry_s};
  session.ends_at = now() + left;
  if (session.will != nullptr) {
    session.will_due =
        session.will->due_at(now(), for_ever ? std::nullopt : std::optional<Duration>(left));
    if (session.will_due <= now()) publish_will(session);
  }
  hand_over(session, session.machine.outbound().take_shared(0), true);
  watch_away(session);
}

// --- Silence

// A packet only stores the time; the wake-up looks whether there was one, and asks again.
void Broker::watch_keep_alive(Connection& connection) {
  const auto due = connection.session->machine.keep_alive().next_deadline();
  if (!due) return;
  connection.keep_alive_wake =
      scheduler_.wake_at(*due, [this, id = connection.id] { on_keep_alive_due(id); });
}

void Broker::on_keep_alive_due(ConnectionId id) {
  Connection* connection = find(id);
  if (connection == nullptr || connection->session == nullptr) return;
  connection->keep_alive_wake = {};
  if (!connection->session->machine.keep_alive().has_expired(now()))
    return watch_keep_alive(*connection);
  // [MQTT-3.1.2-24] [MQTT5-3.1.2-22]
  close(*connection, ReasonCode::keep_alive_timeout, "it fell silent", true);
}

// --- Absence: the will after its delay, the session after its expiry
void Broker::watch_away(LocalSession& session) {
  std::optional<TimePoint> due;
  if (session.expiry_s != expiry_never) due = session.ends_at;
  if (session.will != nullptr) due = due ? std::min(*due, session.will_due) : session.will_due;
  if (!due) return;
  session.away_wake = scheduler_.wake_at(*due, [this, key = session.key] { on_away_due(key); });
}

void Broker::on_away_due(SubscriberKey key) {
  LocalSession& session = registry_.at(key);  // its end and its client's return cancel this
  session.away_wake = {};
  if (session.will != nullptr && now() >= session.will_due) publish_will(session);
  if (session.expiry_s == expiry_never || now() < session.ends_at) return watch_away(session);
  ++counters_.sessions_expired;
  log_.info("session_expired", {{"client", session.client_id()}});
  end_session(session);
}

void Broker::publish_will(LocalSession& session) {
  const std::unique_ptr<Will> will =
      std::move(session.will);  // once [MQTT-3.1.2-10] [MQTT5-3.1.2-10]
  Publication message = will->publication(now());
  if (!may_publish(session, message.topic)) {
    ++counters_.denied_publish;
    return publish_denials_.note("will_denied", session.client_id(), now());
  }
  message.id = host_.next_message_id();
  accept(std::make_shared<const Publication>(std::move(message)), session.key, session.client_hash);
  handle_outcome();
}

void Broker::end_session(LocalSession& session) {
  STARLING_CHECK(session.connection == nullptr);
  if (session.will != nullptr)
    publish_will(session);  // the session ends: now or never [MQTT5-3.1.2-8]
  scheduler_.cancel(session.away_wake);
  scheduler_.cancel(session.stalled_wake);
  for (const auto& [id, options] : session.subscriptions) drop_subscription(session, id, options);
  session.subscriptions.clear();

  // What shared subscriptions gave it and it did not finish. A message of QoS 2 that was sent may
  // have arrived, and must not arrive elsewhere too [MQTT5-4.8.2-5].
  std::vector<Delivery> unfinished;
  for (OutboundQos::Inflight& entry : session.machine.outbound().take_inflight())
    if (entry.state == OutboundQos::State::awaiting_puback && entry.delivery.share_group != 0)
      unfinished.push_back(std::move(entry.delivery));
  for (Delivery& delivery : session.machine.outbound().take_shared(0))
    unfinished.push_back(std::move(delivery));
  hand_over(session, std::move(unfinished), false);

  if (session.is_durable()) journal(session, SessionErased{session.client_id()});
  STARLING_CHECK(session.holds.empty());
  registry_.erase(session);
  --counters_.sessions;
}

void Broker::set_expiry(LocalSession& session, std::uint32_t expiry_s) {
  const bool was_durable = session.is_durable();
  const bool durable = expiry_s > 0;
  if (was_durable && !durable) journal(session, SessionErased{session.client_id()});
  session.expiry_s = expiry_s;
  if (durable) journal(session, SessionSaved{session.client_id(), expiry_s});
  if (durable == was_durable) return;
  for (const auto& [id, options] : session.subscriptions)
    tell(interests_.replace(id, options.qos, was_durable, options.qos, durable));
}

}  // namespace starling
