// Metrics: counters and gauges by name. Names are those of the exposition ("starling_..._total").
#pragma once

#include <cstdint>
#include <string_view>

namespace starling {

/// One number; owned by the registry, good as long as it lives. One thread writes.
struct Metric {
  std::int64_t value = 0;
  void add(std::int64_t amount = 1) { value += amount; }
  void set(std::int64_t amount) { value = amount; }
};

class Metrics {
 public:
  virtual ~Metrics() = default;
  /// The metric of this name (labels written into it, `name{reason="acl"}`), made at the first
  /// call.
  virtual Metric& metric(std::string_view name) = 0;
};

}  // namespace starling
