// The simulator's store as plain maps is also a disk for unit tests of those who use one.
#pragma once

#include "simulations/world/model_store.hpp"

namespace starling::test {

using sim::ModelStore;

}  // namespace starling::test
