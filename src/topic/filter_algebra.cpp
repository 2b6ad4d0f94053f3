#include "src/topic/filter_algebra.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace starling {
namespace {

using Levels = std::vector<std::string_view>;

bool is_wildcard(std::string_view level) {
  return level == "+" || level == "#";
}

// A filter that opens with a wildcard never sees a name that opens with '$' [MQTT-4.7.2-1].
bool hides(std::string_view wildcard_level, std::string_view level) {
  return is_wildcard(wildcard_level) && level.substr(0, 1) == "$";
}

// Every filter that ends in '#' at `depth` also matches the name that ends before it, if there is
// one: no name has no level, and none is a single empty level.
bool parent_is_a_name(const Levels& levels, std::size_t depth) {
  return depth > 1 || (depth == 1 && !levels[0].empty());
}

/// Level `i` as one of both filters asks for it, or nullptr if they exclude each other there.
const std::string_view* common_level(const Levels& a, const Levels& b, std::size_t i) {
  if (i >= a.size() || i >= b.size()) return nullptr;
  if (a[i] == "+") return &b[i];
  return b[i] == "+" || a[i] == b[i] ? &a[i] : nullptr;
}

/// What is no filter matches no name: "/#" and "+" would only share the empty one, and two long
/// filters only names of more than 65535 bytes [MQTT-4.7.3-1] [MQTT-4.7.3-3].
std::optional<TopicFilter> join(const Levels& levels) {
  std::string text;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    if (i > 0) text += '/';
    text += levels[i];
  }
  auto filter = TopicFilter::parse(text);
  if (!filter) return std::nullopt;
  return std::move(filter).value();
}

}  // namespace

bool covers(const TopicFilter& a, const TopicFilter& b) {
  const Levels general = split_levels(a.text());
  const Levels special = split_levels(b.text());
  if (hides(general[0], special[0])) return false;
  for (std::size_t i = 0;; ++i) {
    const bool general_ends = i == general.size();
    const bool special_ends = i == special.size();
    if (general_ends || special_ends) return special_ends && (general_ends || general[i] == "#");
    if (general[i] == "#") return true;
    if (special[i] == "#")
      // What is left of `b` matches any number of levels, none included where that makes a name;
      // "+/#" needs one level at least.
      return general[i] == "+" && i + 2 == general.size() && general[i + 1] == "#"
             && !parent_is_a_name(special, i);
    if (general[i] != "+" && general[i] != special[i]) return false;
  }
}

std::optional<TopicFilter> intersect(const TopicFilter& a, const TopicFilter& b) {
  const Levels left = split_levels(a.text());
  const Levels right = split_levels(b.text());
  if (hides(left[0], right[0]) || hides(right[0], left[0])) return std::nullopt;
  Levels both;
  for (std::size_t i = 0; i < left.size() || i < right.size(); ++i) {
    const bool left_is_open = i < left.size() && left[i] == "#";
    const bool right_is_open = i < right.size() && right[i] == "#";
    if (left_is_open || right_is_open) {
      // The open one takes whatever the other one still asks for, be it nothing.
      const Levels& other = left_is_open ? right : left;
      if (i < other.size())
        both.insert(both.end(), other.begin() + static_cast<std::ptrdiff_t>(i), other.end());
      return join(both);
    }
    const std::string_view* level = common_level(left, right, i);
    if (level == nullptr) return std::nullopt;
    both.push_back(*level);
  }
  return join(both);
}

std::vector<TopicFilter> without_covered(const std::vector<TopicFilter>& filters) {
  std::vector<TopicFilter> kept;
  for (std::size_t i = 0; i < filters.size(); ++i) {
    bool needed = true;
    for (std::size_t j = 0; j < filters.size() && needed; ++j) {
      if (i == j || !covers(filters[j], filters[i])) continue;
      // Of equals the first one stays.
      needed = j > i && covers(filters[i], filters[j]);
    }
    if (needed) kept.push_back(filters[i]);
  }
  return kept;
}

std::vector<TopicFilter> intersect(const std::vector<TopicFilter>& a,
                                   const std::vector<TopicFilter>& b) {
  std::vector<TopicFilter> common;
  for (const TopicFilter& left : a)
    for (const TopicFilter& right : b)
      if (auto both = intersect(left, right)) common.push_back(std::move(*both));
  return without_covered(common);
}

}  // namespace starling
