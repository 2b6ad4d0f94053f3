// Names and filters of few levels over a small alphabet, so that they meet often.
#pragma once

#include <string>

#include "tests/support/seeded_random.hpp"

namespace starling::test {

inline std::string random_name(SeededRandom& random, std::size_t levels_max = 4) {
  static constexpr const char* words[] = {"a", "b", "c", "", "$S", "ab"};
  while (true) {
    std::string text;
    const std::size_t count = 1 + random.upto(levels_max);
    for (std::size_t i = 0; i < count; ++i) {
      if (i > 0) text += '/';
      text += words[random.upto(std::size(words))];
    }
    if (!text.empty()) return text;
  }
}

inline std::string random_filter(SeededRandom& random, std::size_t levels_max = 4) {
  static constexpr const char* words[] = {"a", "b", "c", "", "$S", "ab", "+", "+", "+"};
  while (true) {
    std::string text;
    const std::size_t count = 1 + random.upto(levels_max);
    for (std::size_t i = 0; i < count; ++i) {
      if (i > 0) text += '/';
      text += i + 1 == count && random.one_in(3) ? "#" : words[random.upto(std::size(words))];
    }
    if (!text.empty()) return text;
  }
}

}  // namespace starling::test
