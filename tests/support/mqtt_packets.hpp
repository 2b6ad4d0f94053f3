// MQTT packets for tests: bytes written as hexadecimal text, and one specimen of everything that
// the codec can say.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "starling/bytes.hpp"

#include "src/mqtt/frame_reader.hpp"
#include "src/mqtt/read_packet.hpp"
#include "src/mqtt/write_packet.hpp"

namespace starling::mqtt::testing {

/// "30 03 0001 61": spaces do not matter.
inline Bytes bytes_of(std::string_view hex) {
  std::string digits;
  for (const char c : hex)
    if (c != ' ') digits.push_back(c);
  return from_hex(digits).value();
}

/// The fixed header of `first_byte` and the right Remaining Length before `body`.
inline Bytes packet_of(std::uint8_t first_byte, ByteView body) {
  Bytes packet{first_byte};
  std::size_t length = body.size();
  for (; length >= 128; length >>= 7U) packet.push_back(static_cast<std::uint8_t>(length | 0x80U));
  packet.push_back(static_cast<std::uint8_t>(length));
  append(packet, body);
  return packet;
}

/// The frame that `packet` is; aborts if it is not exactly one.
inline Frame frame_of(ByteView packet) {
  Frame found;
  std::size_t count = 0;
  FrameReader reader(packet.size());
  const auto read = reader.read(packet, [&](const Frame& frame) {
    found = frame;
    ++count;
    return Reading::go_on;
  });
  STARLING_CHECK(read.ok() && count == 1 && reader.kept_bytes() == 0);
  return found;
}

inline Decoded<Packet> decode(ByteView packet, ReadContext context) {
  return read_packet(frame_of(packet), context);
}

inline Bytes encode(const Packet& packet, ProtocolVersion version) {
  Bytes out;
  write(packet, version, out);
  return out;
}

inline constexpr ProtocolVersion all_versions[] = {ProtocolVersion::v3_1, ProtocolVersion::v3_1_1,
                                                   ProtocolVersion::v5};

struct Specimen {
  Sender sender;
  Packet packet;
};

inline BinaryView binary(std::string_view text) {
  return as_bytes(text);
}

/// Every packet with every property it may have (MQTT 5).
inline std::vector<Specimen> rich_specimens() {
  using namespace std::string_view_literals;
  const UserProperties user{{"a", "1"}, {"b", ""}, {"a", "\xC3\xA4"}, {"", "x"}};
  const AckProperties ack{"because", user};
  Connect connect;
  connect.clean_start = false;
  connect.keep_alive_s = 0xFFFF;
  connect.client_id = "client";
  connect.user_name = "user";
  connect.password = binary("\0pass"sv);
  connect.properties = {0xFFFFFFFF, 1, 1, 0xFFFF, 1, 0, "SCRAM", binary("data"), user};
  connect.will = Will{"will/topic",
                      binary("gone"),
                      QoS::exactly_once,
                      true,
                      {5, 1, 60, "text/plain", "answer/here", binary("\x01\x02"), user}};
  Connack connack;
  connack.session_present = true;
  connack.properties = {60,          65'535,       1,       0,           0xFFFFFFFF, "assigned",
                        10,          "hello",      0,       1,           0,          30,
                        "response/", "other:1883", "SCRAM", binary("x"), user};
  Publish publish;
  publish.topic = "a/b";
  publish.payload = binary("payload");
  publish.qos = QoS::exactly_once;
  publish.retain = true;
  publish.dup = true;
  publish.packet_id = 0x1234;
  publish.properties = {1, 30, 7, "answer", binary("id"), {}, "text/plain", user};
  Publish delivered = publish;
  delivered.properties.subscription_identifiers = {1, 128, 268'435'455};
  Publish aliased;
  aliased.properties.topic_alias = 1;
  aliased.payload = binary("x");
  Subscribe subscribe{9, {}, {268'435'455, user}};
  subscribe.subscriptions = {
      {"a/+/#", QoS::at_least_once, true, true, RetainHandling::do_not_send},
      {"$share/group/#", QoS::exactly_once, false, false, RetainHandling::send_if_new}};
  using enum ReasonCode;
  using enum Sender;
  return {
      {client, connect},
      {server, connack},
      {server, Connack{false, server_moved, {}}},
      {client, publish},
      {server, delivered},
      {client, aliased},
      {client, Puback{1, no_matching_subscribers, ack}},
      {server, Puback{0xFFFF, quota_exceeded, {}}},
      {client, Pubrec{2, payload_format_invalid, ack}},
      {client, Pubrel{3, packet_identifier_not_found, ack}},
      {client, Pubcomp{4, packet_identifier_not_found, ack}},
      {client, subscribe},
      {server, Suback{9, {success, granted_qos_1, granted_qos_2, not_authorized}, ack}},
      {client, Unsubscribe{10, {"a/+/#", "$share/group/#"}, {user}}},
      {server, Unsuback{10, {success, no_subscription_existed}, ack}},
      {client, Disconnect{disconnect_with_will_message, {120, "tired", std::nullopt, user}}},
      {server, Disconnect{use_another_server, {std::nullopt, "full", "other", user}}},
      {server, Auth{continue_authentication, {"SCRAM", binary("challenge"), "go on", user}}},
      {client, Auth{re_authenticate, {"SCRAM", std::nullopt, std::nullopt, {}}}},
  };
}

/// Every packet with as little in it as it may have, sayable in every version (AUTH apart).
inline std::vector<Specimen> plain_specimens() {
  using enum Sender;
  Connect connect;
  connect.client_id = "c";
  Publish publish;
  publish.topic = "t";
  Publish sure = publish;
  sure.qos = QoS::at_least_once;
  sure.packet_id = 1;
  sure.payload = binary("0123456789");
  return {
      {client, connect},
      {server, Connack{}},
      {server, Connack{true, ReasonCode::success, {}}},
      {server, Connack{false, ReasonCode::not_authorized, {}}},
      {client, publish},
      {server, sure},
      {client, Puback{1, {}, {}}},
      {client, Pubrec{1, {}, {}}},
      {server, Pubrel{1, {}, {}}},
      {server, Pubcomp{1, {}, {}}},
      {client, Subscribe{1, {{"#", QoS::exactly_once}}, {}}},
      {server, Suback{1, {ReasonCode::granted_qos_2, ReasonCode::unspecified_error}, {}}},
      {client, Unsubscribe{1, {"#"}, {}}},
      {client, Pingreq{}},
      {server, Pingresp{}},
      {client, Disconnect{}},
  };
}

}  // namespace starling::mqtt::testing
