// TopicIndex: every topic and every filter of a run under a number, and which filters match which
// topics, found once for each pair that has a chance.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace starling::sim {

using TopicNumber = std::uint32_t;
using FilterNumber = std::uint32_t;

/// Text as a key that can be looked up without making a string.
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};
template <class Value>
using ByText = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

/// As large as the run has topics and filters; nothing is forgotten.
class TopicIndex {
 public:
  /// Makes it known if it is new.
  TopicNumber topic(std::string_view text);
  FilterNumber filter(std::string_view text);  ///< without "$share"
  [[nodiscard]] std::optional<TopicNumber> find_topic(std::string_view text) const;

  /// In the order of their numbers.
  [[nodiscard]] const std::vector<FilterNumber>& filters_of(TopicNumber topic) const {
    return topics_[topic].filters;
  }
  [[nodiscard]] const std::vector<TopicNumber>& topics_of(FilterNumber filter) const {
    return filters_[filter].topics;
  }
  [[nodiscard]] bool matches(FilterNumber filter, TopicNumber topic) const;

  [[nodiscard]] const std::string& topic_text(TopicNumber topic) const {
    return *topics_[topic].text;
  }
  [[nodiscard]] const std::string& filter_text(FilterNumber filter) const {
    return filters_[filter].text;
  }
  [[nodiscard]] std::size_t topic_count() const { return topics_.size(); }

 private:
  struct Topic {
    const std::string* text = nullptr;  // the key in topic_numbers_
    std::vector<FilterNumber> filters;
  };
  struct Filter {
    std::string text;
    std::vector<TopicNumber> topics;
  };
  std::vector<Topic> topics_;
  std::vector<Filter> filters_;
  std::map<std::string, TopicNumber, std::less<>> topic_order_;  // by text: prefixes are ranges
  ByText<TopicNumber> topic_numbers_;
  ByText<FilterNumber> filter_numbers_;
  ByText<std::vector<FilterNumber>> by_prefix_;
};

}  // namespace starling::sim
