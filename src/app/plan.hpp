// Plan: settings turned into what the rooms take, with everything checked that only they can check.
// All troubles are found before anything is opened.
#pragma once

#include <string>
#include <vector>

#include "starling/endpoint.hpp"

#include "bridge/mesh/mesh_settings.hpp"
#include "src/access/access_rules.hpp"
#include "src/config/diagnostics.hpp"
#include "src/config/settings.hpp"

namespace starling {

struct ListenerPlan {
  Endpoint at;
  bool allow_anonymous = true;
};

struct Plan {
  std::vector<ListenerPlan> listeners;
  Endpoint mesh_listen;  ///< only with Settings::wants_dht()
  std::vector<HostPort> bootstrap;
  std::vector<MeshConfig> meshes;
  AccessRules rules;
};

/// Appends what is wrong to `trouble`, each with the place it was written at; the plan is good only
/// if nothing was appended.
Plan make_plan(const config::Settings& settings, std::vector<config::Diagnostic>& trouble);

/// Where state is kept when nobody says so: /var/lib/starling for root, else the user's XDG state
/// home.
std::string default_state_dir();

}  // namespace starling
