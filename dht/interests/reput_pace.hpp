// ReputPace: how often the record under one key may change: two at once, then one per
// limits::record_reput_min. Every change is a new value that storing nodes keep for ten minutes.
#pragma once

#include <algorithm>

#include "starling/limits.hpp"
#include "starling/time.hpp"

namespace starling {

class ReputPace {
 public:
  /// When the next change may be put; not after `now` if it may at once.
  [[nodiscard]] TimePoint allowed_at() const {
    return paid_until_ - Duration(limits::record_reput_min);
  }
  void on_put(TimePoint now) {
    paid_until_ = std::max(paid_until_, now) + Duration(limits::record_reput_min);
  }

 private:
  TimePoint paid_until_{};
};

}  // namespace starling
