// What the daemon answered to "status", as a page for people.
#pragma once

#include <string>
#include <string_view>

#include "starling/result.hpp"

namespace starling::control {

/// `document`: one answer of the control socket; what is missing in it (it may be of another
/// version) is left out. Health first, then the node, its peers, its addresses.
/// Errors: malformed, or what an error document says.
Result<std::string> status_text(std::string_view document);

/// One line: the node's, without its health.
Result<std::string> status_line(std::string_view document);

}  // namespace starling::control
