// What password_file and psk_file have in common: lines of `name:value`.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace starling {

struct UserLine {
  std::uint32_t line = 0;          ///< from 1
  std::uint32_t column = 0;        ///< from 1: of the name, or of where it should be
  std::uint32_t value_column = 0;  ///< from 1: of the value, or of where it should be
  std::string_view user;           ///< empty: missing
  std::string_view value;          ///< up to the next ':'; empty: missing
};

/// Calls `take` for each line that is not a comment ('#' in the first column) and holds a ':'. As
/// Mosquitto cuts them: runs of ':' count as one, what follows a third part is not looked at, and
/// blanks around a part do not count.
void for_each_user_line(std::string_view text, const std::function<void(const UserLine&)>& take);

}  // namespace starling
