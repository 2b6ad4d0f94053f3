#include "simulations/scenarios/latencies.hpp"

#include <algorithm>

namespace starling::sim {

/// The upper end of the bucket in which it lies, in milliseconds.
double Latencies::at(double share) const {
  const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket) {
    seen += counts_[bucket];
    if (seen >= wanted)
      return std::min(std::exp(static_cast<double>(bucket + 1) * step), max_) / 1e3;
  }
  return max_ / 1e3;
}

Quantiles Latencies::quantiles() const {
  if (count_ == 0) return {};
  return {count_, at(0.5), at(0.9), at(0.99), at(0.999), max_ / 1e3};
}

std::vector<HistogramBar> Latencies::bars() const {
  constexpr std::size_t width = 10;
  std::vector<HistogramBar> bars;
  for (std::size_t bucket = 0; bucket < counts_.size(); bucket += width) {
    HistogramBar bar;
    bar.from_ms = std::exp(static_cast<double>(bucket) * step) / 1e3;
    bar.to_ms = std::exp(static_cast<double>(bucket + width) * step) / 1e3;
    for (std::size_t i = bucket; i < std::min(bucket + width, counts_.size()); ++i)
      bar.count += counts_[i];
    if (bar.count > 0 || !bars.empty()) bars.push_back(bar);
  }
  return bars;
}

}  // namespace starling::sim
