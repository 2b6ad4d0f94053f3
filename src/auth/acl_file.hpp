// Reads the text of Mosquitto's acl_file into AccessRules. It opens no file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "src/access/access_rules.hpp"
#include "src/auth/file_problem.hpp"

namespace starling {

/// The names under which the rest of the house knows problems of this file.
using AclProblem = FileProblem;
inline constexpr std::size_t acl_problems_max = file_problems_max;

struct AclFile {
  /// Those of the lines that were understood; restricted even if there is none, as an empty
  /// acl_file refuses everything. Use them only if there is no problem.
  AccessRules rules;
  /// In the order of lines; at most acl_problems_max.
  std::vector<AclProblem> problems;
  /// Lines that are taken as Mosquitto takes them, but mean something else than their author will
  /// have thought. In the order of lines; at most acl_problems_max.
  std::vector<AclProblem> warnings;
};

/// The format: lines of `topic [read|write|readwrite|deny] FILTER`, `user NAME` and
/// `pattern [read|write|readwrite|deny] FILTER`, words separated by spaces; empty lines; comments
/// with
/// '#' in the first column. Topics before the first user are for anonymous clients. The access word
/// may be left out (readwrite) unless the filter holds a space.
AclFile parse_acl_file(std::string_view text);

}  // namespace starling
