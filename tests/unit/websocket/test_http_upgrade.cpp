// The opening handshake: what is accepted, what is refused, and with which answer.
#include <boost/test/unit_test.hpp>

#include "starling/limits.hpp"

#include "src/websocket/http_upgrade.hpp"
#include "tests/support/websocket_client.hpp"

using namespace starling;
using namespace starling::test;
using boost::unit_test::label;

namespace {

struct Outcome {
  int status = 0;
  std::string response;
  std::optional<Error> refusal;
  std::string rest;  // what the upgrade left alone
};

/// `piece`: bytes at a time.
Outcome ask(const std::string& request, const std::vector<std::string>& origins = {},
            std::size_t piece = SIZE_MAX) {
  HttpUpgrade upgrade(origins);
  for (std::size_t at = 0; at < request.size();) {
    const std::size_t size = std::min(piece, request.size() - at);
    ByteView bytes = as_bytes(request).subspan(at, size);
    at += size;
    if (const auto answer = upgrade.read(bytes)) {
      const std::string line = answer->response.substr(0, 12);
      BOOST_TEST_REQUIRE(line.substr(0, 9) == "HTTP/1.1 ");
      return {std::stoi(line.substr(9)), answer->response, answer->refusal,
              std::string(as_text(bytes)) + request.substr(at)};
    }
    BOOST_TEST(bytes.empty());
  }
  return {};
}

int status_with(std::string_view name, std::string_view value,
                const std::vector<std::string>& origins = {}) {
  return ask(upgrade_request(name, value), origins).status;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(websocket_http_upgrade)

BOOST_AUTO_TEST_CASE(a_request_is_answered_with_the_key_of_the_standard_and_mqtt,
                     *label("MQTT-6.0.0-4") * label("MQTT5-6.0.0-4")) {
  const Outcome outcome = ask(upgrade_request());
  BOOST_TEST(outcome.status == 101);
  BOOST_TEST(!outcome.refusal);
  BOOST_TEST(
      contains(outcome.response, "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
  BOOST_TEST(contains(outcome.response, "\r\nSec-WebSocket-Protocol: mqtt\r\n"));
  BOOST_TEST(contains(outcome.response, "\r\nUpgrade: websocket\r\n"));
  BOOST_TEST(contains(outcome.response, "\r\nConnection: Upgrade\r\n"));
  BOOST_TEST(!contains(outcome.response, "Extensions"));
  BOOST_TEST(outcome.response.substr(outcome.response.size() - 4) == "\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(a_request_may_come_byte_by_byte_and_leaves_what_follows) {
  const std::string first_frame = "\x82\x85 frame";
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{1'000}}) {
    const Outcome outcome = ask(upgrade_request() + first_frame, {}, piece);
    BOOST_TEST(outcome.status == 101);
    BOOST_TEST(outcome.rest == first_frame);
  }
}

BOOST_AUTO_TEST_CASE(names_and_tokens_of_fields_ignore_case_and_come_in_lists) {
  BOOST_TEST(status_with("Upgrade", "WebSocket") == 101);
  BOOST_TEST(status_with("Connection", "keep-alive, UPGRADE") == 101);
  BOOST_TEST(ask("GET / HTTP/1.1\r\nhost: x\r\nUPGRADE: websocket\r\nconnection: keep-alive\r\n"
                 "connection: upgrade\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                 "SEC-WEBSOCKET-VERSION: 13\r\nsec-websocket-protocol: soap\r\n"
                 "sec-websocket-protocol: mqtt\r\n\r\n")
                 .status
             == 101);
}

BOOST_AUTO_TEST_CASE(any_path_will_do) {
  for (const char* path : {"/", "/mqtt", "/a/b?token=c", "/%20"}) {
    std::string request = upgrade_request();
    request.replace(4, 5, path);
    BOOST_TEST(ask(request).status == 101);
  }
}

BOOST_AUTO_TEST_CASE(the_protocol_is_chosen_from_what_the_client_offers,
                     *label("MQTT-6.0.0-3") * label("MQTT5-6.0.0-3")) {
  const auto chosen = [](std::string_view offered) -> std::string {
    const std::string response = ask(upgrade_request("Sec-WebSocket-Protocol", offered)).response;
    const std::string name = "\r\nSec-WebSocket-Protocol: ";
    const auto at = response.find(name);
    if (at == std::string::npos) return "";
    const auto begin = at + name.size();
    return response.substr(begin, response.find("\r\n", begin) - begin);
  };
  BOOST_TEST(chosen("mqtt") == "mqtt");
  BOOST_TEST(chosen("mqttv3.1") == "mqttv3.1");
  BOOST_TEST(chosen("mqttv3.1, mqtt") == "mqtt");
  BOOST_TEST(chosen("mqtt,mqttv3.1") == "mqtt");
  BOOST_TEST(chosen("soap, mqttv3.1") == "mqttv3.1");
}

BOOST_AUTO_TEST_CASE(an_offer_without_mqtt_is_refused,
                     *label("MQTT-6.0.0-3") * label("MQTT5-6.0.0-3")) {
  BOOST_TEST(status_with("Sec-WebSocket-Protocol", "") == 400);
  BOOST_TEST(status_with("Sec-WebSocket-Protocol", "soap, mqttv5") == 400);
  BOOST_TEST(status_with("Sec-WebSocket-Protocol", "MQTT") == 400);  // names are what they are
}

BOOST_AUTO_TEST_CASE(what_is_no_upgrade_is_told_what_would_be) {
  const Outcome outcome = ask("GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: a browser\r\n\r\n");
  BOOST_TEST(outcome.status == 426);
  BOOST_TEST(contains(outcome.response, "\r\nUpgrade: websocket\r\n"));
  BOOST_TEST((outcome.refusal && outcome.refusal->code == Errc::unsupported));
  BOOST_TEST(status_with("Upgrade", "h2c") == 426);
}

BOOST_AUTO_TEST_CASE(another_version_of_websocket_is_told_ours) {
  for (const char* version : {"8", "14", "x", ""}) {
    const Outcome outcome = ask(upgrade_request("Sec-WebSocket-Version", version));
    BOOST_TEST(outcome.status == 426);
    BOOST_TEST(contains(outcome.response, "\r\nSec-WebSocket-Version: 13\r\n"));
  }
}

BOOST_AUTO_TEST_CASE(other_methods_and_versions_of_http_are_refused) {
  std::string post = upgrade_request();
  post.replace(0, 3, "POST");
  BOOST_TEST(ask(post).status == 405);
  BOOST_TEST(contains(ask(post).response, "\r\nAllow: GET\r\n"));
  for (const char* version : {"HTTP/1.0", "HTTP/2.0", "HTTP/0.9"}) {
    std::string request = upgrade_request();
    request.replace(request.find("HTTP/1.1"), 8, version);
    BOOST_TEST(ask(request).status == 505);
  }
  BOOST_TEST(ask("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").status == 505);
}

BOOST_AUTO_TEST_CASE(malformed_requests_are_refused) {
  BOOST_TEST(status_with("Host", "") == 400);
  BOOST_TEST(status_with("Connection", "keep-alive") == 400);
  BOOST_TEST(status_with("Sec-WebSocket-Key", "") == 400);
  BOOST_TEST(status_with("Sec-WebSocket-Key", "short") == 400);
  BOOST_TEST(status_with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=a") == 400);
  BOOST_TEST(status_with("Sec-WebSocket-Key", "dGhl*HNhbXBsZSBub25jZQ==") == 400);
  BOOST_TEST(status_with("Content-Length", "5") == 400);
  BOOST_TEST(status_with("Transfer-Encoding", "chunked") == 400);
  BOOST_TEST(ask("GET  / HTTP/1.1\r\nHost x\r\n\r\n").status == 400);
  BOOST_TEST(ask(std::string("GET / HTTP/1.1\r\nHo\0st: x\r\n\r\n", 29)).status == 400);
  BOOST_TEST(ask("GARBAGE\r\n\r\n").status == 400);
}

BOOST_AUTO_TEST_CASE(what_is_no_http_is_refused_at_its_first_byte) {
  const Outcome outcome = ask(std::string("\x10\x0c", 2));  // an MQTT client at the wrong port
  BOOST_TEST(outcome.status == 400);
  BOOST_TEST((outcome.refusal && outcome.refusal->code == Errc::malformed));
}

BOOST_AUTO_TEST_CASE(an_endless_head_is_refused_and_not_kept) {
  std::string request = "GET / HTTP/1.1\r\nCookie: ";
  request.append(limits::http_head_max - request.size() - 1, 'c');
  BOOST_TEST(ask(request).status == 0);  // nobody has answered yet
  request += 'c';
  BOOST_TEST(ask(request).status == 431);
  BOOST_TEST(ask(request, {}, 1'000).status == 431);
}

BOOST_AUTO_TEST_CASE(without_a_list_every_origin_is_welcome) {
  BOOST_TEST(status_with("Origin", "https://evil.example") == 101);
  BOOST_TEST(status_with("Origin", "null") == 101);
}

BOOST_AUTO_TEST_CASE(with_a_list_only_its_origins_are_welcome) {
  const std::vector<std::string> origins{"https://home.example:8123", "panel.example"};
  BOOST_TEST(status_with("Origin", "https://home.example:8123", origins) == 101);
  BOOST_TEST(status_with("Origin", "HTTPS://Home.Example:8123", origins) == 101);
  BOOST_TEST(status_with("Origin", "http://panel.example", origins) == 101);
  BOOST_TEST(status_with("Origin", "panel.example", origins) == 101);
  for (const char* origin : {"http://home.example:8123", "https://home.example", "null", "",
                             "https://panel.example.evil", "https://evil/panel.example"}) {
    const Outcome outcome = ask(upgrade_request("Origin", origin), origins);
    BOOST_TEST(outcome.status == 403);
    BOOST_TEST((outcome.refusal && outcome.refusal->code == Errc::not_authorized));
  }
}

BOOST_AUTO_TEST_SUITE_END()
