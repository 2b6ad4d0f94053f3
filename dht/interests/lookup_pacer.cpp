#include "dht/interests/lookup_pacer.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace starling {

double LookupPacer::tokens_at(TimePoint now) const {
  const std::chrono::duration<double> passed = now - filled_at_;
  return std::min(burst_, tokens_ + passed.count() * per_s_);
}

bool LookupPacer::try_take(TimePoint now) {
  tokens_ = tokens_at(now);
  filled_at_ = now;
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

TimePoint LookupPacer::next_at(TimePoint now) const {
  const double missing = 1 - tokens_at(now);
  if (missing <= 0) return now;
  // One nanosecond more, so that rounding never wakes the caller a moment too early.
  return now + Duration(static_cast<Duration::rep>(std::ceil(missing / per_s_ * 1e9)) + 1);
}

}  // namespace starling
