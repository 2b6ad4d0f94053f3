// Who has a port of this host that we cannot have.
#pragma once

#include <string>

#include "starling/endpoint.hpp"

#include "src/uv/bound_port.hpp"

namespace starling {

/// "mosquitto (pid 812)": a process whose socket stands in the way of one bound to `at`. Empty: there
/// is none, or the kernel does not tell us (of other users' processes it tells only root). Reads
/// /proc, some milliseconds: for messages about a port that is taken. `use`: tcp or udp.
std::string holder_of(PortUse use, const Endpoint& at);

}  // namespace starling
