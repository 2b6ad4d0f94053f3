// The text of Mosquitto's psk_file, lines of `identity:hex key`. It opens no file.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "starling/bytes.hpp"

#include "src/auth/file_problem.hpp"

namespace starling {

using PskTable = std::map<std::string, Bytes, std::less<>>;  ///< identity -> key

struct PskFile {
  PskTable keys;
  /// Lines that cannot be understood, at most file_problems_max. As Mosquitto, do not start with
  /// such a file.
  std::vector<FileProblem> problems;
};

/// As password_file: comments with '#' in the first column, lines without ':' passed over, blanks
/// around the parts do not count. The last line of an identity holds. Keys have 1 to
/// limits::psk_key_max bytes, identities 1 to limits::psk_identity_max. A problem shows identities,
/// never keys.
PskFile parse_psk_file(std::string_view text);

}  // namespace starling
