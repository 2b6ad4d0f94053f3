#include "src/mqtt/reason_code.hpp"

#include <algorithm>
#include <array>

namespace starling::mqtt {
namespace {

struct Row {
  ReasonCode reason;
  const char* text;
  std::uint16_t places;  // an or of ReasonPlace
};

constexpr std::uint16_t operator|(ReasonPlace a, ReasonPlace b) {
  return static_cast<std::uint16_t>(static_cast<std::uint16_t>(a) | static_cast<std::uint16_t>(b));
}
constexpr std::uint16_t operator|(std::uint16_t a, ReasonPlace b) {
  return static_cast<std::uint16_t>(a | static_cast<std::uint16_t>(b));
}
constexpr std::uint16_t only(ReasonPlace place) {
  return static_cast<std::uint16_t>(place);
}

constexpr auto connack = ReasonPlace::connack;
constexpr auto puback = ReasonPlace::puback;
constexpr auto pubrel = ReasonPlace::pubrel;
constexpr auto suback = ReasonPlace::suback;
constexpr auto unsuback = ReasonPlace::unsuback;
constexpr auto by_client = ReasonPlace::disconnect_by_client;
constexpr auto by_server = ReasonPlace::disconnect_by_server;
constexpr auto auth_by_client = ReasonPlace::auth_by_client;
constexpr auto auth_by_server = ReasonPlace::auth_by_server;

// Table 2-6 of the standard with the directions of tables 3-10 and 3-13, in ascending order.
constexpr std::array rows{
    Row{ReasonCode::success, "success",
        connack | puback | pubrel | suback | unsuback | by_client | by_server | auth_by_server},
    Row{ReasonCode::granted_qos_1, "granted QoS 1", only(suback)},
    Row{ReasonCode::granted_qos_2, "granted QoS 2", only(suback)},
    Row{ReasonCode::disconnect_with_will_message, "disconnect with will message", only(by_client)},
    Row{ReasonCode::no_matching_subscribers, "no matching subscribers", only(puback)},
    Row{ReasonCode::no_subscription_existed, "no subscription existed", only(unsuback)},
    Row{ReasonCode::continue_authentication, "continue authentication",
        auth_by_client | auth_by_server},
    Row{ReasonCode::re_authenticate, "re-authenticate", only(auth_by_client)},
    Row{ReasonCode::unspecified_error, "unspecified error",
        connack | puback | suback | unsuback | by_client | by_server},
    Row{ReasonCode::malformed_packet, "malformed packet", connack | by_client | by_server},
    Row{ReasonCode::protocol_error, "protocol error", connack | by_client | by_server},
    Row{ReasonCode::implementation_specific_error, "implementation specific error",
        connack | puback | suback | unsuback | by_client | by_server},
    Row{ReasonCode::unsupported_protocol_version, "unsupported protocol version", only(connack)},
    Row{ReasonCode::client_identifier_not_valid, "client identifier not valid", only(connack)},
    Row{ReasonCode::bad_user_name_or_password, "bad user name or password", only(connack)},
    Row{ReasonCode::not_authorized, "not authorized",
        connack | puback | suback | unsuback | by_server},
    Row{ReasonCode::server_unavailable, "server unavailable", only(connack)},
    Row{ReasonCode::server_busy, "server busy", connack | by_server},
    Row{ReasonCode::banned, "banned", only(connack)},
    Row{ReasonCode::server_shutting_down, "server shutting down", only(by_server)},
    Row{ReasonCode::bad_authentication_method, "bad authentication method", connack | by_server},
    Row{ReasonCode::keep_alive_timeout, "keep alive timeout", only(by_server)},
    Row{ReasonCode::session_taken_over, "session taken over", only(by_server)},
    Row{ReasonCode::topic_filter_invalid, "topic filter invalid", suback | unsuback | by_server},
    Row{ReasonCode::topic_name_invalid, "topic name invalid",
        connack | puback | by_client | by_server},
    Row{ReasonCode::packet_identifier_in_use, "packet identifier in use",
        puback | suback | unsuback},
    Row{ReasonCode::packet_identifier_not_found, "packet identifier not found", only(pubrel)},
    Row{ReasonCode::receive_maximum_exceeded, "receive maximum exceeded", by_client | by_server},
    Row{ReasonCode::topic_alias_invalid, "topic alias invalid", by_client | by_server},
    Row{ReasonCode::packet_too_large, "packet too large", connack | by_client | by_server},
    Row{ReasonCode::message_rate_too_high, "message rate too high", by_client | by_server},
    Row{ReasonCode::quota_exceeded, "quota exceeded",
        connack | puback | suback | by_client | by_server},
    Row{ReasonCode::administrative_action, "administrative action", by_client | by_server},
    Row{ReasonCode::payload_format_invalid, "payload format invalid",
        connack | puback | by_client | by_server},
    Row{ReasonCode::retain_not_supported, "retain not supported", connack | by_server},
    Row{ReasonCode::qos_not_supported, "QoS not supported", connack | by_server},
    Row{ReasonCode::use_another_server, "use another server", connack | by_server},
    Row{ReasonCode::server_moved, "server moved", connack | by_server},
    Row{ReasonCode::shared_subscriptions_not_supported, "shared subscriptions not supported",
        suback | by_server},
    Row{ReasonCode::connection_rate_exceeded, "connection rate exceeded", connack | by_server},
    Row{ReasonCode::maximum_connect_time, "maximum connect time", only(by_server)},
    Row{ReasonCode::subscription_identifiers_not_supported,
        "subscription identifiers not supported", suback | by_server},
    Row{ReasonCode::wildcard_subscriptions_not_supported, "wildcard subscriptions not supported",
        suback | by_server},
};

const Row* find_row(ReasonCode reason) {
  const auto* row = std::lower_bound(rows.begin(), rows.end(), reason,
                                     [](const Row& a, ReasonCode b) { return a.reason < b; });
  return row != rows.end() && row->reason == reason ? row : nullptr;
}

}  // namespace

const char* to_text(ReasonCode reason) {
  const Row* row = find_row(reason);
  return row ? row->text : "unknown reason";
}

bool is_allowed(ReasonCode reason, ReasonPlace place) {
  const Row* row = find_row(reason);
  return row && (row->places & only(place)) != 0;
}

std::optional<std::uint8_t> to_return_code(ReasonCode reason) {
  switch (reason) {
    case ReasonCode::success:
      return 0;
    case ReasonCode::unsupported_protocol_version:
      return 1;
    case ReasonCode::client_identifier_not_valid:
      return 2;
    case ReasonCode::server_unavailable:
    case ReasonCode::server_busy:
    case ReasonCode::server_shutting_down:
    case ReasonCode::quota_exceeded:
    case ReasonCode::use_another_server:
    case ReasonCode::server_moved:
    case ReasonCode::connection_rate_exceeded:
      return 3;
    case ReasonCode::bad_user_name_or_password:
    case ReasonCode::bad_authentication_method:
      return 4;
    case ReasonCode::not_authorized:
    case ReasonCode::banned:
      return 5;
    default:
      return std::nullopt;
  }
}

std::optional<ReasonCode> from_return_code(std::uint8_t return_code) {
  constexpr std::array codes{ReasonCode::success,
                             ReasonCode::unsupported_protocol_version,
                             ReasonCode::client_identifier_not_valid,
                             ReasonCode::server_unavailable,
                             ReasonCode::bad_user_name_or_password,
                             ReasonCode::not_authorized};
  if (return_code >= codes.size()) return std::nullopt;
  return codes[return_code];
}

}  // namespace starling::mqtt
