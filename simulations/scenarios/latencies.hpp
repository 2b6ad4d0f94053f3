// Latencies: how often which was seen, in fixed memory: buckets that grow by two per cent.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "starling/time.hpp"

#include "simulations/report/report.hpp"

namespace starling::sim {

class Latencies {
 public:
  void add(Duration latency) {
    const double us = std::max(1.0, static_cast<double>(latency.count()) / 1e3);
    const auto bucket = static_cast<std::size_t>(std::log(us) / step);
    if (bucket >= counts_.size()) counts_.resize(bucket + 1);
    ++counts_[bucket];
    ++count_;
    max_ = std::max(max_, us);
  }
  [[nodiscard]] Quantiles quantiles() const;
  /// Of ten buckets each, from the first to the last that holds anything.
  [[nodiscard]] std::vector<HistogramBar> bars() const;

 private:
  static constexpr double step = 0.0198026;  // ln 1.02
  [[nodiscard]] double at(double share) const;

  std::vector<std::uint64_t> counts_;  // by ln(microseconds) / step
  std::uint64_t count_ = 0;
  double max_ = 0;  // microseconds
};

}  // namespace starling::sim
