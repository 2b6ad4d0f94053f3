// TokenBucket: how much of something may happen, on average and at once. Told the time; owns no
// timer.
#pragma once

#include "starling/time.hpp"

namespace starling {

/// Fills with `rate_per_s` tokens a second up to `burst`, and begins full.
class TokenBucket {
 public:
  /// `rate_per_s` > 0, `burst` >= 1.
  TokenBucket(double rate_per_s, double burst, TimePoint now);

  /// Takes `count` tokens (<= burst) if they are there; otherwise takes nothing and returns false.
  bool take(double count, TimePoint now);
  /// Takes them in any case and goes into debt: for what has happened already. The debt is paid off
  /// before take() succeeds again; it is bounded by one burst, what lies beyond is forgiven.
  void charge(double count, TimePoint now);
  /// The earliest instant at which take(count) succeeds; `now` if it does already.
  [[nodiscard]] TimePoint ready_at(double count, TimePoint now) const;
  [[nodiscard]] double available(TimePoint now) const;

 private:
  double rate_per_s_;
  double burst_;
  double tokens_;  // at the instant filled_at_; negative: debt
  TimePoint filled_at_;
};

}  // namespace starling
