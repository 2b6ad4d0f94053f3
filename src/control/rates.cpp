#include "src/control/rates.hpp"

namespace starling::control {

void Rates::sample(TimePoint now, Counters counters) {
  samples_.push_back({now, counters});
  if (samples_.size() > samples_max) samples_.pop_front();
}

Rates::PerSecond Rates::rates(TimePoint now, Counters counters) const {
  if (samples_.empty()) return {};
  const Sample& oldest = samples_.front();
  const Duration span = now - oldest.at;
  if (span < std::chrono::seconds{1}) return {};
  const double seconds = std::chrono::duration<double>(span).count();
  return {static_cast<double>(counters.in - oldest.counters.in) / seconds,
          static_cast<double>(counters.out - oldest.counters.out) / seconds, span};
}

}  // namespace starling::control
