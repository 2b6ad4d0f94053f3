// The registry behind the Metrics port. One thread.
#pragma once

#include <map>
#include <string>

#include "starling/port/metrics.hpp"

namespace starling {

class MetricRegistry final : public Metrics {
 public:
  Metric& metric(std::string_view name) override {
    const auto found = metrics_.find(name);
    if (found != metrics_.end()) return found->second;
    return metrics_.emplace(std::string(name), Metric{}).first->second;
  }
  /// In the order of their names. References stay good while the registry lives.
  [[nodiscard]] const std::map<std::string, Metric, std::less<>>& all() const { return metrics_; }

 private:
  std::map<std::string, Metric, std::less<>> metrics_;
};

}  // namespace starling
