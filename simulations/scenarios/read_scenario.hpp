// Reads a scenario from TOML. README.md is the format's description.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "simulations/scenarios/scenario.hpp"
#include "src/config/diagnostics.hpp"

namespace starling::sim {

/// `source`: how the text is called in messages. What is wrong is appended to `trouble`, all of it;
/// the result is good only if nothing was.
Scenario read_scenario(std::string_view text, const std::string& source,
                       std::vector<config::Diagnostic>& trouble);

}  // namespace starling::sim
