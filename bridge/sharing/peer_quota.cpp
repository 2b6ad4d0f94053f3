#include "bridge/sharing/peer_quota.hpp"

#include <algorithm>

namespace starling {
namespace {

std::optional<TokenBucket> bucket_of(double messages_per_s, TimePoint now) {
  if (messages_per_s <= 0) return std::nullopt;
  return TokenBucket(messages_per_s, std::max(1.0, messages_per_s), now);
}

}  // namespace

PeerQuota::PeerQuota(PeerQuotaBounds bounds, HashSeed seed, TimePoint now)
    : bounds_(bounds),
      seed_(seed),
      rate_(bucket_of(bounds.messages_per_s, now)),
      open_rate_(bucket_of(bounds.open_messages_per_s, now)) {}

Admission PeerQuota::admit(const Publication& message, const TopicName& local, bool by_open_mesh,
                           TimePoint now) {
  std::optional<TokenBucket>& rate = by_open_mesh ? open_rate_ : rate_;
  const bool in_time = !rate || rate->take(1, now);
  if (!in_time) {
    // A dropped message changes nothing that is retained, so it must not be counted as if it did.
    if (message.qos == QoS::at_most_once) return Admission::too_fast;
    rate->charge(1, now);
  }
  if (message.retain && !count_retained(message, local)) return Admission::too_many_retained;
  return in_time ? Admission::admitted : Admission::too_fast;
}

bool PeerQuota::count_retained(const Publication& message, const TopicName& local) {
  const std::uint64_t topic = keyed_hash(seed_, local.text());
  if (message.payload.empty()) {  // erases what is retained [MQTT-3.3.1-10]
    retained_.erase(topic);
    return true;
  }
  if (retained_.contains(topic)) return true;
  if (retained_.size() >= bounds_.retained_max) return false;
  retained_.insert(topic);
  return true;
}

void PeerQuota::forget_retained(const TopicName& topic) {
  retained_.erase(keyed_hash(seed_, topic.text()));
}

}  // namespace starling
