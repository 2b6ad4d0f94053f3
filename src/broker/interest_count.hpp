// InterestCount: how many sessions want one filter, and how.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "starling/check.hpp"
#include "starling/publication.hpp"

namespace starling {

struct InterestCount {
  std::array<std::uint32_t, 3> by_qos{};
  std::uint32_t durable = 0;

  void add(QoS qos, bool is_durable) {
    ++by_qos[static_cast<std::size_t>(qos)];
    durable += is_durable ? 1 : 0;
  }
  /// One that was added like this.
  void remove(QoS qos, bool was_durable) {
    STARLING_CHECK(by_qos[static_cast<std::size_t>(qos)] > 0 && (!was_durable || durable > 0));
    --by_qos[static_cast<std::size_t>(qos)];
    durable -= was_durable ? 1 : 0;
  }

  [[nodiscard]] std::uint32_t sessions() const { return by_qos[0] + by_qos[1] + by_qos[2]; }
  [[nodiscard]] bool any() const { return sessions() > 0; }
  [[nodiscard]] QoS qos_max() const {
    if (by_qos[2] > 0) return QoS::exactly_once;
    return by_qos[1] > 0 ? QoS::at_least_once : QoS::at_most_once;
  }
  /// When it becomes `after`, others want to know.
  [[nodiscard]] bool would_tell(const InterestCount& after) const {
    if (any() != after.any()) return true;
    return any() && (qos_max() != after.qos_max() || (durable > 0) != (after.durable > 0));
  }
};

}  // namespace starling
