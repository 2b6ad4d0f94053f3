// Scenario: a story for a world, as plain data. Who there is and how they are connected, what clients
// do, what goes wrong and when, and what is claimed of the outcome. README.md tells how it is written
// in TOML.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "simulations/scenarios/claim.hpp"
#include "simulations/world/network.hpp"
#include "simulations/world/sim_client.hpp"
#include "simulations/world/sim_node.hpp"

namespace starling::sim {

struct ScenarioPath {
  std::string a;
  std::string b;
  PathQuality quality;
};

struct ScenarioMesh {
  std::string name = "home";
  std::vector<std::string> shares = {"both:#"};
};

struct ScenarioRouter {
  NatSettings nat;
  /// A second router, the provider's, which `homes_per_carrier` homes share.
  std::optional<NatSettings> carrier;
  std::uint32_t homes_per_carrier = 50;
};

/// Nodes of one kind.
struct ScenarioNodes {
  std::string name = "homes";
  std::uint32_t count = 0;
  /// `--nodes` changes it; the others of a scenario keep their number.
  bool is_scaled = true;
  std::vector<std::string> meshes;  ///< empty: the first of the scenario
  std::string region = "world";
  Duration starts = {};
  Duration within =
      std::chrono::seconds{10};  ///< the first starts at `starts`, the last so much later
  std::uint32_t bootstrap = 0;   ///< so many of them are what all others are told to join by
  std::optional<ScenarioRouter> router;
  RelayUse relay = RelayUse::use;
  Line line;
  Duration clock_error = {};  ///< each calendar is off by up to so much, either way
  double clock_drift = 0;     ///< each clock gains or loses up to so much: 100e-6
  Duration commit_time = std::chrono::milliseconds{2};
  // Churn: until the fault phase ends, a node lives for about `life`, then is away for about `away`.
  Duration life = {};
  Duration away = std::chrono::seconds{30};
  NodeEnd dies = NodeEnd::killed;
};

/// Clients of one kind.
struct ScenarioClients {
  std::string name = "clients";
  std::string at = "homes";  ///< nodes of which kind
  std::uint32_t each = 1;    ///< at each of these nodes; 0: `count` in all, spread
  std::uint32_t count = 0;
  /// `config.filters`, habits' topics and the will's topic may hold {node}, {client}, {peer} (another
  /// node of the kind, drawn for each client), {area} (each ten nodes have one) and {n} (habits only,
  /// see ClientHabit).
  ClientConfig config;
};

struct ScenarioFault {
  enum class Kind : std::uint8_t {
    partition,  ///< between `nodes` and `from` (all others, if empty), for `lasts`
    kill,       ///< nodes end as by SIGKILL, and come back after `lasts` if it is given
    unplug,     ///< the same for the whole machine
    stop,       ///< the same in order
    pause,      ///< nothing of them runs for `lasts`
    slow,       ///< each task takes `task_time` for `lasts`
    loss,       ///< all paths of them lose `share` more for `lasts`
    line,       ///< they have `line` for `lasts`
    renumber    ///< they (or their routers) get other addresses
  };
  Kind kind = Kind::partition;
  Duration at = {};
  Duration lasts = {};
  std::string nodes;          ///< of which kind, or region:NAME; empty: all
  double share_of_nodes = 1;  ///< of these, drawn
  std::uint32_t count = 0;    ///< so many of these, drawn; 0: by share
  bool first_ones = false;    ///< not drawn: the first `count`
  std::string from;           ///< the other side of a partition
  bool one_way = false;       ///< nothing passes from `nodes` to `from`; the other way it does
  double share = 0;           ///< of loss
  Duration task_time = {};
  Line line;
  std::string what;  ///< for people
};

struct ScenarioHostile {
  enum class Kind : std::uint8_t {
    eclipse,        ///< DHT nodes next to the key of `topic` that know nothing
    flood_records,  ///< puts `per_s` records of its own making under the key of `topic`
    forge_records,  ///< the same, in the name of others
    replay,         ///< puts records it has seen under the key of `topic` again, for ever
    drop_datagrams  ///< takes part in the DHT and answers nobody
  };
  Kind kind = Kind::eclipse;
  std::uint32_t count = 1;
  Duration at = {};
  std::string topic;
  double per_s = 10;
};

struct Scenario {
  std::string name;
  std::string story;
  std::string claim;  ///< for people: what is shown
  std::uint64_t seed = 1;
  Duration lasts = std::chrono::minutes{10};  ///< the fault phase, and all traffic
  Duration heals = std::chrono::minutes{2};   ///< afterwards: no faults, no new messages
  bool models_dht = false;
  /// How long a subscription or a healed network needs until everybody can know of it; what is
  /// published sooner is owed to nobody.
  Duration settles = std::chrono::seconds{30};
  PathQuality path;
  std::vector<ScenarioPath> paths;
  std::vector<ScenarioMesh> meshes;
  std::vector<ScenarioNodes> nodes;
  std::vector<ScenarioClients> clients;
  std::vector<ScenarioFault> faults;
  std::vector<ScenarioHostile> hostiles;
  std::vector<Claim> claims;

  /// Scales the kinds that may be scaled so that there are `count` nodes in all, at least one of each.
  void set_node_count(std::uint32_t count);
  [[nodiscard]] std::uint32_t node_count() const;
};

}  // namespace starling::sim
