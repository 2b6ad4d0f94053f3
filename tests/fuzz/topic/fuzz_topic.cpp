// Topic functions under lines of foreign text. Properties: parsing agrees with a naive checker,
// matching with a recursive one, the subscription tree and the topic map with brute force over all
// pairs, and covering and intersection with all names at hand.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "starling/check.hpp"

#include "src/topic/filter_algebra.hpp"
#include "src/topic/subscription_tree.hpp"
#include "src/topic/topic_map.hpp"
#include "tests/support/naive_topic.hpp"

using namespace starling;
using namespace starling::test;

namespace {

constexpr std::size_t lines_max = 40;
constexpr std::size_t level_depth_max = 400;  // the naive matcher recurses

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty() && lines.size() < lines_max) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

void check_tree(const std::vector<TopicFilter>& filters, const std::vector<TopicName>& names) {
  SubscriptionTree<std::size_t> tree(HashSeed{1, 2});
  for (std::size_t i = 0; i < filters.size(); ++i) tree.insert(filters[i], i, i);
  // Every third goes again, so that pruning is exercised as well.
  for (std::size_t i = 0; i < filters.size(); i += 3) STARLING_CHECK(tree.erase(filters[i], i));
  for (const TopicName& name : names) {
    std::multiset<std::size_t> found;
    tree.match(name, [&](SubscriberKey key, std::size_t) { found.insert(key); });
    std::multiset<std::size_t> expected;
    for (std::size_t i = 0; i < filters.size(); ++i)
      if (i % 3 != 0 && naive_matches(filters[i].text(), name.text())) expected.insert(i);
    STARLING_CHECK(found == expected);
  }
}

void check_map(const std::vector<TopicFilter>& filters, const std::vector<TopicName>& names) {
  TopicMap<std::string> map(HashSeed{3, 4});
  std::set<std::string> model;
  for (const TopicName& name : names) {
    STARLING_CHECK(map.insert(name, std::string(name.text())) == model.emplace(name.text()).second);
  }
  for (std::size_t i = 0; i < names.size(); i += 3) {
    map.erase(names[i]);
    model.erase(std::string(names[i].text()));
  }
  STARLING_CHECK(map.size() == model.size());
  for (const TopicFilter& filter : filters) {
    std::multiset<std::string> found;
    map.match(filter, [&](const std::string& text) { found.insert(text); });
    std::multiset<std::string> expected;
    for (const auto& text : model)
      if (naive_matches(filter.text(), text)) expected.insert(text);
    STARLING_CHECK(found == expected);
  }
}

void check_algebra(const std::vector<TopicFilter>& filters, const std::vector<TopicName>& names) {
  for (const TopicFilter& a : filters) {
    STARLING_CHECK(covers(a, a));
    for (const TopicFilter& b : filters) {
      const auto both = intersect(a, b);
      const bool a_covers_b = covers(a, b);
      STARLING_CHECK(a_covers_b == (both && covers(*both, b)));
      if (both) STARLING_CHECK(covers(a, *both) && covers(b, *both));
      for (const TopicName& name : names) {
        STARLING_CHECK((a.matches(name) && b.matches(name)) == (both && both->matches(name)));
        STARLING_CHECK(!a_covers_b || !b.matches(name) || a.matches(name));
      }
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<TopicFilter> filters;
  std::vector<TopicName> names;
  for (const std::string_view line : lines_of(as_text(ByteView{data, size}))) {
    auto filter = TopicFilter::parse(line);
    auto name = TopicName::parse(line);
    STARLING_CHECK(filter.ok() == (is_mqtt_text(line) && naive_is_filter(line)));
    STARLING_CHECK(name.ok() == (is_mqtt_text(line) && naive_is_name(line)));
    if (auto shared = SubscriptionName::parse(line); shared && !shared->share_group.empty())
      STARLING_CHECK("$share/" + shared->share_group + "/" + std::string(shared->filter.text())
                     == line);
    if (split_levels(line).size() > level_depth_max) continue;
    if (filter) filters.push_back(std::move(filter).value());
    if (name) names.push_back(std::move(name).value());
  }
  for (const TopicFilter& filter : filters)
    for (const TopicName& name : names)
      STARLING_CHECK(filter.matches(name) == naive_matches(filter.text(), name.text()));
  check_tree(filters, names);
  check_map(filters, names);
  check_algebra(filters, names);
  return 0;
}
