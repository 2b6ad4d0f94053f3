// CONNECT: what is refused, and in whose words.
#include <boost/test/unit_test.hpp>

#include "tests/unit/mqtt/refusals.hpp"

using namespace starling;
using namespace starling::mqtt;
using namespace starling::mqtt::testing;
using boost::unit_test::label;
using enum ReasonCode;

namespace {

const ReadContext from_client{ProtocolVersion::v5, Sender::client};

/// A CONNECT of `version` with these flags and this payload, without properties.
Bytes connect(ProtocolVersion version, std::uint8_t flags, std::string_view payload) {
  Bytes body =
      version == ProtocolVersion::v3_1 ? bytes_of("0006 4D5149736470") : bytes_of("0004 4D515454");
  body.push_back(static_cast<std::uint8_t>(version));
  body.push_back(flags);
  append(body, bytes_of("003C"));
  if (version == ProtocolVersion::v5) body.push_back(0);
  append(body, bytes_of(payload));
  return packet_of(0x10, body);
}

Refusal refusal(ProtocolVersion version, std::uint8_t flags, std::string_view payload) {
  return refusal_of(connect(version, flags, payload), from_client);
}

Refusal refusal_of_properties(std::string_view properties) {
  Bytes body = bytes_of("0004 4D515454 05 02 003C");
  const Bytes section = bytes_of(properties);
  body.push_back(static_cast<std::uint8_t>(section.size()));
  append(body, section);
  append(body, bytes_of("0001 63"));
  return refusal_of(packet_of(0x10, body), from_client);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mqtt_read_connect)

BOOST_AUTO_TEST_CASE(a_protocol_or_level_we_do_not_speak_is_unsupported,
                     *label("MQTT-3.1.2-1") * label("MQTT-3.1.2-2") * label("MQTT5-3.1.2-1")
                         * label("MQTT5-3.1.2-2")) {
  const auto start = [](std::string_view name_and_level) {
    Bytes body = bytes_of(name_and_level);
    append(body, bytes_of("02 003C 00 0001 63"));
    return refusal_of(packet_of(0x10, body), from_client);
  };
  BOOST_TEST(start("0004 4D515454 05").is_none());
  BOOST_TEST(start("0004 4D515454 06").is(unsupported_protocol_version, "MQTT5-3.1.2-2"));
  BOOST_TEST(start("0004 4D515454 03").is(unsupported_protocol_version, "MQTT-3.1.2-2"));
  BOOST_TEST(start("0004 4D515454 84").is(unsupported_protocol_version, "MQTT-3.1.2-2"));
  BOOST_TEST(start("0006 4D5149736470 04").is(unsupported_protocol_version, "MQTT-3.1.2-1"));
  BOOST_TEST(start("0004 6D717474 04").is(unsupported_protocol_version, "MQTT-3.1.2-1"));
  BOOST_TEST(start("0000 04").is(unsupported_protocol_version, "MQTT-3.1.2-1"));
}

BOOST_AUTO_TEST_CASE(a_refusal_is_said_in_the_version_that_was_asked_for,
                     *label("MQTT-3.1.2-2") * label("MQTT-3.1.4-1")) {
  const auto version = [](std::string_view hex) {
    const Bytes body = bytes_of(hex);
    return version_for_refusal({0x10, body});
  };
  BOOST_TEST((version("0004 4D515454 05") == ProtocolVersion::v5));
  BOOST_TEST((version("0004 4D515454 06") == ProtocolVersion::v5));
  // Levels to come are answered as their senders laid their fields out, with properties or without.
  BOOST_TEST((version("0004 4D515454 63 02 003C 00 0001 63") == ProtocolVersion::v5));
  BOOST_TEST((version("0004 4D515454 63 02 003C 00 0000") == ProtocolVersion::v5));
  BOOST_TEST((version("0004 4D515454 63 02 003C 0001 63") == ProtocolVersion::v3_1_1));
  BOOST_TEST((version("0004 4D515454 63 02 003C 0000") == ProtocolVersion::v3_1_1));
  BOOST_TEST((version("0004 4D515454 63 C6 003C 0001 63 0001 77 0000 0001 75 0001 70")
              == ProtocolVersion::v3_1_1));
  BOOST_TEST((version("0004 4D515454 05 02 003C 0001 63") == ProtocolVersion::v5));
  BOOST_TEST((version("0004 4D515454 04") == ProtocolVersion::v3_1_1));
  BOOST_TEST((version("0004 4D515454 00") == ProtocolVersion::v3_1_1));
  BOOST_TEST((version("0004 4D515454 84") == ProtocolVersion::v3_1_1));  // a Mosquitto bridge asks
  BOOST_TEST((version("0004 4D515454 85") == ProtocolVersion::v5));
  BOOST_TEST((version("0006 4D5149736470 03") == ProtocolVersion::v3_1_1));
  BOOST_TEST(!version("0004 48545450 05"));
  BOOST_TEST(!version("0004 4D5154"));
  BOOST_TEST(!version(""));
  const Bytes publish = bytes_of("0004 4D515454 05");
  BOOST_TEST(!version_for_refusal({0x30, publish}));
}

BOOST_AUTO_TEST_CASE(the_reserved_connect_flag_is_zero,
                     *label("MQTT-3.1.2-3") * label("MQTT5-3.1.2-3")) {
  for (const ProtocolVersion version : all_versions) {
    BOOST_TEST(refusal(version, 0x02, "0001 63").is_none());
    BOOST_TEST(refusal(version, 0x03, "0001 63").is(malformed_packet, "MQTT5-3.1.2-3"));
  }
}

BOOST_AUTO_TEST_CASE(without_a_will_there_is_no_will_qos_and_no_will_retain,
                     *label("MQTT-3.1.2-11") * label("MQTT-3.1.2-13") * label("MQTT-3.1.2-15")
                         * label("MQTT5-3.1.2-11") * label("MQTT5-3.1.2-13")) {
  for (const ProtocolVersion version : all_versions) {
    BOOST_TEST(refusal(version, 0x0A, "0001 63").is(malformed_packet, "MQTT-3.1.2-13"));
    BOOST_TEST(refusal(version, 0x12, "0001 63").is(malformed_packet, "MQTT5-3.1.2-11"));
    BOOST_TEST(refusal(version, 0x22, "0001 63").is(malformed_packet, "MQTT-3.1.2-15"));
    BOOST_TEST(!refusal(version, 0x02, "0001 63 0001 77 0001 70").is_none());
  }
}

BOOST_AUTO_TEST_CASE(will_qos_three_does_not_exist,
                     *label("MQTT-3.1.2-14") * label("MQTT5-3.1.2-12")) {
  for (const ProtocolVersion version : all_versions) {
    const std::string_view will =
        version == ProtocolVersion::v5 ? "0001 63 00 0001 77 0001 70" : "0001 63 0001 77 0001 70";
    BOOST_TEST(refusal(version, 0x16, will).is_none());
    BOOST_TEST(refusal(version, 0x1E, will).is(malformed_packet, "MQTT5-3.1.2-12"));
  }
}

BOOST_AUTO_TEST_CASE(an_announced_will_is_there, *label("MQTT-3.1.2-9") * label("MQTT5-3.1.2-9")) {
  for (const ProtocolVersion version : all_versions) {
    BOOST_TEST(refusal(version, 0x06, "0001 63").is(malformed_packet, "cut short"));
    BOOST_TEST(!refusal(version, 0x06, "0001 63 0001 77").is_none());
  }
}

BOOST_AUTO_TEST_CASE(the_will_topic_is_a_topic_name,
                     *label("MQTT-3.1.3-10") * label("MQTT5-3.1.3-11") * label("MQTT-4.7.1-1")
                         * label("MQTT5-4.7.0-1") * label("MQTT-4.7.3-1")
                         * label("MQTT5-4.7.3-1")) {
  using enum ProtocolVersion;
  BOOST_TEST(refusal(v3_1_1, 0x06, "0001 63 0001 23 0000").is(protocol_error, "MQTT-4.7.1-1"));
  BOOST_TEST(refusal(v3_1_1, 0x06, "0001 63 0001 2B 0000").is(protocol_error, "MQTT-4.7.1-1"));
  BOOST_TEST(refusal(v3_1_1, 0x06, "0001 63 0000 0000").is(malformed_packet, "MQTT-4.7.3-1"));
  BOOST_TEST(refusal(v3_1_1, 0x06, "0001 63 0001 FF 0000").is(malformed_packet, "MQTT-1.5.3-1"));
  BOOST_TEST(refusal(v3_1_1, 0x06, "0001 63 0001 00 0000").is(malformed_packet, "MQTT-1.5.3-2"));
  BOOST_TEST(refusal(v3_1_1, 0x06, "0001 63 0001 77 0000").is_none());
}

BOOST_AUTO_TEST_CASE(user_name_and_password_are_there_exactly_if_announced,
                     *label("MQTT-3.1.2-18") * label("MQTT-3.1.2-19") * label("MQTT-3.1.2-20")
                         * label("MQTT-3.1.2-21") * label("MQTT5-3.1.2-16")
                         * label("MQTT5-3.1.2-17") * label("MQTT5-3.1.2-18")
                         * label("MQTT5-3.1.2-19")) {
  using enum ProtocolVersion;
  for (const ProtocolVersion version : {v3_1_1, v5}) {
    BOOST_TEST(refusal(version, 0xC2, "0001 63 0001 75 0001 70").is_none());
    BOOST_TEST(refusal(version, 0xC2, "0001 63 0001 75").is(malformed_packet, "password is cut"));
    BOOST_TEST(refusal(version, 0x82, "0001 63").is(malformed_packet, "user name is cut"));
    BOOST_TEST(refusal(version, 0x82, "0001 63 0001 75 0001 70").is(malformed_packet, "behind"));
    BOOST_TEST(refusal(version, 0x02, "0001 63 0001 75").is(malformed_packet, "behind"));
  }
}

BOOST_AUTO_TEST_CASE(before_version_5_a_password_needs_a_user_name, *label("MQTT-3.1.2-22")) {
  using enum ProtocolVersion;
  BOOST_TEST(refusal(v3_1, 0x42, "0001 63 0001 70").is(malformed_packet, "MQTT-3.1.2-22"));
  BOOST_TEST(refusal(v3_1_1, 0x42, "0001 63 0001 70").is(malformed_packet, "MQTT-3.1.2-22"));
  BOOST_TEST(refusal(v5, 0x42, "0001 63 0001 70").is_none());
}

BOOST_AUTO_TEST_CASE(in_version_3_1_the_length_takes_precedence_over_the_flags) {
  const Bytes bytes = connect(ProtocolVersion::v3_1, 0xC2, "0001 63");
  const auto read = read_connect(frame_of(bytes), from_client);
  BOOST_REQUIRE(read.ok());
  BOOST_TEST(!read->user_name);
  BOOST_TEST(!read->password);
}

BOOST_AUTO_TEST_CASE(client_id_and_user_name_are_text,
                     *label("MQTT-3.1.3-4") * label("MQTT-3.1.3-11") * label("MQTT5-3.1.3-4")
                         * label("MQTT5-3.1.3-12") * label("MQTT-1.5.3-1") * label("MQTT-1.5.3-2")
                         * label("MQTT5-1.5.4-1") * label("MQTT5-1.5.4-2")) {
  for (const ProtocolVersion version : all_versions) {
    BOOST_TEST(refusal(version, 0x02, "0003 EDA080").is(malformed_packet, "MQTT5-1.5.4-1"));
    BOOST_TEST(refusal(version, 0x02, "0002 6100").is(malformed_packet, "MQTT5-1.5.4-2"));
    BOOST_TEST(refusal(version, 0x82, "0001 63 0002 C080").is(malformed_packet, "user name"));
  }
}

BOOST_AUTO_TEST_CASE(the_client_id_comes_first_and_is_always_there,
                     *label("MQTT-3.1.3-1") * label("MQTT-3.1.3-3") * label("MQTT5-3.1.3-1")
                         * label("MQTT5-3.1.3-3")) {
  for (const ProtocolVersion version : all_versions) {
    BOOST_TEST(refusal(version, 0x02, "").is(malformed_packet, "client id is cut"));
    BOOST_TEST(refusal(version, 0x02, "0000").is_none());
  }
  const Bytes bytes =
      connect(ProtocolVersion::v3_1_1, 0xC6, "0001 63 0001 77 0001 6D 0001 75 0001 70");
  const auto read = read_connect(frame_of(bytes), from_client);
  BOOST_REQUIRE(read.ok());
  BOOST_TEST(read->client_id == "c");
  BOOST_TEST(read->will->topic == "w");
  BOOST_TEST(as_text(read->will->payload) == "m");
  BOOST_TEST(*read->user_name == "u");
  BOOST_TEST(as_text(*read->password) == "p");
}

BOOST_AUTO_TEST_CASE(a_byte_order_mark_is_part_of_the_text,
                     *label("MQTT-1.5.3-3") * label("MQTT5-1.5.4-3")) {
  const Bytes bytes = connect(ProtocolVersion::v5, 0x02, "0004 EFBBBF63");
  const auto read = read_connect(frame_of(bytes), from_client);
  BOOST_REQUIRE(read.ok());
  BOOST_TEST(read->client_id == "\xEF\xBB\xBF" "c");
}

BOOST_AUTO_TEST_CASE(authentication_data_needs_a_method) {
  BOOST_TEST(refusal_of_properties("15 0001 61 16 0001 62").is_none());
  BOOST_TEST(refusal_of_properties("16 0001 62").is(protocol_error, "3.1.2.11.10"));
}

BOOST_AUTO_TEST_CASE(only_clients_send_connect) {
  const Bytes bytes = connect(ProtocolVersion::v5, 0x02, "0001 63");
  BOOST_TEST(refusal_of(bytes, {ProtocolVersion::v5, Sender::server}).is(protocol_error, "2.1.2"));
}

BOOST_AUTO_TEST_SUITE_END()
