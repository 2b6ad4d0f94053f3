// RetainedMessages: the last message of each topic that was published to stay (3.3.1.3), and the
// walk that brings all of them that match to a new subscriber, in slices and never through its
// queue.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "starling/port/store.hpp"
#include "starling/publication.hpp"
#include "starling/topic.hpp"

#include "src/broker/listener_policy.hpp"
#include "src/topic/topic_map.hpp"

namespace starling {

/// Who published: for No Local [MQTT5-3.8.3-3], and to find out later whether he still may.
struct Author : StoredAuthor {
  ListenerIndex at = 0;  ///< the number of the listener
};

class RetainedMessages {
 public:
  /// A message as it is kept: packed, as there may be millions, and made into one that travels when
  /// somebody wants it. Its topic stands in the tree only, its payload is shared with everybody else who holds it.
  class Kept {
   public:
    Kept() = default;
    /// `author` null: none of ours.
    Kept(const Publication& message, std::shared_ptr<const Author> author);

    /// Without its MessageId. `topic`: where it was found.
    [[nodiscard]] SharedPublication message(TopicName topic) const;
    [[nodiscard]] const std::shared_ptr<const Author>& author() const { return author_; }
    [[nodiscard]] std::size_t payload_size() const { return payload_.size(); }
    [[nodiscard]] std::optional<TimePoint> expires_at() const {
      return expires_at_ == TimePoint::max() ? std::nullopt : std::optional(expires_at_);
    }
    [[nodiscard]] bool has_expired(TimePoint now) const { return expires_at_ <= now; }

   private:
    SharedBytes payload_;
    std::shared_ptr<const MessageProperties> properties_;
    std::shared_ptr<const Author> author_;
    TimePoint expires_at_ = TimePoint::max();  // max: never
    std::uint64_t number_ = 0;
    QoS qos_ = QoS::at_most_once;
  };
  using Cursor = TopicMap<Kept>::Cursor;
  using Entry = TopicMap<Kept>::Entry;

  /// `count_max`: topics; a message for one more is delivered but not kept.
  RetainedMessages(HashSeed seed, std::size_t count_max) : kept_(seed), count_max_(count_max) {}

  enum class Outcome : std::uint8_t { stored, erased, nothing_to_erase, refused_full };
  /// Takes a message whose retain flag is set: replaces, or erases if its payload is empty
  /// [MQTT-3.3.1-5] [MQTT-3.3.1-7] [MQTT-3.3.1-10] [MQTT-3.3.1-11] [MQTT5-3.3.1-5] [MQTT5-3.3.1-6]
  /// [MQTT5-3.3.1-7].
  Outcome take(const SharedPublication& message, std::shared_ptr<const Author> author);
  void set_count_max(std::size_t count_max) { count_max_ = count_max; }

  [[nodiscard]] const Kept* find(const TopicName& name) const { return kept_.find(name); }
  [[nodiscard]] std::size_t size() const { return kept_.size(); }
  [[nodiscard]] bool empty() const { return kept_.empty(); }
  /// Bytes of all payloads.
  [[nodiscard]] std::size_t payload_bytes() const { return payload_bytes_; }

  [[nodiscard]] std::unique_ptr<Cursor> make_cursor(const TopicFilter& filter) {
    return kept_.make_cursor(filter);
  }
  /// The next one that has not expired at `now`; nullptr: cursor.finished(), or `steps` used up.
  const Entry* next(Cursor& cursor, std::size_t& steps, TimePoint now);
  [[nodiscard]] TopicName topic_of(const Entry& entry) const { return kept_.name_of(entry); }

  /// When the first of them expires; nullopt: none does.
  [[nodiscard]] std::optional<TimePoint> next_expiry() const;
  /// Forgets at most `count_max` of those that have expired at `now`, and names them.
  std::vector<TopicName> drop_expired(TimePoint now, std::size_t at_most);

 private:
  void forget(const Kept& kept, const TopicName& topic);

  TopicMap<Kept> kept_;
  std::set<std::pair<TimePoint, TopicName>> expiries_;  // of those that have one
  std::size_t count_max_;
  std::size_t payload_bytes_ = 0;
};

/// A new subscription's walk over the retained messages. The cursor is made when its turn comes, so
/// one that waits costs little.
struct RetainedReplay {
  TopicFilter filter;
  QoS qos = QoS::at_most_once;
  bool no_local = false;
  std::uint32_t identifier = 0;
  std::uint32_t suback = 0;  ///< Connection::subacks_sent from which on it may begin
  std::unique_ptr<RetainedMessages::Cursor> cursor;
};

}  // namespace starling
