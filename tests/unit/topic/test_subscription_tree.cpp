#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "src/topic/subscription_tree.hpp"
#include "tests/support/naive_topic.hpp"
#include "tests/support/random_topics.hpp"

using namespace starling;
using namespace starling::test;
using boost::unit_test::label;

namespace {

constexpr HashSeed seed{1, 2};
using Tree = SubscriptionTree<int>;

std::vector<std::pair<SubscriberKey, int>> matches(const Tree& tree, std::string_view text) {
  std::vector<std::pair<SubscriberKey, int>> found;
  tree.match(name(text), [&](SubscriberKey key, int value) { found.emplace_back(key, value); });
  std::ranges::sort(found);
  return found;
}
std::vector<SubscriberKey> keys(const Tree& tree, std::string_view text) {
  std::vector<SubscriberKey> found;
  for (const auto& match : matches(tree, text)) found.push_back(match.first);
  return found;
}
using Keys = std::vector<SubscriberKey>;

}  // namespace

BOOST_AUTO_TEST_SUITE(subscription_tree)

BOOST_AUTO_TEST_CASE(an_empty_tree_matches_nothing) {
  const Tree tree(seed);
  BOOST_TEST(keys(tree, "a/b").empty());
  BOOST_TEST(tree.empty());
  BOOST_TEST(tree.filter_count() == 0U);
}

BOOST_AUTO_TEST_CASE(hash_matches_its_parent_and_everything_below, *label("MQTT-4.7.1-2")) {
  Tree tree(seed);
  tree.insert(filter("sport/#"), 1, 0);
  tree.insert(filter("#"), 2, 0);
  tree.insert(filter("sport/tennis/#"), 3, 0);
  BOOST_TEST(keys(tree, "sport") == (Keys{1, 2}));
  BOOST_TEST(keys(tree, "sport/") == (Keys{1, 2}));
  BOOST_TEST(keys(tree, "sport/tennis") == (Keys{1, 2, 3}));
  BOOST_TEST(keys(tree, "sport/tennis/player1/score") == (Keys{1, 2, 3}));
  BOOST_TEST(keys(tree, "sports") == (Keys{2}));
}

BOOST_AUTO_TEST_CASE(plus_matches_one_level_wherever_it_stands, *label("MQTT-4.7.1-3")) {
  Tree tree(seed);
  tree.insert(filter("+/tennis/+"), 1, 0);
  tree.insert(filter("sport/+"), 2, 0);
  tree.insert(filter("+"), 3, 0);
  tree.insert(filter("/+"), 4, 0);
  tree.insert(filter("+/+"), 5, 0);
  BOOST_TEST(keys(tree, "sport/tennis/p1") == (Keys{1}));
  BOOST_TEST(keys(tree, "sport/") == (Keys{2, 5}));
  BOOST_TEST(keys(tree, "sport") == (Keys{3}));
  BOOST_TEST(keys(tree, "/finance") == (Keys{4, 5}));
  BOOST_TEST(keys(tree, "sport/tennis/p1/x").empty());
}

BOOST_AUTO_TEST_CASE(leading_wildcards_do_not_see_dollar_names, *label("MQTT-4.7.2-1")) {
  Tree tree(seed);
  tree.insert(filter("#"), 1, 0);
  tree.insert(filter("+/uptime"), 2, 0);
  tree.insert(filter("$SYS/#"), 3, 0);
  tree.insert(filter("$SYS/+"), 4, 0);
  tree.insert(filter("a/+"), 5, 0);
  BOOST_TEST(keys(tree, "$SYS/uptime") == (Keys{3, 4}));
  BOOST_TEST(keys(tree, "$SYS") == (Keys{3}));
  BOOST_TEST(keys(tree, "a/$SYS") == (Keys{1, 5}));  // only the first level hides
}

BOOST_AUTO_TEST_CASE(subscribing_again_replaces, *label("MQTT-3.8.4-3")) {
  Tree tree(seed);
  BOOST_TEST(tree.insert(filter("a/+"), 7, 1));
  BOOST_TEST(!tree.insert(filter("a/+"), 7, 2));
  BOOST_TEST(tree.size() == 1U);
  BOOST_TEST(*tree.find(filter("a/+"), 7) == 2);
  BOOST_TEST(tree.insert(filter("a/+"), 3, 5));
  BOOST_TEST(!tree.insert(filter("a/+"), 7, 4));
  BOOST_TEST(tree.size() == 2U);
  BOOST_TEST(tree.filter_count() == 1U);
  BOOST_TEST((matches(tree, "a/x") == std::vector<std::pair<SubscriberKey, int>>{{3, 5}, {7, 4}}));
}

