// ControlDesk: answers at the control socket: what this node is doing, and what is wrong with it.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "starling/port/log.hpp"
#include "starling/port/worker.hpp"

#include "dht/opendht/dht_engine.hpp"
#include "src/app/client_listeners.hpp"
#include "src/app/daemon.hpp"
#include "src/control/control_server.hpp"
#include "src/control/host_facts.hpp"
#include "src/control/node_status.hpp"
#include "src/control/rates.hpp"
#include "src/node/node.hpp"
#include "src/uv/uv_unix_listener.hpp"

namespace starling {

class Reachability;
class UvLoop;

class ControlDesk {
 public:
  /// What it tells about. All outlive it.
  struct Parts {
    UvLoop& loop;
    Worker& worker;
    LogSink& log;
    const Daemon::Configuration& now;
    Node& node;
    const ClientListeners& clients;
    const DhtEngine* dht = nullptr;              ///< null: this node is in none
    const Reachability* reachability = nullptr;  ///< null: likewise
    NodeId id;
    std::filesystem::path state_dir;
    bool keeps_state = true;
    std::uint16_t mesh_port = 0;  ///< that was bound; 0: none
  };

  /// Opens the socket in the state directory, as the user the daemon runs as. A node that cannot be
  /// looked at still serves: if the socket cannot be made the log says why, and that is all.
  explicit ControlDesk(Parts parts);
  ~ControlDesk();
  ControlDesk(const ControlDesk&) = delete;
  ControlDesk& operator=(const ControlDesk&) = delete;

  [[nodiscard]] control::NodeStatus status() const;

 private:
  /// Somebody who waits for the doctor.
  struct Patient {
    std::vector<std::string> checks;  // empty: all
    control::ControlServer::Reply reply;
  };

  void open();
  void answer(const control::ControlRequest& request, control::ControlServer::Reply reply);
  void examine(Patient patient);
  void tell_patients(const control::HostFacts& host);
  void sample();
  [[nodiscard]] control::Rates::Counters counters() const;
  void fill_clients(control::NodeStatus& status) const;
  void fill_mesh(control::NodeStatus& status) const;

  Parts parts_;
  TimePoint started_at_;
  // As they were at the start: a reload does not change what they stand for.
  std::vector<std::string> meshes_;
  std::vector<std::string> bootstrap_;
  control::Rates rates_;
  WakeId wake_;
  std::vector<Patient> patients_;  // of the look at the host that is under way
  std::shared_ptr<bool> alive_;    // for the worker's answer
  control::ControlServer server_;
  std::unique_ptr<UvUnixListener> listener_;  // null: it could not be made
};

}  // namespace starling
