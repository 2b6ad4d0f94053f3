#include "src/uv/interface_addresses.hpp"

#include <cstring>
#include <uv.h>

namespace starling {

namespace {

/// Calls visit(interface, endpoint, is_link_local) for each address.
template <class Visit>
void for_each_address(Visit&& visit) {
  uv_interface_address_t* interfaces = nullptr;
  int count = 0;
  if (uv_interface_addresses(&interfaces, &count) != 0) return;
  for (int i = 0; i < count; ++i) {
    const auto& address = interfaces[i].address;
    const std::string_view name = interfaces[i].name;
    if (address.address4.sin_family == AF_INET) {
      std::array<std::uint8_t, 4> bytes{};
      std::memcpy(bytes.data(), &address.address4.sin_addr, bytes.size());
      visit(name, Endpoint::v4(bytes, 0), false);
    } else if (address.address4.sin_family == AF_INET6) {
      Endpoint endpoint;
      std::memcpy(endpoint.address.data(), &address.address6.sin6_addr, endpoint.address.size());
      const bool link_local = endpoint.address[0] == 0xFE && (endpoint.address[1] & 0xC0U) == 0x80;
      visit(name, endpoint, link_local);
    }
  }
  uv_free_interface_addresses(interfaces, count);
}

}  // namespace

std::vector<Endpoint> interface_endpoints(std::uint16_t port) {
  std::vector<Endpoint> endpoints;
  for_each_address([&](std::string_view, Endpoint endpoint, bool link_local) {
    endpoint.port = port;
    if (!link_local) endpoints.push_back(endpoint);
  });
  return endpoints;
}

std::optional<std::vector<Endpoint>> interface_endpoints_of(std::string_view interface) {
  std::vector<Endpoint> endpoints;
  bool found = false;
  for_each_address([&](std::string_view name, const Endpoint& endpoint, bool link_local) {
    if (name != interface) return;
    found = true;
    if (!link_local) endpoints.push_back(endpoint);
  });
  if (!found) return std::nullopt;
  return endpoints;
}

}  // namespace starling
