#include "src/bench/sequence_checker.hpp"

namespace starling::bench {
namespace {

constexpr std::uint32_t half = 1U << 31U;  // further ahead than this is behind

}  // namespace

SequenceChecker::Outcome SequenceChecker::on_surprise(std::uint32_t number, std::uint32_t ahead) {
  if (ahead < half) {
    if (!gaps_) gaps_ = std::make_unique<std::vector<Gap>>();
    if (gaps_->size() == gaps_max) gaps_->erase(gaps_->begin());
    gaps_->push_back({expected_, number});
    expected_ = number + 1;
    return {Verdict::in_order, ahead};
  }
  if (!gaps_) return {Verdict::duplicate, 0};
  for (auto gap = gaps_->begin(); gap != gaps_->end(); ++gap) {
    if (number - gap->first >= gap->end - gap->first) continue;
    const Gap behind{number + 1, gap->end};
    gap->end = number;
    const bool is_empty = gap->first == gap->end;
    if (behind.first == behind.end) {
      if (is_empty) gaps_->erase(gap);
    } else if (is_empty) {
      *gap = behind;
    } else {
      gaps_->insert(gap + 1, behind);
    }
    return {Verdict::late, 0};
  }
  return {Verdict::duplicate, 0};
}

}  // namespace starling::bench
