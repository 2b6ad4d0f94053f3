// The short queue of messages without a known destination.
#include "bridge/mesh/parking_lot.hpp"

#include <algorithm>
#include <utility>

#include "bridge/outbox/outbox.hpp"

namespace starling {

bool ParkingLot::park(const SharedPublication& message, std::vector<NodeId> served, TimePoint now) {
  const bool acknowledged = message->qos != QoS::at_most_once;
  const std::size_t cost = outbox_cost(*message);
  LiteralPrefix prefix =
      LiteralPrefix::first_levels(message->topic.text(), LiteralPrefix::levels_max);
  const auto known = shares_.find(prefix);
  const Share before = known == shares_.end() ? Share{} : known->second;

  bool has_room = bytes_ + cost <= limits::unresolved_bytes_max
                  && (known != shares_.end() || shares_.size() < limits::parked_prefixes_max);
  if (acknowledged) {
    has_room = has_room && acknowledged_messages_ < limits::unresolved_messages_max;
  } else {
    has_room = has_room && before.qos0_messages < limits::parked_messages_max
               && before.qos0_bytes + cost <= limits::parked_bytes_max;
  }
  if (!has_room) {
    ++dropped_;
    return false;
  }

  TimePoint until =
      now + (acknowledged ? Duration{limits::unresolved_for} : Duration{limits::parked_age_max});
  if (message->expires_at) until = std::min(until, *message->expires_at);
  Share& share = shares_[prefix];
  ++share.messages;
  if (acknowledged) {
    ++acknowledged_messages_;
  } else {
    ++share.qos0_messages;
    share.qos0_bytes += cost;
  }
  bytes_ += cost;
  waiting_.push_back(Waiting{message, std::move(prefix), std::move(served), until, cost});
  return true;
}

std::vector<SharedPublication> ParkingLot::take_for(
    const NodeId& peer, const std::function<bool(const Publication&)>& wants) {
  std::vector<SharedPublication> taken;
  for (Waiting& waiting : waiting_) {
    const auto& served = waiting.served;
    if (std::find(served.begin(), served.end(), peer) != served.end()) continue;
    if (!wants(*waiting.message)) continue;
    waiting.served.push_back(peer);
    taken.push_back(waiting.message);
  }
  return taken;
}

void ParkingLot::settle(const std::function<bool(const Publication&)>& is_settled) {
  remove_if([&](const Waiting& waiting) { return is_settled(*waiting.message); });
}

std::size_t ParkingLot::expire(TimePoint now) {
  return remove_if([now](const Waiting& waiting) { return waiting.until <= now; });
}

std::optional<TimePoint> ParkingLot::next_deadline() const {
  std::optional<TimePoint> first;
  for (const Waiting& waiting : waiting_) {
    if (!first || waiting.until < *first) first = waiting.until;
  }
  return first;
}

void ParkingLot::for_each(const std::function<void(const Publication&)>& visit) const {
  for (const Waiting& waiting : waiting_) visit(*waiting.message);
}

void ParkingLot::forget(const Waiting& waiting) {
  const auto entry = shares_.find(waiting.prefix);
  Share& share = entry->second;
  --share.messages;
  if (waiting.message->qos == QoS::at_most_once) {
    --share.qos0_messages;
    share.qos0_bytes -= waiting.cost;
  } else {
    --acknowledged_messages_;
  }
  bytes_ -= waiting.cost;
  if (share.messages == 0) shares_.erase(entry);
}

template <class Predicate>
std::size_t ParkingLot::remove_if(const Predicate& predicate) {
  const auto first = std::remove_if(waiting_.begin(), waiting_.end(), [&](const Waiting& waiting) {
    if (!predicate(waiting)) return false;
    forget(waiting);
    return true;
  });
  const auto count = static_cast<std::size_t>(waiting_.end() - first);
  waiting_.erase(first, waiting_.end());
  return count;
}

}  // namespace starling
