// ListenAddress: where a listener is to be reached, as a person writes it: an address, a name, an
// interface, one family only. What goes wrong here is the operator's to mend, so it is a
// std::runtime_error with a sentence.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "starling/endpoint.hpp"

#include "src/uv/bound_port.hpp"
#include "src/uv/unique_fd.hpp"

namespace starling {

enum class AddressFamily : std::uint8_t { any, ipv4, ipv6 };

struct ListenAddress {
  std::string host;          ///< an address, or a name; empty: every interface
  std::uint16_t port = 0;    ///< 0: any that is free
  std::string interface {};  ///< only at this interface's addresses; empty: any
  AddressFamily family = AddressFamily::any;
};

/// All non-blocking, close-on-exec, listening on one port number.
struct ListeningSockets {
  std::vector<UniqueFd> sockets;
};

/// A socket for each address that `at` means: a name may have several, and so may an interface
/// (link-local IPv6 is left out). Of the two wildcards, and of a name's addresses, those whose
/// family is not there are left out if another one remains. An interface is taken by its addresses
/// of this moment, as Mosquitto does: so a client on this very host reaches it too.
/// Names are looked up here and now.
/// Throws std::runtime_error: "cannot listen on 192.0.2.7:1883: address already in use".
ListeningSockets bind_listener(const ListenAddress& at, const SocketCalls& calls = {});

}  // namespace starling
