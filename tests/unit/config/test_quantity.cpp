#include <boost/test/unit_test.hpp>

#include "src/config/quantity.hpp"

using namespace starling::config;

BOOST_AUTO_TEST_SUITE(quantity)

BOOST_AUTO_TEST_CASE(numbers_are_read_with_the_units_people_write) {
  const std::vector<std::pair<std::string_view, std::uint64_t>> bytes = {{"0", 0},
                                                                         {"17", 17},
                                                                         {"17B", 17},
                                                                         {"4 MiB", 4'194'304},
                                                                         {"4MiB", 4'194'304},
                                                                         {"1 kB", 1'000},
                                                                         {"1 KiB", 1'024},
                                                                         {"2 GB", 2'000'000'000},
                                                                         {"1 GiB", 1'073'741'824}};
  for (const auto& [text, value] : bytes)
    BOOST_TEST(parse_quantity(text, Unit::bytes).value_or(99) == value, text);
  BOOST_TEST(parse_quantity("4 MiB/s", Unit::bytes_per_s).value_or(0) == 4'194'304U);
  BOOST_TEST(parse_quantity("4 MiB", Unit::bytes_per_s).value_or(0) == 4'194'304U);
  BOOST_TEST(parse_quantity("30s", Unit::seconds).value_or(0) == 30U);
  BOOST_TEST(parse_quantity("2 min", Unit::seconds).value_or(0) == 120U);
  BOOST_TEST(parse_quantity("1h", Unit::seconds).value_or(0) == 3'600U);
  BOOST_TEST(parse_quantity("2 w", Unit::seconds).value_or(0) == 1'209'600U);
}

BOOST_AUTO_TEST_CASE(what_is_no_number_with_a_suiting_unit_is_nothing) {
  for (const char* text : {"", " ", "MiB", "-1", "+1", " 1", "1.5 MiB", "1 mib", "1  MiB", "1 s",
                           "1 MiB ", "4 MiB/s", "9223372036854775808", "9007199254740993 KiB"})
    BOOST_TEST(!parse_quantity(text, Unit::bytes).has_value(), text);
  BOOST_TEST(!parse_quantity("1m", Unit::seconds).has_value());
  BOOST_TEST(!parse_quantity("1 MiB", Unit::seconds).has_value());
  BOOST_TEST(!parse_quantity("1s", Unit::none).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
