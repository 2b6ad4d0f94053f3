#include <boost/test/unit_test.hpp>

#include "src/control/rates.hpp"
#include "src/control/text.hpp"

using namespace starling;
using namespace starling::control;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(control_text)

BOOST_AUTO_TEST_CASE(text_from_elsewhere_cannot_move_the_cursor) {
  BOOST_TEST(printable("caf\xc3\xa9 \xe2\x9c\x93") == "caf\xc3\xa9 \xe2\x9c\x93");
  BOOST_TEST(printable("a\x1b[2Jb\nc\x7f") == "a [2Jb c ");
  BOOST_TEST(printable("a\xc2\x9b"
                       "2Jb")
             == "a 2Jb");  // CSI in one character
  BOOST_TEST(printable("a\xe2\x80\xae"
                       "b")
             == "a?b");  // right to left from here
  BOOST_TEST(printable("\xff\xc3_\xed\xa0\x80")
             == std::string(2, '?') + "_" + std::string(3, '?'));  // no UTF-8
  BOOST_TEST(printable(std::string(500, 'x')) == std::string(400, 'x') + "...");
}

BOOST_AUTO_TEST_CASE(durations_have_two_units) {
  BOOST_TEST(duration_text(0s) == "0s");
  BOOST_TEST(duration_text(-5s) == "0s");
  BOOST_TEST(duration_text(59s) == "59s");
  BOOST_TEST(duration_text(750s) == "12m30s");
  BOOST_TEST(duration_text(1h) == "1h");
  BOOST_TEST(duration_text(76h + 59min) == "3d4h");
  BOOST_TEST(duration_text(24h + 5s) == "1d");
}

BOOST_AUTO_TEST_CASE(numbers_have_a_length_that_fits_a_column) {
  BOOST_TEST(latency_text(400us) == "0.4 ms");
  BOOST_TEST(latency_text(84ms) == "84 ms");
  BOOST_TEST(latency_text(2'300ms) == "2.3 s");
  BOOST_TEST(count_text(999) == "999");
  BOOST_TEST(count_text(1'234) == "1.2k");
  BOOST_TEST(count_text(88'000'000) == "88M");
  BOOST_TEST(count_text(999'999) == "1.0M");
  BOOST_TEST(size_text(512) == "512 B");
  BOOST_TEST(size_text(1'300'000) == "1.2 MiB");
  BOOST_TEST(size_text(5ULL << 40U) == "5.0 TiB");
  BOOST_TEST(counted(0, "peer") == "no peers");
  BOOST_TEST(counted(1, "peer") == "1 peer");
  BOOST_TEST(counted(2, "entry", "entries") == "2 entries");
}

BOOST_AUTO_TEST_CASE(columns_are_as_wide_as_their_widest_entry) {
  Columns table;
  table.add_row({"NAME", "STATE", ""});
  table.add_row({"caf\xc3\xa9s", "up", "x"});
  table.add_note("a long line that moves no column");
  BOOST_TEST(table.text()
             == "NAME   STATE\n"
                "caf\xc3\xa9s  up     x\n"
                "       a long line that moves no column\n");
}

BOOST_AUTO_TEST_CASE(rates_are_those_of_the_last_minute) {
  Rates rates;
  const TimePoint start{};
  rates.sample(start, {0, 0});
  BOOST_TEST((rates.rates(start + 500ms, {100, 0}).span == Duration::zero()));
  BOOST_TEST(rates.rates(start + 2s, {100, 50}).in == 50.0);
  for (unsigned i = 1; i <= 30; ++i)  // 10 a second, and 20 in the other direction
    rates.sample(start + i * Rates::sample_every, {i * 100, i * 200});
  const auto now = rates.rates(start + 305s, {3'050, 6'100});
  BOOST_TEST((now.span == 65s));
  BOOST_TEST(now.in == 10.0);
  BOOST_TEST(now.out == 20.0);
}

BOOST_AUTO_TEST_SUITE_END()
