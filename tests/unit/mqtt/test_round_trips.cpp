// Everything the codec can say, it reads back as it was.
#include <boost/test/unit_test.hpp>

#include "starling/limits.hpp"

#include "tests/support/mqtt_packets.hpp"

using namespace starling;
using namespace starling::mqtt;
using namespace starling::mqtt::testing;

namespace {

void check_round_trip(const Specimen& specimen, ProtocolVersion version) {
  const Bytes bytes = encode(specimen.packet, version);
  BOOST_TEST_CONTEXT(to_text(type_of(specimen.packet))
                     << " in " << int(version) << ": " << to_hex(bytes)) {
    BOOST_TEST(bytes.size() == encoded_size(specimen.packet, version));
    const auto read = decode(bytes, {version, specimen.sender});
    BOOST_REQUIRE_MESSAGE(read.ok(), (read.ok() ? std::string{} : read.error().what));
    BOOST_TEST((*read == specimen.packet));
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mqtt_round_trips)

BOOST_AUTO_TEST_CASE(every_packet_with_every_property_is_read_as_it_was_written) {
  std::vector<bool> seen(16);
  for (const Specimen& specimen : rich_specimens()) {
    check_round_trip(specimen, ProtocolVersion::v5);
    seen[static_cast<std::size_t>(type_of(specimen.packet))] = true;
  }
  for (const PacketType type : {PacketType::pingreq, PacketType::pingresp})
    seen[static_cast<std::size_t>(type)] = true;
  BOOST_TEST(std::count(seen.begin() + 1, seen.end(), true) == 15);
}

BOOST_AUTO_TEST_CASE(every_packet_is_read_as_it_was_written_in_every_version) {
  for (const ProtocolVersion version : all_versions)
    for (Specimen specimen : plain_specimens()) {
      if (auto* connect = std::get_if<Connect>(&specimen.packet)) connect->version = version;
      if (auto* connack = std::get_if<Connack>(&specimen.packet))
        if (version == ProtocolVersion::v3_1) connack->session_present = false;
      check_round_trip(specimen, version);
    }
}

BOOST_AUTO_TEST_CASE(every_combination_of_connect_fields_survives) {
  for (const ProtocolVersion version : all_versions)
    for (unsigned bits = 0; bits < 32; ++bits) {
      Connect packet;
      packet.version = version;
      packet.clean_start = (bits & 1U) != 0;
      packet.keep_alive_s = 60;
      if (bits & 2U) packet.user_name = "user";
      if (bits & 4U) packet.password = binary("secret");
      if (packet.password && !packet.user_name && version != ProtocolVersion::v5) continue;
      if (bits & 8U) {
        packet.will = Will{};
        packet.will->topic = "will";
        packet.will->retain = (bits & 16U) != 0;
        packet.will->qos = QoS::at_least_once;
      }
      check_round_trip({Sender::client, packet}, version);
    }
}

BOOST_AUTO_TEST_CASE(lengths_around_the_steps_of_the_remaining_length_survive) {
  for (const std::size_t length : {127U, 128U, 16'383U, 16'384U, 2'097'151U, 2'097'152U}) {
    const Bytes payload(length - 3, 0x61);  // a topic of one byte takes three
    Publish packet;
    packet.topic = "t";
    packet.payload = ByteView(payload);
    check_round_trip({Sender::client, packet}, ProtocolVersion::v3_1_1);
  }
}

BOOST_AUTO_TEST_CASE(properties_are_not_written_before_version_5) {
  for (Specimen specimen : rich_specimens()) {
    if (type_of(specimen.packet) == PacketType::auth) continue;
    if (std::get_if<Publish>(&specimen.packet) && std::get<Publish>(specimen.packet).topic.empty())
      continue;
    if (auto* connect = std::get_if<Connect>(&specimen.packet))
      connect->version = ProtocolVersion::v3_1_1;
    if (type_of(specimen.packet) == PacketType::disconnect) specimen.sender = Sender::client;
    const Bytes bytes = encode(specimen.packet, ProtocolVersion::v3_1_1);
    BOOST_TEST(bytes.size() == encoded_size(specimen.packet, ProtocolVersion::v3_1_1));
    const auto read = decode(bytes, {ProtocolVersion::v3_1_1, specimen.sender});
    BOOST_TEST(read.ok(), to_text(type_of(specimen.packet)));
  }
}

BOOST_AUTO_TEST_CASE(every_packet_cut_short_is_refused) {
  for (const Specimen& specimen : rich_specimens()) {
    const Bytes bytes = encode(specimen.packet, ProtocolVersion::v5);
    const Frame whole = frame_of(bytes);
    // The payload of PUBLISH and the lists of SUBACK and UNSUBACK end where the packet ends.
    if (whole.type() == PacketType::publish || whole.type() == PacketType::suback
        || whole.type() == PacketType::unsuback)
      continue;
    for (std::size_t size = 0; size < whole.body.size(); ++size) {
      const Frame cut{whole.first_byte, whole.body.first(size)};
      const auto read = read_packet(cut, {ProtocolVersion::v5, specimen.sender});
      // Where the standard lets the rest go without saying, a shorter packet means something else.
      const bool may_end = read.ok() && !(*read == specimen.packet);
      BOOST_TEST((!read.ok() || may_end), to_text(whole.type()) << " of " << size);
      if (whole.type() == PacketType::connect) BOOST_TEST(!read.ok(), "CONNECT of " << size);
    }
  }
}

BOOST_AUTO_TEST_CASE(bytes_behind_the_end_are_refused) {
  for (const ProtocolVersion version : all_versions)
    for (Specimen specimen : plain_specimens()) {
      const PacketType type = type_of(specimen.packet);
      if (auto* connect = std::get_if<Connect>(&specimen.packet)) connect->version = version;
      // The payload takes whatever comes; so do lists.
      if (type == PacketType::publish || type == PacketType::suback) continue;
      if (auto* connack = std::get_if<Connack>(&specimen.packet)) connack->session_present = false;
      const Bytes bytes = encode(specimen.packet, version);
      Bytes body(frame_of(bytes).body.begin(), frame_of(bytes).body.end());
      append(body, bytes_of("00 00 00"));
      const auto read = read_packet({bytes[0], body}, {version, specimen.sender});
      BOOST_TEST(!read.ok(), to_text(type) << " in " << int(version));
    }
}

BOOST_AUTO_TEST_SUITE_END()
