#include "bridge/link/topic_numbers.hpp"

#include <functional>
#include <utility>

#include "starling/limits.hpp"
#include "starling/link_limits.hpp"

namespace starling {

GivenTopicNumbers::Given GivenTopicNumbers::give(const TopicName& topic, std::uint32_t mesh) {
  if (sets_ == 0 || topic.text().size() > limits::link_topic_bytes_max) return {};
  if (places_.empty()) places_.resize(sets_ * places);
  // Whoever makes topics fall on one place has them spelt out, and gains nothing by it.
  const std::size_t set = std::hash<std::string_view>{}(topic.text()) % sets_ * places;
  Place& first = places_[set];
  Place& second = places_[set + 1];
  const bool in_first = first.holds(topic, mesh);
  const bool is_known = in_first || second.holds(topic, mesh);
  const bool takes_first = is_known ? in_first : !first.used_last;
  Place& place = takes_first ? first : second;
  first.used_last = takes_first;
  second.used_last = !takes_first;
  if (!is_known) {
    place.topic = topic;
    place.mesh = mesh;
  }
  return {static_cast<std::uint32_t>(set + (takes_first ? 0 : 1)), !is_known};
}

const KeptTopicNumbers::Topic* KeptTopicNumbers::keep(std::uint32_t number, TopicName topic,
                                                      std::size_t mesh) {
  if (number >= count_max_) return nullptr;
  if (number >= topics_.size()) topics_.resize(number + 1);
  Topic& place = topics_[number];
  place.name = std::move(topic);
  place.mesh = mesh;
  place.version = ++version_;
  return &place;
}

}  // namespace starling
