// What the settings say about the log, in the words of src/log.
#pragma once

#include "src/config/settings.hpp"
#include "src/log/node_log.hpp"

namespace starling {

LogOptions log_options(const config::LogSettings& settings);

}  // namespace starling
