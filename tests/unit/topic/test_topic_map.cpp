#include <boost/test/unit_test.hpp>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "src/topic/topic_map.hpp"
#include "tests/support/naive_topic.hpp"
#include "tests/support/random_topics.hpp"

using namespace starling;
using namespace starling::test;
using boost::unit_test::label;

namespace {

constexpr HashSeed seed{3, 4};
using Map = TopicMap<std::string>;

std::vector<std::string> all(Map& map, std::string_view text) {
  std::vector<std::string> found;
  map.match(filter(text), [&](std::string& value) { found.push_back(value); });
  return found;
}
void put(Map& map, const std::string& text) {
  map.insert(name(text), text);
}
using Texts = std::vector<std::string>;

}  // namespace

BOOST_AUTO_TEST_SUITE(topic_map)

BOOST_AUTO_TEST_CASE(names_are_found_replaced_and_erased) {
  Map map(seed);
  BOOST_TEST(map.insert(name("a/b"), "one"));
  BOOST_TEST(!map.insert(name("a/b"), "two"));
  BOOST_TEST(map.size() == 1U);
  BOOST_TEST(*map.find(name("a/b")) == "two");
  BOOST_TEST(map.find(name("a")) == nullptr);
  BOOST_TEST(map.find(name("a/b/c")) == nullptr);
  BOOST_TEST(!map.erase(name("a")));
  BOOST_TEST(map.erase(name("a/b")));
  BOOST_TEST(!map.erase(name("a/b")));
  BOOST_TEST(map.empty());
}

BOOST_AUTO_TEST_CASE(a_filter_finds_its_names_in_the_order_they_came) {
  Map map(seed);
  for (const char* text : {"b/x", "a", "a/x", "a/y/z", "b", "a/"}) put(map, text);
  BOOST_TEST(all(map, "a/x") == (Texts{"a/x"}));
  BOOST_TEST(all(map, "a/+") == (Texts{"a/x", "a/"}));
  BOOST_TEST(all(map, "a/#") == (Texts{"a", "a/x", "a/y/z", "a/"}));
  BOOST_TEST(all(map, "+") == (Texts{"b", "a"}));
  BOOST_TEST(all(map, "+/x") == (Texts{"b/x", "a/x"}));
  BOOST_TEST(all(map, "#").size() == 6U);
  BOOST_TEST(all(map, "a/y/#") == (Texts{"a/y/z"}));
  BOOST_TEST(all(map, "c/#").empty());
}

BOOST_AUTO_TEST_CASE(leading_wildcards_do_not_replay_dollar_names, *label("MQTT-4.7.2-1")) {
  Map map(seed);
  for (const char* text : {"$SYS/a", "x/a", "$SYS", "x/$SYS"}) put(map, text);
  BOOST_TEST(all(map, "#") == (Texts{"x/a", "x/$SYS"}));
  BOOST_TEST(all(map, "+/a") == (Texts{"x/a"}));
  BOOST_TEST(all(map, "$SYS/#") == (Texts{"$SYS", "$SYS/a"}));
}

