#include "src/broker/retained.hpp"

#include <utility>

#include "starling/check.hpp"

namespace starling {

/// What is counted beside the map itself.
void RetainedMessages::forget(const Publication& message) {
  payload_bytes_ -= message.payload.size();
  if (message.expires_at) expiries_.erase({*message.expires_at, message.topic});
}

RetainedMessages::Outcome RetainedMessages::take(const SharedPublication& message,
                                                 std::shared_ptr<const Author> author) {
  Kept* known = kept_.find(message->topic);
  if (known != nullptr) forget(*known->message);
  if (message->payload.empty()) {
    if (known == nullptr) return Outcome::nothing_to_erase;
    kept_.erase(message->topic);
    return Outcome::erased;
  }
  if (known == nullptr && kept_.size() >= count_max_) return Outcome::refused_full;
  if (known != nullptr) {
    *known = {message, std::move(author)};
  } else {
    kept_.insert(message->topic, {message, std::move(author)});
  }
  payload_bytes_ += message->payload.size();
  if (message->expires_at) expiries_.emplace(*message->expires_at, message->topic);
  return Outcome::stored;
}

const RetainedMessages::Kept* RetainedMessages::next(Cursor& cursor, std::size_t& steps,
                                                     TimePoint now) {
  while (const Kept* kept = kept_.next(cursor, steps))
    if (!kept->message->has_expired(now)) return kept;
  return nullptr;
}

std::optional<TimePoint> RetainedMessages::next_expiry() const {
  if (expiries_.empty()) return std::nullopt;
  return expiries_.begin()->first;
}

std::vector<TopicName> RetainedMessages::drop_expired(TimePoint now, std::size_t at_most) {
  std::vector<TopicName> dropped;
  while (!expiries_.empty() && expiries_.begin()->first <= now && dropped.size() < at_most) {
    dropped.push_back(expiries_.begin()->second);
    const Kept* kept = kept_.find(dropped.back());
    STARLING_CHECK(kept != nullptr);
    forget(*kept->message);
    kept_.erase(dropped.back());
  }
  return dropped;
}

}  // namespace starling
