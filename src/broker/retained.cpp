#include "src/broker/retained.hpp"

#include <utility>

#include "starling/check.hpp"

namespace starling {

RetainedMessages::Kept::Kept(const Publication& message, std::shared_ptr<const Author> author)
    : payload_(message.payload),
      properties_(message.properties),
      author_(std::move(author)),
      expires_at_(message.expires_at.value_or(TimePoint::max())),
      number_(message.number),
      qos_(message.qos) {}

SharedPublication RetainedMessages::Kept::message(TopicName topic) const {
  return std::make_shared<const Publication>(
      Publication{std::move(topic), payload_, qos_, true, expires_at(), properties_, {}, number_});
}

/// What is counted beside the map itself.
void RetainedMessages::forget(const Kept& kept, const TopicName& topic) {
  payload_bytes_ -= kept.payload_size();
  if (const auto expires_at = kept.expires_at()) expiries_.erase({*expires_at, topic});
}

RetainedMessages::Outcome RetainedMessages::take(const SharedPublication& message,
                                                 std::shared_ptr<const Author> author) {
  Kept* known = kept_.find(message->topic);
  if (known != nullptr) forget(*known, message->topic);
  if (message->payload.empty()) {
    if (known == nullptr) return Outcome::nothing_to_erase;
    kept_.erase(message->topic);
    return Outcome::erased;
  }
  if (known == nullptr && kept_.size() >= count_max_) return Outcome::refused_full;
  if (known != nullptr) {
    *known = Kept(*message, std::move(author));
  } else {
    kept_.insert(message->topic, Kept(*message, std::move(author)));
  }
  payload_bytes_ += message->payload.size();
  if (message->expires_at) expiries_.emplace(*message->expires_at, message->topic);
  return Outcome::stored;
}

const RetainedMessages::Entry* RetainedMessages::next(Cursor& cursor, std::size_t& steps,
                                                      TimePoint now) {
  while (const Entry* entry = kept_.next(cursor, steps))
    if (!entry->value.has_expired(now)) return entry;
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
    forget(*kept, dropped.back());
    kept_.erase(dropped.back());
  }
  return dropped;
}

}  // namespace starling
