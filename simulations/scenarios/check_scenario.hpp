// Completes a scenario with what may be left out, and finds what cannot be in it: names of nothing,
// rules and filters that are none, times that never come.
#pragma once

#include <string>
#include <vector>

#include "simulations/scenarios/scenario.hpp"
#include "src/config/diagnostics.hpp"

namespace starling::sim {

void check_scenario(Scenario& scenario, const std::string& source,
                    std::vector<config::Diagnostic>& trouble);

}  // namespace starling::sim
