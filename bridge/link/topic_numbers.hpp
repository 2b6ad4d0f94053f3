// Topics by number, per lane and direction of a link: the sender spells a topic out once and gives it
// a number, the receiver remembers it [MESH-5.1-5]. The sender decides which topics have numbers; to
// give a number to another topic is all it takes to forget one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "starling/topic.hpp"

namespace starling {

/// The sender's: as a cache with two places for each topic, of which the one used longer ago gives
/// way. So it costs no search and its memory is bounded by the receiver's word.
class GivenTopicNumbers {
 public:
  /// `count`: numbers that the receiver remembers; below two: none are given.
  void open(std::size_t count);

  struct Given {
    std::optional<std::uint32_t> number;  ///< nullopt: the topic goes without
    bool is_new = true;                   ///< it must be spelt out
  };
  /// What this message must say; it counts as said.
  Given give(const TopicName& topic, std::uint32_t mesh);

 private:
  static constexpr std::size_t places = 2;
  struct Place {
    std::optional<TopicName> topic;
    std::uint32_t mesh = 0;
    bool used_last = false;  // of the two
    [[nodiscard]] bool holds(const TopicName& name, std::uint32_t in_mesh) const {
      // Copies of a name share its text: nearly always this is the very same.
      return topic && mesh == in_mesh
             && (topic->text().data() == name.text().data() || *topic == name);
    }
  };
  void grow();

  std::size_t sets_max_ = 0;
  std::size_t sets_ = 0;
  std::size_t pushed_out_ = 0;  // topics, since the table had this size
  std::vector<Place> places_;   // two a set; made with the first topic, grows with those it meets
};

/// The receiver's.
class KeptTopicNumbers {
 public:
  struct Topic {
    std::optional<TopicName> name;  ///< nullopt: the number was never given
    std::size_t mesh = 0;           ///< our own number of it
    std::uint64_t version = 0;      ///< another with each topic that gets the number; never 0
  };

  explicit KeptTopicNumbers(std::size_t count_max) : count_max_(count_max) {}

  /// Null: a number beyond what our hello told.
  const Topic* keep(std::uint32_t number, TopicName topic, std::size_t mesh);
  /// Null: a number that was not given.
  [[nodiscard]] const Topic* find(std::uint32_t number) const {
    return number < topics_.size() && topics_[number].name ? &topics_[number] : nullptr;
  }

 private:
  std::size_t count_max_;
  std::uint64_t version_ = 0;
  std::vector<Topic> topics_;  // grows as numbers are given
};

}  // namespace starling
