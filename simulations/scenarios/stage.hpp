// Stage: a scenario put into a world: nodes, routers and clients made, faults and churn on the
// agenda.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "simulations/checkers/settings.hpp"
#include "simulations/scenarios/scenario.hpp"
#include "simulations/world/world.hpp"

namespace starling::sim {

class HostileNodes;

class Stage {
 public:
  /// Adds everything to `world`, which is new; nothing has happened yet. Both outlive the stage.
  Stage(const Scenario& scenario, World& world);
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  /// Who shares what, by NodeNumber.
  [[nodiscard]] const std::vector<NodeSharing>& sharings() const { return sharings_; }
  [[nodiscard]] const std::string& kind_of(NodeNumber node) const { return kinds_.at(node); }
  /// As the checkers ask for it.
  [[nodiscard]] std::vector<NodeLoad> loads() const;
  /// How the nodes that are up are linked; each link counts at both ends.
  struct Paths {
    std::size_t links = 0;
    std::size_t relayed = 0;
    std::size_t carried_most = 0;  ///< links of others through the node that carries most
  };
  [[nodiscard]] Paths paths() const;

 private:
  void add_meshes();
  void add_nodes(const ScenarioNodes& kind);
  void add_clients(const ScenarioClients& kind);
  void add_client(const ScenarioClients& kind, NodeNumber node, std::uint32_t index);
  void schedule_starts();
  void schedule_churn(const ScenarioNodes& kind);
  void live_and_die(const ScenarioNodes& kind, NodeNumber node);
  void schedule(const ScenarioFault& fault);
  void begin(const ScenarioFault& fault);
  void set_for(const std::vector<NodeNumber>& nodes, const ScenarioFault& fault,
               void (Stage::*set)(NodeNumber, const ScenarioFault&, bool));
  void set_loss(NodeNumber node, const ScenarioFault& fault, bool on);
  void set_line(NodeNumber node, const ScenarioFault& fault, bool on);
  void set_pause(NodeNumber node, const ScenarioFault& fault, bool on);
  void set_slow(NodeNumber node, const ScenarioFault& fault, bool on);
  void end_nodes(const std::vector<NodeNumber>& nodes, NodeEnd how, const ScenarioFault& fault);
  void renumber(const std::vector<NodeNumber>& nodes);
  [[nodiscard]] std::vector<NodeNumber> all_of(const std::string& choice) const;
  [[nodiscard]] std::vector<NodeNumber> choose(const ScenarioFault& fault);

  const Scenario& scenario_;
  World& world_;
  Random dice_;
  std::map<std::string, MeshConfig> meshes_;
  std::map<std::string, MeshSharing> mesh_sharings_;
  std::map<std::string, std::vector<NodeNumber>> nodes_;  // by kind
  std::vector<HostPort> bootstrap_;
  std::vector<std::string> kinds_;     // by NodeNumber
  std::vector<std::string> regions_;   // the same
  std::vector<NodeSharing> sharings_;  // the same
  std::vector<SiteNumber> homes_;      // the same: the site of its own router; internet: none
  std::unique_ptr<HostileNodes> hostiles_;
};

}  // namespace starling::sim
