#include <boost/test/unit_test.hpp>
#include <optional>
#include <string>
#include <vector>

#include "src/topic/filter_algebra.hpp"
#include "tests/support/naive_topic.hpp"
#include "tests/support/random_topics.hpp"

using namespace starling;
using namespace starling::test;
using boost::unit_test::label;

namespace {

bool covers_text(std::string_view a, std::string_view b) {
  return covers(filter(a), filter(b));
}
/// "" for no common name.
std::string common(std::string_view a, std::string_view b) {
  const auto both = intersect(filter(a), filter(b));
  return both ? std::string(both->text()) : std::string();
}
std::vector<TopicFilter> filters(std::initializer_list<const char*> texts) {
  std::vector<TopicFilter> list;
  for (const char* text : texts) list.push_back(filter(text));
  return list;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(filter_algebra)

BOOST_AUTO_TEST_CASE(a_wider_filter_covers_a_narrower_one) {
  BOOST_TEST(covers_text("#", "a/b"));
  BOOST_TEST(covers_text("a/#", "a"));
  BOOST_TEST(covers_text("a/#", "a/+/c"));
  BOOST_TEST(covers_text("+/b", "a/b"));
  BOOST_TEST(covers_text("a/b", "a/b"));
  BOOST_TEST(!covers_text("a/b", "a/+"));
  BOOST_TEST(!covers_text("a/+", "a/#"));
  BOOST_TEST(!covers_text("a/#", "#"));
  BOOST_TEST(!covers_text("a/+/#", "a/#"));  // "a" itself
  BOOST_TEST(!covers_text("a", "a/b"));
  BOOST_TEST(!covers_text("a/b", "a"));
}

BOOST_AUTO_TEST_CASE(no_name_has_no_level) {
  BOOST_TEST(covers_text("+/#", "#"));
  BOOST_TEST(!covers_text("+/+/#", "#"));
  BOOST_TEST(covers_text("/+/#", "/#"));  // the parent of "/#" would be the empty name
  BOOST_TEST(common("/#", "+") == "");
}

BOOST_AUTO_TEST_CASE(wildcards_cover_no_dollar_names, *label("MQTT-4.7.2-1")) {
  BOOST_TEST(!covers_text("#", "$SYS/a"));
  BOOST_TEST(!covers_text("+/a", "$SYS/a"));
  BOOST_TEST(covers_text("$SYS/#", "$SYS/a"));
  BOOST_TEST(common("#", "$SYS/a") == "");
  BOOST_TEST(common("$SYS/+", "+/a") == "");
  BOOST_TEST(common("a/#", "a/$SYS") == "a/$SYS");
}

BOOST_AUTO_TEST_CASE(an_intersection_is_what_both_match) {
  BOOST_TEST(common("#", "home/#") == "home/#");
  BOOST_TEST(common("+/t", "home/#") == "home/t");
  BOOST_TEST(common("home/#", "+") == "home");
  BOOST_TEST(common("+/b/#", "a/+/c") == "a/b/c");
  BOOST_TEST(common("a/+", "+/b") == "a/b");
  BOOST_TEST(common("a/b", "a/c") == "");
  BOOST_TEST(common("a/+", "a") == "");
  BOOST_TEST(common("a/#", "b/#") == "");
  BOOST_TEST(common("#", "#") == "#");
}

BOOST_AUTO_TEST_CASE(an_intersection_of_names_too_long_to_exist_is_empty, *label("MQTT-4.7.3-3")) {
  const std::string word(60'000, 'x');
  BOOST_TEST(common(word + "/+", "+/" + word) == "");
}

BOOST_AUTO_TEST_CASE(a_list_is_reduced_to_what_it_needs) {
  BOOST_TEST((without_covered(filters({"a/b", "a/#", "c", "c", "a/+"})) == filters({"a/#", "c"})));
  BOOST_TEST((without_covered(filters({"+/#", "#"})) == filters({"+/#"})));
  BOOST_TEST((without_covered({}).empty()));
  BOOST_TEST((intersect(filters({"#", "x/+"}), filters({"home/#", "home/a", "x/#"}))
              == filters({"home/#", "x/#"})));
}

BOOST_AUTO_TEST_CASE(random_filters_agree_with_the_names_they_match) {
  SeededRandom random(3);
  std::vector<std::string> names;
  for (int i = 0; i < 250; ++i) names.push_back(random_name(random, 5));
  for (int round = 0; round < 1'000; ++round) {
    const auto a = random_filter(random);
    const auto b = random_filter(random);
    const auto both = intersect(filter(a), filter(b));
    const bool a_covers_b = covers_text(a, b);
    for (const auto& each : names) {
      const bool in_a = naive_matches(a, each);
      const bool in_b = naive_matches(b, each);
      const bool in_both = both && naive_matches(both->text(), each);
      if ((in_a && in_b) != in_both) BOOST_FAIL(a << " and " << b << " on " << each);
      if (a_covers_b && in_b && !in_a) BOOST_FAIL(a << " covers " << b << " on " << each);
    }
    // Covering and intersecting are two views of one thing.
    BOOST_REQUIRE_MESSAGE(a_covers_b == (both && covers(*both, filter(b))), a << " and " << b);
  }
}

BOOST_AUTO_TEST_CASE(a_filter_that_is_not_covered_has_a_name_to_show_for_it) {
  SeededRandom random(9);
  for (int round = 0; round < 3'000; ++round) {
    const auto a = random_filter(random, 3);
    const auto b = random_filter(random, 3);
    if (covers_text(a, b)) continue;
    // Names that b matches: '+' becomes a word nobody else uses, '#' none to four of them.
    bool shown = false;
    for (const std::string tail : {"", "q", "q/q", "q/q/q", "q/q/q/q"}) {
      std::string witness;
      for (const auto level : split_levels(b)) {
        if (level == "#" && tail.empty()) continue;
        witness += '/';
        witness += level == "+" ? "q" : level == "#" ? tail : std::string(level);
      }
      witness.erase(0, 1);
      if (witness.empty()) continue;
      shown = shown || (naive_matches(b, witness) && !naive_matches(a, witness));
    }
    BOOST_REQUIRE_MESSAGE(shown, a << " does not cover " << b);
  }
}

BOOST_AUTO_TEST_SUITE_END()
