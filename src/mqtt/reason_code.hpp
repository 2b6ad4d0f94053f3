// ReasonCode: every answer MQTT 5 has a number for (2.4), in which packets it may stand, and what
// MQTT 3.1.1 makes of it.
#pragma once

#include <cstdint>
#include <optional>

namespace starling::mqtt {

/// Values are those on the wire. From 0x80 on they are refusals.
enum class ReasonCode : std::uint8_t {
  success = 0x00,  ///< also "normal disconnection" and "granted QoS 0"
  granted_qos_1 = 0x01,
  granted_qos_2 = 0x02,
  disconnect_with_will_message = 0x04,
  no_matching_subscribers = 0x10,
  no_subscription_existed = 0x11,
  continue_authentication = 0x18,
  re_authenticate = 0x19,
  unspecified_error = 0x80,
  malformed_packet = 0x81,
  protocol_error = 0x82,
  implementation_specific_error = 0x83,
  unsupported_protocol_version = 0x84,
  client_identifier_not_valid = 0x85,
  bad_user_name_or_password = 0x86,
  not_authorized = 0x87,
  server_unavailable = 0x88,
  server_busy = 0x89,
  banned = 0x8A,
  server_shutting_down = 0x8B,
  bad_authentication_method = 0x8C,
  keep_alive_timeout = 0x8D,
  session_taken_over = 0x8E,
  topic_filter_invalid = 0x8F,
  topic_name_invalid = 0x90,
  packet_identifier_in_use = 0x91,
  packet_identifier_not_found = 0x92,
  receive_maximum_exceeded = 0x93,
  topic_alias_invalid = 0x94,
  packet_too_large = 0x95,
  message_rate_too_high = 0x96,
  quota_exceeded = 0x97,
  administrative_action = 0x98,
  payload_format_invalid = 0x99,
  retain_not_supported = 0x9A,
  qos_not_supported = 0x9B,
  use_another_server = 0x9C,
  server_moved = 0x9D,
  shared_subscriptions_not_supported = 0x9E,
  connection_rate_exceeded = 0x9F,
  maximum_connect_time = 0xA0,
  subscription_identifiers_not_supported = 0xA1,
  wildcard_subscriptions_not_supported = 0xA2,
};

constexpr bool is_refusal(ReasonCode reason) {
  return static_cast<std::uint8_t>(reason) >= 0x80;
}

/// The standard's name in lower case, for logs: "session taken over". "unknown reason" for a value
/// that is none.
const char* to_text(ReasonCode reason);

/// Where a reason code stands; DISCONNECT and AUTH have different lists for the two directions.
enum class ReasonPlace : std::uint16_t {
  connack = 1U << 0U,
  puback = 1U << 1U,  ///< and PUBREC, which has the same list
  pubrel = 1U << 2U,  ///< and PUBCOMP
  suback = 1U << 3U,
  unsuback = 1U << 4U,
  disconnect_by_client = 1U << 5U,
  disconnect_by_server = 1U << 6U,
  auth_by_client = 1U << 7U,
  auth_by_server = 1U << 8U,
};

/// May `reason` stand there? [MQTT5-3.2.2-8] [MQTT5-3.4.2-1] [MQTT5-3.5.2-1] [MQTT5-3.6.2-1]
/// [MQTT5-3.7.2-1] [MQTT5-3.9.3-2] [MQTT5-3.11.3-2] [MQTT5-3.14.2-1] [MQTT5-3.15.2-1]
bool is_allowed(ReasonCode reason, ReasonPlace place);

/// The CONNACK return code of MQTT 3.1 and 3.1.1 (table 3.1, 0 to 5) that says the same; nullopt
/// when none applies and the connection is to be closed without CONNACK [MQTT-3.2.2-6].
std::optional<std::uint8_t> to_return_code(ReasonCode reason);
/// The way back; nullopt for the reserved return codes 6 to 255.
std::optional<ReasonCode> from_return_code(std::uint8_t return_code);

}  // namespace starling::mqtt
