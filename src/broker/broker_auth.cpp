// Who a client is: what TLS proved, a user name with its password, or an exchange of AUTH packets
// (4.12), before CONNACK and again on a live connection.
#include <utility>

#include "starling/check.hpp"

#include "src/broker/broker.hpp"

namespace starling {

using mqtt::ReasonCode;
using Stage = Connection::Stage;

void Broker::authenticate(Connection& connection, const mqtt::Connect& packet) {
  ConnectRequest& request = *connection.request;
  const bool by_tls = connection.info.user_from_tls;
  if (by_tls) {  // whatever CONNECT says, as in Mosquitto
    if (connection.info.tls_user.empty())
      return refuse(connection, ReasonCode::bad_user_name_or_password,
                    "no certificate or key names the user", Telling::code);
    request.user = connection.info.tls_user;
  }
  if (packet.properties.authentication_method) {
    if (by_tls)
      return refuse(connection, ReasonCode::bad_authentication_method,
                    "users of this listener are named by TLS", Telling::why);
    connection.enhanced = std::make_unique<EnhancedAuthentication>();
    connection.enhanced->method = *packet.properties.authentication_method;
    connection.stage = Stage::exchanging;
    connection.request_wake =
        scheduler_.wake_at(now() + limits::auth_exchange_max, [this, id = connection.id] {
          Connection* waiting = find(id);
          if (waiting == nullptr) return;
          waiting->request_wake = {};
          refuse(*waiting, ReasonCode::not_authorized, "authentication took too long",
                 Telling::why);
        });
    return begin_exchange(connection,
                          packet.properties.authentication_data.value_or(mqtt::BinaryView{}));
  }
  if (by_tls) return on_authenticated(connection);
  if (!request.user) {
    if (policy_of(connection).allow_anonymous) return on_authenticated(connection);
    return refuse(connection, ReasonCode::not_authorized, "anonymous clients are not allowed here",
                  Telling::code);
  }
  connection.stage = Stage::checking;
  Credentials credentials{packet.client_id, std::string_view(*request.user), std::nullopt};
  if (packet.password) credentials.password = *packet.password;
  if (const auto verdict = host_.check_credentials(connection.id, credentials))
    on_verdict(connection, *verdict);
}

void Broker::on_credentials_checked(ConnectionId id, const AuthVerdict& verdict) {
  Connection* connection = find(id);
  if (connection == nullptr) return;  // it did not wait for the answer
  STARLING_CHECK(connection->stage == Stage::checking);
  on_verdict(*connection, verdict);
}

void Broker::on_verdict(Connection& connection, const AuthVerdict& verdict) {
  if (verdict.reason == ReasonCode::success) return on_authenticated(connection);
  refuse(connection, verdict.reason, verdict.why, Telling::code);  // [MQTT5-3.1.4-2]
}

/// The request's user is proved, or there is none. What it may be called follows from that.
void Broker::on_authenticated(Connection& connection) {
  ConnectRequest& request = *connection.request;
  const ListenerPolicy& policy = policy_of(connection);
  if (request.user && is_mesh_user(*request.user))
    return refuse(connection, ReasonCode::not_authorized,
                  "a user name that is kept for other nodes", Telling::why);
  if (policy.use_user_name_as_client_id) {
    if (!request.user || request.user->empty())
      return refuse(connection, ReasonCode::not_authorized, "no user name to be its client id",
                    Telling::why);
    request.client_id = *request.user;
  } else if (request.client_id_assigned) {  // [MQTT-3.1.3-6] [MQTT5-3.1.3-6]
    request.client_id = registry_.make_client_id(policy.auto_id_prefix);
  }
  admit(connection);
}

// --- Exchanges

void Broker::begin_exchange(Connection& connection, ByteView data) {
  connection.enhanced->is_under_way = true;
  take_step(connection, host_.begin_exchange(connection.id, connection.enhanced->method, data));
}

void Broker::on_auth(Connection& connection, const mqtt::Auth& packet) {
  if (!connection.enhanced)  // [MQTT5-4.12.0-6] [MQTT5-4.12.0-7]
    return give_up(connection, ReasonCode::protocol_error, "AUTH without a method");
  EnhancedAuthentication& enhanced = *connection.enhanced;
  if (packet.properties.authentication_method != enhanced.method)  // [MQTT5-4.12.1-1]
    return give_up(connection, ReasonCode::protocol_error, "AUTH with another method");
  const ByteView data = packet.properties.authentication_data.value_or(mqtt::BinaryView{});
  if (data.size() > limits::auth_data_max)
    return give_up(connection, ReasonCode::packet_too_large, "AUTH with too much data");
  if (packet.reason == ReasonCode::re_authenticate) {
    const bool is_connected = connection.session != nullptr && connection.request == nullptr;
    if (!is_connected || enhanced.is_under_way)
      return give_up(connection, ReasonCode::protocol_error, "re-authentication out of turn");
    return begin_exchange(connection, data);
  }
  if (packet.reason != ReasonCode::continue_authentication || !enhanced.is_under_way)
    return give_up(connection, ReasonCode::protocol_error, "AUTH out of turn");
  take_step(connection, host_.continue_exchange(connection.id, data));
}

void Broker::take_step(Connection& connection, const AuthStep& step) {
  const EnhancedAuthentication& enhanced = *connection.enhanced;
  if (step.kind == AuthStep::Kind::refused)  // [MQTT5-4.12.0-4] [MQTT5-4.12.1-2]
    return connection.session == nullptr
               ? refuse(connection, step.reason, step.why, Telling::code)
               : close(connection, step.reason, "authentication failed", true);
  if (connection.session != nullptr) return take_step_again(connection, step);
  if (step.kind == AuthStep::Kind::go_on) {  // [MQTT5-4.12.0-2]
    mqtt::Auth auth{ReasonCode::continue_authentication, {}};
    auth.properties.authentication_method = enhanced.method;  // [MQTT5-4.12.0-5]
    auth.properties.authentication_data = mqtt::BinaryView(ByteView(step.data));
    if (!write_early(connection, auth, connection.request->packet_size_max))
      refuse(connection, ReasonCode::packet_too_large, "it does not accept our AUTH", Telling::why);
    return;
  }
  end_exchange(connection);
  scheduler_.cancel(connection.request_wake);
  connection.request_wake = {};
  connection.request->user = step.user;
  connection.request->authentication_data = step.data;
  on_authenticated(connection);
}

/// On a live connection, where everything else goes on meanwhile (4.12.1).
void Broker::take_step_again(Connection& connection, const AuthStep& step) {
  LocalSession& session = *connection.session;
  const bool accepted = step.kind == AuthStep::Kind::accepted;
  if (accepted) {
    end_exchange(connection);
    const ListenerPolicy& policy = policy_of(connection);
    if (is_mesh_user(step.user)
        || (policy.use_user_name_as_client_id && step.user != session.client_id()))
      return close(connection, ReasonCode::not_authorized, "it may not become this user", true);
    session.user = step.user;
    session.author.reset();
    session.access = policy.rules.for_client({session.user, session.client_id()});
    drop_denied(session);
    log_.info("client_authenticated_anew", {{"client", session.client_id()},
                                            {"addr", connection.info.peer.to_text()},
                                            {"user", step.user}});
  }
  mqtt::Auth auth{accepted ? ReasonCode::success : ReasonCode::continue_authentication, {}};
  auth.properties.authentication_method = connection.enhanced->method;
  if (!step.data.empty())
    auth.properties.authentication_data = mqtt::BinaryView(ByteView(step.data));
  if (!session.machine.send(auth))
    close(connection, ReasonCode::packet_too_large, "it does not accept our AUTH", true);
}

void Broker::end_exchange(Connection& connection) {
  if (!connection.enhanced || !connection.enhanced->is_under_way) return;
  connection.enhanced->is_under_way = false;
  host_.end_exchange(connection.id);
}

void Broker::give_up(Connection& connection, ReasonCode reason, std::string_view why) {
  if (connection.request != nullptr && connection.session == nullptr)
    return refuse(connection, reason, why, Telling::why);
  close(connection, reason, why, true);
}

}  // namespace starling
