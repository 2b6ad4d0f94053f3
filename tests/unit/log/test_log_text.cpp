#include <boost/test/unit_test.hpp>

#include "starling/limits.hpp"

#include "src/log/log_text.hpp"

using namespace starling;

namespace {

std::string printable(std::string_view text) {
  std::string line;
  append_printable(line, text);
  return line;
}
std::string logfmt(std::string_view text) {
  std::string line;
  append_logfmt_value(line, text);
  return line;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(log_text)

BOOST_AUTO_TEST_CASE(the_message_comes_first_and_fields_follow_as_logfmt) {
  BOOST_TEST(format_log_line("client_connected", {{"client", "tst"}, {"proto", 5}, {"clean", true}})
             == "client connected client=tst proto=5 clean=true");
}

BOOST_AUTO_TEST_CASE(text_from_strangers_cannot_forge_a_line) {
  BOOST_TEST(format_log_line("e", {{"client", "a\n<3>forged b=\"c\"\\"}})
             == "e client=\"a\\x0a<3>forged b=\\\"c\\\"\\\\\"");
  BOOST_TEST(format_log_line("e", {{"client", ""}}) == "e client=\"\"");
}

BOOST_AUTO_TEST_CASE(whatever_some_reader_takes_for_the_end_of_a_line_is_escaped) {
  BOOST_TEST(printable("a\rb\vc\fd\ne") == "a\\x0db\\x0bc\\x0cd\\x0ae");
  BOOST_TEST(printable("a\xC2\x85z") == "a\\xc2\\x85z");  // NEXT LINE
  BOOST_TEST(printable("a\xE2\x80\xA8z\xE2\x80\xA9") == "a\\xe2\\x80\\xa8z\\xe2\\x80\\xa9");
  BOOST_TEST(printable(std::string_view("a\0b", 3)) == "a\\x00b");
}

BOOST_AUTO_TEST_CASE(no_terminal_is_told_what_to_do) {
  BOOST_TEST(printable("\x1B[2J\x7F") == "\\x1b[2J\\x7f");
  BOOST_TEST(printable("\xC2\x9B" "2J") == "\\xc2\\x9b" "2J");              // CSI in one character
  BOOST_TEST(printable("\xE2\x80\xAEtxt") == "\\xe2\\x80\\xaetxt");  // right to left
  BOOST_TEST(printable("\xE2\x81\xA6x") == "\\xe2\\x81\\xa6x");
}

BOOST_AUTO_TEST_CASE(words_of_any_language_stay_as_they_are) {
  BOOST_TEST(printable("Küche/温度/\xF0\x9F\x8C\xA1 a'b\"c\\d")
             == "Küche/温度/\xF0\x9F\x8C\xA1 a'b\"c\\d");
  BOOST_TEST(logfmt("Küche/温度") == "Küche/温度");
  BOOST_TEST(logfmt("a b") == "\"a b\"");
  BOOST_TEST(logfmt("a=b") == "\"a=b\"");
  BOOST_TEST(logfmt("DOMAIN\\user") == "\"DOMAIN\\\\user\"");
}

BOOST_AUTO_TEST_CASE(bytes_that_are_no_utf8_are_written_as_numbers) {
  BOOST_TEST(printable("\xFF\xC3") == "\\xff\\xc3");
  BOOST_TEST(printable("\xC0\xAFx") == "\\xc0\\xafx");                  // overlong
  BOOST_TEST(printable("\xE0\x80\x80") == "\\xe0\\x80\\x80");           // overlong
  BOOST_TEST(printable("\xED\xA0\x80") == "\\xed\\xa0\\x80");           // a surrogate
  BOOST_TEST(printable("\xF4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // above U+10FFFF
  BOOST_TEST(logfmt("\xFF") == "\"\\xff\"");
}

BOOST_AUTO_TEST_CASE(what_is_too_long_ends_in_dots_between_two_characters) {
  const std::string just(limits::log_value_bytes_max, 'a');
  BOOST_TEST(printable(just) == just);
  BOOST_TEST(printable(just + "a") == just + "...");
  const std::string odd(limits::log_value_bytes_max - 1, 'a');
  BOOST_TEST(printable(odd + "ü") == odd + "...");
}

BOOST_AUTO_TEST_SUITE_END()
