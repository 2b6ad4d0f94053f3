// Who listens at a TCP port of this host.
#pragma once

#include <cstdint>
#include <string>

namespace starling {

/// "mosquitto (pid 812)"; empty: nobody does, or the kernel does not tell us (a process of another
/// user is seen only by root). Reads /proc, some milliseconds: for messages about a port that is
/// taken.
std::string holder_of_tcp_port(std::uint16_t port);

}  // namespace starling
