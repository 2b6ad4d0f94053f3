// SimNode: one home's machine. A host in the network, a disk, and, while it runs, a whole node in a
// process: broker, mesh, links, and the real OpenDHT or a model of it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "starling/port/log.hpp"
#include "starling/port/rendezvous.hpp"

#include "bridge/mesh/mesh_settings.hpp"
#include "simulations/world/network.hpp"
#include "simulations/world/observer.hpp"
#include "simulations/world/sim_store.hpp"
#include "simulations/world/sim_stream.hpp"
#include "src/broker/broker_settings.hpp"
#include "src/crypto/ed25519.hpp"

namespace starling {
class Node;
class DhtEngine;
class SignatureCache;
}  // namespace starling

namespace starling::sim {

class RendezvousModel;

struct NodeConfig {
  std::string group = "nodes";   ///< as people call the nodes of its kind
  std::string region = "world";  ///< decides its paths
  SiteNumber site = internet;    ///< behind which router
  HostClock clock;
  Line line;
  std::vector<MeshConfig> meshes;  ///< none: a broker alone
  std::vector<HostPort> bootstrap;
  BrokerSettings broker;
  OutboxBounds outbox;
  std::size_t links_max = limits::links_max;
  RelayUse relay = RelayUse::use;
  Duration commit_time = std::chrono::milliseconds{2};
  bool dht_rare_refresh = false;  ///< DhtSettings::rare_refresh
};

/// What a node holds at an instant; for bounds, and to see that everything drains.
struct NodeState {
  std::size_t links = 0;
  std::size_t relayed_links = 0;  ///< of them: through another member
  std::size_t carried_links = 0;  ///< of others, through this node
  std::size_t members_known = 0;
  std::size_t parked_messages = 0;  ///< wait for a lookup or a link
  std::size_t outbox_messages = 0;  ///< wait for peers
  std::size_t outbox_bytes = 0;
  std::vector<std::pair<NodeId, std::size_t>> outboxes =
      {};                           ///< messages for each peer that has any
  std::size_t queued_messages = 0;  ///< wait for clients that are away or slow
  std::size_t queued_bytes = 0;
  std::size_t inflight_messages = 0;
  std::size_t retained_messages = 0;
  std::size_t announcements = 0;  ///< records it keeps alive in the DHT
  std::size_t listens = 0;        ///< keys of the DHT
};

class SimNode {
 public:
  /// All a node needs of its world. Everything referred to outlives it.
  struct Surroundings {
    StreamNetwork& streams;
    std::uint64_t seed;
    RendezvousModel* model;  ///< null: the real OpenDHT
    /// A record's signature is checked once in a world, not once by each of its readers.
    std::shared_ptr<SignatureCache> signatures;
    /// An event of its log, at any level.
    std::function<void(NodeNumber, LogLevel, std::string_view event,
                       std::initializer_list<LogField>)>
        on_log;
    LogLevel log_level;  ///< what is below is not even made
    std::function<void(NodeNumber, const Lookup&)> on_lookup;
  };
  static constexpr std::uint16_t client_port = 1883;
  static constexpr std::uint16_t mesh_port = 21'883;

  SimNode(NodeNumber number, NodeConfig config, Surroundings around);
  ~SimNode();
  SimNode(const SimNode&) = delete;
  SimNode& operator=(const SimNode&) = delete;

  void boot();
  /// Does nothing if it does not run. `stopped`: says good-bye; what it says leaves within the next
  /// half second, in which the process ends.
  void end(NodeEnd how);
  [[nodiscard]] bool is_up() const { return process_ != nullptr; }

  [[nodiscard]] NodeNumber number() const { return number_; }
  [[nodiscard]] HostNumber host() const { return host_; }
  [[nodiscard]] const NodeId& id() const { return id_; }
  [[nodiscard]] const NodeConfig& config() const { return config_; }
  /// Where others find it in the DHT.
  [[nodiscard]] Endpoint endpoint() const;
  [[nodiscard]] NodeState state() const;
  [[nodiscard]] SimDisk& disk() { return disk_; }
  /// Null while it does not run.
  [[nodiscard]] Node* node() const;
  /// Null without OpenDHT.
  [[nodiscard]] DhtEngine* engine() const;
  [[nodiscard]] Rendezvous* rendezvous() const;
  /// Runs `act` as the node itself would: under its clocks. Only while it runs.
  void inside(const std::function<void()>& act);

 private:
  struct Process;

  NodeNumber number_;
  NodeConfig config_;
  Surroundings around_;
  HostNumber host_;
  SimDisk disk_;
  Random random_;
  crypto::SigningKey key_;
  NodeId id_;
  std::uint64_t epoch_ = 0;
  std::unique_ptr<Process> process_;
};

}  // namespace starling::sim
