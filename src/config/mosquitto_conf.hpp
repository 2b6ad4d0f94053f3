// mosquitto.conf: Mosquitto's dialect into the same settings. Behaviour of 2.0.11 and 2.1; the
// README of this room lists where we are stricter.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/config/config_files.hpp"
#include "src/config/diagnostics.hpp"
#include "src/config/settings.hpp"

namespace starling::config {

/// Reads `text`, and what its include_dir lines name, into `settings`. First what Mosquitto's
/// defaults make different from ours is set (its log lines, its user).
/// Appends every trouble to `trouble`, and to Settings::notices what is understood but has no
/// effect.
void read_mosquitto_conf(const std::string& name, std::string_view text, ConfigFiles& files,
                         Settings& settings, std::vector<Diagnostic>& trouble);

/// The same for a file; an unreadable or oversized one (limits::config_file_max) is a trouble too.
void read_mosquitto_conf_file(const std::string& path, ConfigFiles& files, Settings& settings,
                              std::vector<Diagnostic>& trouble);

/// Every option that is known by name, for tests and documentation; in the order of the alphabet.
std::vector<std::string_view> mosquitto_option_names();

}  // namespace starling::config
