// What this is.
#pragma once

namespace starling {
inline constexpr const char* version = "0.1.0";
}  // namespace starling
