// The native configuration format. Which keys there are is written in schema.cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/config/config_files.hpp"
#include "src/config/diagnostics.hpp"
#include "src/config/settings.hpp"

namespace starling::config {

/// Reads `text` into `settings`; keys that are absent leave what was there, `[[...]]` tables are
/// appended. `[mosquitto] import` is read first, so that everything else in the document goes
/// before it. Appends every trouble of the document to `trouble`, not only the first. `name` is
/// what messages call it.
void read_toml(const std::string& name, std::string_view text, ConfigFiles& files,
               Settings& settings, std::vector<Diagnostic>& trouble);

/// The same for a file; an unreadable or oversized one (limits::config_file_max) is a trouble too.
void read_toml_file(const std::string& path, ConfigFiles& files, Settings& settings,
                    std::vector<Diagnostic>& trouble);

/// The files "*.toml" of `folder`, in the order of their names' bytes; a folder that is not there
/// is no trouble.
void read_toml_folder(const std::string& folder, ConfigFiles& files, Settings& settings,
                      std::vector<Diagnostic>& trouble);

/// `--set section.key=value`: the value in TOML, or a bare word taken as a string. Elements of
/// `[[...]]` tables are named by their number: `listener.0.port=1884`; the next free number makes a
/// new one.
void apply_override(std::string_view assignment, ConfigFiles& files, Settings& settings,
                    std::vector<Diagnostic>& trouble);

}  // namespace starling::config
