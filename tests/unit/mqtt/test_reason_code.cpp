#include <boost/test/unit_test.hpp>
#include <set>
#include <string>

#include "src/mqtt/packet.hpp"
#include "src/mqtt/reason_code.hpp"

using namespace starling::mqtt;
using boost::unit_test::label;

BOOST_AUTO_TEST_SUITE(mqtt_reason_code)

BOOST_AUTO_TEST_CASE(every_code_of_the_standard_has_a_name_and_nothing_else_has) {
  std::set<std::string> names;
  for (unsigned code = 0; code < 256; ++code) {
    const std::string name = to_text(static_cast<ReasonCode>(code));
    if (name != "unknown reason") BOOST_TEST(names.insert(name).second, name);
  }
  BOOST_TEST(names.size() == 43U);
}

BOOST_AUTO_TEST_CASE(refusals_begin_at_0x80) {
  BOOST_TEST(!is_refusal(ReasonCode::re_authenticate));
  BOOST_TEST(is_refusal(ReasonCode::unspecified_error));
}

BOOST_AUTO_TEST_CASE(return_codes_translate_both_ways, *label("MQTT-3.2.2-6")) {
  for (unsigned code = 0; code < 256; ++code) {
    const auto reason = from_return_code(static_cast<std::uint8_t>(code));
    BOOST_TEST(reason.has_value() == (code <= 5));
    if (reason) BOOST_TEST((to_return_code(*reason) == code));
  }
  BOOST_TEST(!to_return_code(ReasonCode::malformed_packet));
  BOOST_TEST(!to_return_code(ReasonCode::granted_qos_1));
}

BOOST_AUTO_TEST_CASE(packet_types_have_the_names_of_the_standard) {
  BOOST_TEST(to_text(PacketType::connect) == std::string("CONNECT"));
  BOOST_TEST(to_text(PacketType::auth) == std::string("AUTH"));
  BOOST_TEST(to_text(static_cast<PacketType>(0)) == std::string("reserved"));
  BOOST_TEST((type_of(Packet{Pingreq{}}) == PacketType::pingreq));
  BOOST_TEST((type_of(Packet{Auth{}}) == PacketType::auth));
}

BOOST_AUTO_TEST_SUITE_END()
