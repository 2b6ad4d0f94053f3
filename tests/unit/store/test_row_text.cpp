#include <boost/test/unit_test.hpp>

#include "src/store/row_text.hpp"

using namespace starling;

BOOST_AUTO_TEST_SUITE(row_text)

BOOST_AUTO_TEST_CASE(user_properties_are_json_that_reads_back) {
  const UserProperties properties = {
      {"name", "value"}, {"", ""}, {"quote\"back\\", "\n\t\x01"}, {"name", "ü\U0001F426"}};
  const std::string text = write_user_properties(properties);
  BOOST_TEST(text
             == "[[\"name\",\"value\"],[\"\",\"\"],[\"quote\\\"back\\\\\",\"\\u000a\\u0009\\u0001\"],"
                "[\"name\",\"ü\U0001F426\"]]");
  BOOST_TEST((read_user_properties(text) == properties));
  BOOST_TEST(write_user_properties({}) == "[]");
  BOOST_TEST(read_user_properties(" [ ] ")->empty());
}

BOOST_AUTO_TEST_CASE(what_other_programs_write_for_the_same_is_understood) {
  const auto found = read_user_properties(
      "[ [\"a\\/\\b\\f\\n\\r\\t\", \"\\u00fc\\ud83d\\udc26\"] ,[\"\",\"x\"] ]");
  BOOST_REQUIRE(found);
  BOOST_TEST((*found == UserProperties{{"a/\b\f\n\r\t", "ü\U0001F426"}, {"", "x"}}));
}

BOOST_AUTO_TEST_CASE(other_texts_are_refused) {
  for (const char* text :
       {"", "[", "[[", "[[]]", "[[\"a\"]]", "[[\"a\",\"b\",\"c\"]]", "[[\"a\",\"b\"]",
        "[[\"a\",\"b\"]]x", "[[\"a\",\"b\"],]", "{\"a\":\"b\"}", "[[\"a\",1]]",
        "[[\"a\",\"\\u12\"]]", "[[\"a\",\"\\ud83d\"]]", "[[\"a\",\"\\udc26\"]]",
        "[[\"a\",\"\\x\"]]", "[[\"a\",\"\n\"]]", "[[\"a\",\"b]]"})
    BOOST_TEST(!read_user_properties(text), text);
}

BOOST_AUTO_TEST_CASE(identifiers_are_a_list_of_numbers) {
  const std::vector<std::uint32_t> identifiers = {1, 268'435'455, 7};
  BOOST_TEST(write_identifiers(identifiers) == "[1,268435455,7]");
  BOOST_TEST((read_identifiers("[1,268435455,7]") == identifiers));
  BOOST_TEST((read_identifiers(" [ 1 , 2 ] ") == std::vector<std::uint32_t>{1, 2}));
  BOOST_TEST(read_identifiers("[]")->empty());
  for (const char* text : {"", "1", "[0]", "[268435456]", "[-1]", "[1,]", "[1", "[1]2", "[\"1\"]"})
    BOOST_TEST(!read_identifiers(text), text);
}

BOOST_AUTO_TEST_SUITE_END()
