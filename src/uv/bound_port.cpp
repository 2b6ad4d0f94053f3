#include "src/uv/bound_port.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <stdexcept>
#include <string>

#include "starling/limits.hpp"

#include "src/uv/port_holder.hpp"
#include "src/uv/socket_address.hpp"

namespace starling {
namespace {

struct Refusal {
  int error = 0;
  Endpoint at;
  bool udp = false;
};

bool set_option(int fd, int level, int name, int value) {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

/// One try for all sockets. nullopt: `bound` is complete.
std::optional<Refusal> try_bind(const Endpoint& at, PortUse use, const SocketCalls& calls,
                                BoundPort& bound) {
  const bool both_families = at.is_unspecified() && !at.is_v4();
  bound = {};
  bound.port = at.port;
  const auto bind_one = [&](bool udp, const Endpoint& address, UniqueFd& out) -> Refusal {
    Endpoint here = address;
    here.port = bound.port;
    const int error = bind_socket(udp ? PortUse::udp : PortUse::tcp, here, calls, out);
    if (error != 0) return {error, here, udp};
    if (bound.port == 0) bound.port = local_endpoint_of(out.get()).port;
    return {};
  };
  for (const bool udp : {false, true}) {
    if (use == (udp ? PortUse::tcp : PortUse::udp)) continue;
    BoundSockets& sockets = udp ? bound.udp : bound.tcp;
    const Refusal first = bind_one(udp, at, at.is_v4() ? sockets.v4 : sockets.v6);
    if (first.error == 0 && !both_families) continue;
    if (first.error != 0 && !(both_families && is_missing_family(first.error))) return first;
    const Refusal second = bind_one(udp, Endpoint::v4({0, 0, 0, 0}, 0), sockets.v4);
    if (second.error == 0) continue;
    if (first.error != 0 || !is_missing_family(second.error)) return second;
  }
  return std::nullopt;
}

}  // namespace

bool is_missing_family(int error) {
  return error == EAFNOSUPPORT || error == EPFNOSUPPORT || error == EADDRNOTAVAIL;
}

int bind_socket(PortUse use, const Endpoint& at, const SocketCalls& calls, UniqueFd& out) {
  const bool udp = use == PortUse::udp;
  const int family = at.is_v4() ? AF_INET : AF_INET6;
  const int type = (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
  UniqueFd fd{calls.open(family, type, 0)};
  if (!fd) return errno;
  // IPv4 has a socket of its own, whatever the system's default for mapped addresses is.
  if (family == AF_INET6 && !set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1)) return errno;
  // A port whose old connections are still in TIME_WAIT is free for us; for UDP the option would
  // let two processes share a port.
  if (!udp && !set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1)) return errno;
  const SocketAddress address{at};
  if (calls.bind(fd.get(), address.get(), address.size()) != 0) return errno;
  if (!udp && ::listen(fd.get(), limits::listen_backlog) != 0) return errno;
  out = std::move(fd);
  return 0;
}

void share_with_dialler(const BoundSockets& sockets) {
  // Set after listen(): who wants to listen too would have to set it before it binds, as our
  // dialler does and no server of ours.
  for (const UniqueFd* socket : {&sockets.v4, &sockets.v6}) {
    if (*socket) set_option(socket->get(), SOL_SOCKET, SO_REUSEPORT, 1);
  }
}

std::string bind_refusal(PortUse use, const Endpoint& at, int error) {
  std::string text = "cannot listen on ";
  if (use == PortUse::udp) text += "UDP ";
  text += at.to_text() + ": " + error_text(error);
  if (error == EADDRINUSE) {
    const std::string holder = holder_of(use, at);
    if (!holder.empty()) text += " by " + holder;
  }
  if (error == EACCES && at.port < 1024) {
    text += " (ports below 1024 need the capability CAP_NET_BIND_SERVICE)";
  }
  if (error == EADDRNOTAVAIL) text += " (no interface of this host has this address)";
  return text;
}

BoundPort bind_port(const Endpoint& at, PortUse use, const SocketCalls& calls) {
  BoundPort bound;
  // A number the kernel gave for the first socket may be taken for another: ask for a new one.
  const std::size_t attempts = at.port == 0 ? limits::port_pair_attempts : 1;
  std::optional<Refusal> refusal;
  for (std::size_t i = 0; i < attempts; ++i) {
    refusal = try_bind(at, use, calls, bound);
    if (!refusal) return bound;
    if (refusal->error != EADDRINUSE) break;
  }
  std::string text =
      bind_refusal(refusal->udp ? PortUse::udp : PortUse::tcp, refusal->at, refusal->error);
  if (at.port == 0 && refusal->error == EADDRINUSE) {
    text += " (looked for a free port " + std::to_string(limits::port_pair_attempts) + " times)";
  }
  throw std::runtime_error(text);
}

}  // namespace starling
