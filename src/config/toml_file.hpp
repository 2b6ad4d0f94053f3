// The native configuration format: which keys there are, and where each goes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/config/diagnostics.hpp"
#include "src/config/settings.hpp"

namespace starling::config {

/// Reads `text` into `settings`; keys that are absent leave what was there. Appends every trouble
/// of the document to `trouble`, not only the first. `name` is what messages call it.
void read_toml(std::string name, std::string_view text, Settings& settings,
               std::vector<Diagnostic>& trouble);

/// The same for a file; an unreadable or oversized one (limits::config_file_max) is a trouble too.
void read_toml_file(const std::string& path, Settings& settings, std::vector<Diagnostic>& trouble);

/// `--set section.key=value`: the value in TOML, or a bare word taken as a string.
void apply_override(std::string_view assignment, Settings& settings,
                    std::vector<Diagnostic>& trouble);

}  // namespace starling::config
