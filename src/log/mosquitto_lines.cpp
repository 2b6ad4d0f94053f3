#include "src/log/mosquitto_lines.hpp"

#include <algorithm>
#include <array>

#include "starling/version.hpp"

#include "src/log/log_text.hpp"

namespace starling {
namespace {

using Lines = std::vector<LogLine>;

/// The fields of one record. What is asked for comes back harmless, and empty where it is missing.
class Record {
 public:
  explicit Record(std::initializer_list<LogField> fields) : fields_(fields) {}

  [[nodiscard]] bool has(std::string_view name) const { return !raw(name).empty(); }
  [[nodiscard]] bool is(std::string_view name, std::string_view value) const {
    return raw(name) == value;
  }
  [[nodiscard]] std::string text(std::string_view name) const {
    std::string text;
    append_printable(text, raw(name));
    return text;
  }
  [[nodiscard]] std::string_view raw(std::string_view name) const {
    const auto* found =
        std::ranges::find_if(fields_, [&](const auto& field) { return field.name == name; });
    return found == fields_.end() ? std::string_view{} : std::string_view(found->value);
  }

 private:
  std::initializer_list<LogField> fields_;
};

// --- Words

/// "[::1]:1883" and "127.0.0.1:1883" in two: Mosquitto writes addresses without brackets.
struct SplitAddress {
  std::string host;
  std::string port;
  bool is_v6 = false;
};
SplitAddress split_address(std::string text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || text.starts_with('/')) return {std::move(text), "0"};
  SplitAddress split{text.substr(0, colon), text.substr(colon + 1)};
  if (split.host.size() >= 2 && split.host.front() == '[' && split.host.back() == ']') {
    split.host = split.host.substr(1, split.host.size() - 2);
    split.is_v6 = true;
  }
  return split;
}

std::string host_and_port(const Record& record) {
  const SplitAddress split = split_address(record.text("addr"));
  return split.host + ":" + split.port;
}
std::string host_only(const Record& record) {
  return split_address(record.text("addr")).host;
}

/// Mosquitto's number of a protocol: 1 for 3.1, 2 for 3.1.1, 5 for 5.0.
std::string_view protocol_number(std::string_view proto) {
  if (proto == "mqtt31" || proto == "3.1" || proto == "3") return "1";
  if (proto == "mqtt311" || proto == "3.1.1" || proto == "4") return "2";
  return "5";
}

std::string quoted(std::string_view text) {
  return "'" + std::string(text) + "'";
}

// --- How clients go

struct End {
  std::string_view word;  // a kind or a code
  std::string_view sentence;
};

/// What stands behind "Client X ". Empty: the word is not in the table.
template <std::size_t size>
std::string_view sentence_of(const std::array<End, size>& table, std::string_view word) {
  const auto* found = std::ranges::find_if(table, [&](const End& end) { return end.word == word; });
  return found == table.end() ? std::string_view{} : found->sentence;
}

constexpr std::string_view closed = "closed its connection.";
constexpr std::string_view malformed = "disconnected due to malformed packet.";
constexpr std::string_view protocol_error = "disconnected due to protocol error.";
constexpr std::string_view not_authorised = "disconnected, not authorised.";
constexpr std::string_view not_supported =
    "disconnected due to QoS too high or retain not supported.";

constexpr std::array<End, 10> ends_by_kind{{
    {"disconnected", "disconnected."},
    {"closed", closed},
    {"timeout", "has exceeded timeout, disconnecting."},
    {"malformed", malformed},
    {"protocol_error", protocol_error},
    {"too_large", "disconnected due to oversize packet."},
    {"not_authorized", not_authorised},
    {"not_supported", not_supported},
    {"out_of_memory", "disconnected due to out of memory."},
    {"administrative", "been disconnected by administrative action."},
}};

constexpr std::array<End, 10> ends_by_code{{
    {"bad user name or password", not_authorised},
    {"not authorized", not_authorised},
    {"banned", not_authorised},
    {"bad authentication method", not_authorised},
    {"malformed packet", malformed},
    {"protocol error", protocol_error},
    {"unsupported protocol version", protocol_error},
    {"client identifier not valid", protocol_error},
    {"QoS not supported", not_supported},
    {"retain not supported", not_supported},
}};

Lines end_line(const Record& record, const std::string& client, std::string_view sentence) {
  std::string text = "Client " + client + " ";
  if (!sentence.empty())
    text += sentence;
  else if (record.has("reason"))
    text += "disconnected: " + record.text("reason") + ".";
  else
    text += "disconnected.";
  return {{LogCategory::notice, std::move(text)}};
}

/// How the connection of `client` ended, in one sentence.
Lines end_lines(const Record& record, const std::string& client) {
  if (record.is("kind", "shutting_down")) return {};  // Mosquitto leaves without counting them up
  if (record.is("kind", "taken_over"))
    return {
        {LogCategory::error, "Client " + client + " already connected, closing old connection."}};
  if (record.is("kind", "socket_error")
      && record.raw("reason").find("reset by peer") != std::string_view::npos)
    return end_line(record, client, closed);  // a peer that crashed is one that left
  return end_line(record, client, sentence_of(ends_by_kind, record.raw("kind")));
}

/// Mosquitto learns a client's id only when it has accepted it.
constexpr const char* nobody = "<unknown>";

Lines client_disconnected(const Record& record) {
  return end_lines(record, record.text("client"));
}
Lines connection_closed(const Record& record) {
  return end_lines(record, nobody);
}
Lines client_refused(const Record& record) {
  return end_line(record, nobody, sentence_of(ends_by_code, record.raw("code")));
}

// --- How clients come

Lines connection_opened(const Record& record) {
  const bool is_path = record.raw("listener").starts_with('/');
  const std::string from =
      is_path ? record.text("listener") + ":0" : host_and_port(record);  // as Mosquitto has it
  const std::string port = is_path ? "0" : record.text("listener");
  return {{LogCategory::notice, "New connection from " + from + " on port " + port + "."}};
}

Lines client_connected(const Record& record) {
  std::string text =
      "New client connected from " + host_and_port(record) + " as " + record.text("client") + " (p";
  text.append(protocol_number(record.raw("proto")));
  text.append(", c").append(record.is("clean", "true") || record.is("clean", "1") ? "1" : "0");
  text.append(", k").append(record.has("keep_alive_s") ? record.text("keep_alive_s") : "0");
  if (record.has("user")) text.append(", u").append(quoted(record.text("user")));
  text.append(").");
  return {{LogCategory::notice, std::move(text)}};
}

Lines client_handshake_failed(const Record& record) {
  return {{LogCategory::notice,
           "Client connection from " + host_only(record) + " failed: " + record.text("why") + "."}};
}

Lines clients_refused(const Record& record) {
  const bool too_many = record.raw("why").starts_with("max_connections");
  return {{LogCategory::notice,
           "Client connection from " + host_only(record)
               + " denied: " + (too_many ? "max_connections exceeded" : record.text("why")) + "."}};
}

// --- What they ask for

Lines client_subscribed(const Record& record) {
  const std::string client = record.text("client");
  const std::string filter = record.text("filter");
  const std::string qos = record.text("qos");
  return {{LogCategory::debug, "Received SUBSCRIBE from " + client},
          {LogCategory::debug, "\t" + filter + " (QoS " + qos + ")"},
          {LogCategory::subscribe, client + " " + qos + " " + filter}};
}

Lines client_unsubscribed(const Record& record) {
  const std::string client = record.text("client");
  const std::string filter = record.text("filter");
  return {{LogCategory::debug, "Received UNSUBSCRIBE from " + client},
          {LogCategory::debug, "\t" + filter},
          {LogCategory::unsubscribe, client + " " + filter}};
}

Lines publish_denied(const Record& record) {
  return {{LogCategory::debug, "Denied PUBLISH from " + record.text("client")}};
}

Lines queue_full(const Record& record) {
  return {{LogCategory::notice,
           "Outgoing messages are being dropped for client " + record.text("client") + "."}};
}

Lines session_expired(const Record& record) {
  return {{LogCategory::notice, "Expiring client " + record.text("client") + " due to timeout."}};
}

// --- The broker itself

Lines about_us(std::string_view what) {
  return {{LogCategory::information,
           std::string("starling version ").append(version).append(" ").append(what)}};
}
Lines started(const Record& /*record*/) {
  return about_us("starting");
}
Lines ready(const Record& /*record*/) {
  return about_us("running");
}
Lines stopping(const Record& /*record*/) {
  return about_us("terminating");
}
Lines config_loaded(const Record& record) {
  return {{LogCategory::information, "Config loaded from " + record.text("file") + "."}};
}
Lines config_default(const Record& /*record*/) {
  return {{LogCategory::information, "Using default config."}};
}
Lines reloading(const Record& /*record*/) {
  return {{LogCategory::information, "Reloading config."}};
}
Lines local_only(const Record& /*record*/) {
  return {{LogCategory::warning,
           "Starting in local only mode. Connections will only be possible "
           "from clients running on this machine."},
          {LogCategory::warning,
           "Create a configuration file which defines a listener to allow remote access."}};
}

Lines listening(const Record& record) {
  std::string text = "Opening ";
  if (record.has("path")) {
    text += "unix listen socket on path " + record.text("path") + ".";
  } else {
    const SplitAddress at = split_address(record.text("addr"));
    const bool websockets = record.is("protocol", "ws") || record.is("protocol", "wss");
    text += websockets ? "websockets" : at.is_v6 ? "ipv6" : "ipv4";
    text += " listen socket on port " + at.port + ".";
  }
  return {{LogCategory::information, std::move(text)}};
}

Lines config_notice(const Record& record) {
  return {{LogCategory::information, record.text("what")}};
}
Lines config_warning(const Record& record) {
  return {{LogCategory::warning, "Warning: " + record.text("what")}};
}
Lines error_with_reason(const Record& record) {
  return {{LogCategory::error, "Error: " + record.text("why")}};
}

Lines accept_paused(const Record& /*record*/) {
  return {{LogCategory::warning,
           "Unable to accept new connection, system socket count has been exceeded. Try increasing "
           "\"ulimit -n\" or equivalent."}};
}

// --- The table

struct Entry {
  std::string_view event;
  std::optional<LogCategory> category;  // of the logfmt line; nullopt: what its level says
  bool tells_of_connections;
  Lines (*lines)(const Record&);
};

constexpr std::array<Entry, 24> table{{
    {"connection_opened", LogCategory::debug, true, connection_opened},
    {"connection_closed", LogCategory::debug, true, connection_closed},
    {"client_handshake_failed", std::nullopt, true, client_handshake_failed},
    {"client_connected", LogCategory::notice, true, client_connected},
    {"client_disconnected", LogCategory::notice, true, client_disconnected},
    {"client_refused", LogCategory::notice, true, client_refused},
    {"clients_refused", std::nullopt, false, clients_refused},
    {"client_subscribed", LogCategory::subscribe, false, client_subscribed},
    {"client_unsubscribed", LogCategory::unsubscribe, false, client_unsubscribed},
    {"publish_denied", std::nullopt, false, publish_denied},
    {"queue_full_message_dropped", std::nullopt, false, queue_full},
    {"session_expired", LogCategory::notice, false, session_expired},
    {"starlingd_started", std::nullopt, false, started},
    {"ready", std::nullopt, false, ready},
    {"stopping", std::nullopt, false, stopping},
    {"config_loaded", std::nullopt, false, config_loaded},
    {"config_default", std::nullopt, false, config_default},
    {"reloading", std::nullopt, false, reloading},
    {"local_only", std::nullopt, false, local_only},
    {"config_notice", std::nullopt, false, config_notice},
    {"config_warning", std::nullopt, false, config_warning},
    {"reload_refused", std::nullopt, false, error_with_reason},
    {"listener_not_opened", std::nullopt, false, error_with_reason},
    {"accept_paused", std::nullopt, false, accept_paused},
}};

const Entry* find_entry(std::string_view event) {
  const auto* found =
      std::ranges::find_if(table, [&](const Entry& entry) { return entry.event == event; });
  return found == table.end() ? nullptr : found;
}

}  // namespace

LogEventFacts log_event_facts(LogLevel level, std::string_view event) {
  const Entry* entry = find_entry(event);
  if (entry == nullptr) return {log_category_of(level), false};
  return {entry->category.value_or(log_category_of(level)), entry->tells_of_connections};
}

std::optional<std::vector<LogLine>> mosquitto_lines(std::string_view event,
                                                    std::initializer_list<LogField> fields) {
  const Record record(fields);
  if (event == "listening" && !record.is("for", "mesh")) return listening(record);
  const Entry* entry = find_entry(event);
  if (entry == nullptr) return std::nullopt;
  return entry->lines(record);
}

}  // namespace starling
