// PUBLISH and its four acknowledgements: what is refused, and what is understood.
#include <boost/test/unit_test.hpp>

#include "starling/limits.hpp"

#include "src/mqtt/body_reader.hpp"
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

/// A PUBLISH of QoS 0 to "t" with these properties.
Refusal refusal_of_properties(std::string_view properties, ReadContext context = v5_client) {
  const Bytes section = bytes_of(properties);
  Bytes body = bytes_of("0001 74");
  body.push_back(static_cast<std::uint8_t>(section.size()));
  append(body, section);
  return refusal_of(packet_of(0x30, body), context);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mqtt_read_publish)

BOOST_AUTO_TEST_CASE(a_publish_is_understood_in_place,
                     *label("MQTT-3.3.2-1") * label("MQTT5-3.3.2-1")) {
  const Bytes bytes = bytes_of("3B 0A 0003 612F62 0102 706179");
  const auto read = read_publish(frame_of(bytes), v3_client);
  BOOST_REQUIRE(read.ok());
  BOOST_TEST(read->topic == "a/b");
  BOOST_TEST((read->qos == QoS::at_least_once));
  BOOST_TEST(read->retain);
  BOOST_TEST(read->dup);
  BOOST_TEST(read->packet_id == 0x0102);
  BOOST_TEST(as_text(read->payload) == "pay");
  BOOST_TEST(read->payload.data() == bytes.data() + bytes.size() - 3);
}

BOOST_AUTO_TEST_CASE(a_payload_may_be_empty) {
  BOOST_TEST(refusal_of("30 03 0001 74", v3_client).is_none());
  BOOST_TEST(refusal_of("30 04 0001 74 00", v5_client).is_none());
}

BOOST_AUTO_TEST_CASE(qos_three_does_not_exist, *label("MQTT-3.3.1-4") * label("MQTT5-3.3.1-4")) {
  BOOST_TEST(refusal_of("36 05 0001 74 0001", v3_client).is(malformed_packet, "MQTT-3.3.1-4"));
  BOOST_TEST(refusal_of("36 06 0001 74 0001 00", v5_client).is(malformed_packet, "MQTT5-3.3.1-4"));
}

BOOST_AUTO_TEST_CASE(qos_zero_is_never_a_repetition,
                     *label("MQTT-3.3.1-2") * label("MQTT5-3.3.1-2")) {
  BOOST_TEST(refusal_of("38 03 0001 74", v3_client).is(malformed_packet, "MQTT-3.3.1-2"));
  BOOST_TEST(refusal_of("38 04 0001 74 00", v5_client).is(malformed_packet, "MQTT5-3.3.1-2"));
  BOOST_TEST(refusal_of("3A 05 0001 74 0001", v3_client).is_none());
}

BOOST_AUTO_TEST_CASE(a_topic_name_has_no_wildcard, *label("MQTT-3.3.2-2") * label("MQTT5-3.3.2-2")
                                                       * label("MQTT-4.7.1-1")
                                                       * label("MQTT5-4.7.0-1")) {
  for (const char* topic : {"2B", "23", "612F23", "612B62"}) {
    Bytes body{0, static_cast<std::uint8_t>(bytes_of(topic).size())};
    append(body, bytes_of(topic));
    BOOST_TEST(refusal_of(packet_of(0x30, body), v3_client).is(protocol_error, "MQTT-3.3.2-2"));
  }
}

BOOST_AUTO_TEST_CASE(a_topic_name_is_text, *label("MQTT-3.3.2-1") * label("MQTT5-3.3.2-1")
                                               * label("MQTT-4.7.3-2") * label("MQTT5-4.7.3-2")) {
  for (const char* topic : {"0001 00", "0002 C080", "0003 EDA080", "0001 80", "0002 61FF"})
    BOOST_TEST(refusal_of(packet_of(0x30, bytes_of(topic)), v3_client)
                   .is(malformed_packet, "MQTT-3.3.2-1"),
               topic);
}

BOOST_AUTO_TEST_CASE(a_topic_name_is_not_empty, *label("MQTT-4.7.3-1") * label("MQTT5-4.7.3-1")) {
  BOOST_TEST(refusal_of("30 02 0000", v3_client).is(malformed_packet, "MQTT-4.7.3-1"));
  BOOST_TEST(refusal_of("30 03 0000 00", v5_client).is(protocol_error, "3.3.2.1"));
  BOOST_TEST(refusal_of("30 06 0000 03 230001", v5_client).is_none());
}

