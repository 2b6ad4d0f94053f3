#include "src/broker/retained.hpp"

namespace starling {

void RetainedMessages::forget_expiry(const Publication& message) {
  if (message.expires_at) expiries_.erase({*message.expires_at, message.topic});
}

RetainedMessages::Outcome RetainedMessages::take(const SharedPublication& message,
                                                 std::uint64_t publisher) {
  Kept* known = kept_.find(message->topic);
  if (known != nullptr) forget_expiry(*known->message);
  if (message->payload.empty()) {
    if (known == nullptr) return Outcome::nothing_to_erase;
    kept_.erase(message->topic);
    return Outcome::erased;
  }
  if (known == nullptr && kept_.size() >= count_max_) return Outcome::refused_full;
  if (known != nullptr) {
    *known = {message, publisher};
  } else {
    kept_.insert(message->topic, {message, publisher});
  }
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
    expiries_.erase(expiries_.begin());
    kept_.erase(dropped.back());
  }
  return dropped;
}

}  // namespace starling
