#include <boost/test/unit_test.hpp>

#include "starling/ids.hpp"

using namespace starling;

BOOST_AUTO_TEST_SUITE(ids)

BOOST_AUTO_TEST_CASE(a_node_id_reads_back_from_its_text) {
  NodeId id;
  for (std::size_t i = 0; i < id.bytes.size(); ++i)
    id.bytes[i] = static_cast<std::uint8_t>(i * 37 + 5);
  const std::string text = id.to_text();
  BOOST_TEST(text.size() == 63U);
  BOOST_TEST((NodeId::parse(text) == id));
  std::string sloppy;
  for (const char c : text) sloppy += c == '-' ? ' ' : static_cast<char>(std::tolower(c));
  BOOST_TEST((NodeId::parse(sloppy) == id));
}

BOOST_AUTO_TEST_CASE(a_mistyped_character_is_noticed) {
  const std::string text = NodeId{}.to_text();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '-') continue;
    std::string wrong = text;
    wrong[i] = text[i] == 'K' ? 'L' : 'K';
    BOOST_TEST(!NodeId::parse(wrong));
  }
  BOOST_TEST(!NodeId::parse(text + "A"));
  BOOST_TEST(!NodeId::parse(""));
}

// The example of Syncthing's documentation for its device ids, which have the same form.
BOOST_AUTO_TEST_CASE(the_check_characters_are_those_of_syncthing) {
  BOOST_TEST(
      NodeId::parse("MFZWI3D-BONSGYC-YLTMRWG-C43ENR5-QXGZDMM-FZWI3DP-BONSGYY-LTMRWAD").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
