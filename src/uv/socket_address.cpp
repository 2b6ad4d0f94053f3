#include "src/uv/socket_address.hpp"

#include <algorithm>
#include <cstring>
#include <uv.h>

namespace starling {

SocketAddress::SocketAddress(const Endpoint& endpoint) {
  if (endpoint.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::memcpy(&v4.sin_addr, endpoint.address.data() + 12, 4);
    std::memcpy(&storage_, &v4, sizeof v4);
    size_ = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    std::memcpy(&v6.sin6_addr, endpoint.address.data(), 16);
    std::memcpy(&storage_, &v6, sizeof v6);
    size_ = sizeof v6;
  }
}

Endpoint SocketAddress::endpoint() const {
  return endpoint_of(*get());
}

Endpoint endpoint_of(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof v4);
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
    return Endpoint::v4(bytes, ntohs(v4.sin_port));
  }
  Endpoint endpoint;
  if (address.sa_family != AF_INET6) return endpoint;
  sockaddr_in6 v6{};
  std::memcpy(&v6, &address, sizeof v6);
  std::memcpy(endpoint.address.data(), &v6.sin6_addr, endpoint.address.size());
  endpoint.port = ntohs(v6.sin6_port);
  return endpoint;
}

Endpoint local_endpoint_of(int fd) {
  SocketAddress address;
  if (::getsockname(fd, address.get(), address.size_in_out()) != 0) return {};
  return address.endpoint();
}

std::string error_text(int error) {
  // libuv's texts, unlike strerror's, do not depend on the locale.
  return uv_strerror(-error);
}

}  // namespace starling
