// The effective configuration, printed with the origin of each value.
#pragma once

#include <string>
#include <vector>

#include "src/config/settings.hpp"

namespace starling::config {

/// TOML that read back gives the same settings. Each value's line ends in a comment with its origin
/// ("# /etc/starling/starling.toml:3:8", "# default"); notices are comments at the beginning.
/// Secrets are not part of the settings, only the names of their files.
std::string print_toml(const Settings& settings);

/// The same as JSON: {"schema": 1, "settings": {...}, "origins": {"listener[0].port": "..."},
/// "notices": [...]}.
std::string print_json(const Settings& settings);

/// The path of every key, as printed: "listener[].tls.cert", "limits.max_inflight". For tests and
/// documentation.
std::vector<std::string> all_key_paths();

}  // namespace starling::config
