// The rules of section 4.7 written down as simply as possible: what the real ones are held against.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "starling/topic.hpp"

namespace starling::test {

inline TopicFilter filter(std::string_view text) {
  return TopicFilter::parse(text).value();
}
inline TopicName name(std::string_view text) {
  return TopicName::parse(text).value();
}

/// Expects MQTT text.
inline bool naive_is_name(std::string_view text) {
  return !text.empty() && text.size() <= 65'535 && text.find_first_of("+#") == text.npos;
}
/// Expects MQTT text.
inline bool naive_is_filter(std::string_view text) {
  if (text.empty() || text.size() > 65'535) return false;
  const auto levels = split_levels(text);
  for (std::size_t i = 0; i < levels.size(); ++i) {
    if (levels[i] == "+" || (levels[i] == "#" && i + 1 == levels.size())) continue;
    if (levels[i].find_first_of("+#") != std::string_view::npos) return false;
  }
  return true;
}

using Levels = std::vector<std::string_view>;

inline bool naive_matches(const Levels& filter, const Levels& name, std::size_t i) {
  if (i < filter.size() && filter[i] == "#") return true;
  if (i == filter.size() || i == name.size()) return i == filter.size() && i == name.size();
  return (filter[i] == "+" || filter[i] == name[i]) && naive_matches(filter, name, i + 1);
}
inline bool naive_matches(std::string_view filter, std::string_view name) {
  const bool wildcard = filter[0] == '+' || filter[0] == '#';
  if (wildcard && name[0] == '$') return false;
  return naive_matches(split_levels(filter), split_levels(name), 0);
}

}  // namespace starling::test
