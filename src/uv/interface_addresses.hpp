// The addresses of this host's interfaces.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "starling/endpoint.hpp"

namespace starling {

/// Every address of every interface that is up, loopback included, link-local IPv6 left out (it
/// means nothing without its interface), each with `port`.
std::vector<Endpoint> interface_endpoints(std::uint16_t port);

/// The same of one interface, with port 0; nullopt: none has this name, or it is down.
std::optional<std::vector<Endpoint>> interface_endpoints_of(std::string_view interface);

}  // namespace starling
