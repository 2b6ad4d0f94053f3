#include "src/websocket/http_upgrade.hpp"

#include <algorithm>
#include <array>
#include <boost/beast/http.hpp>
#include <gnutls/crypto.h>
#include <string_view>

#include "starling/check.hpp"
#include "starling/limits.hpp"

#include "src/crypto/base64.hpp"

namespace starling {
namespace {

namespace http = boost::beast::http;
using Request = http::request<http::empty_body>;

constexpr std::string_view head_end = "\r\n\r\n";
// [RFC 6455 §4.2.2]: makes the answer one that only a WebSocket server gives.
constexpr std::string_view accept_salt = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

struct Status {
  int code;
  std::string_view phrase;
  std::string_view extra_fields = {};  // each with its line end
};
constexpr Status bad_request{400, "Bad Request"};
constexpr Status forbidden{403, "Forbidden"};
constexpr Status method_not_allowed{405, "Method Not Allowed", "Allow: GET\r\n"};
constexpr Status upgrade_required{426, "Upgrade Required",
                                  "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"};
constexpr Status head_too_large{431, "Request Header Fields Too Large"};
constexpr Status version_not_supported{505, "HTTP Version Not Supported"};

HttpUpgrade::Answer refuse(const Status& status, Errc code, std::string why) {
  HttpUpgrade::Answer answer;
  const std::string body = why + "\n";
  answer.response = "HTTP/1.1 " + std::to_string(status.code) + " " + std::string(status.phrase)
                    + "\r\n" + std::string(status.extra_fields)
                    + (status.code == upgrade_required.code ? "Connection: Upgrade, close\r\n"
                                                            : "Connection: close\r\n")
                    + "Content-Type: text/plain\r\nContent-Length: " + std::to_string(body.size())
                    + "\r\n\r\n" + body;
  answer.refusal = Error{code, "WebSocket upgrade refused with " + std::to_string(status.code)
                                   + ": " + std::move(why)};
  return answer;
}

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

bool equal_without_case(std::string_view a, std::string_view b) {
  return boost::beast::iequals({a.data(), a.size()}, {b.data(), b.size()});
}

/// Calls visit(token) for each element of a list that may be spread over several fields of one name
/// [RFC 7230 §3.2.2].
template <class Visit>
void for_each_token(const Request& request, http::field name, Visit&& visit) {
  const auto range = request.equal_range(name);
  for (auto field = range.first; field != range.second; ++field)
    for (const auto token : http::token_list{field->value()}) visit(view(token));
}

bool has_token(const Request& request, http::field name, std::string_view wanted) {
  bool found = false;
  for_each_token(request, name, [&](std::string_view token) {
    found = found || equal_without_case(token, wanted);
  });
  return found;
}

/// Base64 of 16 bytes [RFC 6455 §4.1]. What it decodes to matters to nobody.
bool is_key(std::string_view key) {
  const auto is_digit = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+'
           || c == '/';
  };
  return key.size() == 24 && key.substr(22) == "=="
         && std::all_of(key.begin(), key.begin() + 22, is_digit);
}

std::string accept_of(std::string_view key) {
  const std::string salted = std::string(key) + std::string(accept_salt);
  std::array<std::uint8_t, 20> digest{};
  STARLING_CHECK(gnutls_hash_fast(GNUTLS_DIG_SHA1, salted.data(), salted.size(), digest.data())
                 == 0);
  return crypto::to_base64(digest);
}

/// The name we agree on [MQTT-6.0.0-3] [MQTT-6.0.0-4]; "mqttv3.1" is what clients of 3.1 offer.
/// Empty: none. Names of protocols are compared as they are, case included.
std::string_view chosen_protocol(const Request& request) {
  std::string_view chosen;
  for_each_token(request, http::field::sec_websocket_protocol, [&](std::string_view offered) {
    if (offered == "mqtt") chosen = "mqtt";
    if (offered == "mqttv3.1" && chosen.empty()) chosen = "mqttv3.1";
  });
  return chosen;
}

bool is_welcome(const std::vector<std::string>& origins, std::string_view origin) {
  const auto scheme_end = origin.find("://");
  const std::string_view host =
      scheme_end == std::string_view::npos ? origin : origin.substr(scheme_end + 3);
  return std::any_of(origins.begin(), origins.end(), [&](const std::string& one) {
    return equal_without_case(one, origin)
           || (one.find("://") == std::string::npos && equal_without_case(one, host));
  });
}

HttpUpgrade::Answer judge(const Request& request, const std::vector<std::string>& origins) {
  if (request.version() < 11)
    return refuse(version_not_supported, Errc::unsupported, "HTTP/1.1 is needed");
  if (request.method() != http::verb::get)
    return refuse(method_not_allowed, Errc::protocol_error, "not a GET");
  const bool has_body = request.count(http::field::transfer_encoding) != 0
                        || (request.count(http::field::content_length) != 0
                            && request[http::field::content_length] != "0");
  if (has_body) return refuse(bad_request, Errc::protocol_error, "a GET with a body");
  if (request.count(http::field::host) != 1)
    return refuse(bad_request, Errc::malformed, "not exactly one Host field");

  if (!has_token(request, http::field::upgrade, "websocket"))
    return refuse(upgrade_required, Errc::unsupported, "here is MQTT over WebSocket, no web page");
  if (!has_token(request, http::field::connection, "upgrade"))
    return refuse(bad_request, Errc::malformed, "Connection does not say Upgrade");
  if (view(request[http::field::sec_websocket_version]) != "13")
    return refuse(upgrade_required, Errc::unsupported, "not version 13 of WebSocket");
  const std::string_view key = view(request[http::field::sec_websocket_key]);
  if (request.count(http::field::sec_websocket_key) != 1 || !is_key(key))
    return refuse(bad_request, Errc::malformed, "Sec-WebSocket-Key is missing or malformed");
  // A page of another site may open connections with its visitor's address; only the browser's
  // Origin tells. With a list, who says nothing is not on it.
  if (!origins.empty() && !is_welcome(origins, view(request[http::field::origin])))
    return refuse(forbidden, Errc::not_authorized, "this Origin is not welcome");
  const std::string_view protocol = chosen_protocol(request);
  if (protocol.empty())
    return refuse(bad_request, Errc::unsupported,
                  "Sec-WebSocket-Protocol offers neither mqtt nor mqttv3.1");

  HttpUpgrade::Answer answer;
  answer.response =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: "
      + accept_of(key) + "\r\nSec-WebSocket-Protocol: " + std::string(protocol) + "\r\n\r\n";
  return answer;
}

}  // namespace

