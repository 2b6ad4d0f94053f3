// LevelCursor: takes the levels off a name or filter one by one, without a list of them.
#pragma once

#include <string_view>

namespace starling {

class LevelCursor {
 public:
  explicit LevelCursor(std::string_view text) : rest_(text) {}

  /// "a//b" has three levels, the middle one empty: an empty level is a level (4.7.1.1).
  [[nodiscard]] bool has_next() const { return !ended_; }
  std::string_view next() {
    const std::size_t slash = rest_.find('/');
    const std::string_view level = rest_.substr(0, slash);
    if (slash == std::string_view::npos)
      ended_ = true;
    else
      rest_.remove_prefix(slash + 1);
    return level;
  }

 private:
  std::string_view rest_;
  bool ended_ = false;
};

}  // namespace starling
