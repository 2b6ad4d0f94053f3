// The addresses of this host's interfaces.
#pragma once

#include <cstdint>
#include <vector>

#include "starling/endpoint.hpp"

namespace starling {

/// Every address of every interface that is up, loopback included, link-local IPv6 left out (it
/// means nothing without its interface), each with `port`.
std::vector<Endpoint> interface_endpoints(std::uint16_t port);

}  // namespace starling
