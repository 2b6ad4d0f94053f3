#include "dht/opendht/port_socket.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>

#include "dht/opendht/datagram_check.hpp"

namespace starling {

::dht::SockAddr to_sockaddr(const Endpoint& endpoint) {
  ::dht::SockAddr address;
  if (endpoint.is_v4()) {
    address.setFamily(AF_INET);
    std::memcpy(&address.getIPv4().sin_addr, endpoint.address.data() + 12, 4);
  } else {
    address.setFamily(AF_INET6);
    std::memcpy(&address.getIPv6().sin6_addr, endpoint.address.data(), 16);
  }
  address.setPort(endpoint.port);
  return address;
}

std::optional<Endpoint> to_endpoint(const ::dht::SockAddr& address) {
  if (address.getFamily() == AF_INET) {
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &address.getIPv4().sin_addr, bytes.size());
    return Endpoint::v4(bytes, address.getPort());
  }
  if (address.getFamily() != AF_INET6) return std::nullopt;
  Endpoint endpoint;
  std::memcpy(endpoint.address.data(), &address.getIPv6().sin6_addr, endpoint.address.size());
  endpoint.port = address.getPort();
  return endpoint;
}

PortSocket::PortSocket(Datagram& datagram, std::uint64_t& sent, const bool* is_client)
    : datagram_(datagram), sent_(sent), is_client_(is_client) {
  if (const auto v4 = datagram.local_v4()) bound_v4_ = to_sockaddr(*v4);
  if (const auto v6 = datagram.local_v6()) bound_v6_ = to_sockaddr(*v6);
}

int PortSocket::sendTo(const ::dht::SockAddr& to, const std::uint8_t* data, std::size_t size,
                       bool) {
  const auto endpoint = to_endpoint(to);
  if (!endpoint) return EAFNOSUPPORT;
  ++sent_;
  if (is_client_ != nullptr && *is_client_ && is_query({data, size})
      && as_client({data, size}, marked_))
    return datagram_.send(*endpoint, marked_);
  return datagram_.send(*endpoint, {data, size});
}

const ::dht::SockAddr& PortSocket::getBoundRef(sa_family_t family) const {
  return family == AF_INET6 ? bound_v6_ : bound_v4_;
}

std::vector<::dht::SockAddr> PortSocket::resolve(const std::string& host,
                                                 const std::string& service) {
  const auto endpoint = Endpoint::parse(
      (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + service);
  if (!endpoint) return {};
  return {to_sockaddr(*endpoint)};
}

}  // namespace starling
