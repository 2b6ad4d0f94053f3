#include "src/uv/interface_addresses.hpp"

#include <cstring>
#include <uv.h>

namespace starling {

std::vector<Endpoint> interface_endpoints(std::uint16_t port) {
  std::vector<Endpoint> endpoints;
  uv_interface_address_t* interfaces = nullptr;
  int count = 0;
  if (uv_interface_addresses(&interfaces, &count) != 0) return endpoints;
  for (int i = 0; i < count; ++i) {
    const auto& address = interfaces[i].address;
    if (address.address4.sin_family == AF_INET) {
      std::array<std::uint8_t, 4> bytes{};
      std::memcpy(bytes.data(), &address.address4.sin_addr, bytes.size());
      endpoints.push_back(Endpoint::v4(bytes, port));
    } else if (address.address4.sin_family == AF_INET6) {
      Endpoint endpoint;
      std::memcpy(endpoint.address.data(), &address.address6.sin6_addr, endpoint.address.size());
      endpoint.port = port;
      const bool link_local = endpoint.address[0] == 0xFE && (endpoint.address[1] & 0xC0U) == 0x80;
      if (!link_local) endpoints.push_back(endpoint);
    }
  }
  uv_free_interface_addresses(interfaces, count);
  return endpoints;
}

}  // namespace starling
