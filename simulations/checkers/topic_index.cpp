#include "simulations/checkers/topic_index.hpp"

#include <algorithm>

#include "simulations/checkers/topic_match.hpp"

namespace starling::sim {

TopicNumber TopicIndex::topic(std::string_view text) {
  const auto known = topic_numbers_.find(text);
  if (known != topic_numbers_.end()) return known->second;
  const auto number = static_cast<TopicNumber>(topics_.size());
  const auto entry = topic_numbers_.emplace(std::string(text), number).first;
  topic_order_.emplace(std::string(text), number);
  Topic& topic = topics_.emplace_back();
  topic.text = &entry->first;  // stays where it is: keys of such a map do not move
  // A filter that matches begins with the whole topic or with some of its levels. The empty prefix
  // stands for leading wildcards.
  const auto consider = [&](std::string_view prefix) {
    const auto filed = by_prefix_.find(prefix);
    if (filed == by_prefix_.end()) return;
    for (const FilterNumber filter : filed->second)
      if (naive_matches(filters_[filter].text, text)) topic.filters.push_back(filter);
  };
  consider("");
  for (std::size_t i = 1; i <= text.size(); ++i)
    if (i == text.size() || text[i] == '/') consider(text.substr(0, i));
  std::ranges::sort(topic.filters);
  for (const FilterNumber filter : topic.filters) filters_[filter].topics.push_back(number);
  return number;
}

FilterNumber TopicIndex::filter(std::string_view text) {
  const auto known = filter_numbers_.find(text);
  if (known != filter_numbers_.end()) return known->second;
  const auto number = static_cast<FilterNumber>(filters_.size());
  filter_numbers_.emplace(std::string(text), number);
  const std::string_view prefix = literal_prefix(text);
  by_prefix_[std::string(prefix)].push_back(number);
  Filter& filter = filters_.emplace_back();
  filter.text = text;
  for (auto at = topic_order_.lower_bound(prefix); at != topic_order_.end(); ++at) {
    if (!at->first.starts_with(prefix)) break;
    if (!naive_matches(text, at->first)) continue;
    filter.topics.push_back(at->second);
    topics_[at->second].filters.push_back(number);
  }
  std::ranges::sort(filter.topics);
  return number;
}

std::optional<TopicNumber> TopicIndex::find_topic(std::string_view text) const {
  const auto known = topic_numbers_.find(text);
  if (known == topic_numbers_.end()) return std::nullopt;
  return known->second;
}

bool TopicIndex::matches(FilterNumber filter, TopicNumber topic) const {
  const auto& filters = topics_[topic].filters;
  return std::ranges::binary_search(filters, filter);
}

}  // namespace starling::sim
