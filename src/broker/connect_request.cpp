#include "src/broker/connect_request.hpp"

#include <algorithm>
#include <utility>

#include "starling/limits.hpp"

#include "src/broker/local_session.hpp"

namespace starling {

using mqtt::ProtocolVersion;
using mqtt::ReasonCode;

namespace {

bool accepts(const ListenerPolicy& policy, ProtocolVersion version) {
  switch (version) {
    case ProtocolVersion::v3_1:
      return policy.accepts_v3_1;
    case ProtocolVersion::v3_1_1:
      return policy.accepts_v3_1_1;
    case ProtocolVersion::v5:
      return policy.accepts_v5;
  }
  return false;
}

/// How long the session outlives its connection. Before MQTT 5 for ever, unless it is a clean one
/// [MQTT-3.1.2-4] [MQTT-3.1.2-6].
std::uint32_t expiry_asked(const mqtt::Connect& packet) {
  if (packet.version != ProtocolVersion::v5) return packet.clean_start ? 0 : expiry_never;
  return packet.properties.session_expiry_interval_s.value_or(0);
}

/// The will against what this server has (3.2.2.3.4, 3.2.2.3.5).
std::optional<ConnectRefusal> read_will(const mqtt::Will& will, ProtocolVersion version,
                                        const ListenerPolicy& policy,
                                        const BrokerSettings& settings, ConnectRequest& request) {
  if (will.retain && !settings.retain_available)  // [MQTT5-3.2.2-13]
    return ConnectRefusal{ReasonCode::retain_not_supported, "a will to be retained"};
  if (static_cast<std::uint8_t>(will.qos) > policy.qos_max)  // [MQTT5-3.2.2-12]
    return ConnectRefusal{ReasonCode::qos_not_supported, "a will above the maximum QoS"};
  if (settings.payload_size_max > 0 && will.payload.size() > settings.payload_size_max)
    return ConnectRefusal{
        version == ProtocolVersion::v5 ? ReasonCode::packet_too_large : ReasonCode::not_authorized,
        "a will above the maximum payload"};
  auto kept = Will::from(will, settings.topic_levels_max, policy.mount_point);
  if (!kept) return ConnectRefusal{ReasonCode::topic_name_invalid, kept.error().what};
  request.will = std::make_unique<Will>(*std::move(kept));
  return std::nullopt;
}

std::optional<ConnectRefusal> read_client_id(const mqtt::Connect& packet,
                                             const ListenerPolicy& policy,
                                             const BrokerSettings& settings,
                                             ConnectRequest& request) {
  request.client_id = packet.client_id;
  request.client_id_assigned = packet.client_id.empty();
  if (request.client_id_assigned) {
    // MQTT 3.1 wants an id of 1 to 23 bytes; 3.1.1 wants a clean session without one [MQTT-3.1.3-8].
    const bool may_be_empty = packet.version == ProtocolVersion::v5
                              || (packet.version == ProtocolVersion::v3_1_1 && packet.clean_start);
    if (!may_be_empty || !policy.allow_zero_length_client_id)  // [MQTT5-3.1.3-8]
      return ConnectRefusal{ReasonCode::client_identifier_not_valid, "no client id"};
  }
  const std::string_view id = packet.client_id.empty() ? policy.auto_id_prefix : packet.client_id;
  if (!id.starts_with(settings.client_id_prefixes))
    return ConnectRefusal{ReasonCode::not_authorized, "a client id without the prefix"};
  return std::nullopt;
}

void read_keep_alive(const mqtt::Connect& packet, const BrokerSettings& settings,
                     ConnectRequest& request) {
  request.keep_alive_s = packet.keep_alive_s;
  if (packet.version != ProtocolVersion::v5) return;
  const std::uint16_t most = settings.keep_alive_max_s;
  const bool watches_everybody = most > 0 && most < limits::keep_alive_max_s;
  if (!watches_everybody || (packet.keep_alive_s > 0 && packet.keep_alive_s <= most)) return;
  request.keep_alive_s = most;
  request.server_keep_alive_s = most;  // [MQTT5-3.1.2-21] [MQTT5-3.2.2-21]
}

}  // namespace

std::optional<ConnectRefusal> read_request(const mqtt::Connect& packet,
                                           const ListenerPolicy& policy,
                                           const BrokerSettings& settings,
                                           ConnectRequest& request) {
  if (!accepts(policy, packet.version))
    return ConnectRefusal{ReasonCode::unsupported_protocol_version,
                          "a protocol version this listener does not take"};
  request.clean_start = packet.clean_start;
  if (packet.will)
    if (auto refusal = read_will(*packet.will, packet.version, policy, settings, request))
      return refusal;
  if (auto refusal = read_client_id(packet, policy, settings, request)) return refusal;
  // An empty name is none, for passwords as for access rules; Mosquitto sees it so.
  if (packet.user_name && !packet.user_name->empty()) request.user.emplace(*packet.user_name);
  read_keep_alive(packet, settings, request);
  request.expiry_asked_s = expiry_asked(packet);
  const mqtt::ConnectProperties& asked = packet.properties;
  request.receive_maximum = asked.receive_maximum.value_or(limits::receive_maximum_default);
  request.packet_size_max =
      asked.maximum_packet_size.value_or(static_cast<std::uint32_t>(limits::packet_size_max));
  request.topic_alias_max = asked.topic_alias_maximum.value_or(0);
  request.wants_response_information = asked.request_response_information.value_or(0) == 1;
  return std::nullopt;
}

bool is_mesh_user(std::string_view user) {
  return user.starts_with("mesh:");
}

const char* to_text(ProtocolVersion version) {
  switch (version) {
    case ProtocolVersion::v3_1:
      return "mqtt31";
    case ProtocolVersion::v3_1_1:
      return "mqtt311";
    case ProtocolVersion::v5:
      return "mqtt5";
  }
  return "?";
}

std::optional<std::string> response_information(std::string_view client_id) {
  if (client_id.find_first_of("+#") != std::string_view::npos) return std::nullopt;
  std::string text = "response/";
  text += client_id;
  text += '/';
  return text;
}

}  // namespace starling
