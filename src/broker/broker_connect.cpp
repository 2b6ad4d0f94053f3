// How connections begin: CONNECT until CONNACK has left.
#include <algorithm>
#include <utility>

#include "starling/check.hpp"

#include "src/broker/broker.hpp"

namespace starling {

using mqtt::ReasonCode;

void Broker::on_connection_opened(ConnectionId id, ConnectionPort& port, ConnectionInfo info) {
  Connection& connection = connections_[id];
  STARLING_CHECK(connection.port == nullptr);
  connection.id = id;
  connection.port = &port;
  connection.info = std::move(info);
  if (log_.wants(LogLevel::info))
    log_.info("connection_opened",
              {{"addr", connection.info.peer.to_text()}, {"listener", policy_of(connection).name}});
}

void Broker::on_connect(Connection& connection, const mqtt::Connect& packet) {
  connection.version = packet.version;
  connection.explains = packet.properties.request_problem_information.value_or(0) == 1;
  const ListenerPolicy& policy = policy_of(connection);
  auto request = std::make_unique<ConnectRequest>();
  if (const auto refusal = read_request(packet, policy, settings_, *request))
    return refuse(connection, refusal->reason, refusal->why, Telling::why);
  connection.request = std::move(request);
  connection.qos_max = policy.qos_max;
  connection.retain_available = settings_.retain_available;
  authenticate(connection, packet);
}

void Broker::refuse(Connection& connection, ReasonCode reason, std::string_view why,
                    Telling telling) {
  ++counters_.connections_refused;
  const ConnectRequest* request = connection.request.get();
  log_.info("client_refused",
            {{"client", request != nullptr ? request->client_id : std::string()},
             {"addr", connection.info.peer.to_text()},
             {"user", request != nullptr ? request->user.value_or("") : std::string()},
             {"proto", to_text(connection.version)},
             {"listener", policy_of(connection).name},
             {"code", mqtt::to_text(reason)},
             {"reason", why}});
  scheduler_.cancel(connection.request_wake);
  end_exchange(connection);
  mqtt::Connack connack;
  connack.reason = mqtt::is_allowed(reason, mqtt::ReasonPlace::connack)  // [MQTT5-3.2.2-8]
                       ? reason
                       : ReasonCode::server_unavailable;
  if (telling == Telling::why && connection.explains) connack.properties.reason_string = why;
  if (reason == ReasonCode::qos_not_supported)  // [MQTT5-3.2.2-9]
    connack.properties.maximum_qos = policy_of(connection).qos_max;
  if (reason == ReasonCode::retain_not_supported) connack.properties.retain_available = 0;
  // Before MQTT 5 there are five reasons; where none applies we close without a word
  // [MQTT-3.2.2-6].
  if (telling != Telling::nothing && mqtt::encoded_size(connack, connection.version) > 0)
    write_early(connection, connack,
                request != nullptr ? request->packet_size_max : limits::packet_size_max);
  ConnectionPort& port = *connection.port;
  found_last_ = nullptr;
  connections_.erase(connection.id);
  port.close();  // [MQTT-3.2.2-5] [MQTT5-3.2.2-7]
}

// --- Who gets in

/// The client has proved who it is; what remains is its session.
void Broker::admit(Connection& connection) {
  ConnectRequest& request = *connection.request;
  const LocalSession* known = registry_.find(request.client_id);
  const bool takes_over = known != nullptr && known->connection != nullptr;
  const auto admission = takeovers_.on_connect(request.client_id, takes_over, now());
  if (admission.at > now()) return wait_for_client_id(connection, admission);

  const bool stays = request.expiry_asked_s > 0 && settings_.store_keeps_anything;
  const bool v5 = connection.version == mqtt::ProtocolVersion::v5;
  if (stays && store_fails() && (known == nullptr || request.clean_start))
    return refuse(connection, v5 ? ReasonCode::quota_exceeded : ReasonCode::server_unavailable,
                  "no disk space for a new session", Telling::why);

  bool present = false;
  LocalSession* session = open_session(request.client_id, request.clean_start, present);
  if (session == nullptr)
    return refuse(connection, v5 ? ReasonCode::quota_exceeded : ReasonCode::server_unavailable,
                  "too many sessions", Telling::why);
  session->will = std::move(request.will);  // a delayed one of the connection before is void
                                            // [MQTT5-3.1.3-9]
  attach(connection, *session);

  Acknowledgement connack;
  connack.kind = Acknowledgement::Kind::connack;
  connack.session_present = present;
  // What is promised to one that comes back is on disk already, whether there is room for more or
  // not; and what it takes away makes room.
  promise(connection, connack, present ? RestsOn::nothing : rests_on(*session));
}

/// Its client id changes hands too quickly.
void Broker::wait_for_client_id(Connection& connection, const TakeoverGuard::Admission& admission) {
  const ConnectRequest& request = *connection.request;
  if (connection.stage != Connection::Stage::contested) ++counters_.connections_delayed;
  connection.stage = Connection::Stage::contested;
  if (admission.begins_delay) {
    const LocalSession* other = registry_.find(request.client_id);
    const bool there = other != nullptr && other->connection != nullptr;
    log_.warn("client_id_contested",
              {{"client", request.client_id},
               {"addr", connection.info.peer.to_text()},
               {"user", request.user.value_or("")},
               {"other_addr", there ? other->connection->info.peer.to_text() : std::string()},
               {"other_user", there ? other->user.value_or("") : std::string()}});
  }
  connection.request_wake = scheduler_.wake_at(admission.at, [this, id = connection.id] {
    Connection* waiting = find(id);
    if (waiting == nullptr) return;
    waiting->request_wake = {};
    admit(*waiting);
  });
}

LocalSession* Broker::open_session(const std::string& client_id, bool clean_start, bool& present) {
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
  LocalSession* made = registry_.create(client_id);
  if (made == nullptr) return nullptr;
  ++counters_.sessions;
  counters_.sessions_maximum = std::max(counters_.sessions_maximum, counters_.sessions);
  return made;
}

void Broker::attach(Connection& connection, LocalSession& session) {
  STARLING_CHECK(session.connection == nullptr && connection.session == nullptr);
  const ConnectRequest& request = *connection.request;
  const ListenerPolicy& policy = policy_of(connection);
  const bool v5 = connection.version == mqtt::ProtocolVersion::v5;
  scheduler_.cancel(session.away_wake);
  session.away_wake = {};
  session.connection = &connection;
  connection.session = &session;
  connection.stage = Connection::Stage::admitted;
  connection.clean_start = request.clean_start;
  connection.expiry_asked_s = request.expiry_asked_s;
  session.user = request.user;
  session.author.reset();
  session.listener = connection.info.listener;
  session.access = policy.rules.for_client({session.user, session.client_id()});
  session.machine.set_mount(policy.mount_point);
  drop_denied(session);
  set_expiry(session, cut_expiry(request.expiry_asked_s, settings_.session_expiry_max_s));
  if (settings_.store_keeps_anything && session.is_durable() && session.stored == 0)
    registry_.set_stored(session, host_.next_session_number());
  save_session(session);

  ServerSession::Terms terms;
  terms.version = connection.version;
  terms.keep_alive_s = request.keep_alive_s;
  terms.receive_maximum = v5 ? settings_.receive_maximum : std::uint16_t{0};
  terms.window = std::min(settings_.inflight_max, request.receive_maximum);  // [MQTT5-4.9.0-1]
  terms.packet_size_max = request.packet_size_max;
  terms.topic_alias_max = v5 ? policy.topic_alias_max : std::uint16_t{0};
  terms.topic_alias_out_max = std::min(policy.topic_alias_out_max, request.topic_alias_max);
  terms.topic_levels_max = settings_.topic_levels_max;
  session.machine.on_connected(terms, now());
  watch_keep_alive(connection);
  ++counters_.clients_connected;
  counters_.clients_maximum = std::max(counters_.clients_maximum, counters_.clients_connected);
  ++counters_.connections_accepted;
}

// --- CONNACK

void Broker::release_connack(Connection& connection, const Acknowledgement& what) {
  LocalSession& session = *connection.session;
  const std::unique_ptr<ConnectRequest> request = std::move(connection.request);
  STARLING_CHECK(request != nullptr);
  const ServerSession::Terms& terms = session.machine.terms();
  mqtt::Connack connack;
  connack.session_present = what.session_present;
  std::optional<std::string> responses;
  if (connection.version == mqtt::ProtocolVersion::v5) {
    mqtt::ConnackProperties& told = connack.properties;
    if (session.expiry_s != request->expiry_asked_s)
      told.session_expiry_interval_s = session.expiry_s;
    told.receive_maximum = terms.receive_maximum;
    if (connection.qos_max < 2) told.maximum_qos = connection.qos_max;  // [MQTT5-3.2.2-9]
    if (!connection.retain_available) told.retain_available = 0;
    if (settings_.packet_size_max < limits::packet_size_max)
      told.maximum_packet_size = static_cast<std::uint32_t>(settings_.packet_size_max);
    if (request->client_id_assigned)  // [MQTT5-3.1.3-7] [MQTT5-3.2.2-16]
      told.assigned_client_identifier = session.client_id();
    if (terms.topic_alias_max > 0) told.topic_alias_maximum = terms.topic_alias_max;
    told.server_keep_alive_s = request->server_keep_alive_s;
    if (request->wants_response_information) {  // [MQTT5-3.1.2-28]
      responses = response_information(session.client_id());
      if (responses) told.response_information = *responses;
    }
    if (connection.enhanced) {  // [MQTT5-4.12.0-5]
      told.authentication_method = connection.enhanced->method;
      if (!request->authentication_data.empty())
        told.authentication_data = mqtt::BinaryView(ByteView(request->authentication_data));
    }
  }
  if (!write_early(connection, connack, terms.packet_size_max))
    return close(connection, ReasonCode::packet_too_large, "it does not accept even a CONNACK",
                 true);
  session.machine.begin_sending(*connection.port);
  log_connected(connection);
  pump(session);
}

void Broker::log_connected(const Connection& connection) {
  const LocalSession& session = *connection.session;
  log_.info("client_connected", {{"client", session.client_id()},
                                 {"addr", connection.info.peer.to_text()},
                                 {"user", session.user.value_or("")},
                                 {"proto", to_text(connection.version)},
                                 {"clean", connection.clean_start},
                                 {"keep_alive_s", session.machine.terms().keep_alive_s},
                                 {"listener", policy_of(connection).name}});
}

}  // namespace starling
