#include <boost/test/unit_test.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "simulations/report/report.hpp"
#include "simulations/report/wording.hpp"
#include "tests/unit/sim_report/sample_report.hpp"

using namespace starling::sim;

namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

void check_fits(const std::string& text) {
  const auto lines = lines_of(text);
  BOOST_TEST(lines.size() <= 50U);
  for (const std::string& line : lines) BOOST_TEST(columns(line) <= 80U, line);
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(report_text)

BOOST_AUTO_TEST_CASE(it_says_what_matters) {
  const std::string text = write_text(sample_report());

  check_fits(text);
  for (const char* part :
       {"villages: good", "The promise is kept, the claim holds (1 promise not seen)",
        "Three villages", "seed 18446744073709551615", "9f86d081884c7d65", "15 min of virtual time",
        "200 x", "delivery p90 <= 1500 ms", "812 seen", "not promised: after fires", "84.5 ms",
        "11.9 s", "messages published", "184 223", "starling sim run villages.toml"})
    BOOST_TEST(contains(text, part), part << " is missing in:\n" << text);
}

BOOST_AUTO_TEST_CASE(what_is_broken_stands_first_with_an_example) {
  Report report = sample_report();
  report.promises.push_back(broken_promise("order"));
  report.claims.push_back({"no loss", "3 lost", false});

  const std::string text = write_text(report);

  check_fits(text);
  BOOST_TEST(contains(text, "villages: NOT GOOD"));
  BOOST_TEST(contains(text, "at 421.125 s: message 7 has not come to client 3"));
  BOOST_TEST(text.find("BROKEN") < text.find("kept     qos1"));
  BOOST_TEST(text.find("FAILS") < text.find("holds"));
}

BOOST_AUTO_TEST_CASE(however_much_there_is_it_fits_a_screen) {
  Report report = sample_report();
  const std::string sentence(400, 'w');
  std::string story;
  for (int i = 0; i < 100; ++i) story += "many words ";
  report.scenario = sentence;
  report.story = story;
  report.digest = sentence;
  report.replay = "starling sim run " + std::string(40, 'f')
                  + ".toml --nodes 100000 --seed 123 --report r.html";
  report.virtual_s = 1e9;
  report.fault_phase_ends_s = 1e8;
  report.wall_s = 12'345'678;
  for (int i = 0; i < 40; ++i) {
    report.totals.emplace_back(sentence, 1e15 + i);
    report.claims.push_back({sentence, sentence, i % 2 == 0});
    PromiseOutcome promise = broken_promise(sentence);
    promise.not_promised = sentence;
    promise.seen = promise.broken = ~std::uint64_t{0};
    promise.examples = {{1e9, story}};
    report.promises.push_back(promise);
  }
  report.delivery = {~std::uint64_t{0}, 1e12, 1e12, 1e12, 1e12, 1e12};

  check_fits(write_text(report));
}

BOOST_AUTO_TEST_CASE(nothing_is_told_of_an_empty_run_but_that_it_tested_nothing) {
  const std::string text = write_text(Report{});
  check_fits(text);
  BOOST_TEST(contains(text, "Nothing was put to the test"));
  BOOST_TEST(!contains(text, "latency"));
  BOOST_TEST(!contains(text, "promises"));
}

BOOST_AUTO_TEST_CASE(a_name_tells_a_terminal_nothing) {
  Report report = sample_report();
  report.scenario = "red \x1b[31m";
  report.story =
      "two\nlines \xC2\x9B"
      "31m";
  report.promises[0].name = "bell \a";

  const std::string text = write_text(report);

  for (const char c : text) BOOST_TEST((static_cast<unsigned char>(c) >= 0x20 || c == '\n'));
  BOOST_TEST(!contains(text, "\xC2\x9B"));
}

BOOST_AUTO_TEST_CASE(the_line_that_replays_is_never_cut) {
  Report report = sample_report();
  report.replay =
      "starling sim run simulations/examples/three_villages.toml --nodes 60 --seed 184467440737 "
      "--x";
  const std::string folded_text = write_text(report);
  BOOST_TEST(contains(folded_text, "--nodes 60 --seed \\\n  184467440737 --x\n"));
  check_fits(folded_text);

  // A fold between quotes would be part of the name; a long word has no place for one.
  report.replay =
      "starling sim run '" + std::string(60, 'a') + " and " + std::string(60, 'b') + "'";
  BOOST_TEST(contains(write_text(report), report.replay + "\n"));
  report.replay = "starling sim run " + std::string(200, 'a');
  BOOST_TEST(contains(write_text(report), report.replay + "\n"));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(report_wording)

BOOST_AUTO_TEST_CASE(numbers_are_rounded_as_people_do) {
  BOOST_TEST(grouped(0) == "0");
  BOOST_TEST(grouped(999) == "999");
  BOOST_TEST(grouped(1'234'567) == "1 234 567");
  BOOST_TEST(in_number(0) == "0");
  BOOST_TEST(in_number(12.345) == "12.3");
  BOOST_TEST(in_number(184'223.4) == "184 223");
  BOOST_TEST(in_milliseconds(0.82) == "0.82 ms");
  BOOST_TEST(in_milliseconds(812.4) == "812 ms");
  BOOST_TEST(in_milliseconds(999.6) == "1 s");
  BOOST_TEST(in_milliseconds(1244) == "1.24 s");
  BOOST_TEST(in_milliseconds(126'000) == "2.1 min");
  BOOST_TEST(in_seconds(12.5) == "12.5 s");
  BOOST_TEST(in_seconds(600) == "10 min");
  BOOST_TEST(in_seconds(7500) == "2 h 5 min");
  BOOST_TEST(in_bytes(999) == "999 B");
  BOOST_TEST(in_bytes(187'000'000) == "187 MB");
}

BOOST_AUTO_TEST_CASE(columns_are_code_points_and_nothing_is_cut_inside_one) {
  BOOST_TEST(columns("Zürich") == 6U);
  BOOST_TEST(shortened("Zürich", 6) == "Zürich");
  BOOST_TEST(shortened("Zürich am See", 5) == "Zü...");
  BOOST_TEST(shortened("abc", 0).empty());
}

BOOST_AUTO_TEST_CASE(folding_keeps_words_whole_where_it_can) {
  const std::vector<std::string> words{"one two", "three", "four"};
  BOOST_TEST(folded("one two three four", 8, 5) == words);
  const std::vector<std::string> cut{"one two", "three..."};
  BOOST_TEST(folded("one two three four", 8, 2) == cut);
  const std::vector<std::string> broken{"abcd", "ef"};
  BOOST_TEST(folded("abcdef", 4, 5) == broken);
  BOOST_TEST(folded("   ", 4, 5).empty());
}

BOOST_AUTO_TEST_SUITE_END()
