// Starling's simulator for users' tests: worlds of real nodes on virtual time, what watches them, and
// what tells of them.
#pragma once

#include "simulations/checkers/checker.hpp"
#include "simulations/report/report.hpp"
#include "simulations/world/world.hpp"
