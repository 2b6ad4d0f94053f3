#include "src/uv/listen_address.hpp"

#include <algorithm>
#include <cerrno>
#include <netdb.h>
#include <optional>
#include <stdexcept>

#include "starling/limits.hpp"

#include "src/uv/interface_addresses.hpp"
#include "src/uv/socket_address.hpp"

namespace starling {
namespace {

const Endpoint every_v6{};
const Endpoint every_v4 = Endpoint::v4({0, 0, 0, 0}, 0);

const Endpoint loopback_v4 = Endpoint::v4({127, 0, 0, 1}, 0);
const Endpoint loopback_v6{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 0};

bool is_of(const Endpoint& address, AddressFamily family) {
  return family == AddressFamily::any || (family == AddressFamily::ipv4) == address.is_v4();
}

std::vector<Endpoint> addresses_of_name(const std::string& host) {
  // No resolver may send it elsewhere [RFC 6761 §6.3], and both families are meant.
  if (host == "localhost") return {loopback_v4, loopback_v6};
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* answers = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &answers); error != 0)
    throw std::runtime_error("cannot listen on " + host + ": "
                             + (error == EAI_SYSTEM ? error_text(errno) : ::gai_strerror(error)));
  std::vector<Endpoint> addresses;
  for (const addrinfo* answer = answers; answer != nullptr; answer = answer->ai_next) {
    if (answer->ai_family != AF_INET && answer->ai_family != AF_INET6) continue;
    const Endpoint address = endpoint_of(*answer->ai_addr);
    if (std::find(addresses.begin(), addresses.end(), address) == addresses.end())
      addresses.push_back(address);
  }
  ::freeaddrinfo(answers);
  return addresses;
}

std::vector<Endpoint> addresses_of(const ListenAddress& at) {
  std::vector<Endpoint> addresses =
      at.host.empty() ? std::vector{every_v6, every_v4} : addresses_of_name(at.host);
  if (!at.interface.empty()) {
    const auto own = interface_endpoints_of(at.interface);
    if (!own) throw std::runtime_error("there is no network interface \"" + at.interface + "\"");
    if (at.host.empty()) {
      addresses = *own;
    } else {
      std::erase_if(addresses, [&](const Endpoint& address) {
        return std::find(own->begin(), own->end(), address) == own->end();
      });
    }
  }
  std::erase_if(addresses, [&](const Endpoint& address) { return !is_of(address, at.family); });
  if (addresses.empty()) {
    std::string what = at.host.empty() ? "" : "\"" + at.host + "\"";
    if (!at.interface.empty()) what += (what.empty() ? "" : " at ") + ("interface " + at.interface);
    throw std::runtime_error("cannot listen on " + what + ": it has no "
                             + (at.family == AddressFamily::any    ? ""
                                : at.family == AddressFamily::ipv4 ? "IPv4 "
                                                                   : "IPv6 ")
                             + "address here");
  }
  return addresses;
}

struct Refusal {
  int error = 0;
  Endpoint at;
};

/// One try for all addresses. nullopt: `bound` has at least one socket.
std::optional<Refusal> try_bind(const std::vector<Endpoint>& addresses, std::uint16_t port,
                                const SocketCalls& calls, ListeningSockets& bound) {
  bound.sockets.clear();
  std::optional<Refusal> missing;
  for (Endpoint address : addresses) {
    address.port = port;
    UniqueFd socket;
    const int error = bind_socket(PortUse::tcp, address, calls, socket);
    if (error != 0) {
      const Refusal refusal{error, address};
      if (!is_missing_family(error)) return refusal;
      if (!missing) missing = refusal;
      continue;
    }
    if (port == 0) port = local_endpoint_of(socket.get()).port;
    bound.sockets.push_back(std::move(socket));
  }
  return bound.sockets.empty() ? missing : std::nullopt;
}

}  // namespace

ListeningSockets bind_listener(const ListenAddress& at, const SocketCalls& calls) {
  const std::vector<Endpoint> addresses = addresses_of(at);
  ListeningSockets bound;
  // A number the kernel gave for the first socket may be taken at another address.
  const std::size_t attempts = at.port == 0 ? limits::port_pair_attempts : 1;
  std::optional<Refusal> refusal;
  for (std::size_t i = 0; i < attempts; ++i) {
    refusal = try_bind(addresses, at.port, calls, bound);
    if (!refusal) return bound;
    if (refusal->error != EADDRINUSE) break;
  }
  throw std::runtime_error(bind_refusal(PortUse::tcp, refusal->at, refusal->error));
}

}  // namespace starling
