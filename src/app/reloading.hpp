// Reloading: everything that can change without a restart, on SIGHUP and when certificates are
// renewed. What is wrong leaves everything as it was.
#pragma once

#include <functional>
#include <vector>

#include "src/app/client_listeners.hpp"
#include "src/app/daemon.hpp"
#include "src/app/sd_notify.hpp"
#include "src/log/node_log.hpp"
#include "src/node/node.hpp"
#include "src/node/system_topics.hpp"
#include "src/uv/uv_file_watch.hpp"

namespace starling {

/// Says in the log what was read, and what of it has no effect or is unwise.
void tell_what_was_read(NodeLog& log, const Daemon::Configuration& configuration);

class Reloading {
 public:
  /// What a reload changes. All outlive it.
  struct Parts {
    Daemon::Configuration& now;
    std::vector<NumberedListener>& listeners;
    Node& node;
    SystemTopics& system_topics;
    ClientListeners& clients;
    SystemdNotifier& systemd;
    NodeLog& log;
    /// What the node is told, of `now` and `listeners`.
    std::function<NodeConfiguration()> node_configuration;
  };

  /// Watches the certificates from now on.
  Reloading(UvLoop& loop, Parts parts, Daemon::Reread reread);

  void reload();

 private:
  void take(Daemon::Configuration fresh);
  void keep_channels(Plan& fresh) const;
  [[nodiscard]] bool keeps_channels(const ListenerPlan& listener) const;
  void tell_reread(const ListenerPlan& listener, const Result<void>& outcome);
  void watch_files();
  void on_files_changed();

  Parts parts_;
  Daemon::Reread reread_;
  UvFileWatch file_watch_;
};

}  // namespace starling
