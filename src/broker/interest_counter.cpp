#include "src/broker/interest_counter.hpp"

#include "starling/check.hpp"

namespace starling {

Interest InterestCounter::interest_of(const SubscriptionId& id, const Count& count) {
  QoS greatest = QoS::at_most_once;
  if (count.by_qos[1] > 0) greatest = QoS::at_least_once;
  if (count.by_qos[2] > 0) greatest = QoS::exactly_once;
  return {id.filter, id.share_group, greatest, count.durable > 0};
}

std::optional<InterestChange> InterestCounter::add(const SubscriptionId& id, QoS qos,
                                                   bool durable) {
  Count& count = wanted_[id];
  const bool first = !count.any();
  const Interest before = interest_of(id, count);
  ++count.by_qos[static_cast<std::size_t>(qos)];
  count.durable += durable ? 1 : 0;
  Interest after = interest_of(id, count);
  if (!first && after == before) return std::nullopt;
  return InterestChange{std::move(after), true};
}

std::optional<InterestChange> InterestCounter::remove(const SubscriptionId& id, QoS qos,
                                                      bool durable) {
  const auto at = wanted_.find(id);
  STARLING_CHECK(at != wanted_.end());
  Count& count = at->second;
  const Interest before = interest_of(id, count);
  STARLING_CHECK(count.by_qos[static_cast<std::size_t>(qos)] > 0);
  STARLING_CHECK(!durable || count.durable > 0);
  --count.by_qos[static_cast<std::size_t>(qos)];
  count.durable -= durable ? 1 : 0;
  if (!count.any()) {
    wanted_.erase(at);
    return InterestChange{before, false};
  }
  Interest after = interest_of(id, count);
  if (after == before) return std::nullopt;
  return InterestChange{std::move(after), true};
}

std::optional<InterestChange> InterestCounter::replace(const SubscriptionId& id, QoS qos_before,
                                                       bool durable_before, QoS qos, bool durable) {
  const auto at = wanted_.find(id);
  STARLING_CHECK(at != wanted_.end());
  Count& count = at->second;
  const Interest before = interest_of(id, count);
  STARLING_CHECK(count.by_qos[static_cast<std::size_t>(qos_before)] > 0);
  STARLING_CHECK(!durable_before || count.durable > 0);
  --count.by_qos[static_cast<std::size_t>(qos_before)];
  ++count.by_qos[static_cast<std::size_t>(qos)];
  count.durable -= durable_before ? 1 : 0;
  count.durable += durable ? 1 : 0;
  Interest after = interest_of(id, count);
  if (after == before) return std::nullopt;
  return InterestChange{std::move(after), true};
}

}  // namespace starling
