#include <boost/test/unit_test.hpp>

#include "starling/version.hpp"

#include "src/log/mosquitto_lines.hpp"

using namespace starling;

namespace {

/// "category: sentence" of each line, or "-" where Mosquitto has no words.
std::vector<std::string> said(std::string_view event, std::initializer_list<LogField> fields) {
  const auto lines = mosquitto_lines(event, fields);
  if (!lines) return {"-"};
  std::vector<std::string> all;
  for (const LogLine& line : *lines) {
    const bool error = line.category == LogCategory::error;
    const bool notice = line.category == LogCategory::notice;
    const bool debug = line.category == LogCategory::debug;
    const bool information = line.category == LogCategory::information;
    all.push_back((error         ? "error: "
                   : notice      ? "notice: "
                   : debug       ? "debug: "
                   : information ? "information: "
                                 : "other: ")
                  + line.text);
  }
  return all;
}

std::string one(std::string_view event, std::initializer_list<LogField> fields) {
  const auto lines = said(event, fields);
  BOOST_REQUIRE_EQUAL(lines.size(), 1U);
  return lines.front();
}

std::string end(const char* kind, const char* reason = "") {
  return one("client_disconnected",
             {{"client", "tst"}, {"addr", "127.0.0.1:5"}, {"kind", kind}, {"reason", reason}});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sentences_of_mosquitto)

BOOST_AUTO_TEST_CASE(a_socket_and_its_listener) {
  BOOST_TEST(one("connection_opened", {{"addr", "127.0.0.1:51636"}, {"listener", "1883"}})
             == "notice: New connection from 127.0.0.1:51636 on port 1883.");
  BOOST_TEST(one("connection_opened", {{"addr", "[::1]:58114"}, {"listener", "1883"}})
             == "notice: New connection from ::1:58114 on port 1883.");
  BOOST_TEST(one("connection_opened", {{"addr", "0.0.0.0:0"}, {"listener", "/run/m.sock"}})
             == "notice: New connection from /run/m.sock:0 on port 0.");
}

BOOST_AUTO_TEST_CASE(a_client_that_has_come) {
  BOOST_TEST(one("client_connected", {{"client", "subber"},
                                      {"addr", "127.0.0.1:51636"},
                                      {"user", "hans"},
                                      {"proto", "mqtt311"},
                                      {"clean", true},
                                      {"keep_alive_s", 7}})
             == "notice: New client connected from 127.0.0.1:51636 as subber (p2, c1, k7, "
                "u'hans').");
  BOOST_TEST(one("client_connected", {{"client", "pubber"},
                                      {"addr", "[2001:db8::1]:1"},
                                      {"user", ""},
                                      {"proto", "mqtt5"},
                                      {"clean", false},
                                      {"keep_alive_s", 60},
                                      {"listener", "9"}})
             == "notice: New client connected from 2001:db8::1:1 as pubber (p5, c0, k60).");
}

BOOST_AUTO_TEST_CASE(the_protocol_is_numbered_as_mosquitto_does_whatever_it_is_called_here) {
  const auto number = [](const char* proto) {
    const std::string line = one("client_connected", {{"proto", proto}});
    return line.substr(line.find("(p") + 2, 1);
  };
  for (const char* name : {"mqtt31", "3", "3.1"}) BOOST_TEST(number(name) == "1");
  for (const char* name : {"mqtt311", "4", "3.1.1"}) BOOST_TEST(number(name) == "2");
  for (const char* name : {"mqtt5", "5", "5.0"}) BOOST_TEST(number(name) == "5");
}

BOOST_AUTO_TEST_CASE(a_client_that_goes) {
  BOOST_TEST(end("disconnected") == "notice: Client tst disconnected.");
  BOOST_TEST(end("closed") == "notice: Client tst closed its connection.");
  BOOST_TEST(end("socket_error", "connection reset by peer")
             == "notice: Client tst closed its connection.");
  BOOST_TEST(end("socket_error", "no route to host")
             == "notice: Client tst disconnected: no route to host.");
  BOOST_TEST(end("timeout") == "notice: Client tst has exceeded timeout, disconnecting.");
  BOOST_TEST(end("malformed") == "notice: Client tst disconnected due to malformed packet.");
  BOOST_TEST(end("protocol_error") == "notice: Client tst disconnected due to protocol error.");
  BOOST_TEST(end("too_large") == "notice: Client tst disconnected due to oversize packet.");
  BOOST_TEST(end("not_authorized") == "notice: Client tst disconnected, not authorised.");
  BOOST_TEST(end("not_supported")
             == "notice: Client tst disconnected due to QoS too high or retain not supported.");
  BOOST_TEST(end("administrative")
             == "notice: Client tst been disconnected by administrative action.");
  BOOST_TEST(end("taken_over") == "error: Client tst already connected, closing old connection.");
  BOOST_TEST(end("stalled", "its queue was full for 20 s")
             == "notice: Client tst disconnected: its queue was full for 20 s.");
  BOOST_TEST(end("") == "notice: Client tst disconnected.");
}

BOOST_AUTO_TEST_CASE(nothing_is_said_of_clients_when_the_broker_ends) {
  BOOST_TEST(said("client_disconnected", {{"client", "tst"}, {"kind", "shutting_down"}}).empty());
}

BOOST_AUTO_TEST_CASE(whoever_has_not_been_accepted_has_no_name) {
  const auto refused = [](const char* code, const char* why = "") {
    return one("client_refused",
               {{"client", "evil"}, {"addr", "127.0.0.1:5"}, {"code", code}, {"reason", why}});
  };
  for (const char* code :
       {"bad user name or password", "not authorized", "banned", "bad authentication method"})
    BOOST_TEST(refused(code) == "notice: Client <unknown> disconnected, not authorised.");
  for (const char* code :
       {"protocol error", "unsupported protocol version", "client identifier not valid"})
    BOOST_TEST(refused(code) == "notice: Client <unknown> disconnected due to protocol error.");
  BOOST_TEST(refused("quota exceeded", "too many sessions")
             == "notice: Client <unknown> disconnected: too many sessions.");

  BOOST_TEST(one("connection_closed", {{"addr", "127.0.0.1:5"}, {"kind", "closed"}})
             == "notice: Client <unknown> closed its connection.");
  BOOST_TEST(one("connection_closed", {{"addr", "127.0.0.1:5"}, {"kind", "protocol_error"}})
             == "notice: Client <unknown> disconnected due to protocol error.");
}

BOOST_AUTO_TEST_CASE(connections_that_come_to_nothing) {
  BOOST_TEST(one("client_handshake_failed", {{"addr", "127.0.0.1:5"}, {"why", "no certificate"}})
             == "notice: Client connection from 127.0.0.1 failed: no certificate.");
  BOOST_TEST(one("clients_refused", {{"addr", "[::1]:5"}, {"why", "max_connections is reached: 9"}})
             == "notice: Client connection from ::1 denied: max_connections exceeded.");
  BOOST_TEST(one("clients_refused", {{"addr", "127.0.0.1:5"}, {"why", "memory is short"}})
             == "notice: Client connection from 127.0.0.1 denied: memory is short.");
  BOOST_TEST(said("accept_paused", {{"why", "EMFILE"}}).front().find("system socket count")
             != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_clients_ask_for) {
  const auto subscribed =
      mosquitto_lines("client_subscribed", {{"client", "x3"}, {"filter", "q/#"}, {"qos", 2}});
  BOOST_REQUIRE(subscribed.has_value());
  BOOST_REQUIRE_EQUAL(subscribed->size(), 3U);
  BOOST_TEST((*subscribed)[0].text == "Received SUBSCRIBE from x3");
  BOOST_TEST(((*subscribed)[0].category == LogCategory::debug));
  BOOST_TEST((*subscribed)[1].text == "\tq/# (QoS 2)");
  BOOST_TEST((*subscribed)[2].text == "x3 2 q/#");
  BOOST_TEST(((*subscribed)[2].category == LogCategory::subscribe));

  const auto left = mosquitto_lines("client_unsubscribed", {{"client", "x3"}, {"filter", "q/#"}});
  BOOST_REQUIRE(left.has_value());
  BOOST_TEST(left->back().text == "x3 q/#");
  BOOST_TEST((left->back().category == LogCategory::unsubscribe));
}

BOOST_AUTO_TEST_CASE(queues_and_sessions) {
  BOOST_TEST(one("queue_full_message_dropped", {{"client", "tst"}, {"more_before", 3}})
             == "notice: Outgoing messages are being dropped for client tst.");
  BOOST_TEST(one("session_expired", {{"client", "tst"}})
             == "notice: Expiring client tst due to timeout.");
  BOOST_TEST(one("publish_denied", {{"client", "tst"}}) == "debug: Denied PUBLISH from tst");
}

BOOST_AUTO_TEST_CASE(the_broker_begins_and_ends) {
  const std::string us = std::string("information: starling version ") + version;
  BOOST_TEST(one("starlingd_started", {}) == us + " starting");
  BOOST_TEST(one("ready", {}) == us + " running");
  BOOST_TEST(one("stopping", {{"signal", "SIGTERM"}}) == us + " terminating");
  BOOST_TEST(one("config_loaded", {{"file", "/etc/m.conf"}})
             == "information: Config loaded from /etc/m.conf.");
  BOOST_TEST(one("config_default", {}) == "information: Using default config.");
  BOOST_TEST(one("reloading", {}) == "information: Reloading config.");
  BOOST_TEST(said("local_only", {}).front()
             == "other: Starting in local only mode. Connections will only be possible from clients "
                "running on this machine.");
}

BOOST_AUTO_TEST_CASE(what_was_wrong_with_the_settings_is_said_in_mosquittos_tone) {
  BOOST_TEST(one("config_notice", {{"what", "x is ignored"}}) == "information: x is ignored");
  BOOST_TEST(one("config_warning", {{"what", "x is old"}}) == "other: Warning: x is old");
  BOOST_TEST(one("reload_refused", {{"why", "m.conf:2:1: no"}}) == "error: Error: m.conf:2:1: no");
  BOOST_TEST(one("listener_not_opened", {{"why", "in use"}}) == "error: Error: in use");
}

BOOST_AUTO_TEST_CASE(each_kind_of_listener_is_named) {
  const std::string opening = "information: Opening ";
  BOOST_TEST(one("listening", {{"for", "mqtt"}, {"addr", "0.0.0.0:1883"}})
             == opening + "ipv4 listen socket on port 1883.");
  BOOST_TEST(one("listening", {{"for", "mqtt"}, {"addr", "[::]:1883"}})
             == opening + "ipv6 listen socket on port 1883.");
  BOOST_TEST(one("listening", {{"for", "mqtt"}, {"addr", "[::]:9001"}, {"protocol", "wss"}})
             == opening + "websockets listen socket on port 9001.");
  BOOST_TEST(one("listening", {{"for", "mqtt"}, {"path", "/run/m.sock"}})
             == opening + "unix listen socket on path /run/m.sock.");
}

BOOST_AUTO_TEST_CASE(what_mosquitto_does_not_know_has_no_sentence) {
  BOOST_TEST(said("listening", {{"for", "mesh"}, {"addr", "[::]:21883"}}).front() == "-");
  BOOST_TEST(said("mesh_peer_linked", {{"peer", "x"}}).front() == "-");
}

BOOST_AUTO_TEST_CASE(missing_and_foreign_fields_break_nothing) {
  BOOST_TEST(one("client_connected", {})
             == "notice: New client connected from :0 as  (p5, c0, k0).");
  BOOST_TEST(one("client_disconnected", {{"colour", "green"}}) == "notice: Client  disconnected.");
}

BOOST_AUTO_TEST_CASE(text_from_strangers_cannot_forge_a_sentence_on_a_line_of_its_own) {
  const char* evil = "a\n1795206987: Client <unknown> disconnected, not authorised.";
  for (const char* event :
       {"client_connected", "client_disconnected", "client_subscribed", "client_unsubscribed",
        "publish_denied", "session_expired", "queue_full_message_dropped", "connection_opened",
        "client_handshake_failed", "client_refused", "clients_refused"}) {
    const auto lines = mosquitto_lines(event, {{"client", evil},
                                               {"addr", evil},
                                               {"user", evil},
                                               {"filter", evil},
                                               {"qos", evil},
                                               {"proto", evil},
                                               {"kind", evil},
                                               {"code", evil},
                                               {"reason", evil},
                                               {"listener", evil},
                                               {"keep_alive_s", evil},
                                               {"why", evil}});
    BOOST_REQUIRE(lines.has_value());
    for (const LogLine& line : *lines)
      BOOST_TEST(line.text.find('\n') == std::string::npos, event << ": " << line.text);
  }
}

BOOST_AUTO_TEST_CASE(sockets_alone_are_worth_a_line_only_where_mosquitto_writes_it) {
  BOOST_TEST((log_event_facts(LogLevel::info, "connection_opened").category == LogCategory::debug));
  BOOST_TEST((log_event_facts(LogLevel::info, "client_connected").category == LogCategory::notice));
  BOOST_TEST(log_event_facts(LogLevel::info, "client_connected").tells_of_connections);
  BOOST_TEST(!log_event_facts(LogLevel::info, "ready").tells_of_connections);
  BOOST_TEST((log_event_facts(LogLevel::warn, "anything").category == LogCategory::warning));
}

BOOST_AUTO_TEST_SUITE_END()
