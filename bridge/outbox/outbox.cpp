// The ordered list behind Outbox: dead slots stay until they reach the front, so nothing is ever
// moved.
#include "bridge/outbox/outbox.hpp"

#include <algorithm>
#include <utility>

#include "starling/check.hpp"

namespace starling {
namespace {

constexpr std::size_t entry_overhead = 256;  // bytes: Publication, its counter, and the slot

}  // namespace

std::size_t outbox_cost(const Publication& message) {
  std::size_t cost = entry_overhead + message.topic.text().size() + message.payload.size();
  if (message.properties) {
    const MessageProperties& properties = *message.properties;
    if (properties.content_type) cost += properties.content_type->size();
    if (properties.response_topic) cost += properties.response_topic->size();
    if (properties.correlation_data) cost += properties.correlation_data->size();
    for (const auto& [name, value] : properties.user_properties) cost += name.size() + value.size();
  }
  return cost;
}

bool Outbox::add(OutboxEntry entry) {
  STARLING_CHECK(entry.message != nullptr);
  const std::size_t cost = outbox_cost(*entry.message);
  if (live_ >= bounds_.messages_max
      || cost > bounds_.bytes_max - std::min(bytes_, bounds_.bytes_max)) {
    ++dropped_;
    return false;
  }
  bytes_ += cost;
  ++live_;
  slots_.push_back(Slot{std::move(entry), 0});
  return true;
}

const OutboxEntry* Outbox::peek_unsent(TimePoint now) {
  while (next_ < slots_.size()) {
    Slot& slot = slots_[next_];
    if (slot.entry.message && !is_stale(slot.entry, now)) return &slot.entry;
    if (slot.entry.message) {
      kill(slot);
      ++dropped_;
    }
    ++next_;
    pop_dead_front();
  }
  return nullptr;
}

void Outbox::mark_sent(std::uint64_t lane_number) {
  STARLING_CHECK(next_ < slots_.size() && slots_[next_].entry.message != nullptr);
  STARLING_CHECK(lane_number > 0);
  slots_[next_].lane_number = lane_number;
  ++next_;
  ++sent_live_;
}

void Outbox::give_up_unsent() {
  STARLING_CHECK(next_ < slots_.size() && slots_[next_].entry.message != nullptr);
  kill(slots_[next_]);
  ++dropped_;
  ++next_;
  pop_dead_front();
}

std::optional<MessageId> Outbox::acknowledge(std::uint64_t lane_number) {
  std::optional<MessageId> last;
  while (next_ > 0) {
    Slot& front = slots_.front();
    if (front.entry.message) {
      if (front.lane_number > lane_number) break;
      last = front.entry.message->id;
      kill(front);
      --sent_live_;
    }
    slots_.pop_front();
    --next_;
  }
  pop_dead_front();
  return last;
}

void Outbox::rewind() {
  for (std::size_t i = 0; i < next_; ++i) slots_[i].lane_number = 0;
  next_ = 0;
  sent_live_ = 0;
  pop_dead_front();
}

std::size_t Outbox::expire(TimePoint now) {
  std::size_t count = 0;
  for (std::size_t i = next_; i < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    if (!slot.entry.message || !is_stale(slot.entry, now)) continue;
    kill(slot);
    ++count;
  }
  dropped_ += count;
  pop_dead_front();
  return count;
}

std::size_t Outbox::forget_if(const std::function<bool(const OutboxEntry&)>& unwanted) {
  std::size_t count = 0;
  for (std::size_t i = next_; i < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    if (!slot.entry.message || !unwanted(slot.entry)) continue;
    kill(slot);
    ++count;
  }
  pop_dead_front();
  return count;
}

std::size_t Outbox::clear() {
  const std::size_t count = live_;
  dropped_ += count;
  slots_.clear();
  next_ = live_ = sent_live_ = bytes_ = 0;
  return count;
}

std::optional<MessageId> Outbox::floor() const {
  // Entries are added in the order of their ids, and dead slots never stay at the front.
  if (live_ == 0) return std::nullopt;
  return slots_.front().entry.message->id;
}

bool Outbox::is_stale(const OutboxEntry& entry, TimePoint now) const {
  return entry.message->has_expired(now) || now - entry.queued_at > bounds_.age_max;
}

void Outbox::kill(Slot& slot) {
  bytes_ -= outbox_cost(*slot.entry.message);
  slot.entry = OutboxEntry{};
  --live_;
}

void Outbox::pop_dead_front() {
  while (!slots_.empty() && !slots_.front().entry.message) {
    slots_.pop_front();
    if (next_ > 0) --next_;
  }
}

}  // namespace starling
