// Target: a broker as sockets see it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <sys/socket.h>

#include "starling/endpoint.hpp"

#include "src/tls/client_channels.hpp"
#include "src/uv/unique_fd.hpp"

namespace starling::bench {

struct Target {
  std::string name;  ///< as it was asked for: "localhost:1883"
  sockaddr_storage address{};
  socklen_t address_size = 0;
  std::shared_ptr<TlsClientChannels> tls;  ///< null: none

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
  [[nodiscard]] bool is_loopback_v4() const;
};

/// The first address of `at` that takes a connection, tried in the system's order, each for 5 s at
/// most. Throws TroubleError (unreachable): no such host, or why nobody is there.
Target find_target(const HostPort& at);

/// A socket that is being connected to `target`. Each address of this host has some 28 000 ports for
/// one target: on loopback connection `number` (from 0) comes from 127.0.0.1 and, in thousands, from
/// its neighbours. Throws TroubleError when descriptors or ports have run out, saying what helps.
UniqueFd begin_connect(const Target& target, std::uint64_t number);

/// Raises the soft limit of descriptors, if it is needed, and throws TroubleError if even the hard
/// one does not suffice for `connections`.
void reserve_descriptors(std::uint64_t connections);

}  // namespace starling::bench
