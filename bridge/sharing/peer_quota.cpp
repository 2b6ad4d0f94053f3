#include "bridge/sharing/peer_quota.hpp"

#include <algorithm>

namespace starling {

PeerQuota::PeerQuota(PeerQuotaBounds bounds, HashSeed seed, TimePoint now)
    : bounds_(bounds),
      seed_(seed),
      rate_(bounds.messages_per_s, std::max(1.0, bounds.messages_per_s), now) {}

Admission PeerQuota::admit(const Publication& message, TimePoint now) {
  if (!rate_.take(1, now)) return Admission::too_fast;
  if (!message.retain) return Admission::admitted;
  const std::uint64_t topic = keyed_hash(seed_, message.topic.text());
  if (message.payload.empty()) {  // erases what is retained [MQTT-3.3.1-10]
    retained_.erase(topic);
    return Admission::admitted;
  }
  if (retained_.contains(topic)) return Admission::admitted;
  if (retained_.size() >= bounds_.retained_max) return Admission::too_many_retained;
  retained_.insert(topic);
  return Admission::admitted;
}

void PeerQuota::forget_retained(const TopicName& topic) {
  retained_.erase(keyed_hash(seed_, topic.text()));
}

}  // namespace starling
