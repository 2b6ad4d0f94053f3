// Completes a scenario with what may be left out, and finds what cannot be in it: names of nothing,
// rules and filters that are none, times that never come.
#pragma once

#include <toml++/toml.h>
#include <vector>

#include "simulations/scenarios/scenario.hpp"
#include "src/config/diagnostics.hpp"
#include "src/config/toml_reader.hpp"

namespace starling::sim {

/// `document`: what `scenario` was read from, to say where something is wrong; `source` is its text.
void check_scenario(Scenario& scenario, const toml::table& document,
                    const config::TomlSource& source, std::vector<config::Diagnostic>& trouble);

}  // namespace starling::sim
