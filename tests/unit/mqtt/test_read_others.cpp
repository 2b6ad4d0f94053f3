// SUBSCRIBE, UNSUBSCRIBE and their answers, CONNACK, the pings, DISCONNECT and AUTH: what is
// refused.
#include <boost/test/unit_test.hpp>

#include "starling/limits.hpp"

#include "tests/unit/mqtt/refusals.hpp"

using namespace starling;
using namespace starling::mqtt;
using namespace starling::mqtt::testing;
using boost::unit_test::label;
using enum ReasonCode;

namespace {

const ReadContext v5_client{ProtocolVersion::v5, Sender::client};
const ReadContext v5_server{ProtocolVersion::v5, Sender::server};
const ReadContext v3_client{ProtocolVersion::v3_1_1, Sender::client};
const ReadContext v3_server{ProtocolVersion::v3_1_1, Sender::server};

/// A SUBSCRIBE of one filter.
Refusal subscribe(std::string_view filter, std::uint8_t options, ReadContext context = v5_client) {
  Bytes body = bytes_of("0001");
  if (context.version == ProtocolVersion::v5) body.push_back(0);
  append(body, Bytes{0, static_cast<std::uint8_t>(filter.size())});
  append(body, as_bytes(filter));
  body.push_back(options);
  return refusal_of(packet_of(0x82, body), context);
}

Refusal unsubscribe(std::string_view filter, ReadContext context = v3_client) {
  Bytes body = bytes_of("0001");
  if (context.version == ProtocolVersion::v5) body.push_back(0);
  append(body, Bytes{0, static_cast<std::uint8_t>(filter.size())});
  append(body, as_bytes(filter));
  return refusal_of(packet_of(0xA2, body), context);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mqtt_read_others)

BOOST_AUTO_TEST_CASE(subscribe_and_unsubscribe_have_their_flags,
                     *label("MQTT-3.8.1-1") * label("MQTT5-3.8.1-1") * label("MQTT-3.10.1-1")
                         * label("MQTT5-3.10.1-1")) {
  for (const ReadContext context : {v3_client, v5_client})
    for (unsigned flags = 0; flags < 16; ++flags) {
      const std::string v5 = context.version == ProtocolVersion::v5 ? "00" : "";
      const Bytes subscription = bytes_of("0001" + v5 + "0001 61 00");
      const Bytes filter = bytes_of("0001" + v5 + "0001 61");
      const auto first = [&](unsigned type) {
        return static_cast<std::uint8_t>(type << 4U | flags);
      };
      const auto of_subscribe = refusal_of(packet_of(first(8), subscription), context);
      const auto of_unsubscribe = refusal_of(packet_of(first(10), filter), context);
      BOOST_TEST((flags == 2 ? of_subscribe.is_none() : of_subscribe.reason == malformed_packet));
      BOOST_TEST(
          (flags == 2 ? of_unsubscribe.is_none() : of_unsubscribe.reason == malformed_packet));
    }
}

BOOST_AUTO_TEST_CASE(a_subscribe_has_a_filter, *label("MQTT-3.8.3-3") * label("MQTT5-3.8.3-2")) {
  BOOST_TEST(refusal_of("82 02 0001", v3_client).is(protocol_error, "MQTT-3.8.3-3"));
  BOOST_TEST(refusal_of("82 03 0001 00", v5_client).is(protocol_error, "MQTT5-3.8.3-2"));
  BOOST_TEST(refusal_of("82 05 0001 0001 61", v3_client).is(malformed_packet, "cut short"));
}

BOOST_AUTO_TEST_CASE(an_unsubscribe_has_a_filter,
                     *label("MQTT-3.10.3-2") * label("MQTT5-3.10.3-2")) {
  BOOST_TEST(refusal_of("A2 02 0001", v3_client).is(protocol_error, "MQTT-3.10.3-2"));
  BOOST_TEST(refusal_of("A2 03 0001 00", v5_client).is(protocol_error, "MQTT5-3.10.3-2"));
}

BOOST_AUTO_TEST_CASE(subscribe_and_unsubscribe_have_a_packet_id,
                     *label("MQTT-2.3.1-1") * label("MQTT5-2.2.1-3")) {
  BOOST_TEST(refusal_of("82 06 0000 0001 61 00", v3_client).is(malformed_packet, "MQTT-2.3.1-1"));
  BOOST_TEST(refusal_of("A2 05 0000 0001 61", v3_client).is(malformed_packet, "MQTT-2.3.1-1"));
}

BOOST_AUTO_TEST_CASE(filters_are_text_and_not_empty,
                     *label("MQTT-3.8.3-1") * label("MQTT5-3.8.3-1") * label("MQTT-3.10.3-1")
                         * label("MQTT5-3.10.3-1") * label("MQTT-4.7.3-1") * label("MQTT5-4.7.3-1")
                         * label("MQTT-4.7.3-2") * label("MQTT5-4.7.3-2")) {
  using namespace std::string_view_literals;
  for (const ReadContext context : {v3_client, v5_client})
    for (const auto filter : {""sv, "\xFF"sv, "a\0"sv, "\xED\xA0\x80"sv}) {
      BOOST_TEST((subscribe(filter, 0, context).reason == malformed_packet));
      BOOST_TEST((unsubscribe(filter, context).reason == malformed_packet));
    }
}

BOOST_AUTO_TEST_CASE(misplaced_wildcards_are_malformed,
                     *label("MQTT-4.7.1-2") * label("MQTT-4.7.1-3") * label("MQTT5-4.7.1-1")
                         * label("MQTT5-4.7.1-2")) {
  for (const ReadContext context : {v3_client, v5_client}) {
    for (const char* filter : {"a#", "#/a", "a+", "a/+b", "a/#/b"}) {
      BOOST_TEST((subscribe(filter, 0, context).reason == malformed_packet), filter);
      BOOST_TEST((unsubscribe(filter, context).reason == malformed_packet), filter);
    }
    for (const char* filter : {"#", "+", "a/#", "+/a/+", "/", "$SYS/#"}) {
      BOOST_TEST(subscribe(filter, 0, context).is_none(), filter);
      BOOST_TEST(unsubscribe(filter, context).is_none(), filter);
    }
  }
}

BOOST_AUTO_TEST_CASE(share_names_are_left_to_the_answer_for_each_filter,
                     *label("MQTT5-4.8.2-1") * label("MQTT5-4.8.2-2")) {
  for (const char* filter : {"$share/", "$share/g", "$share//a", "$share/g+/a", "$share/g/#/b"})
    BOOST_TEST(subscribe(filter, 0).is_none(), filter);
  BOOST_TEST(subscribe("$share/g/a/#", 0).is_none());
  BOOST_TEST(subscribe("$share/g", 0, v3_client).is_none());
}

BOOST_AUTO_TEST_CASE(a_shared_subscription_cannot_be_no_local, *label("MQTT5-3.8.3-4")) {
  BOOST_TEST(subscribe("$share/g/a", 0x04).is(protocol_error, "MQTT5-3.8.3-4"));
  BOOST_TEST(subscribe("a", 0x04).is_none());
}

BOOST_AUTO_TEST_CASE(subscription_options_stay_within_their_bits, *label("MQTT5-3.8.3-5")) {
  for (unsigned options = 0; options < 256; ++options) {
    const bool v3_ok = options <= 2;
    const bool v5_ok = options < 64 && (options & 3U) != 3 && options >> 4U != 3;
    const auto byte = static_cast<std::uint8_t>(options);
    BOOST_TEST(subscribe("a", byte, v3_client).is_none() == v3_ok, options);
    BOOST_TEST(subscribe("a", byte, v5_client).is_none() == v5_ok, options);
  }
  BOOST_TEST(subscribe("a", 0x40).is(malformed_packet, "MQTT5-3.8.3-5"));
  BOOST_TEST(subscribe("a", 0x80).is(malformed_packet, "MQTT5-3.8.3-5"));
  BOOST_TEST(subscribe("a", 0x03).is(protocol_error, "QoS"));
  BOOST_TEST(subscribe("a", 0x30).is(protocol_error, "retain handling"));
}

BOOST_AUTO_TEST_CASE(a_subscription_identifier_is_not_zero) {
  BOOST_TEST(refusal_of("82 09 0001 02 0B01 0001 61 00", v5_client).is_none());
  BOOST_TEST(refusal_of("82 09 0001 02 0B00 0001 61 00", v5_client)
                 .is(protocol_error, "subscription identifier"));
  BOOST_TEST(refusal_of("82 0B 0001 04 0B010B02 0001 61 00", v5_client)
                 .is(protocol_error, "more than once"));
}

BOOST_AUTO_TEST_CASE(more_filters_than_the_limit_are_refused) {
  Subscribe packet{1, {}, {}};
  packet.subscriptions.resize(limits::filters_per_packet_max, {"a"});
  const auto refusal = [&] {
    return refusal_of(ByteView(encode(packet, ProtocolVersion::v3_1_1)), v3_client);
  };
  BOOST_TEST(refusal().is_none());
  packet.subscriptions.push_back({"a"});
  BOOST_TEST(refusal().is(quota_exceeded, "too many"));

  Unsubscribe unsubscribing{1, {}, {}};
  unsubscribing.filters.resize(limits::filters_per_packet_max + 1, "a");
  BOOST_TEST(refusal_of(ByteView(encode(unsubscribing, ProtocolVersion::v3_1_1)), v3_client)
                 .is(quota_exceeded, "too many"));
}

BOOST_AUTO_TEST_CASE(a_suback_gives_a_reason_of_its_list,
                     *label("MQTT-3.9.3-2") * label("MQTT5-3.9.3-2")) {
  const std::string list = "00 01 02 80 83 87 8f 91 97 9e a1 a2 ";
  for (unsigned reason = 0; reason < 256; ++reason) {
    const Bytes code{static_cast<std::uint8_t>(reason)};
    const bool v5_ok = list.find(to_hex(code) + " ") != std::string::npos;
    const bool v3_ok = reason <= 2 || reason == 0x80;
    Bytes v3 = bytes_of("0001");
    Bytes v5 = bytes_of("0001 00");
    append(v3, code);
    append(v5, code);
    BOOST_TEST(refusal_of(packet_of(0x90, v3), v3_server).is_none() == v3_ok, reason);
    BOOST_TEST(refusal_of(packet_of(0x90, v5), v5_server).is_none() == v5_ok, reason);
  }
  BOOST_TEST(!refusal_of("90 02 0001", v3_server).is_none());
}

BOOST_AUTO_TEST_CASE(an_unsuback_gives_a_reason_of_its_list, *label("MQTT5-3.11.3-2")) {
  const std::string list = "00 11 80 83 87 8f 91 ";
  for (unsigned reason = 0; reason < 256; ++reason) {
    const Bytes code{static_cast<std::uint8_t>(reason)};
    Bytes body = bytes_of("0001 00");
    append(body, code);
    BOOST_TEST(refusal_of(packet_of(0xB0, body), v5_server).is_none()
                   == (list.find(to_hex(code) + " ") != std::string::npos),
               reason);
  }
  BOOST_TEST(refusal_of("B0 02 0001", v3_server).is_none());
  BOOST_TEST(!refusal_of("B0 03 0001 00", v3_server).is_none());
}

BOOST_AUTO_TEST_CASE(connack_flags_beyond_the_first_are_reserved, *label("MQTT5-3.2.2-1")) {
  for (unsigned flags = 0; flags < 256; ++flags) {
    const Bytes v3{static_cast<std::uint8_t>(flags), 0};
    const Bytes v5{static_cast<std::uint8_t>(flags), 0, 0};
    BOOST_TEST(refusal_of(packet_of(0x20, v3), v3_server).is_none() == (flags < 2));
    BOOST_TEST(refusal_of(packet_of(0x20, v5), v5_server).is_none() == (flags < 2));
    BOOST_TEST(refusal_of(packet_of(0x20, v3), {ProtocolVersion::v3_1, Sender::server}).is_none());
  }
}

BOOST_AUTO_TEST_CASE(a_refusing_connack_has_no_session,
                     *label("MQTT-3.2.2-4") * label("MQTT5-3.2.2-6")) {
  BOOST_TEST(refusal_of("20 02 01 05", v3_server).is(protocol_error, "MQTT-3.2.2-4"));
  BOOST_TEST(refusal_of("20 03 01 87 00", v5_server).is(protocol_error, "MQTT5-3.2.2-6"));
  BOOST_TEST(refusal_of("20 02 00 05", v3_server).is_none());
}

BOOST_AUTO_TEST_CASE(a_connack_gives_a_reason_of_its_list, *label("MQTT5-3.2.2-8")) {
  const std::string list = "00 80 81 82 83 84 85 86 87 88 89 8a 8c 90 95 97 99 9a 9b 9c 9d 9f ";
  for (unsigned reason = 0; reason < 256; ++reason) {
    const Bytes code{static_cast<std::uint8_t>(reason)};
    const Bytes v3{0, code[0]};
    const Bytes v5{0, code[0], 0};
    BOOST_TEST(refusal_of(packet_of(0x20, v3), v3_server).is_none() == (reason <= 5), reason);
    BOOST_TEST(refusal_of(packet_of(0x20, v5), v5_server).is_none()
                   == (list.find(to_hex(code) + " ") != std::string::npos),
               reason);
  }
}

BOOST_AUTO_TEST_CASE(pings_have_no_body_and_one_direction) {
  BOOST_TEST(refusal_of("C0 00", v3_client).is_none());
  BOOST_TEST(refusal_of("D0 00", v5_server).is_none());
  BOOST_TEST(refusal_of("C0 01 00", v3_client).is(malformed_packet, "behind"));
  BOOST_TEST(refusal_of("C1 00", v3_client).is(malformed_packet, "MQTT-2.2.2-2"));
  BOOST_TEST(refusal_of("C0 00", v5_server).is(protocol_error, "direction"));
  BOOST_TEST(refusal_of("D0 00", v5_client).is(protocol_error, "direction"));
}

BOOST_AUTO_TEST_CASE(disconnect_flags_are_reserved,
                     *label("MQTT-3.14.1-1") * label("MQTT5-3.14.1-1")) {
  for (const char* first : {"E1 00", "E2 00", "E4 00", "E8 00"}) {
    BOOST_TEST(refusal_of(first, v3_client).is(malformed_packet, "MQTT-2.2.2-2"));
    BOOST_TEST(refusal_of(first, v5_client).is(malformed_packet, "MQTT5-2.1.3-1"));
  }
}

BOOST_AUTO_TEST_CASE(a_disconnect_gives_a_reason_of_its_list, *label("MQTT5-3.14.2-1")) {
  const std::string client = "00 04 80 81 82 83 90 93 94 95 96 97 98 99 ";
  const std::string server =
      "00 80 81 82 83 87 89 8b 8c 8d 8e 8f 90 93 94 95 96 97 98 99 9a 9b 9c 9d 9e 9f a0 a1 a2 ";
  for (unsigned reason = 0; reason < 256; ++reason) {
    const Bytes code{static_cast<std::uint8_t>(reason)};
    const Bytes packet = packet_of(0xE0, code);
    const auto is_in = [&](const std::string& list) {
      return list.find(to_hex(code) + " ") != std::string::npos;
    };
    BOOST_TEST(refusal_of(packet, v5_client).is_none() == is_in(client), reason);
    BOOST_TEST(refusal_of(packet, v5_server).is_none() == is_in(server), reason);
    BOOST_TEST(refusal_of(packet, v3_client).is(malformed_packet, "behind"));
  }
}

BOOST_AUTO_TEST_CASE(a_server_sets_no_session_expiry_when_it_disconnects,
                     *label("MQTT5-3.14.2-2")) {
  BOOST_TEST(refusal_of("E0 07 00 05 1100000001", v5_client).is_none());
  BOOST_TEST(refusal_of("E0 07 00 05 1100000001", v5_server).is(protocol_error, "MQTT5-3.14.2-2"));
}

BOOST_AUTO_TEST_CASE(before_version_5_a_server_does_not_disconnect_with_a_packet) {
  BOOST_TEST(refusal_of("E0 00", v5_server).is_none());
  BOOST_TEST(refusal_of("E0 00", v3_server).is(protocol_error, "direction"));
}

BOOST_AUTO_TEST_CASE(auth_exists_in_version_5_only) {
  BOOST_TEST(refusal_of("F0 07 18 05 15 0002 6162", v5_client).is_none());
  BOOST_TEST(refusal_of("F0 07 18 05 15 0002 6162", v3_client).is(malformed_packet, "reserved"));
}

BOOST_AUTO_TEST_CASE(auth_flags_are_reserved, *label("MQTT5-3.15.1-1")) {
  BOOST_TEST(
      refusal_of("F1 07 18 05 15 0002 6162", v5_client).is(malformed_packet, "MQTT5-2.1.3-1"));
}

BOOST_AUTO_TEST_CASE(an_auth_gives_a_reason_of_its_list, *label("MQTT5-3.15.2-1")) {
  for (unsigned reason = 0; reason < 256; ++reason) {
    Bytes body{static_cast<std::uint8_t>(reason)};
    append(body, bytes_of("05 15 0002 6162"));
    const Bytes packet = packet_of(0xF0, body);
    BOOST_TEST(refusal_of(packet, v5_client).is_none() == (reason == 0x18 || reason == 0x19));
    BOOST_TEST(refusal_of(packet, v5_server).is_none() == (reason == 0x18 || reason == 0));
  }
  BOOST_TEST(refusal_of("F0 00", v5_server).is_none());
  BOOST_TEST(!refusal_of("F0 00", v5_client).is_none());
}

BOOST_AUTO_TEST_CASE(an_auth_names_its_method) {
  BOOST_TEST(refusal_of("F0 02 18 00", v5_client).is(protocol_error, "authentication method"));
  BOOST_TEST(
      refusal_of("F0 06 18 04 16 0001 61", v5_client).is(protocol_error, "authentication method"));
}

BOOST_AUTO_TEST_CASE(answers_come_from_servers_and_requests_from_clients) {
  for (const Specimen& specimen : plain_specimens()) {
    const PacketType type = type_of(specimen.packet);
    if (type >= PacketType::publish && type <= PacketType::pubcomp) continue;  // both ways
    if (type == PacketType::disconnect) continue;
    const Bytes bytes = encode(specimen.packet, ProtocolVersion::v5);
    const Sender other = specimen.sender == Sender::client ? Sender::server : Sender::client;
    BOOST_TEST(refusal_of(bytes, {ProtocolVersion::v5, other}).is(protocol_error, "direction"),
               to_text(type));
  }
}

BOOST_AUTO_TEST_SUITE_END()
