// Records in the words of Mosquitto 2.0.11, which people's scripts, fail2ban and log watchers match.
// What has no sentence there stays a logfmt line (src/log/log_text.hpp).
//
// The table understands these events; fields that are missing are left out of the sentence:
//
//   starlingd_started{version}  config_loaded{file}  config_default  local_only  ready  stopping
//   reloading  reload_refused{why}  config_notice{what}  config_warning{what}
//   listening{for=mqtt, addr | path, protocol}  listener_not_opened{why}  accept_paused
//   connection_opened{addr, listener}           a socket was accepted
//   connection_closed{addr, kind, reason}       it ended before a CONNECT was answered
//   client_handshake_failed{addr, why}          in TLS, WebSocket or the PROXY header
//   client_connected{client, addr, user, proto, clean, keep_alive_s}
//   client_disconnected{client, addr, kind, reason}
//   client_refused{addr, code, reason}          answered with a CONNACK that says no
//   client_subscribed{client, filter, qos}  client_unsubscribed{client, filter}
//   publish_denied{client}  queue_full_message_dropped{client}  session_expired{client}
//   clients_refused{addr, why}
//
// `kind` of an end: disconnected (it sent DISCONNECT), closed, socket_error, timeout, taken_over,
// malformed, protocol_error, too_large, not_authorized, not_supported, administrative,
// shutting_down. With another, or without, the sentence ends in `reason`. `code`: a reason code's
// text. `listener`: a port, or the path of a Unix socket.
//
// Sockets that open or close before there was a client are written at info, for Mosquitto tells of
// them; as logfmt they are debug lines.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "starling/port/log.hpp"

#include "src/log/log_category.hpp"

namespace starling {

/// What is known of an event whatever the format is.
struct LogEventFacts {
  LogCategory category = LogCategory::information;  ///< of its logfmt line
  bool tells_of_connections = false;                ///< connection_messages switches it off
};
LogEventFacts log_event_facts(LogLevel level, std::string_view event);

struct LogLine {
  LogCategory category = LogCategory::information;
  std::string text;
};

/// The sentences for one record, none to three of them, each of one line. nullopt: Mosquitto has no
/// words for it.
std::optional<std::vector<LogLine>> mosquitto_lines(std::string_view event,
                                                    std::initializer_list<LogField> fields);

}  // namespace starling
