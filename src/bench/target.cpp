#include "src/bench/target.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>

#include "src/bench/exit_status.hpp"
#include "src/uv/process_memory.hpp"

namespace starling::bench {
namespace {

constexpr int try_ms = 5'000;
constexpr std::uint64_t per_source = 20'000;  // connections from one address, of 28 232 ports
constexpr std::uint64_t sources = 250;        // addresses of loopback that are used
constexpr std::uint64_t own_descriptors = 32;

[[noreturn]] void unreachable(const std::string& name, const std::string& why) {
  throw TroubleError({ExitStatus::unreachable, "cannot connect to " + name + ": " + why});
}

/// 0, or the errno of a connection attempt that was waited for.
int try_connect(const addrinfo& address) {
  const UniqueFd socket{::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!socket) return errno;
  if (::connect(socket.get(), address.ai_addr, address.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  pollfd waiting{socket.get(), POLLOUT, 0};
  const int count = ::poll(&waiting, 1, try_ms);
  if (count == 0) return ETIMEDOUT;
  if (count < 0) return errno;
  int error = 0;
  socklen_t size = sizeof(error);
  ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

[[noreturn]] void cannot_connect(const Target& target) {
  const int error = errno;
  if (error == EMFILE || error == ENFILE)
    throw TroubleError({ExitStatus::failed,
                        "out of file descriptors: each connection takes one; raise the limit with "
                        "ulimit -n"});
  if (error == EADDRNOTAVAIL)
    throw TroubleError(
        {ExitStatus::failed, "out of local ports for " + target.name
                                 + ": an address has some 28 000 for one broker (widen "
                                   "net.ipv4.ip_local_port_range, or ask for fewer --clients)"});
  unreachable(target.name, std::strerror(error));
}

void choose_source(int socket, std::uint64_t number) {
  const std::uint64_t source = number / per_source % sources;
  if (source == 0) return;
  const int on = 1;
  // The port is chosen when the target is known, so that one port serves many targets.
  ::setsockopt(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
  sockaddr_in from{};
  from.sin_family = AF_INET;
  from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + static_cast<std::uint32_t>(source));
  ::bind(socket, reinterpret_cast<const sockaddr*>(&from), sizeof(from));  // else connect() chooses
}

}  // namespace

bool Target::is_loopback_v4() const {
  if (address.ss_family != AF_INET) return false;
  const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
  return ntohl(v4.sin_addr.s_addr) >> 24U == 127;
}

Target find_target(const HostPort& at) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int status =
      ::getaddrinfo(at.host.c_str(), std::to_string(at.port).c_str(), &hints, &found);
  if (status != 0) unreachable(at.to_text(), ::gai_strerror(status));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, ::freeaddrinfo);
  int error = 0;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    error = try_connect(*each);
    if (error != 0) continue;
    Target target;
    target.name = at.to_text();
    std::memcpy(&target.address, each->ai_addr, each->ai_addrlen);
    target.address_size = each->ai_addrlen;
    return target;
  }
  unreachable(at.to_text(), error == ECONNREFUSED
                                ? "connection refused: nobody listens there. Is the broker running?"
                                : std::strerror(error));
}

UniqueFd begin_connect(const Target& target, std::uint64_t number) {
  UniqueFd socket{
      ::socket(target.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!socket) cannot_connect(target);
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (target.is_loopback_v4()) choose_source(socket.get(), number);
  if (::connect(socket.get(), target.get(), target.address_size) != 0 && errno != EINPROGRESS)
    cannot_connect(target);
  return socket;
}

void reserve_descriptors(std::uint64_t connections) {
  const std::uint64_t needed = connections + own_descriptors;
  const std::uint64_t have = raise_descriptor_limit();
  if (have >= needed) return;
  throw TroubleError({ExitStatus::failed,
                      std::to_string(connections) + " connections need " + std::to_string(needed)
                          + " file descriptors, and this process may have " + std::to_string(have)
                          + ": raise the hard limit (ulimit -Hn as root, or "
                            "LimitNOFILE=) or ask for fewer --clients"});
}

}  // namespace starling::bench
