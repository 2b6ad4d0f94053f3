// What the commands beside bench share: where the configuration lies, and how they end.
#pragma once

namespace starling::cli {

inline constexpr const char* default_config_file = "/etc/starling/starling.toml";

inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;

}  // namespace starling::cli
