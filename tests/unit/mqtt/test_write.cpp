// What is written, byte by byte where it matters, and what is left out when it would not fit.
#include <boost/test/unit_test.hpp>

#include "starling/limits.hpp"

#include "src/mqtt/publish_image.hpp"
#include "tests/support/mqtt_packets.hpp"

using namespace starling;
using namespace starling::mqtt;
using namespace starling::mqtt::testing;
using boost::unit_test::label;
using enum ReasonCode;
using enum ProtocolVersion;

namespace {

std::string hex(const Packet& packet, ProtocolVersion version) {
  return to_hex(encode(packet, version));
}

Bytes everything_in(const OutputBuffer& buffer) {
  std::vector<ByteView> views(100);
  views.resize(buffer.gather(views));
  Bytes all;
  for (const ByteView view : views) append(all, view);
  return all;
}

SharedBytes payload_of(std::size_t size) {
  return SharedBytes(ByteView(Bytes(size, 0x78)));
}

/// What the plain writer makes of the same packet.
Bytes expected(Publish packet, const SharedBytes& payload, ProtocolVersion version, QoS qos,
               bool retain, bool dup, std::uint16_t packet_id) {
  packet.payload = payload.view();
  packet.qos = qos;
  packet.retain = retain;
  packet.dup = dup;
  packet.packet_id = packet_id;
  return encode(packet, version);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mqtt_write)

BOOST_AUTO_TEST_CASE(packets_are_written_in_their_shortest_form) {
  BOOST_TEST(hex(Puback{0x0102, {}, {}}, v3_1_1) == "40020102");
  BOOST_TEST(hex(Puback{0x0102, {}, {}}, v5) == "40020102");
  BOOST_TEST(hex(Pubrec{1, quota_exceeded, {}}, v5) == "5003000197");
  BOOST_TEST(hex(Pubrec{1, quota_exceeded, {}}, v3_1_1) == "50020001");
  BOOST_TEST(hex(Pubrel{1, {}, {}}, v5) == "62020001");
  BOOST_TEST(hex(Pubcomp{1, {}, {"no", {}}}, v5) == "70090001" "00051f00026e6f");
  BOOST_TEST(hex(Disconnect{}, v5) == "e000");
  BOOST_TEST(hex(Disconnect{session_taken_over, {}}, v5) == "e0018e");
  BOOST_TEST(hex(Disconnect{session_taken_over, {}}, v3_1_1) == "e000");
  BOOST_TEST(hex(Auth{}, v5) == "f000");
  BOOST_TEST(hex(Pingreq{}, v5) == "c000");
  BOOST_TEST(hex(Pingresp{}, v3_1) == "d000");
  BOOST_TEST(hex(Connack{true, success, {}}, v3_1_1) == "20020100");
  BOOST_TEST(hex(Connack{true, success, {}}, v3_1) == "20020000");
  BOOST_TEST(hex(Connack{}, v5) == "2003000000");
  Connack limits;
  limits.properties.receive_maximum = 20;
  limits.properties.topic_alias_maximum = 10;
  limits.properties.server_keep_alive_s = 60;
  BOOST_TEST(hex(limits, v5) == "200c000009" "22000a" "13003c" "210014");
  BOOST_TEST(hex(Publish{.topic = "t"}, v3_1_1) == "3003000174");
}

BOOST_AUTO_TEST_CASE(a_connect_is_written_for_the_version_it_names) {
  Connect packet;
  packet.client_id = "c";
  packet.keep_alive_s = 60;
  BOOST_TEST(hex(packet, v3_1_1) == "100e" "00044d51545405" "02" "003c" "00" "000163");
  packet.version = v3_1;
  BOOST_TEST(hex(packet, v5) == "100f" "00064d514973647003" "02" "003c" "000163");
}

BOOST_AUTO_TEST_CASE(refusals_before_version_5_use_return_codes, *label("MQTT-3.2.2-6")) {
  const auto refusal = [](ReasonCode reason) { return hex(Connack{false, reason, {}}, v3_1_1); };
  BOOST_TEST(refusal(unsupported_protocol_version) == "20020001");
  BOOST_TEST(refusal(client_identifier_not_valid) == "20020002");
  BOOST_TEST(refusal(server_busy) == "20020003");
  BOOST_TEST(refusal(bad_user_name_or_password) == "20020004");
  BOOST_TEST(refusal(banned) == "20020005");
  BOOST_TEST(refusal(malformed_packet).empty());
  BOOST_TEST(encoded_size(Connack{false, protocol_error, {}}, v3_1_1) == 0U);
}

BOOST_AUTO_TEST_CASE(before_version_5_there_is_one_way_to_refuse_a_subscription,
                     *label("MQTT-3.9.3-2")) {
  const Suback packet{1, {granted_qos_1, not_authorized, topic_filter_invalid}, {}};
  BOOST_TEST(hex(packet, v3_1_1) == "90050001" "018080");
  BOOST_TEST(hex(packet, v5) == "90060001" "00" "01878f");
  BOOST_TEST(hex(Unsuback{1, {no_subscription_existed}, {}}, v3_1_1) == "b0020001");
}

BOOST_AUTO_TEST_CASE(reasons_stand_in_the_order_given,
                     *label("MQTT-3.9.3-1") * label("MQTT5-3.9.3-1") * label("MQTT5-3.11.3-1")) {
  BOOST_TEST(hex(Suback{1, {granted_qos_2, success, granted_qos_1}, {}}, v3_1_1)
             == "90050001" "020001");
  BOOST_TEST(hex(Unsuback{1, {no_subscription_existed, success}, {}}, v5) == "b0050001" "00" "1100");
}

BOOST_AUTO_TEST_CASE(explanations_are_left_out_when_they_would_not_fit,
                     *label("MQTT5-3.1.2-24") * label("MQTT5-3.2.2-19") * label("MQTT5-3.2.2-20")
                         * label("MQTT5-3.4.2-2") * label("MQTT5-3.4.2-3") * label("MQTT5-3.5.2-2")
                         * label("MQTT5-3.5.2-3") * label("MQTT5-3.6.2-2") * label("MQTT5-3.6.2-3")
                         * label("MQTT5-3.7.2-2") * label("MQTT5-3.7.2-3") * label("MQTT5-3.9.2-1")
                         * label("MQTT5-3.9.2-2") * label("MQTT5-3.11.2-1")
                         * label("MQTT5-3.11.2-2") * label("MQTT5-3.14.2-3")
                         * label("MQTT5-3.14.2-4") * label("MQTT5-3.15.2-2")
                         * label("MQTT5-3.15.2-3")) {
  const UserProperties user{{"name", "value"}};
  const auto check = [&](auto packet) {
    packet.properties.user_properties = user;
    packet.properties.reason_string = "because";
    auto without_user = packet;
    without_user.properties.user_properties.clear();
    auto bare = without_user;
    bare.properties.reason_string.reset();
    const auto written = [&](std::size_t size_max) {
      Bytes out{0xAA};
      const bool fits = write_within(packet, v5, size_max, out);
      BOOST_TEST(fits == (out.size() > 1));
      BOOST_TEST(out.size() - 1 <= size_max);
      return Bytes(out.begin() + 1, out.end());
    };
    const Bytes all = encode(packet, v5);
    const Bytes some = encode(without_user, v5);
    const Bytes least = encode(bare, v5);
    BOOST_TEST((written(any_size) == all));
    BOOST_TEST((written(all.size()) == all));
    BOOST_TEST((written(all.size() - 1) == some));
    BOOST_TEST((written(some.size()) == some));
    BOOST_TEST((written(some.size() - 1) == least));
    BOOST_TEST((written(least.size()) == least));
    BOOST_TEST(written(least.size() - 1).empty());
  };
  check(Connack{});
  check(Puback{1, {}, {}});
  check(Pubrec{1, {}, {}});
  check(Pubrel{1, {}, {}});
  check(Pubcomp{1, {}, {}});
  check(Suback{1, {success}, {}});
  check(Unsuback{1, {success}, {}});
  check(Disconnect{server_shutting_down, {}});
  check(Auth{continue_authentication, {"SCRAM", {}, {}, {}}});
}

BOOST_AUTO_TEST_CASE(an_image_sent_to_each_subscriber_is_what_the_writer_would_write) {
  Publish packet;
  packet.topic = "a/topic";
  packet.properties.message_expiry_interval_s = 9;
  packet.properties.user_properties = {{"k", "v"}};
  PublishImage image;  // one for all: it is used again
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{64}, OutputBuffer::share_from - 1, OutputBuffer::share_from})
    for (const ProtocolVersion version : all_versions)
      for (const QoS encoded_as : {QoS::at_most_once, QoS::at_least_once, QoS::exactly_once}) {
        const SharedBytes payload = payload_of(size);
        packet.qos = encoded_as;
        image.encode(packet, payload, version);
        OutputBuffer out;
        out.append(as_bytes("before"));
        Bytes all(as_bytes("before").begin(), as_bytes("before").end());
        const auto send = [&](QoS qos, bool retain, bool dup, std::uint16_t packet_id) {
          image.append_to(out, qos, retain, dup, packet_id);
          append(all, expected(packet, payload, version, qos, retain, dup, packet_id));
        };
        if (encoded_as == QoS::at_most_once) {
          send(QoS::at_most_once, false, false, 0);
          send(QoS::at_most_once, true, false, 0);
        } else {
          send(QoS::at_least_once, false, false, 1);
          send(QoS::exactly_once, true, true, 0xFFFF);
          send(QoS::exactly_once, false, false, 0x0100);
        }
        BOOST_TEST(image.size()
                   == encoded_size(Publish{.topic = packet.topic,
                                           .payload = payload.view(),
                                           .qos = encoded_as,
                                           .packet_id = 1,
                                           .properties = packet.properties},
                                   version));
        BOOST_TEST((everything_in(out) == all), "payload of " << size);
      }
}

