// InterestCounter: what the clients of this node want, each filter once however many want it. Turns
// subscriptions that come and go into the few changes the mesh hears of.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "starling/interest.hpp"

#include "src/broker/local_session.hpp"

namespace starling {

class InterestCounter {
 public:
  /// A subscription came. The change it makes to what this node wants, if it makes one.
  std::optional<InterestChange> add(const SubscriptionId& id, QoS qos, bool durable);
  /// A subscription that was added like this is gone.
  std::optional<InterestChange> remove(const SubscriptionId& id, QoS qos, bool durable);
  /// One that was added with the first pair of values now has the second.
  std::optional<InterestChange> replace(const SubscriptionId& id, QoS qos_before,
                                        bool durable_before, QoS qos, bool durable);

  /// Calls visit(const Interest&) for everything that is wanted, in the order of the filters.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const auto& entry : wanted_) visit(interest_of(entry.first, entry.second));
  }
  [[nodiscard]] std::size_t size() const { return wanted_.size(); }

 private:
  struct Count {
    std::array<std::uint32_t, 3> by_qos{};
    std::uint32_t durable = 0;
    [[nodiscard]] bool any() const { return by_qos[0] + by_qos[1] + by_qos[2] > 0; }
  };
  static Interest interest_of(const SubscriptionId& id, const Count& count);

  std::map<SubscriptionId, Count> wanted_;
};

}  // namespace starling
