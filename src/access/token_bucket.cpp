#include "src/access/token_bucket.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "starling/check.hpp"

namespace starling {
namespace {

double seconds(Duration span) {
  return std::chrono::duration<double>(span).count();
}

}  // namespace

TokenBucket::TokenBucket(double rate_per_s, double burst, TimePoint now)
    : rate_per_s_(rate_per_s), burst_(burst), tokens_(burst), filled_at_(now) {
  STARLING_CHECK(rate_per_s > 0 && burst >= 1);
}

double TokenBucket::available(TimePoint now) const {
  if (now <= filled_at_) return tokens_;
  return std::min(burst_, tokens_ + seconds(now - filled_at_) * rate_per_s_);
}

bool TokenBucket::take(double count, TimePoint now) {
  const double there = available(now);
  // A thousandth of a token of tolerance: ready_at() must not be refused for a rounding error.
  if (there + 1e-3 < count) return false;
  tokens_ = there - count;
  filled_at_ = std::max(filled_at_, now);
  return true;
}

void TokenBucket::charge(double count, TimePoint now) {
  tokens_ = std::max(-burst_, available(now) - count);
  filled_at_ = std::max(filled_at_, now);
}

TimePoint TokenBucket::ready_at(double count, TimePoint now) const {
  const double missing = count - available(now);
  if (missing <= 0) return now;
  const auto wait = std::chrono::duration<double>(missing / rate_per_s_);
  return std::max(now, filled_at_) + std::chrono::ceil<Duration>(wait);
}

}  // namespace starling
