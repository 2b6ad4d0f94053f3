// How many rows refer to each message. One is what nearly all have, and is not remembered.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

namespace starling {

class MessageReferences {
 public:
  /// One reference more, to a message that has one already.
  void add(std::uint64_t message) {
    auto& count = counts_.try_emplace(message, 1U).first->second;
    undo_.emplace_back(message, count);
    ++count;
  }
  /// One less. True: that was the last one.
  [[nodiscard]] bool release(std::uint64_t message) {
    const auto found = counts_.find(message);
    if (found == counts_.end()) return true;
    undo_.emplace_back(message, found->second);
    if (--found->second == 1) counts_.erase(found);
    return false;
  }

  /// What happened since the last keep() stands.
  void keep() { undo_.clear(); }
  /// ... has not happened.
  void take_back() {
    for (auto step = undo_.rbegin(); step != undo_.rend(); ++step) {
      if (step->second == 1) {
        counts_.erase(step->first);
      } else {
        counts_[step->first] = step->second;
      }
    }
    undo_.clear();
  }

  /// Begins anew. `references`: the message of each row that has one, sorted.
  void count(const std::vector<std::uint64_t>& references) {
    counts_.clear();
    undo_.clear();
    for (std::size_t i = 1; i < references.size(); ++i)
      if (references[i] == references[i - 1])
        ++counts_.try_emplace(references[i], 1U).first->second;
  }
  /// Messages with more than one.
  [[nodiscard]] std::size_t size() const { return counts_.size(); }

 private:
  std::unordered_map<std::uint64_t, std::uint32_t> counts_;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> undo_;  ///< message, count before
};

}  // namespace starling
