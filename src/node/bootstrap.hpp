// Bootstrap: leads the Rendezvous to its first nodes. Configured hosts are resolved again and again
// as long as nobody answers; good nodes are remembered on disk and tried at the next start, so that
// a node finds back even when every configured host is gone.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "starling/endpoint.hpp"
#include "starling/port/log.hpp"
#include "starling/port/rendezvous.hpp"
#include "starling/port/scheduler.hpp"
#include "starling/port/store.hpp"
#include "starling/port/stream.hpp"

namespace starling {

class Bootstrap {
 public:
  /// Told whenever the addresses of the configured hosts are known better, and once when there are
  /// no such hosts but somebody has answered: these say what kind of network we live in.
  using OnAddresses = std::function<void(const std::vector<Endpoint>&)>;

  Bootstrap(std::vector<HostPort> hosts, Rendezvous& rendezvous, Resolver& resolver,
            StateFiles& files, Scheduler& scheduler, LogSink& log, OnAddresses on_addresses);
  ~Bootstrap();
  Bootstrap(const Bootstrap&) = delete;
  Bootstrap& operator=(const Bootstrap&) = delete;

  void start();
  /// Writes the good nodes of this moment.
  void remember();

 private:
  void resolve_all();
  void on_resolved(const HostPort& host, Result<std::vector<Endpoint>> addresses);
  void watch();

  std::vector<HostPort> hosts_;
  Rendezvous& rendezvous_;
  Resolver& resolver_;
  StateFiles& files_;
  Scheduler& scheduler_;
  LogSink& log_;
  OnAddresses on_addresses_;

  std::vector<Endpoint> addresses_;  // of hosts_
  Duration retry_delay_;
  bool connected_ = false;
  bool told_world_ = false;
  TimePoint next_resolve_;
  TimePoint next_remember_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace starling
