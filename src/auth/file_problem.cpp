#include "src/auth/file_problem.hpp"

namespace starling {

std::string FileProblem::to_text(std::string_view file) const {
  return std::string(file) + ":" + std::to_string(line) + ":" + std::to_string(column) + ": "
         + what;
}

std::string quoted_for_problem(std::string_view text) {
  constexpr std::size_t shown_max = 60;
  std::string shown = "'";
  for (const char c : text.substr(0, shown_max))
    shown += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
  return shown + (text.size() > shown_max ? "...'" : "'");
}

}  // namespace starling