BOOST_AUTO_TEST_CASE(above_qos_zero_there_is_a_packet_id_and_it_is_not_zero,
                     *label("MQTT-2.3.1-1") * label("MQTT5-2.2.1-3")) {
  BOOST_TEST(refusal_of("32 05 0001 74 0000", v3_client).is(protocol_error, "MQTT-2.3.1-1"));
  BOOST_TEST(refusal_of("34 06 0001 74 0000 00", v5_client).is(protocol_error, "MQTT5-2.2.1-3"));
  BOOST_TEST(refusal_of("32 03 0001 74", v3_client).is(malformed_packet, "packet id is cut"));
}

BOOST_AUTO_TEST_CASE(at_qos_zero_there_is_no_packet_id,
                     *label("MQTT-2.3.1-5") * label("MQTT5-2.2.1-2")) {
  const Bytes bytes = bytes_of("30 05 0001 74 0001");
  const auto read = read_publish(frame_of(bytes), v3_client);
  BOOST_REQUIRE(read.ok());
  BOOST_TEST(read->packet_id == 0);
  BOOST_TEST(read->payload.size() == 2U);  // what stands there is payload
}

BOOST_AUTO_TEST_CASE(topic_alias_zero_is_refused, *label("MQTT5-3.3.2-8")) {
  BOOST_TEST(refusal_of_properties("23 0001").is_none());
  BOOST_TEST(refusal_of_properties("23 0000").is(topic_alias_invalid, "topic alias"));
}

BOOST_AUTO_TEST_CASE(a_response_topic_is_a_topic_name,
                     *label("MQTT5-3.3.2-13") * label("MQTT5-3.3.2-14")) {
  BOOST_TEST(refusal_of_properties("08 0001 72").is_none());
  BOOST_TEST(refusal_of_properties("08 0001 23").is(protocol_error, "response topic"));
  BOOST_TEST(refusal_of_properties("08 0003 722F2B").is(protocol_error, "response topic"));
  BOOST_TEST(refusal_of_properties("08 0001 FF").is(malformed_packet, "response topic"));
  BOOST_TEST(refusal_of_properties("08 0000").is(malformed_packet, "response topic"));
}

BOOST_AUTO_TEST_CASE(a_content_type_is_text, *label("MQTT5-3.3.2-19")) {
  BOOST_TEST(refusal_of_properties("03 0001 78").is_none());
  BOOST_TEST(refusal_of_properties("03 0001 80").is(malformed_packet, "content type"));
}

BOOST_AUTO_TEST_CASE(clients_send_no_subscription_identifiers, *label("MQTT5-3.3.4-6")) {
  BOOST_TEST(refusal_of_properties("0B 01", v5_server).is_none());
  BOOST_TEST(refusal_of_properties("0B 01 0B 02", v5_server).is_none());
  BOOST_TEST(refusal_of_properties("0B 01", v5_client).is(protocol_error, "MQTT5-3.3.4-6"));
}

BOOST_AUTO_TEST_CASE(more_user_properties_than_anyone_needs_are_refused) {
  const auto with = [](std::size_t count) {
    Publish packet;
    packet.topic = "t";
    packet.properties.user_properties.resize(count, {"n", "v"});
    return refusal_of(ByteView(encode(packet, ProtocolVersion::v5)), v5_client);
  };
  BOOST_TEST(with(limits::user_properties_max).is_none());
  BOOST_TEST(with(limits::user_properties_max + 1).is(quota_exceeded, "user property"));
}

BOOST_AUTO_TEST_CASE(acknowledgements_have_the_flags_of_their_kind,
                     *label("MQTT-3.6.1-1") * label("MQTT5-3.6.1-1") * label("MQTT-2.2.2-1")
                         * label("MQTT-2.2.2-2") * label("MQTT5-2.1.3-1")) {
  for (const ReadContext context : {v3_client, v5_client})
    for (unsigned type = 4; type <= 7; ++type)
      for (unsigned flags = 0; flags < 16; ++flags) {
        const auto first = static_cast<std::uint8_t>(type << 4U | flags);
        const Refusal refusal = refusal_of(packet_of(first, bytes_of("0001")), context);
        if (flags == (type == 6 ? 2U : 0U))
          BOOST_TEST(refusal.is_none());
        else
          BOOST_TEST(refusal.is(malformed_packet, "MQTT5-2.1.3-1"), type << " " << flags);
      }
}