BOOST_AUTO_TEST_CASE(overlapping_filters_of_one_subscriber_are_visited_one_by_one,
                     *label("MQTT-3.3.5-1")) {
  Tree tree(seed);
  tree.insert(filter("a/#"), 1, 10);
  tree.insert(filter("a/+"), 1, 11);
  tree.insert(filter("a/b"), 1, 12);
  BOOST_TEST((matches(tree, "a/b")
              == std::vector<std::pair<SubscriberKey, int>>{{1, 10}, {1, 11}, {1, 12}}));
}

BOOST_AUTO_TEST_CASE(erasing_leaves_the_others) {
  Tree tree(seed);
  for (SubscriberKey key = 0; key < 100; ++key) tree.insert(filter("a/b"), key, 0);
  tree.insert(filter("a"), 1, 0);
  BOOST_TEST(!tree.erase(filter("a/b"), 100));
  BOOST_TEST(!tree.erase(filter("a/+"), 1));
  BOOST_TEST(!tree.erase(filter("x/y"), 1));
  for (SubscriberKey key = 0; key < 99; ++key) BOOST_TEST(tree.erase(filter("a/b"), key));
  BOOST_TEST(keys(tree, "a/b") == (Keys{99}));
  BOOST_TEST(tree.erase(filter("a/b"), 99));
  BOOST_TEST(!tree.erase(filter("a/b"), 99));
  BOOST_TEST(keys(tree, "a/b").empty());
  BOOST_TEST(keys(tree, "a") == (Keys{1}));
  BOOST_TEST(!tree.has_subscribers(filter("a/b")));
  BOOST_TEST(tree.has_subscribers(filter("a")));
  BOOST_TEST(tree.filter_count() == 1U);
}

BOOST_AUTO_TEST_CASE(the_generation_grows_with_every_change) {
  Tree tree(seed);
  const auto empty = tree.generation();
  tree.insert(filter("a"), 1, 0);
  const auto inserted = tree.generation();
  BOOST_TEST(inserted > empty);
  tree.insert(filter("a"), 1, 1);
  const auto replaced = tree.generation();
  BOOST_TEST(replaced > inserted);
  BOOST_TEST(!tree.erase(filter("b"), 1));
  BOOST_TEST(tree.generation() == replaced);
  tree.erase(filter("a"), 1);
  BOOST_TEST(tree.generation() > replaced);
}

BOOST_AUTO_TEST_CASE(filters_come_out_as_they_went_in) {
  Tree tree(seed);
  const std::set<std::string> texts = {"#", "+", "/", "//", "a//b", "a/+/#", "$SYS/#", "a"};
  for (const auto& text : texts) tree.insert(filter(text), 1, 0);
  tree.insert(filter("a"), 2, 0);
  std::set<std::string> filters;
  tree.for_each_filter([&](const TopicFilter& each) { filters.emplace(each.text()); });
  BOOST_TEST(filters == texts);
  std::size_t subscriptions = 0;
  tree.for_each([&](const TopicFilter&, SubscriberKey, int) { ++subscriptions; });
  BOOST_TEST(subscriptions == tree.size());
  Keys of_a;
  tree.for_each_subscriber(filter("a"), [&](SubscriberKey key, int) { of_a.push_back(key); });
  BOOST_TEST(of_a == (Keys{1, 2}));
}

