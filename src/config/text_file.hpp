// A configuration file as text.
#pragma once

#include <string>

#include "starling/result.hpp"

namespace starling::config {

/// Errors: not_found, io, too_large (limits::config_file_max); `what` says why without naming the file.
Result<std::string> read_text_file(const std::string& path);

}  // namespace starling::config
