// How connections and sessions end: DISCONNECT, errors, silence, wills, expiry.
#include <algorithm>
#include <utility>

#include "starling/check.hpp"

#include "src/broker/broker.hpp"

namespace starling {

using mqtt::ReasonCode;

namespace {

/// One word for the log, which people's scripts look for.
std::string_view kind_of(ReasonCode reason) {
  switch (reason) {
    case ReasonCode::success:
      return "disconnected";
    case ReasonCode::keep_alive_timeout:
      return "timeout";
    case ReasonCode::session_taken_over:
      return "taken_over";
    case ReasonCode::malformed_packet:
      return "malformed";
    case ReasonCode::packet_too_large:
      return "too_large";
    case ReasonCode::not_authorized:
      return "not_authorized";
    case ReasonCode::server_shutting_down:
      return "shutting_down";
    case ReasonCode::quota_exceeded:
      return "stalled";
    case ReasonCode::administrative_action:
      return "administrative";
    default:
      return "protocol_error";
  }
}

}  // namespace

void Broker::on_connection_closed(ConnectionId id, std::string_view why) {
  Connection* connection = find(id);
  if (connection == nullptr) return;
  if (why.empty()) return forget(*connection, "closed", "the client closed the connection", true);
  forget(*connection, "socket_error", why, true);
}

void Broker::on_disconnect(Connection& connection, const mqtt::Disconnect& packet) {
  if (const auto expiry_s = packet.properties.session_expiry_interval_s) {
    if (connection.expiry_asked_s == 0 && *expiry_s != 0)  // (3.14.2.2.2)
      return close(connection, ReasonCode::protocol_error,
                   "DISCONNECT prolongs a session that was to end", true);
    set_expiry(*connection.session, cut_expiry(*expiry_s, settings_.session_expiry_max_s));
    save_session(*connection.session);
  }
  // [MQTT-3.14.4-3] [MQTT5-3.14.4-3]
  const bool keep_will = packet.reason != ReasonCode::success;
  ConnectionPort& port = *connection.port;
  forget(connection, "disconnected", "the client disconnected", keep_will);
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
    if (connection.explains) disconnect.properties.reason_string = why;
    connection.session->machine.send(disconnect);
  }
  ConnectionPort& port = *connection.port;
  forget(connection, kind_of(reason), why, keep_will);
  port.close();
}

void Broker::forget(Connection& connection, std::string_view kind, std::string_view why,
                    bool keep_will) {
  scheduler_.cancel(connection.keep_alive_wake);
  scheduler_.cancel(connection.replay_wake);
  scheduler_.cancel(connection.request_wake);
  end_exchange(connection);
  LocalSession* session = connection.session;
  if (session != nullptr) {
    log_.info("client_disconnected", {{"client", session->client_id()},
                                      {"addr", connection.info.peer.to_text()},
                                      {"user", session->user.value_or("")},
                                      {"proto", to_text(connection.version)},
                                      {"listener", policy_of(connection).name},
                                      {"kind", kind},
                                      {"reason", why}});
    --counters_.clients_connected;
  } else {
    log_.info("connection_closed", {{"addr", connection.info.peer.to_text()},
                                    {"listener", policy_of(connection).name},
                                    {"kind", kind},
                                    {"reason", why}});
  }
  found_last_ = nullptr;
  connections_.erase(connection.id);
  if (session != nullptr) detach(*session, keep_will);
}

/// The session goes on without its client, or ends.
void Broker::detach(LocalSession& session, bool keep_will) {
  session.connection = nullptr;
  session.machine.on_disconnected();
  for (RetainedReplay& replayed : session.replays) replayed.suback = 0;  // its SUBACK is no more
  give_room(session);
  const bool had_will = session.will != nullptr;
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
  save_departure(session, had_will);
  hand_over_window(session);
  hand_over(session, session.machine.outbound().take_shared(0), true);
  watch_away(session);
}

// --- Silence

// A packet only stores the time; the wake-up looks whether there was one, and asks again. It looks a
// turn later: after a long pause (a host that slept) timers come first, and the packets of those who
// were never silent lie unread in their sockets.
void Broker::watch_keep_alive(Connection& connection) {
  const auto due = connection.session->machine.keep_alive().next_deadline();
  if (!due) return;
  connection.keep_alive_wake = scheduler_.wake_at(*due, [this, id = connection.id] {
    if (Connection* there = find(id))
      there->keep_alive_wake = scheduler_.wake_at(now(), [this, id] { on_keep_alive_due(id); });
  });
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
  journal(session, WillErased{session.stored});
  Publication message = will->publication(now());
  if (!may_publish(session, message.topic)) {
    ++counters_.denied_publish;
    return publish_denials_.note("will_denied", session.client_id(), now());
  }
  accept(std::make_shared<Publication>(std::move(message)), session);
  handle_outcome();
}

void Broker::end_session(LocalSession& session) {
  STARLING_CHECK(session.connection == nullptr);
  if (session.will != nullptr)
    publish_will(session);  // the session ends: now or never [MQTT5-3.1.2-8]
  scheduler_.cancel(session.away_wake);
  scheduler_.cancel(session.stalled_wake);
  const bool was_member = !session.subscriptions.groups.empty();
  drop_subscriptions(session, session.subscriptions.size());

  // What shared subscriptions gave it and it did not finish. A message of QoS 2 that was sent may
  // have arrived, and must not arrive elsewhere too [MQTT5-4.8.2-5].
  std::vector<Delivery> unfinished;
  for (OutboundQos::Inflight& entry : session.machine.outbound().take_inflight())
    if (entry.state == OutboundQos::State::awaiting_puback && entry.delivery.share_group != 0)
      unfinished.push_back(std::move(entry.delivery));
  for (Delivery& delivery : session.machine.outbound().take_shared(0))
    unfinished.push_back(std::move(delivery));
  hand_over(session, std::move(unfinished), false);
  forget_stored(session, was_member);
  STARLING_CHECK(session.holds.empty());
  registry_.erase(session);
  --counters_.sessions;
}

void Broker::set_expiry(LocalSession& session, std::uint32_t expiry_s) {
  const bool was_durable = session.is_durable();
  const bool durable = expiry_s > 0;
  session.expiry_s = expiry_s;
  if (durable == was_durable) return;
  subscriptions_.set_durable(session, durable, [this](const auto& change) { tell(change); });
}

}  // namespace starling
