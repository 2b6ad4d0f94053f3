// The command line of starlingd: flags into Settings.
#pragma once

#include <string>
#include <vector>

#include "src/config/config_files.hpp"
#include "src/config/diagnostics.hpp"
#include "src/config/settings.hpp"

namespace starling {

/// Exit statuses of both programs.
/// `bad_config` also for a store that a later version has written: what a second start cannot mend.
enum class ExitStatus : int { ok = 0, failed = 1, usage = 2, bad_config = 3 };

struct Arguments {
  enum class Action { run, print, test_config, print_config };
  Action action = Action::run;
  std::string text;              ///< for print: what to print (help, version, a usage error)
  bool text_is_error = false;    ///< print to standard error and end with ExitStatus::usage
  bool print_as_json = false;    ///< for print_config; else TOML
  std::string config_file;       ///< the file that was read; empty: none
  bool set_aside_store = false;  ///< --set-aside-store
  config::Settings settings;     ///< defaults, then the file, then --set, then flags
  std::vector<config::Diagnostic> trouble;  ///< of the file, --set and flags; all of it
};

/// `words`: argv without the program's name. `default_config_file` is read when no -c is given, if
/// it exists, and after it, in both cases, the files of the folder "conf.d" beside it. May be
/// called again with the same words to read the configuration anew.
Arguments parse_arguments(const std::vector<std::string>& words,
                          const std::string& default_config_file, config::ConfigFiles& files);

/// The same with the real files.
Arguments parse_arguments(const std::vector<std::string>& words,
                          const std::string& default_config_file);

}  // namespace starling