BOOST_AUTO_TEST_CASE(work_is_cut_into_slices) {
  Map map(seed);
  for (int i = 0; i < 1'000; ++i) put(map, "a/" + std::to_string(i) + "/state");
  auto cursor = map.cursor(filter("a/+/state"));
  std::set<std::string> seen;
  std::size_t slices = 0;
  while (!cursor.finished()) {
    std::size_t steps = 10;
    while (const auto* entry = map.next(cursor, steps)) {
      BOOST_REQUIRE(map.name_of(*entry).text() == entry->value);
      seen.insert(entry->value);
    }
    ++slices;
    BOOST_REQUIRE(slices < 2'000U);
  }
  BOOST_TEST(seen.size() == 1'000U);
  BOOST_TEST(slices > 100U);
}

BOOST_AUTO_TEST_CASE(a_slice_is_bounded_even_if_nothing_matches) {
  Map map(seed);
  for (int i = 0; i < 1'000; ++i) put(map, "a/" + std::to_string(i) + "/state");
  auto cursor = map.cursor(filter("a/+/none"));
  std::size_t steps = 10;
  BOOST_TEST(map.next(cursor, steps) == nullptr);
  BOOST_TEST(steps == 0U);
  BOOST_TEST(!cursor.finished());
}

BOOST_AUTO_TEST_CASE(a_literal_filter_does_not_stray_when_its_name_goes) {
  Map map(seed);
  put(map, "a/x");
  put(map, "a/y");
  auto cursor = map.cursor(filter("a/x"));
  map.erase(name("a/x"));
  std::size_t steps = 100;
  BOOST_TEST(map.next(cursor, steps) == nullptr);
  BOOST_TEST(cursor.finished());
}

BOOST_AUTO_TEST_CASE(a_walk_survives_the_loss_of_everything) {
  Map map(seed);
  for (int i = 0; i < 100; ++i) put(map, "a/" + std::to_string(i));
  auto cursor = map.cursor(filter("#"));
  std::size_t steps = 20;
  BOOST_TEST(map.next(cursor, steps) != nullptr);
  for (int i = 0; i < 100; ++i) map.erase(name("a/" + std::to_string(i)));
  steps = 1'000;
  BOOST_TEST(map.next(cursor, steps) == nullptr);
  BOOST_TEST(cursor.finished());
}

BOOST_AUTO_TEST_CASE(a_cursor_may_outlive_its_map_unused) {
  auto map = std::make_unique<Map>(seed);
  put(*map, "a");
  const auto cursor = map->make_cursor(filter("#"));
  map.reset();
  BOOST_TEST(cursor->finished());
}

BOOST_AUTO_TEST_CASE(walks_agree_with_brute_force) {
  SeededRandom random(7);
  Map map(seed);
  std::set<std::string> model;
  for (int step = 0; step < 4'000; ++step) {
    const auto text = random_name(random);
    if (random.upto(10) < (step / 1'500 == 1 ? 3U : 6U)) {
      BOOST_REQUIRE(map.insert(name(text), text) == model.insert(text).second);
    } else {
      BOOST_REQUIRE(map.erase(name(text)) == (model.erase(text) == 1));
    }
    BOOST_REQUIRE(map.size() == model.size());
    if (step % 20 != 0) continue;
    const auto asked = random_filter(random);
    std::multiset<std::string> expected;
    for (const auto& each : model)
      if (naive_matches(asked, each)) expected.insert(each);
    const auto found = all(map, asked);
    BOOST_REQUIRE((std::multiset<std::string>(found.begin(), found.end()) == expected));
  }
}

BOOST_AUTO_TEST_CASE(what_stays_during_a_walk_is_met_exactly_once) {
  SeededRandom random(11);
  for (int round = 0; round < 300; ++round) {
    Map map(seed);
    for (int i = 0; i < 40; ++i) put(map, random_name(random));
    const auto asked = random_filter(random);
    std::set<std::string> stayed;
    map.match(filter("#"), [&](const std::string& text) { stayed.insert(text); });
    map.match(filter("$S/#"), [&](const std::string& text) { stayed.insert(text); });
    std::map<std::string, int> met;
    std::map<std::string, int> came;
    for (const auto& text : stayed) came[text] = 1;

    auto cursor = map.cursor(filter(asked));
    auto bystander = map.make_cursor(filter("#"));
    while (!cursor.finished()) {
      std::size_t steps = random.upto(4);
      if (const auto* entry = map.next(cursor, steps)) ++met[entry->value];
      const auto text = random_name(random);
      if (random.one_in(2)) {
        if (map.erase(name(text))) stayed.erase(text);
      } else if (map.insert(name(text), text)) {
        ++came[text];
      }
      if (random.one_in(20)) bystander = map.make_cursor(filter(random_filter(random)));
    }
    for (const auto& text : stayed)
      if (naive_matches(asked, text)) BOOST_REQUIRE_MESSAGE(met[text] == 1, asked << " " << text);
    for (const auto& [text, times] : met) {
      BOOST_REQUIRE(naive_matches(asked, text));
      BOOST_REQUIRE(times <= came[text]);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_name_costs_little_memory) {
  TopicMap<std::shared_ptr<int>> map(seed);
  constexpr std::size_t names = 100'000;
  for (std::size_t i = 0; i < names; ++i)
    map.insert(name("home/" + std::to_string(i % 100) + "/device" + std::to_string(i) + "/state"),
               {});
  BOOST_TEST_MESSAGE("bytes a name: " << map.memory_bytes() / names);
  BOOST_TEST(map.memory_bytes() / names <= 150U);
}

BOOST_AUTO_TEST_SUITE_END()
