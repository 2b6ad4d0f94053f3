// Binds sockets to one port number: TCP, UDP or both, IPv4 and IPv6. What goes wrong here is the
// operator's to mend, so it is a std::runtime_error with a sentence.
#pragma once

#include <cstdint>
#include <string>
#include <sys/socket.h>

#include "starling/endpoint.hpp"

#include "src/uv/unique_fd.hpp"

namespace starling {

/// The sockets of one protocol; a family that is not there, or was not asked for, has none.
struct BoundSockets {
  UniqueFd v4;
  UniqueFd v6;
};

/// TCP sockets listen already; all are non-blocking, close-on-exec, and IPv6 ones take IPv6 only.
struct BoundPort {
  std::uint16_t port = 0;
  BoundSockets tcp;
  BoundSockets udp;
};

/// The system calls, so that a test can be a host without IPv6.
struct SocketCalls {
  int (*open)(int family, int type, int protocol) = ::socket;
  int (*bind)(int fd, const sockaddr* address, socklen_t size) = ::bind;
};

enum class PortUse : std::uint8_t { tcp, udp, tcp_and_udp };

// --- For others of this room

/// One socket of one address; for TCP it listens already. `use`: tcp or udp. 0, or an errno.
int bind_socket(PortUse use, const Endpoint& at, const SocketCalls& calls, UniqueFd& out);
/// The host, or its kernel, does not speak this family or has not got this address.
[[nodiscard]] bool is_missing_family(int error);
/// "cannot listen on 127.0.0.1:1883: address already in use", with advice where there is some.
[[nodiscard]] std::string bind_refusal(PortUse use, const Endpoint& at, int error);

// ---

/// Binds `at`. The address `::` means both families, of which either may be missing on the host;
/// any other address means itself. Port 0 means any number that is free for everything asked for.
/// Throws std::runtime_error: "cannot listen on 127.0.0.1:1883: address already in use".
BoundPort bind_port(const Endpoint& at, PortUse use, const SocketCalls& calls = {});

/// Lets this process dial from the port on which `sockets` listen. Another process that wants to
/// listen there is refused as before.
void share_with_dialler(const BoundSockets& sockets);

}  // namespace starling
