// NAT-PMP by libnatpmp. The only file that knows its API. Blocks, for seconds at most. Runs in a
// process of its own (ask_router).
#pragma once

#include "src/portmap/gateway.hpp"

namespace starling {

[[nodiscard]] GatewayAnswer ask_by_nat_pmp(const GatewayRequest& request);

}  // namespace starling
