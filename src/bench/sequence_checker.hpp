// SequenceChecker: what became of a stream of numbered messages at one receiver: which are missing,
// which came twice, which came after a later one.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace starling::bench {

/// Numbers begin at 0 and may wrap around at 32 bits. Costs 16 bytes until something is missing,
/// then 8 more for each gap, of which it remembers gaps_max; what fills an older one then counts as
/// a duplicate.
class SequenceChecker {
 public:
  static constexpr std::size_t gaps_max = 1'024;

  enum class Verdict : std::uint8_t {
    in_order,
    late,       ///< fills a gap: a later message came before it
    duplicate,  ///< was here before
  };
  struct Outcome {
    Verdict verdict;
    std::uint32_t skipped;  ///< messages between the last one and this one, which have not come
  };

  Outcome on_message(std::uint32_t number) {
    const std::uint32_t ahead = number - expected_;
    if (ahead == 0) {
      ++expected_;
      return {Verdict::in_order, 0};
    }
    return on_surprise(number, ahead);
  }

 private:
  struct Gap {
    std::uint32_t first;
    std::uint32_t end;  // the one after the last
  };
  Outcome on_surprise(std::uint32_t number, std::uint32_t ahead);

  std::uint32_t expected_ = 0;
  std::unique_ptr<std::vector<Gap>> gaps_;  // oldest first
};

}  // namespace starling::bench
