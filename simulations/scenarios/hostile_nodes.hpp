// HostileNodes: strangers of the DHT that mean harm, as a scenario asks for them. They run OpenDHT as
// it is, without any of our checks, and say what they like.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bridge/mesh/mesh_settings.hpp"
#include "simulations/scenarios/scenario.hpp"
#include "simulations/world/world.hpp"

namespace starling::sim {

class HostileNodes {
 public:
  /// `meshes` by name; the first of the scenario is attacked: its secret is known to everybody if it
  /// is open, and else has leaked. `world` and `scenario` outlive it.
  HostileNodes(World& world, const Scenario& scenario,
               const std::map<std::string, MeshConfig>& meshes,
               const std::vector<HostPort>& bootstrap);
  ~HostileNodes();
  HostileNodes(const HostileNodes&) = delete;
  HostileNodes& operator=(const HostileNodes&) = delete;

 private:
  class Stranger;
  std::vector<std::unique_ptr<Stranger>> strangers_;
};

}  // namespace starling::sim
