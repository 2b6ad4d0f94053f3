// LookupPacer: a token bucket for lookups in the DHT. One per node, shared by all its meshes: a
// lookup costs the network some thirty requests, and a client that publishes to random topics must
// not be able to ask for thousands.
#pragma once

#include "starling/limits.hpp"
#include "starling/time.hpp"

namespace starling {

class LookupPacer {
 public:
  /// `per_s`: sustained rate, above zero. `burst`: how many may go at once after a quiet time, at
  /// least 1.
  explicit LookupPacer(double per_s = limits::lookups_per_s, double burst = limits::lookups_burst)
      : per_s_(per_s), burst_(burst), tokens_(burst) {}

  /// True: go ahead, it is counted. `now` never goes back.
  bool try_take(TimePoint now);
  /// When try_take will next succeed; `now` if it would.
  [[nodiscard]] TimePoint next_at(TimePoint now) const;

 private:
  [[nodiscard]] double tokens_at(TimePoint now) const;

  double per_s_;
  double burst_;
  double tokens_;
  TimePoint filled_at_{};
};

}  // namespace starling
