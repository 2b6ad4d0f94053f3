#include "src/auth/user_lines.hpp"

#include <algorithm>

namespace starling {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f';
}

struct Part {
  std::size_t at = 0;  // in the line, from 0
  std::string_view text;
};

/// The next part of `line` from `at` on, which is moved behind it.
Part take_part(std::string_view line, std::size_t& at) {
  while (at < line.size() && line[at] == ':') ++at;
  const std::size_t end = std::min(line.find(':', at), line.size());
  Part part{at, line.substr(at, end - at)};
  at = end;
  while (!part.text.empty() && is_blank(part.text.back())) part.text.remove_suffix(1);
  while (!part.text.empty() && is_blank(part.text.front())) {
    part.text.remove_prefix(1);
    ++part.at;
  }
  return part;
}

}  // namespace

void for_each_user_line(std::string_view text, const std::function<void(const UserLine&)>& take) {
  for (std::uint32_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.substr(0, 1) == "#" || line.find(':') == std::string_view::npos) continue;
    std::size_t at = 0;
    Part user = take_part(line, at);
    Part value = take_part(line, at);
    if (value.text.empty() && line.front() == ':') {  // ":hash": the name is what is missing
      value = user;
      user = Part{0, {}};
    }
    take(UserLine{number, static_cast<std::uint32_t>(user.at + 1),
                  static_cast<std::uint32_t>(value.at + 1), user.text, value.text});
  }
}

}  // namespace starling
