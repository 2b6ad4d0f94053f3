// Daemon: the node with every adapter around it, from the first socket to the last good-bye.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "src/app/plan.hpp"
#include "src/config/diagnostics.hpp"
#include "src/config/settings.hpp"
#include "src/log/node_log.hpp"

namespace starling {

class Daemon {
 public:
  /// What the daemon was told, all of it understood and checked.
  struct Configuration {
    std::string file;  ///< it was read from; empty: none
    config::Settings settings;
    Plan plan;
    bool set_aside_newer_store = false;  ///< a store of a later version is renamed, not refused
  };
  /// Reads the same files again. What is wrong is appended to `trouble`; the configuration is good
  /// only if nothing was.
  using Reread = std::function<Configuration(std::vector<config::Diagnostic>& trouble)>;

  /// Opens everything, gives up root's rights if the settings name a user, and serves from run()
  /// on. `log` outlives it.
  /// Throws StoreFromLaterVersion (src/store/open_store.hpp), and std::runtime_error with a sentence
  /// for the operator: port in use, state directory not writable, identity damaged ...
  Daemon(Configuration configuration, Reread reread, NodeLog& log);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  /// Returns after SIGTERM or SIGINT, when peers and clients have been told, within a second.
  void run();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace starling
