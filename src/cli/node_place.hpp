// Which daemon is meant: the words that say so, and what follows from them.
#pragma once

#include <string>
#include <vector>

#include "src/config/diagnostics.hpp"
#include "src/config/settings.hpp"

namespace CLI {
class App;
}

namespace starling::cli {

/// As it was written; empty: not at all.
struct NodeWords {
  std::string socket;
  std::string state_dir;
  std::string config_file;
};

/// --socket, --state-dir and -c into `words`, which outlives `app`.
void declare_node_words(CLI::App& app, NodeWords& words);

struct NodePlace {
  std::string state_dir;
  std::string config_file;                  ///< that was read; empty: none
  config::Settings settings;                ///< of that file
  std::vector<config::Diagnostic> trouble;  ///< with that file
  /// Where the daemon may listen, the likeliest first; never empty.
  std::vector<std::string> sockets;
};

/// Reads the configuration that was named, or the default one if there is one: it may say where the
/// state is kept. Without any word a user's own daemon is meant, and then the system's.
NodePlace find_node(const NodeWords& words, const std::string& default_config_file);

}  // namespace starling::cli