BOOST_AUTO_TEST_CASE(version_3_1_marks_repetitions_of_pubrel_subscribe_and_unsubscribe) {
  const ReadContext v3_1{ProtocolVersion::v3_1, Sender::client};
  BOOST_TEST(refusal_of("6A 02 0001", v3_1).is_none());
  BOOST_TEST(refusal_of("8A 06 0001 0001 61 00", v3_1).is_none());
  BOOST_TEST(refusal_of("AA 05 0001 0001 61", v3_1).is_none());
  BOOST_TEST(!refusal_of("68 02 0001", v3_1).is_none());
  BOOST_TEST(!refusal_of("48 02 0001", v3_1).is_none());
  BOOST_TEST(!refusal_of("6A 02 0001", v3_client).is_none());
}

BOOST_AUTO_TEST_CASE(an_acknowledgement_names_a_packet) {
  for (const char* first : {"40", "50", "62", "70"}) {
    BOOST_TEST(refusal_of(std::string(first) + "02 0000", v3_client).is(protocol_error, "is 0"));
    BOOST_TEST(refusal_of(std::string(first) + "01 00", v5_client).is(malformed_packet, "cut"));
    BOOST_TEST(
        refusal_of(std::string(first) + "03 0001 00", v3_client).is(malformed_packet, "behind"));
  }
}

BOOST_AUTO_TEST_CASE(reason_and_properties_may_go_without_saying) {
  for (const char* hex : {"40 02 0001", "40 03 0001 00", "40 04 0001 00 00"}) {
    const Bytes bytes = bytes_of(hex);
    const auto read = decode(bytes, v5_client);
    BOOST_REQUIRE(read.ok());
    BOOST_TEST((*read == Packet{Puback{1, success, {}}}), hex);
  }
}

BOOST_AUTO_TEST_CASE(an_acknowledgement_gives_a_reason_of_its_list,
                     *label("MQTT5-3.4.2-1") * label("MQTT5-3.5.2-1") * label("MQTT5-3.6.2-1")
                         * label("MQTT5-3.7.2-1")) {
  const std::string answers = "00 10 80 83 87 90 91 97 99 ";
  const std::string releases = "00 92 ";
  for (const auto& [first, list] :
       {std::pair{0x40, answers}, {0x50, answers}, {0x62, releases}, {0x70, releases}})
    for (unsigned reason = 0; reason < 256; ++reason) {
      const Bytes code{static_cast<std::uint8_t>(reason)};
      Bytes body = bytes_of("0001");
      append(body, code);
      const bool expected = list.find(to_hex(code) + " ") != std::string::npos;
      const Refusal refusal =
          refusal_of(packet_of(static_cast<std::uint8_t>(first), body), v5_client);
      BOOST_TEST((expected ? refusal.is_none() : refusal.is(protocol_error, "MQTT5-3.4.2-1")),
                 first << " " << reason);
    }
}

/// Names are looked at eight bytes at a time: wherever it stands, a wrong byte is found.
BOOST_AUTO_TEST_CASE(a_wrong_byte_in_a_topic_name_is_found_anywhere,
                     *label("MQTT-1.5.3-1") * label("MQTT-1.5.3-2") * label("MQTT-3.3.2-2")) {
  for (std::size_t size = 1; size <= 26; ++size) {
    const std::string good(size, '~');
    BOOST_TEST(is_topic_name(good));
    for (std::size_t at = 0; at < size; ++at) {
      for (const char wrong : {'\0', '+', '#', '\x80', '\xFF'}) {
        std::string name = good;
        name[at] = wrong;
        BOOST_TEST(!is_topic_name(name), size << " " << at << " " << int{wrong});
      }
      if (at + 1 == size) continue;
      std::string accented = good;
      accented.replace(at, 2, "\xC3\xA9");
      BOOST_TEST(is_topic_name(accented));
    }
  }
  BOOST_TEST(!is_topic_name(""));
}

BOOST_AUTO_TEST_SUITE_END()
