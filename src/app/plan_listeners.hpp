// The part of the plan that is about clients: listeners with their policies, keys and TLS, and what
// the broker allows. Inside this room only.
#pragma once

#include "src/app/plan.hpp"
#include "src/app/security_files.hpp"

namespace starling {

/// Fills Plan::listeners, local_only and mesh_rules.
void plan_listeners(const config::Settings& settings, SecurityFiles& files, Plan& plan);

BrokerSettings plan_broker(const config::ClientLimits& limits);

}  // namespace starling