std::optional<HttpUpgrade::Answer> HttpUpgrade::read(ByteView& bytes) {
  const std::size_t before = head_.size();
  append(head_, bytes.first(std::min(bytes.size(), limits::http_head_max - before)));
  if (!head_.empty() && (head_.front() < 'A' || head_.front() > 'Z'))
    return refuse(bad_request, Errc::malformed, "not HTTP");

  const std::string_view text = as_text(head_);
  const auto end = text.find(head_end, before < head_end.size() ? 0 : before - head_end.size() + 1);
  if (end == std::string_view::npos) {
    if (head_.size() >= limits::http_head_max)
      return refuse(head_too_large, Errc::too_large, "the request's head is too large");
    bytes = {};
    return std::nullopt;
  }
  head_.resize(end + head_end.size());
  bytes = bytes.subspan(head_.size() - before);

  http::request_parser<http::empty_body> parser;
  parser.header_limit(static_cast<std::uint32_t>(limits::http_head_max));
  parser.body_limit(boost::none);
  boost::beast::error_code error;
  parser.put(boost::asio::buffer(head_.data(), head_.size()), error);
  if (error == http::error::bad_version)
    return refuse(version_not_supported, Errc::unsupported, "HTTP/1.1 is needed");
  if (error || !parser.is_header_done())
    return refuse(bad_request, Errc::malformed, "the request cannot be understood");
  return judge(parser.get(), origins_);
}

}  // namespace starling
