// Starling's simulator for users' tests: worlds of real nodes on virtual time, what watches them,
// stories told in TOML, and what tells of them.
#pragma once

#include "simulations/checkers/checkers.hpp"
#include "simulations/report/report.hpp"
#include "simulations/scenarios/read_scenario.hpp"
#include "simulations/scenarios/run_scenario.hpp"
#include "simulations/world/world.hpp"