BOOST_AUTO_TEST_CASE(large_payloads_are_shared_and_small_ones_are_not) {
  for (const bool large : {false, true}) {
    const SharedBytes payload = payload_of(OutputBuffer::share_from - (large ? 0 : 1));
    PublishImage image;
    image.encode(Publish{.topic = "t"}, payload, v3_1_1);
    OutputBuffer out;
    image.append_to(out, QoS::at_most_once, false, false, 0);
    std::vector<ByteView> views(4);
    const std::size_t count = out.gather(views);
    BOOST_TEST(count == (large ? 2U : 1U));
    BOOST_TEST((views[count - 1].data() == payload.data()) == large);
  }
}

BOOST_AUTO_TEST_CASE(an_image_above_the_largest_packet_is_measured_only) {
  // Its bytes are never looked at, so they need not be there.
  const SharedBytes payload = payload_of(limits::packet_size_max - 5);
  PublishImage image;
  image.encode(Publish{.topic = "t"}, payload, v5);
  BOOST_TEST(image.size() > limits::packet_size_max);
}

BOOST_AUTO_TEST_CASE(a_head_says_where_its_packet_id_is) {
  Publish packet;
  packet.topic = "abc";
  packet.qos = QoS::at_least_once;
  packet.packet_id = 0x1234;
  const Bytes payload(200, 0);
  packet.payload = ByteView(payload);
  Bytes out{0xAA};
  const PublishHead head = write_publish_head(packet, v5, out);
  BOOST_TEST(to_hex(out) == "aa" "32d001" "0003616263" "1234" "00");
  BOOST_TEST(head.size == out.size() - 1);
  BOOST_TEST(out[1 + head.packet_id_at] == 0x12);
  packet.qos = QoS::at_most_once;
  BOOST_TEST(write_publish_head(packet, v5, out).packet_id_at == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
