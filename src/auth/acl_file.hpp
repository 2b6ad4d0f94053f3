// Reads the text of Mosquitto's acl_file into AccessRules. It opens no file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "src/access/access_rules.hpp"

namespace starling {

/// One line that cannot be understood.
struct AclProblem {
  std::uint32_t line = 0;    ///< from 1
  std::uint32_t column = 0;  ///< from 1, in bytes
  std::string what;  ///< one sentence without a full stop, with a suggestion where there is one

  /// "acl:3:7: unknown access 'raed', did you mean 'read'?"
  [[nodiscard]] std::string to_text(std::string_view file) const;
};

struct AclFile {
  /// Those of the lines that were understood; restricted even if there is none, as an empty
  /// acl_file refuses everything. Use them only if there is no problem.
  AccessRules rules;
  /// In the order of lines; at most acl_problems_max.
  std::vector<AclProblem> problems;
};

inline constexpr std::size_t acl_problems_max = 50;  // per file; nobody mends more at a time

/// The format: lines of `topic [read|write|readwrite|deny] FILTER`, `user NAME` and
/// `pattern [read|write|readwrite|deny] FILTER`, words separated by spaces; empty lines; comments
/// with
/// '#' in the first column. Topics before the first user are for anonymous clients. The access word
/// may be left out (readwrite) unless the filter holds a space.
AclFile parse_acl_file(std::string_view text);

}  // namespace starling
