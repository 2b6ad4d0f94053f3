#include "bridge/link/topic_numbers.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "starling/limits.hpp"
#include "starling/link_limits.hpp"

namespace starling {
namespace {

// Most peers exchange a few topics; a table for all that are possible is 160 KB.
constexpr std::size_t sets_first = 16;

}  // namespace

void GivenTopicNumbers::open(std::size_t count) {
  sets_max_ = count / places;
  sets_ = std::min(sets_max_, sets_first);
}

/// All topics get new numbers, and are spelt out once more for it.
void GivenTopicNumbers::grow() {
  sets_ = std::min(sets_max_, sets_ * 4);
  pushed_out_ = 0;
  places_.assign(sets_ * places, Place{});
}

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
    if (place.topic && ++pushed_out_ > sets_ && sets_ < sets_max_) {
      grow();
      return give(topic, mesh);
    }
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
