// Properties (2.2.2): which packet takes which, how often, and with which values.
#include <boost/test/unit_test.hpp>
#include <map>
#include <set>

#include "src/mqtt/property_table.hpp"
#include "tests/unit/mqtt/refusals.hpp"

using namespace starling;
using namespace starling::mqtt;
using namespace starling::mqtt::testing;
using boost::unit_test::label;
using enum ReasonCode;

namespace {

/// A place for properties: what stands before and behind them in the smallest packet that has them.
struct Place {
  const char* name;
  Sender sender;
  std::uint8_t first_byte;
  const char* before;
  const char* behind;
};

const Place places[] = {
    {"CONNECT", Sender::client, 0x10, "0004 4D515454 05 02 0000", "0000"},
    {"will", Sender::client, 0x10, "0004 4D515454 05 06 0000 00 0000", "0001 77 0000"},
    {"CONNACK", Sender::server, 0x20, "00 00", ""},
    {"PUBLISH", Sender::server, 0x30, "0001 74", ""},
    {"PUBACK", Sender::client, 0x40, "0001 00", ""},
    {"PUBREC", Sender::client, 0x50, "0001 00", ""},
    {"PUBREL", Sender::client, 0x62, "0001 00", ""},
    {"PUBCOMP", Sender::client, 0x70, "0001 00", ""},
    {"SUBSCRIBE", Sender::client, 0x82, "0001", "0001 61 00"},
    {"SUBACK", Sender::server, 0x90, "0001", "00"},
    {"UNSUBSCRIBE", Sender::client, 0xA2, "0001", "0001 61"},
    {"UNSUBACK", Sender::server, 0xB0, "0001", "00"},
    {"DISCONNECT", Sender::client, 0xE0, "00", ""},
    {"AUTH", Sender::server, 0xF0, "18", ""},
};

/// Table 2-4 of the standard, typed from it and not from our own tables: id, a right value,
/// packets.
struct Row {
  unsigned id;
  const char* value;
  std::set<std::string> packets;
};

const std::set<std::string> with_reason{"CONNACK", "PUBACK",   "PUBREC",     "PUBREL", "PUBCOMP",
                                        "SUBACK",  "UNSUBACK", "DISCONNECT", "AUTH"};
const Row rows[] = {
    {1, "01", {"PUBLISH", "will"}},
    {2, "00000001", {"PUBLISH", "will"}},
    {3, "0001 61", {"PUBLISH", "will"}},
    {8, "0001 61", {"PUBLISH", "will"}},
    {9, "0001 00", {"PUBLISH", "will"}},
    {11, "8001", {"PUBLISH", "SUBSCRIBE"}},
    {17, "FFFFFFFF", {"CONNECT", "CONNACK", "DISCONNECT"}},
    {18, "0001 61", {"CONNACK"}},
    {19, "0000", {"CONNACK"}},
    {21, "0001 61", {"CONNECT", "CONNACK", "AUTH"}},
    {22, "0001 00", {"CONNECT", "CONNACK", "AUTH"}},
    {23, "00", {"CONNECT"}},
    {24, "00000000", {"will"}},
    {25, "01", {"CONNECT"}},
    {26, "0001 61", {"CONNACK"}},
    {28, "0001 61", {"CONNACK", "DISCONNECT"}},
    {31, "0001 61", with_reason},
    {33, "0001", {"CONNECT", "CONNACK"}},
    {34, "0000", {"CONNECT", "CONNACK"}},
    {35, "FFFF", {"PUBLISH"}},
    {36, "01", {"CONNACK"}},
    {37, "00", {"CONNACK"}},
    {38, "0001 61 0001 62", {}},  // every packet that has properties
    {39, "00000001", {"CONNECT", "CONNACK"}},
    {40, "00", {"CONNACK"}},
    {41, "00", {"CONNACK"}},
    {42, "00", {"CONNACK"}},
};

Refusal refusal_at(const Place& place, const Bytes& properties) {
  Bytes body = bytes_of(place.before);
  body.push_back(static_cast<std::uint8_t>(properties.size()));
  append(body, properties);
  append(body, bytes_of(place.behind));
  return refusal_of(packet_of(place.first_byte, body), {ProtocolVersion::v5, place.sender});
}

Bytes property(unsigned id, std::string_view value) {
  Bytes bytes{static_cast<std::uint8_t>(id)};
  append(bytes, bytes_of(value));
  return bytes;
}

const Place& place_named(std::string_view name) {
  return *std::find_if(std::begin(places), std::end(places),
                       [&](const Place& place) { return name == place.name; });
}

/// What AUTH and authentication data need before anything else is looked at.
Bytes needed_by(std::string_view place, unsigned id) {
  const bool needs_method = (place == "AUTH" && id != 21) || (place == "CONNECT" && id == 22);
  return needs_method ? property(21, "0001 6D") : Bytes{};
}

Refusal refusal_with(const Place& place, unsigned id, std::string_view value) {
  Bytes properties = needed_by(place.name, id);
  append(properties, property(id, value));
  return refusal_at(place, properties);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mqtt_properties)

BOOST_AUTO_TEST_CASE(each_packet_takes_exactly_its_properties) {
  for (const Place& place : places)
    for (const Row& row : rows) {
      const Refusal refusal = refusal_with(place, row.id, row.value);
      if (row.id == 38 || row.packets.count(place.name) > 0)
        BOOST_TEST(refusal.is_none(), place.name << " " << row.id << ": " << refusal.what);
      else
        BOOST_TEST(refusal.is(malformed_packet, "has no place"), place.name << " " << row.id);
    }
}

BOOST_AUTO_TEST_CASE(identifiers_that_name_no_property_are_malformed) {
  std::set<unsigned> known;
  for (const Row& row : rows) known.insert(row.id);
  for (const Place& place : places)
    for (unsigned id = 0; id < 128; ++id)
      if (known.count(id) == 0)
        BOOST_TEST(
            refusal_at(place, property(id, "0001 0001")).is(malformed_packet, "no property"));
  for (unsigned id = 0; id < 1'000; ++id)
    BOOST_TEST((find_property_rule(id) != nullptr) == (known.count(id) > 0));
  BOOST_TEST(
      refusal_at(place_named("PUBLISH"), bytes_of("8101 01")).is(malformed_packet, "no property"));
}

BOOST_AUTO_TEST_CASE(an_identifier_has_its_shortest_form, *label("MQTT5-1.5.5-1")) {
  BOOST_TEST(refusal_at(place_named("PUBLISH"), bytes_of("8100 01"))
                 .is(malformed_packet, "MQTT5-1.5.5-1"));
  BOOST_TEST(refusal_at(place_named("SUBSCRIBE"), bytes_of("0B 8100"))
                 .is(malformed_packet, "MQTT5-1.5.5-1"));
  BOOST_TEST(refusal_at(place_named("SUBSCRIBE"), bytes_of("0B 8080808001"))
                 .is(malformed_packet, "four bytes"));
}

BOOST_AUTO_TEST_CASE(only_user_properties_and_identifiers_of_a_publish_repeat) {
  for (const Place& place : places)
    for (const Row& row : rows) {
      if (row.id != 38 && row.packets.count(place.name) == 0) continue;
      Bytes twice = needed_by(place.name, row.id);
      append(twice, property(row.id, row.value));
      append(twice, property(row.id, row.value));
      const Refusal refusal = refusal_at(place, twice);
      const bool repeats = row.id == 38 || (row.id == 11 && place.name == std::string("PUBLISH"));
      if (repeats)
        BOOST_TEST(refusal.is_none(), place.name << " " << row.id);
      else
        BOOST_TEST(refusal.is(protocol_error, "more than once"), place.name << " " << row.id);
    }
}

BOOST_AUTO_TEST_CASE(a_payload_format_is_the_applications, *label("MQTT5-3.3.2-4")) {
  for (const char* value : {"00", "01", "02", "ED"})
    for (const char* place : {"PUBLISH", "will"})
      BOOST_TEST(refusal_with(place_named(place), 1, value).is_none(), place << " " << value);
}

BOOST_AUTO_TEST_CASE(values_out_of_range_are_protocol_errors) {
  const std::pair<unsigned, const char*> wrong[] = {
      {23, "02"},       {25, "FF"}, {33, "0000"}, {36, "02"}, {37, "02"},
      {39, "00000000"}, {40, "02"}, {41, "02"},   {42, "02"}, {11, "00"},
  };
  for (const auto& [id, value] : wrong)
    for (const Place& place : places) {
      const auto* row = std::find_if(std::begin(rows), std::end(rows),
                                     [id = id](const Row& one) { return one.id == id; });
      if (row->packets.count(place.name) == 0) continue;
      BOOST_TEST(refusal_with(place, id, value).is(protocol_error, "out of its range"),
                 place.name << " " << id);
    }
}

BOOST_AUTO_TEST_CASE(user_properties_are_text_on_both_sides, *label("MQTT5-1.5.7-1")) {
  for (const Place& place : places) {
    BOOST_TEST(refusal_with(place, 38, "0001 FF 0001 61").is(malformed_packet, "user property"));
    BOOST_TEST(refusal_with(place, 38, "0001 61 0001 00").is(malformed_packet, "user property"));
    BOOST_TEST(refusal_with(place, 38, "0000 0000").is_none());
  }
}

BOOST_AUTO_TEST_CASE(text_properties_are_text) {
  for (const Place& place : places)
    for (const unsigned id : {3U, 8U, 18U, 21U, 26U, 28U, 31U}) {
      const auto* row = std::find_if(std::begin(rows), std::end(rows),
                                     [&](const Row& one) { return one.id == id; });
      if (row->packets.count(place.name) > 0)
        BOOST_TEST(refusal_with(place, id, "0002 C0AF").is(malformed_packet, "UTF-8"),
                   place.name << " " << id);
    }
}

BOOST_AUTO_TEST_CASE(a_property_stays_within_its_section) {
  const Place& place = place_named("CONNACK");
  for (const Row& row : rows) {
    const Bytes whole = property(row.id, row.value);
    if (row.id != 38 && row.packets.count("CONNACK") == 0) continue;
    for (std::size_t size = 1; size < whole.size(); ++size)
      BOOST_TEST(refusal_at(place, Bytes(whole.begin(), whole.begin() + static_cast<long>(size)))
                     .is(malformed_packet, "cut short"),
                 row.id);
  }
  // A length that reaches behind the packet, and one that cuts into what follows.
  BOOST_TEST(refusal_of("20 04 0000 05 25", {ProtocolVersion::v5, Sender::server})
                 .is(malformed_packet, "property section is cut"));
  BOOST_TEST(!refusal_of("82 09 0001 03 0B01 0001 61 00", {ProtocolVersion::v5, Sender::client})
                  .is_none());
}

BOOST_AUTO_TEST_CASE(no_properties_are_a_length_of_zero, *label("MQTT5-2.2.2-1")) {
  for (const Place& place : places) {
    if (place.name == std::string("AUTH")) continue;
    BOOST_TEST(refusal_at(place, {}).is_none(), place.name);
  }
  BOOST_TEST(refusal_of("30 03 0001 74", {ProtocolVersion::v5, Sender::client})
                 .is(malformed_packet, "property length is cut"));
  BOOST_TEST(to_hex(encode(Publish{.topic = "t"}, ProtocolVersion::v5)) == "3004000174" "00");
}

BOOST_AUTO_TEST_CASE(user_properties_keep_their_order,
                     *label("MQTT5-3.1.3-10") * label("MQTT5-3.3.2-18")) {
  const UserProperties order{{"b", "1"}, {"a", "2"}, {"b", "3"}, {"", ""}};
  Publish packet;
  packet.topic = "t";
  packet.properties.user_properties = order;
  const Bytes bytes = encode(packet, ProtocolVersion::v5);
  const auto read = read_publish(frame_of(bytes), {ProtocolVersion::v5, Sender::client});
  BOOST_REQUIRE(read.ok());
  BOOST_TEST((read->properties.user_properties == order));
}

BOOST_AUTO_TEST_SUITE_END()
