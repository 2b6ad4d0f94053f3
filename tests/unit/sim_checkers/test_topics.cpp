// The checkers' own matcher and the index on it.
#include <boost/test/unit_test.hpp>
#include <map>
#include <string>
#include <vector>

#include "simulations/checkers/number_set.hpp"
#include "simulations/checkers/topic_index.hpp"
#include "simulations/checkers/topic_match.hpp"
#include "tests/support/seeded_random.hpp"

namespace starling::sim {
namespace {

BOOST_AUTO_TEST_SUITE(sim_checkers_topics)

BOOST_AUTO_TEST_CASE(filters_match_as_section_4_7_says) {
  const std::vector<std::pair<std::string, std::string>> matching = {
      {"a/b", "a/b"}, {"a/+", "a/b"}, {"+/+", "a/b"},       {"#", "a/b"},      {"a/#", "a/b/c"},
      {"a/#", "a"},   {"+/b", "/b"},  {"/+", "/b"},         {"a/+/c", "a//c"}, {"+", "a"},
      {"a/", "a/"},   {"a/+", "a/"},  {"$SYS/#", "$SYS/x"}, {"+/#", "a"},      {"a//#", "a//b"}};
  for (const auto& [filter, topic] : matching)
    BOOST_TEST(naive_matches(filter, topic), filter << " matches " << topic);
  const std::vector<std::pair<std::string, std::string>> others = {
      {"a/b", "a/c"},   {"a/+", "a/b/c"}, {"+", "a/b"},    {"a/#", "ab"},
      {"a", "a/"},      {"a/b/#", "a"},   {"#", "$SYS/x"}, {"+/x", "$SYS/x"},
      {"a/+/c", "a/c"}, {"+", "/a"},      {"a/b/+", "a/b"}};
  for (const auto& [filter, topic] : others)
    BOOST_TEST(!naive_matches(filter, topic), filter << " does not match " << topic);
}

BOOST_AUTO_TEST_CASE(a_shared_filter_has_two_parts) {
  BOOST_TEST(split_share("$share/g/a/#").group == "g");
  BOOST_TEST(split_share("$share/g/a/#").filter == "a/#");
  BOOST_TEST(split_share("a/#").group == "");
  BOOST_TEST(split_share("a/#").filter == "a/#");
}

BOOST_AUTO_TEST_CASE(the_literal_prefix_ends_before_the_first_wildcard) {
  BOOST_TEST(literal_prefix("a/b/#") == "a/b");
  BOOST_TEST(literal_prefix("+/x") == "");
  BOOST_TEST(literal_prefix("#") == "");
  BOOST_TEST(literal_prefix("a/b") == "a/b");
  BOOST_TEST(literal_prefix("/+") == "");
  BOOST_TEST(literal_prefix("a//+") == "a/");
}

/// Whatever comes first, topic or filter: the index says what the matcher says.
BOOST_AUTO_TEST_CASE(the_index_agrees_with_the_matcher) {
  starling::test::SeededRandom random(7);
  TopicIndex index;
  std::map<std::string, TopicNumber> topics;
  std::map<std::string, FilterNumber> filters;
  const auto level = [&](bool wild) -> std::string {
    const auto pick = random.upto(wild ? 6 : 4);
    const std::vector<std::string> levels = {"a", "b", "", "ab", "+", "+"};
    return levels[pick];
  };
  for (int i = 0; i < 400; ++i) {
    const bool wild = random.upto(2) == 0;
    std::string text = level(wild);
    for (auto n = random.upto(3); n > 0; --n) text += '/' + level(wild);
    if (wild && random.upto(4) == 0) text += "/#";
    if (text.empty()) continue;
    if (wild) {
      filters[text] = index.filter(text);
    } else {
      topics[text] = index.topic(text);
    }
  }
  for (const auto& [filter, number] : filters) {
    for (const auto& [topic, topic_number] : topics) {
      const bool expected = naive_matches(filter, topic);
      BOOST_TEST(index.matches(number, topic_number) == expected, filter << " and " << topic);
      const auto& of = index.topics_of(number);
      BOOST_TEST((std::find(of.begin(), of.end(), topic_number) != of.end()) == expected);
    }
  }
  BOOST_TEST(topics.size() > 20U);
  BOOST_TEST(filters.size() > 50U);
}

BOOST_AUTO_TEST_CASE(a_number_set_knows_first_from_repeated) {
  NumberSet set;
  for (const std::uint32_t number : {1U, 2U, 3U, 7U, 9U, 5U, 4U, 6U})
    BOOST_TEST((set.add(number) == Novelty::first), number);
  for (const std::uint32_t number : {1U, 2U, 3U, 4U, 5U, 6U, 7U, 9U})
    BOOST_TEST((set.add(number) == Novelty::repeated), number);
  BOOST_TEST((set.add(8) == Novelty::first));
  BOOST_TEST((set.add(8) == Novelty::repeated));
  BOOST_TEST(set.highest() == 9U);
}

BOOST_AUTO_TEST_CASE(a_number_set_agrees_with_a_plain_one) {
  starling::test::SeededRandom random(11);
  for (int round = 0; round < 200; ++round) {
    NumberSet set;
    std::map<std::uint32_t, bool> met;
    for (int i = 0; i < 120; ++i) {
      const auto number = static_cast<std::uint32_t>(1 + random.upto(80));
      const Novelty expected = met[number] ? Novelty::repeated : Novelty::first;
      met[number] = true;
      BOOST_TEST_REQUIRE((set.add(number) == expected), number << " in round " << round);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_number_set_with_too_many_gaps_forgets_the_oldest_and_says_so) {
  NumberSet set;
  for (std::uint32_t number = 1; number < 2 * 2'000; number += 2) set.add(number);
  BOOST_TEST((set.add(1) == Novelty::forgotten));
  BOOST_TEST((set.add(2) == Novelty::forgotten));
  BOOST_TEST((set.add(3'999) == Novelty::repeated));
  BOOST_TEST((set.add(3'998) == Novelty::first));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace starling::sim
