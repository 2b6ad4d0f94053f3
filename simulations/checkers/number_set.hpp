// NumberSet: which of a rising sequence of numbers have been met. Made for numbers that nearly all
// come, nearly in order: that costs one interval, however many they are.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

namespace starling::sim {

enum class Novelty : std::uint8_t {
  first,
  repeated,
  forgotten,  ///< so far back, with so many gaps since, that nobody knows
};

class NumberSet {
 public:
  static constexpr std::size_t gaps_max = 256;  ///< then the older half of them is forgotten

  [[nodiscard]] bool empty() const { return latest_.from > latest_.to; }
  [[nodiscard]] std::uint32_t highest() const { return latest_.to; }

  /// From now on it has been met.
  Novelty add(std::uint32_t number) {
    if (empty()) {
      latest_ = {number, number};
      return Novelty::first;
    }
    if (number > latest_.to) {
      if (number == latest_.to + 1) {
        latest_.to = number;
        return Novelty::first;
      }
      if (!older_) older_ = std::make_unique<std::vector<Interval>>();
      older_->push_back(latest_);
      latest_ = {number, number};
      forget_if_many();
      return Novelty::first;
    }
    if (number >= latest_.from) return Novelty::repeated;
    if (number < known_from_) return Novelty::forgotten;
    return fill_gap(number);
  }

 private:
  struct Interval {  // both ends belong to it
    std::uint32_t from = 1;
    std::uint32_t to = 0;
  };

  Novelty fill_gap(std::uint32_t number) {
    if (!older_) older_ = std::make_unique<std::vector<Interval>>();
    std::vector<Interval>& older = *older_;
    // The first one that begins behind it; the one before may hold it.
    auto behind =
        std::ranges::upper_bound(older, number, {}, [](const Interval& each) { return each.from; });
    if (behind != older.begin()) {
      const auto before = behind - 1;
      if (number <= before->to) return Novelty::repeated;
      if (number == before->to + 1) {
        before->to = number;
        const bool meets = behind != older.end() && behind->from == number + 1;
        if (meets) {
          before->to = behind->to;
          older.erase(behind);
        } else if (behind == older.end() && latest_.from == number + 1) {
          latest_.from = before->from;
          older.pop_back();
        }
        return Novelty::first;
      }
    }
    if (behind == older.end() && latest_.from == number + 1) {
      latest_.from = number;
    } else if (behind != older.end() && behind->from == number + 1) {
      behind->from = number;
    } else {
      older.insert(behind, Interval{number, number});
      forget_if_many();
    }
    return Novelty::first;
  }

  void forget_if_many() {
    if (older_->size() <= gaps_max) return;
    older_->erase(older_->begin(), older_->begin() + gaps_max / 2);
    known_from_ = older_->front().from;
  }

  Interval latest_;
  std::uint32_t known_from_ = 0;
  std::unique_ptr<std::vector<Interval>> older_;  // ordered; null as long as there is no gap
};

}  // namespace starling::sim
