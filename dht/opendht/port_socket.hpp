// PortSocket: what OpenDHT takes for a socket, over our Datagram port. Sends only; what arrives is
// handed to Dht::periodic by the engine.
#pragma once

#include <cstdint>
#include <opendht/network_utils.h>
#include <opendht/sockaddr.h>
#include <optional>
#include <vector>

#include "starling/endpoint.hpp"
#include "starling/port/stream.hpp"

namespace starling {

::dht::SockAddr to_sockaddr(const Endpoint& endpoint);
/// nullopt: neither IPv4 nor IPv6.
std::optional<Endpoint> to_endpoint(const ::dht::SockAddr& address);

class PortSocket final : public ::dht::net::DatagramSocket {
 public:
  /// All outlive the socket. `sent` counts datagrams. While `is_client` (if given) is true, what asks for
  /// something says so (as_client in datagram_check.hpp).
  PortSocket(Datagram& datagram, std::uint64_t& sent, const bool* is_client = nullptr);

  /// 0 or an errno; ENETUNREACH for a family this host does not have.
  int sendTo(const ::dht::SockAddr& to, const std::uint8_t* data, std::size_t size,
             bool replied) override;

  // Both families, always: Dht::listen gives up its local listener and returns no token when a
  // socket has no IPv6. A missing family shows when something is sent.
  [[nodiscard]] bool hasIPv4() const override { return true; }
  [[nodiscard]] bool hasIPv6() const override { return true; }

  [[nodiscard]] const ::dht::SockAddr& getBoundRef(sa_family_t family) const override;
  /// Address literals only: a lookup of names would block the loop.
  std::vector<::dht::SockAddr> resolve(const std::string& host,
                                       const std::string& service) override;
  void stop() override {}

 private:
  Datagram& datagram_;
  std::uint64_t& sent_;
  const bool* is_client_;
  Bytes marked_;
  ::dht::SockAddr bound_v4_;
  ::dht::SockAddr bound_v6_;
};

}  // namespace starling
