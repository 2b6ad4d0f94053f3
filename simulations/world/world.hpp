// World: nodes, clients and the network between them, on virtual time and from one seed. The door of
// the simulator: tests and scenarios begin here.
//
//   World world{{.seed = 7}};
//   const auto homes = world.add_homes(10);
//   SimClient& lamp = world.add_client({.node = homes[3], .filters = {{"lamp/#"}}});
//   world.run_for(60s);
//   ...
//
// One world at a time in a process: OpenDHT asks the standard clocks, and there is one of each.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "simulations/world/agenda.hpp"
#include "simulations/world/network.hpp"
#include "simulations/world/observer.hpp"
#include "simulations/world/sim_client.hpp"
#include "simulations/world/sim_node.hpp"
#include "simulations/world/sim_rendezvous.hpp"
#include "simulations/world/sim_stream.hpp"
#include "simulations/world/trace_digest.hpp"

namespace starling::sim {

struct WorldSettings {
  std::uint64_t seed = 1;
  /// A model of the DHT in place of OpenDHT: for tens of thousands of nodes.
  bool models_dht = false;
  PathQuality path = {};  ///< between all regions that have no path of their own
  /// What nodes log at this level or above goes to World::on_log; links are told from info on, so
  /// nothing above it is possible.
  LogLevel log_level = LogLevel::info;
};

/// The mesh "home" with everything shared both ways, as add_homes() uses it.
MeshConfig private_mesh(const std::string& name = "home", std::uint64_t secret = 1,
                        const std::vector<std::string>& shares = {"both:#"});
/// An open one, whose secret follows from its name.
MeshConfig open_mesh(const std::string& name = "public",
                     const std::vector<std::string>& shares = {"both:city/#"});

/// Splits a world; mended by World::mend().
struct Partition {
  std::vector<CutId> cuts;
  std::string what;
};

class World {
 public:
  explicit World(const WorldSettings& settings);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // --- Who there is
  /// Not running yet: boot() starts it.
  NodeNumber add_node(NodeConfig config);
  /// `count` nodes of the mesh "home" on the Internet that know the first three of them, started one
  /// after the other within `within`.
  std::vector<NodeNumber> add_homes(std::size_t count, Duration within = std::chrono::seconds{10});
  SimClient& add_client(ClientConfig config);
  void boot(NodeNumber node);
  void end(NodeNumber node, NodeEnd how = NodeEnd::killed);

  [[nodiscard]] std::size_t node_count() const { return nodes_.size(); }
  [[nodiscard]] std::size_t client_count() const { return clients_.size(); }
  [[nodiscard]] SimNode& node(NodeNumber number) const { return *nodes_.at(number); }
  [[nodiscard]] SimClient& client(ClientNumber number) const { return *clients_.at(number); }
  /// The nodes that run.
  [[nodiscard]] std::vector<NodeNumber> nodes_up() const;
  /// Both have told that messages flow between them.
  [[nodiscard]] bool are_linked(NodeNumber a, NodeNumber b) const;

  // --- Time
  [[nodiscard]] TimePoint now() const { return agenda_.now(); }
  /// Since the beginning.
  [[nodiscard]] Duration passed() const { return agenda_.now() - Agenda::beginning; }
  /// Runs `act` at that time since the beginning, or at once if it is over.
  void at(Duration since_beginning, std::function<void()> act);
  void run_for(Duration span);
  /// Until `condition`, looked at every ten milliseconds; false: not within `patience`.
  bool run_until(const std::function<bool()>& condition,
                 Duration patience = std::chrono::seconds{60});

  // --- Trouble
  /// Nothing passes between `a` and `b`, in either direction.
  Partition part(const std::vector<NodeNumber>& a, const std::vector<NodeNumber>& b,
                 const std::string& what = "partition");
  /// Nothing passes from `from` to `to`; the other way all is well.
  Partition part_one_way(const std::vector<NodeNumber>& from, const std::vector<NodeNumber>& to,
                         const std::string& what = "partition, one way");
  /// Those that are not named.
  [[nodiscard]] std::vector<NodeNumber> others(const std::vector<NodeNumber>& than) const;
  void mend(const Partition& partition);
  /// A fault that is not a partition, for observers.
  void fault_begins(const std::string& what);
  void fault_ends(const std::string& what);

  // --- Watching
  /// Told everything from now on; outlives the world.
  void add_observer(Observer& observer) { observers_.push_back(&observer); }
  [[nodiscard]] const TraceDigest& trace() const { return digest_; }
  using OnLog = std::function<void(NodeNumber, LogLevel, std::string_view event,
                                   std::initializer_list<LogField>)>;
  void set_on_log(OnLog on_log) { on_log_ = std::move(on_log); }

  // --- What it is made of
  [[nodiscard]] std::uint64_t seed() const { return settings_.seed; }
  [[nodiscard]] Network& network() { return network_; }
  [[nodiscard]] StreamNetwork& streams() { return streams_; }
  [[nodiscard]] Agenda& agenda() { return agenda_; }
  [[nodiscard]] const RendezvousModel* model() const { return model_ ? &*model_ : nullptr; }
  /// Dice for whoever plays with the world from outside.
  [[nodiscard]] Random& dice() { return dice_; }
  /// Of a host that belongs to a node.
  [[nodiscard]] NodeNumber node_of_host(HostNumber host) const;
  /// For hosts that are no nodes: strangers of the DHT, attackers.
  HostNumber add_stranger(const std::string& region = "world");

 private:
  class Everybody;  // tells all observers

  void on_log(NodeNumber node, LogLevel level, std::string_view event,
              std::initializer_list<LogField> fields);
  void on_second();
  [[nodiscard]] std::vector<HostNumber> hosts_of(const std::vector<NodeNumber>& nodes) const;

  WorldSettings settings_;
  Agenda agenda_;
  Network network_;
  StreamNetwork streams_;
  std::optional<RendezvousModel> model_;
  std::shared_ptr<SignatureCache> signatures_;
  Random dice_;
  TraceDigest digest_;
  std::vector<Observer*> observers_;
  std::unique_ptr<Everybody> everybody_;
  OnLog on_log_;
  std::vector<NodeNumber> node_of_host_;
  std::map<std::string, NodeNumber> by_short_id_;
  std::map<std::pair<NodeNumber, NodeNumber>, bool> link_ends_;  // (whose, to whom)
  HostNumber devices_ = 0;                                       // all clients' clocks
  ProcessNumber clients_process_ = 0;
  MessageNumber last_message_ = 0;
  std::vector<std::unique_ptr<SimNode>> nodes_;
  std::vector<std::unique_ptr<SimClient>> clients_;
};

}  // namespace starling::sim
