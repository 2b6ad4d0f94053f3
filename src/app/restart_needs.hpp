// What a reload cannot change. Inside this room only.
#pragma once

#include <string>
#include <vector>

#include "src/config/settings.hpp"

namespace starling {

/// The keys whose values differ and only take effect after a restart.
std::vector<std::string> needs_restart(const config::Settings& running,
                                       const config::Settings& fresh);

}  // namespace starling
