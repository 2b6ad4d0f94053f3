// UPnP Internet Gateway Devices by libminiupnpc. The only file that knows its API. Blocks, and
// bounds neither time nor size by itself: it runs in a process of its own that has such bounds
// (ask_router).
#pragma once

#include <string_view>

#include "src/portmap/gateway.hpp"

namespace starling {

[[nodiscard]] GatewayAnswer ask_by_upnp(const GatewayRequest& request);

/// An http URL whose host is a private IPv4 address: the only kind that is followed. Whoever answers
/// a search could otherwise send us to any address.
[[nodiscard]] bool leads_to_neighbour(std::string_view url);

}  // namespace starling
