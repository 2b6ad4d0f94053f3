// Daemon: the node with every adapter around it, from the first socket to the last good-bye.
#pragma once

#include <memory>

#include "src/app/plan.hpp"
#include "src/config/settings.hpp"
#include "src/log/stderr_log.hpp"

namespace starling {

class Daemon {
 public:
  /// Opens everything and serves from the first run() on.
  /// Throws std::runtime_error with a sentence for the operator: port in use, state directory not
  /// writable, identity damaged ...
  Daemon(const config::Settings& settings, Plan plan, LogSink& log);
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
