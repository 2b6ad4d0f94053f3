// The packets of MQTT 3.1, 3.1.1 and 5.0 as values: one struct each, none of them owns a byte. Text
// and binary fields point into the frame they were read from, or at what the writer's caller holds;
// either way they are good during the call only. What a field means is in the standard; what it may
// hold is checked by the readers, so a packet that was read keeps every rule that one packet alone
// can keep.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "starling/bytes.hpp"
#include "starling/publication.hpp"

#include "src/mqtt/reason_code.hpp"

namespace starling::mqtt {

/// Values are the protocol levels of CONNECT (3.1.2.2).
enum class ProtocolVersion : std::uint8_t { v3_1 = 3, v3_1_1 = 4, v5 = 5 };

/// Values are the upper half of the first byte (2.1.2).
enum class PacketType : std::uint8_t {
  connect = 1,
  connack = 2,
  publish = 3,
  puback = 4,
  pubrec = 5,
  pubrel = 6,
  pubcomp = 7,
  subscribe = 8,
  suback = 9,
  unsubscribe = 10,
  unsuback = 11,
  pingreq = 12,
  pingresp = 13,
  disconnect = 14,
  auth = 15,
};

/// "CONNECT" and so on; "reserved" for 0.
const char* to_text(PacketType type);

/// A ByteView that compares by content, so that packets can be compared.
struct BinaryView : ByteView {
  using ByteView::ByteView;
  BinaryView(ByteView bytes) : ByteView(bytes) {}  // NOLINT: a view costs nothing
  friend bool operator==(const BinaryView& a, const BinaryView& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }
};

/// Their order is kept, names may repeat (2.2.2.2). At most limits::user_properties_max per packet.
struct UserProperty {
  std::string_view name{};
  std::string_view value{};
  friend bool operator==(const UserProperty&, const UserProperty&) = default;
};
using UserProperties = std::vector<UserProperty>;

// --- Properties, MQTT 5 only: ignored when written for an older version, empty when read from one
// ------ One-byte properties are 0 or 1. An absent property differs from one that has its default
// value.

struct ConnectProperties {
  std::optional<std::uint32_t> session_expiry_interval_s{};  ///< 0xFFFFFFFF: never
  std::optional<std::uint16_t> receive_maximum{};            ///< not 0
  std::optional<std::uint32_t> maximum_packet_size{};        ///< bytes, not 0
  std::optional<std::uint16_t> topic_alias_maximum{};
  std::optional<std::uint8_t> request_response_information{};
  std::optional<std::uint8_t> request_problem_information{};
  std::optional<std::string_view> authentication_method{};
  std::optional<BinaryView> authentication_data{};  ///< only with a method
  UserProperties user_properties{};
  friend bool operator==(const ConnectProperties&, const ConnectProperties&) = default;
};

struct WillProperties {
  std::optional<std::uint32_t> will_delay_interval_s{};
  std::optional<std::uint8_t> payload_format_indicator{};
  std::optional<std::uint32_t> message_expiry_interval_s{};
  std::optional<std::string_view> content_type{};
  std::optional<std::string_view> response_topic{};  ///< a topic name
  std::optional<BinaryView> correlation_data{};
  UserProperties user_properties{};
  friend bool operator==(const WillProperties&, const WillProperties&) = default;
};

struct ConnackProperties {
  std::optional<std::uint32_t> session_expiry_interval_s{};
  std::optional<std::uint16_t> receive_maximum{};  ///< not 0
  std::optional<std::uint8_t> maximum_qos{};       ///< 0 or 1; absent: 2
  std::optional<std::uint8_t> retain_available{};
  std::optional<std::uint32_t> maximum_packet_size{};  ///< bytes, not 0
  std::optional<std::string_view> assigned_client_identifier{};
  std::optional<std::uint16_t> topic_alias_maximum{};
  std::optional<std::string_view> reason_string{};
  std::optional<std::uint8_t> wildcard_subscription_available{};
  std::optional<std::uint8_t> subscription_identifiers_available{};
  std::optional<std::uint8_t> shared_subscription_available{};
  std::optional<std::uint16_t> server_keep_alive_s{};
  std::optional<std::string_view> response_information{};
  std::optional<std::string_view> server_reference{};
  std::optional<std::string_view> authentication_method{};
  std::optional<BinaryView> authentication_data{};
  UserProperties user_properties{};
  friend bool operator==(const ConnackProperties&, const ConnackProperties&) = default;
};

struct PublishProperties {
  std::optional<std::uint8_t> payload_format_indicator{};
  std::optional<std::uint32_t> message_expiry_interval_s{};
  std::optional<std::uint16_t> topic_alias{};        ///< not 0; the session knows the maximum
  std::optional<std::string_view> response_topic{};  ///< a topic name
  std::optional<BinaryView> correlation_data{};
  std::vector<std::uint32_t> subscription_identifiers{};  ///< 1 to 268435455; from servers
  std::optional<std::string_view> content_type{};
  UserProperties user_properties{};
  friend bool operator==(const PublishProperties&, const PublishProperties&) = default;
};

/// Of PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK and UNSUBACK.
struct AckProperties {
  std::optional<std::string_view> reason_string{};
  UserProperties user_properties{};
  friend bool operator==(const AckProperties&, const AckProperties&) = default;
};

struct SubscribeProperties {
  std::optional<std::uint32_t> subscription_identifier{};  ///< 1 to 268435455
  UserProperties user_properties{};
  friend bool operator==(const SubscribeProperties&, const SubscribeProperties&) = default;
};

struct UnsubscribeProperties {
  UserProperties user_properties{};
  friend bool operator==(const UnsubscribeProperties&, const UnsubscribeProperties&) = default;
};

struct DisconnectProperties {
  std::optional<std::uint32_t> session_expiry_interval_s{};  ///< only from client to server
  std::optional<std::string_view> reason_string{};
  std::optional<std::string_view> server_reference{};  ///< only from server to client
  UserProperties user_properties{};
  friend bool operator==(const DisconnectProperties&, const DisconnectProperties&) = default;
};

struct AuthProperties {
  std::optional<std::string_view> authentication_method{};
  std::optional<BinaryView> authentication_data{};
  std::optional<std::string_view> reason_string{};
  UserProperties user_properties{};
  friend bool operator==(const AuthProperties&, const AuthProperties&) = default;
};

// --- Packets
struct Will {
  std::string_view topic{};  ///< a topic name
  BinaryView payload{};      ///< at most 65535 bytes
  QoS qos = QoS::at_most_once;
  bool retain = false;
  WillProperties properties{};
  friend bool operator==(const Will&, const Will&) = default;
};

struct Connect {
  ProtocolVersion version = ProtocolVersion::v5;
  bool clean_start = true;         ///< CleanSession before MQTT 5
  std::uint16_t keep_alive_s = 0;  ///< 0: the watch is off
  std::string_view client_id{};    ///< may be empty
  std::optional<Will> will{};
  std::optional<std::string_view> user_name{};
  std::optional<BinaryView> password{};  ///< before MQTT 5 only with a user name [MQTT-3.1.2-22]
  ConnectProperties properties{};
  friend bool operator==(const Connect&, const Connect&) = default;
};

struct Connack {
  bool session_present = false;  ///< false with any refusal [MQTT-3.2.2-4] [MQTT5-3.2.2-6]
  ReasonCode reason = ReasonCode::success;
  ConnackProperties properties{};
  friend bool operator==(const Connack&, const Connack&) = default;
};

struct Publish {
  std::string_view topic{};  ///< a topic name, or empty with a topic alias
  BinaryView payload{};
  /// What was read and holds the payload, if that can be kept without a copy (Frame::shared).
  const SharedBytes* shared = nullptr;
  QoS qos = QoS::at_most_once;
  bool retain = false;
  bool dup = false;             ///< never with QoS 0 [MQTT-3.3.1-2]
  std::uint16_t packet_id = 0;  ///< 0 if and only if QoS 0
  PublishProperties properties{};
  friend bool operator==(const Publish&, const Publish&) = default;
};

/// PUBACK, PUBREC, PUBREL and PUBCOMP look alike and must not be mixed up.
template <PacketType Type>
struct PublishAck {
  static constexpr PacketType type = Type;
  std::uint16_t packet_id = 0;              ///< not 0
  ReasonCode reason = ReasonCode::success;  ///< always success before MQTT 5
  AckProperties properties{};
  friend bool operator==(const PublishAck&, const PublishAck&) = default;
};
using Puback = PublishAck<PacketType::puback>;
using Pubrec = PublishAck<PacketType::pubrec>;
using Pubrel = PublishAck<PacketType::pubrel>;
using Pubcomp = PublishAck<PacketType::pubcomp>;

/// Which retained messages a new subscription brings (3.8.3.1); values are those on the wire.
enum class RetainHandling : std::uint8_t { send = 0, send_if_new = 1, do_not_send = 2 };

struct Subscription {
  /// As TopicFilter::parse has it; behind "$share/" in MQTT 5 anything, for each filter is answered.
  std::string_view filter{};
  QoS qos = QoS::at_most_once;
  // MQTT 5 only:
  bool no_local = false;  ///< never on a shared subscription [MQTT5-3.8.3-4]
  bool retain_as_published = false;
  RetainHandling retain_handling = RetainHandling::send;
  friend bool operator==(const Subscription&, const Subscription&) = default;
};

struct Subscribe {
  std::uint16_t packet_id = 0;                ///< not 0
  std::vector<Subscription> subscriptions{};  ///< 1 to limits::filters_per_packet_max
  SubscribeProperties properties{};
  friend bool operator==(const Subscribe&, const Subscribe&) = default;
};

struct Suback {
  std::uint16_t packet_id = 0;  ///< not 0
  /// In the order of the filters [MQTT-3.9.3-1]. Before MQTT 5 every refusal is written as 0x80.
  std::vector<ReasonCode> reasons{};
  AckProperties properties{};
  friend bool operator==(const Suback&, const Suback&) = default;
};

struct Unsubscribe {
  std::uint16_t packet_id = 0;              ///< not 0
  std::vector<std::string_view> filters{};  ///< 1 to limits::filters_per_packet_max
  UnsubscribeProperties properties{};
  friend bool operator==(const Unsubscribe&, const Unsubscribe&) = default;
};

struct Unsuback {
  std::uint16_t packet_id = 0;        ///< not 0
  std::vector<ReasonCode> reasons{};  ///< in the order of the filters; not sent before MQTT 5
  AckProperties properties{};
  friend bool operator==(const Unsuback&, const Unsuback&) = default;
};

struct Pingreq {
  friend bool operator==(const Pingreq&, const Pingreq&) = default;
};
struct Pingresp {
  friend bool operator==(const Pingresp&, const Pingresp&) = default;
};

struct Disconnect {
  ReasonCode reason =
      ReasonCode::success;  ///< success: normal disconnection; always so before MQTT 5
  DisconnectProperties properties{};
  friend bool operator==(const Disconnect&, const Disconnect&) = default;
};

/// MQTT 5 only.
struct Auth {
  ReasonCode reason = ReasonCode::success;
  AuthProperties properties{};
  friend bool operator==(const Auth&, const Auth&) = default;
};

/// The index is the packet type less one.
using Packet = std::variant<Connect, Connack, Publish, Puback, Pubrec, Pubrel, Pubcomp, Subscribe,
                            Suback, Unsubscribe, Unsuback, Pingreq, Pingresp, Disconnect, Auth>;

constexpr PacketType type_of(const Packet& packet) {
  return static_cast<PacketType>(packet.index() + 1);
}

}  // namespace starling::mqtt