BOOST_AUTO_TEST_CASE(a_filter_of_thousands_of_levels_needs_no_deep_stack) {
  std::string text = "+";
  for (int i = 0; i < 32'000; ++i) text += "/+";
  std::string path = "a";
  for (int i = 0; i < 32'000; ++i) path += "/a";
  Tree tree(seed);
  tree.insert(filter(text), 1, 0);
  BOOST_TEST(keys(tree, path) == (Keys{1}));
  BOOST_TEST(tree.erase(filter(text), 1));
}

BOOST_AUTO_TEST_CASE(the_order_of_matches_does_not_depend_on_the_seed) {
  SeededRandom random(5);
  Tree one(HashSeed{1, 2});
  Tree other(HashSeed{77, 99});
  for (SubscriberKey key = 0; key < 300; ++key) {
    const auto text = random_filter(random);
    one.insert(filter(text), key, 0);
    other.insert(filter(text), key, 0);
  }
  for (int i = 0; i < 200; ++i) {
    const auto text = random_name(random);
    Keys first, second;
    one.match(name(text), [&](SubscriberKey key, int) { first.push_back(key); });
    other.match(name(text), [&](SubscriberKey key, int) { second.push_back(key); });
    BOOST_TEST(first == second);
  }
}

BOOST_AUTO_TEST_CASE(a_random_history_agrees_with_brute_force) {
  SeededRandom random(42);
  Tree tree(seed);
  std::map<std::pair<std::string, SubscriberKey>, int> model;
  for (int step = 0; step < 6'000; ++step) {
    const auto text = random_filter(random);
    const SubscriberKey key = random.upto(4);
    // Growing, shrinking, growing: slots are used again, tables resized both ways.
    if (random.upto(10) < (step / 2'000 == 1 ? 2U : 7U)) {
      BOOST_REQUIRE(tree.insert(filter(text), key, step) == !model.contains({text, key}));
      model[{text, key}] = step;
    } else {
      BOOST_REQUIRE(tree.erase(filter(text), key) == (model.erase({text, key}) == 1));
    }
    BOOST_REQUIRE(tree.size() == model.size());
    if (step % 40 != 0) continue;
    const auto topic = random_name(random);
    std::vector<std::pair<SubscriberKey, int>> expected;
    for (const auto& [subscription, value] : model)
      if (naive_matches(subscription.first, topic))
        expected.emplace_back(subscription.second, value);
    std::ranges::sort(expected);
    BOOST_REQUIRE(matches(tree, topic) == expected);
  }
}

BOOST_AUTO_TEST_CASE(the_number_of_a_filter_stays_while_others_come_and_go_around_it) {
  Tree tree(seed);
  const auto number = tree.place(filter("a/+"), 1).filter;
  BOOST_TEST(tree.number_of(filter("a/+")) == number);
  const auto longer = tree.place(filter("a/+/b"), 1).filter;  // "a/+" is no leaf any more
  BOOST_TEST(tree.number_of(filter("a/+")) == number);
  BOOST_TEST((tree.filter_of(number) == filter("a/+")));
  BOOST_TEST((tree.filter_of(longer) == filter("a/+/b")));
  BOOST_TEST(tree.number_of(filter("a")) == Tree::none);
  BOOST_TEST(!tree.erase(number, 2));
  BOOST_TEST(tree.erase(longer, 1));
  BOOST_TEST(tree.number_of(filter("a/+")) == number);
  BOOST_TEST(keys(tree, "a/x") == (Keys{1}));
  BOOST_TEST(tree.erase(number, 1));
  BOOST_TEST(tree.number_of(filter("a/+")) == Tree::none);
}

BOOST_AUTO_TEST_CASE(numbers_name_their_filters_through_a_random_history) {
  SeededRandom random(43);
  Tree tree(seed);
  std::map<std::string, FilterNumber> model;
  for (int step = 0; step < 4'000; ++step) {
    const auto text = random_filter(random);
    if (random.upto(10) < (step / 1'000 % 2 == 1 ? 2U : 7U)) {
      const auto placed = tree.place(filter(text), 1);
      BOOST_REQUIRE(placed.is_new == model.emplace(text, placed.filter).second);
    } else if (const auto known = model.find(text); known != model.end()) {
      BOOST_REQUIRE(tree.erase(known->second, 1));
      model.erase(known);
    }
    if (step % 50 != 0) continue;
    std::map<std::string, FilterNumber> told;
    tree.for_each_number([&](FilterNumber number) {
      BOOST_REQUIRE(told.emplace(tree.filter_of(number).text(), number).second);
    });
    BOOST_REQUIRE((told == model));
  }
}

BOOST_AUTO_TEST_CASE(levels_of_any_length_come_out_as_they_went_in) {
  Tree tree(seed);
  std::set<std::string> texts;
  for (const std::size_t size : {0U, 1U, 10U, 11U, 12U, 13U, 126U, 127U, 128U, 255U, 256U, 60'000U})
    texts.insert("x/" + std::string(size, 'l') + "/y");
  for (const auto& text : texts) tree.insert(filter(text), 1, 0);
  std::set<std::string> filters;
  tree.for_each_filter([&](const TopicFilter& each) { filters.emplace(each.text()); });
  BOOST_TEST(filters == texts);
  for (const auto& text : texts) BOOST_TEST(tree.erase(filter(text), 1));
  BOOST_TEST(tree.empty());
}

BOOST_AUTO_TEST_CASE(memory_comes_back_when_filters_go) {
  Tree tree(seed);
  constexpr int filters = 20'000;
  const auto text = [](int i) { return "a/level that is long enough " + std::to_string(i) + "/+"; };
  for (int i = 0; i < filters; ++i) tree.insert(filter(text(i)), 1, 0);
  const std::size_t full = tree.memory_bytes();
  for (int i = 1; i < filters; ++i) tree.erase(filter(text(i)), 1);
  BOOST_TEST(tree.memory_bytes() * 50 < full);
}

BOOST_AUTO_TEST_CASE(a_filter_costs_little_memory) {
  SubscriptionTree<std::uint64_t> tree(seed);
  constexpr std::size_t filters = 100'000;
  for (std::size_t i = 0; i < filters; ++i)
    tree.insert(filter("site/" + std::to_string(i % 100) + "/device" + std::to_string(i) + "/+"), i,
                i);
  BOOST_TEST_MESSAGE("bytes a filter: " << tree.memory_bytes() / filters);
  BOOST_TEST(tree.memory_bytes() / filters <= 80U);
}

BOOST_AUTO_TEST_SUITE_END()
