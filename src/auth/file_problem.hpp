// What is wrong with a line of one of this room's files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace starling {

/// One line that cannot be understood.
struct FileProblem {
  std::uint32_t line = 0;    ///< from 1
  std::uint32_t column = 0;  ///< from 1, in bytes
  std::string what;  ///< one sentence without a full stop, with a suggestion where there is one

  /// "acl:3:7: unknown access 'raed', did you mean 'read'?"
  [[nodiscard]] std::string to_text(std::string_view file) const;
};

inline constexpr std::size_t file_problems_max = 50;  // per file; nobody mends more at a time

/// The file's own text for a message: cut at 60 bytes, and without control characters.
std::string quoted_for_problem(std::string_view text);

}  // namespace starling
