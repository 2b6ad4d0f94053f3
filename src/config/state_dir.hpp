// Where a node keeps its state when nobody says so.
#pragma once

#include <string>

namespace starling::config {

/// That of the system's daemon.
inline constexpr const char* system_state_dir = "/var/lib/starling";

/// system_state_dir for root, else the user's XDG state home.
std::string default_state_dir();

}  // namespace starling::config
