// Histogram: how often which latency was seen, in fixed memory. Log-linear buckets, as HdrHistogram
// has them: each power of two is cut into 128 equal parts, so a value is told to within 1/128.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace starling::bench {

/// Values are nanoseconds, 0 to an hour; above counts as an hour, below 0 as 0. 36 KiB.
class Histogram {
 public:
  void record(std::int64_t value, std::uint64_t times = 1) {
    const auto kept = static_cast<std::uint64_t>(std::clamp<std::int64_t>(value, 0, value_max));
    counts_[bucket_of(kept)] += times;
    count_ += times;
    sum_ += kept * times;
    min_ = std::min(min_, kept);
    max_ = std::max(max_, kept);
  }
  void merge(const Histogram& other);
  void reset() { *this = Histogram{}; }

  [[nodiscard]] std::uint64_t count() const { return count_; }
  /// Exact; 0 when nothing was recorded, as for all that follow.
  [[nodiscard]] std::uint64_t min() const { return count_ == 0 ? 0 : min_; }
  [[nodiscard]] std::uint64_t max() const { return max_; }
  [[nodiscard]] double mean() const;
  /// The smallest value that `part` (0 to 1) of all values do not exceed, at most 1 % too high and
  /// never too low; never above max().
  [[nodiscard]] std::uint64_t at(double part) const;

 private:
  static constexpr unsigned linear_bits = 7;  // 128 parts: error below 0.8 %
  static constexpr std::uint64_t parts = 1U << linear_bits;
  static constexpr std::int64_t value_max = 3'600'000'000'000;  // an hour
  static constexpr unsigned powers = 42 - linear_bits;          // an hour needs 42 bits

  // Below 128 a value is its own bucket; from there on the highest seven bits after the first one
  // say the part, and the number of bits says the power.
  static constexpr std::size_t bucket_of(std::uint64_t value) {
    if (value < parts) return value;
    const auto power = static_cast<unsigned>(std::bit_width(value)) - linear_bits - 1;
    return (power << linear_bits) + (value >> power);
  }
  static constexpr std::uint64_t highest_of(std::size_t bucket) {
    if (bucket < 2 * parts) return bucket;
    const std::size_t power = (bucket >> linear_bits) - 1;
    return ((parts + (bucket & (parts - 1)) + 1) << power) - 1;
  }

  std::array<std::uint64_t, (powers + 1) * parts> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t min_ = UINT64_MAX;
  std::uint64_t max_ = 0;
};

}  // namespace starling::bench
