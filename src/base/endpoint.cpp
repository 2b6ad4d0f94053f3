#include "starling/endpoint.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cstring>

namespace starling {
namespace {

constexpr std::array<std::uint8_t, 12> v4_prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

}  // namespace

bool Endpoint::is_v4() const {
  return std::equal(v4_prefix.begin(), v4_prefix.end(), address.begin());
}

bool Endpoint::is_loopback() const {
  if (is_v4()) return address[12] == 127;
  return std::all_of(address.begin(), address.end() - 1, [](auto b) { return b == 0; })
         && address[15] == 1;
}

bool Endpoint::is_private() const {
  if (!is_v4())
    return (address[0] & 0xFEU) == 0xFC || (address[0] == 0xFE && (address[1] & 0xC0U) == 0x80);
  const auto a = address[12];
  const auto b = address[13];
  return a == 10 || (a == 172 && (b & 0xF0U) == 16) || (a == 192 && b == 168)
         || (a == 100 && (b & 0xC0U) == 64) || (a == 169 && b == 254);
}

bool Endpoint::is_unspecified() const {
  return std::all_of(address.begin() + (is_v4() ? 12 : 0), address.end(),
                     [](auto b) { return b == 0; });
}

bool Endpoint::is_global() const {
  const bool multicast = is_v4() ? address[12] >= 224 : address[0] == 0xFF;
  return !is_loopback() && !is_private() && !is_unspecified() && !multicast;
}

Endpoint Endpoint::v4(std::array<std::uint8_t, 4> bytes, std::uint16_t port) {
  Endpoint endpoint;
  std::copy(v4_prefix.begin(), v4_prefix.end(), endpoint.address.begin());
  std::copy(bytes.begin(), bytes.end(), endpoint.address.begin() + 12);
  endpoint.port = port;
  return endpoint;
}

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = parse_port(text.substr(colon + 1));
  std::string_view host = text.substr(0, colon);
  if (!port) return std::nullopt;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    Endpoint endpoint;
    endpoint.port = *port;
    const std::string inner(host.substr(1, host.size() - 2));
    if (inet_pton(AF_INET6, inner.c_str(), endpoint.address.data()) != 1) return std::nullopt;
    return endpoint;
  }
  std::array<std::uint8_t, 4> bytes{};
  if (inet_pton(AF_INET, std::string(host).c_str(), bytes.data()) != 1) return std::nullopt;
  return v4(bytes, *port);
}

std::string Endpoint::address_text() const {
  char text[INET6_ADDRSTRLEN] = {};
  if (is_v4())
    inet_ntop(AF_INET, address.data() + 12, text, sizeof text);
  else
    inet_ntop(AF_INET6, address.data(), text, sizeof text);
  return text;
}

std::string Endpoint::to_text() const {
  const std::string host = address_text();
  return (is_v4() ? host : "[" + host + "]") + ":" + std::to_string(port);
}

std::optional<HostPort> HostPort::parse(std::string_view text, std::uint16_t default_port) {
  HostPort result;
  result.port = default_port;
  std::string_view port_text;
  if (!text.empty() && text.front() == '[') {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    result.host = text.substr(1, close - 1);
    port_text = text.substr(close + 1);
  } else if (std::count(text.begin(), text.end(), ':') > 1) {
    result.host = text;  // a bare IPv6 address
  } else {
    const std::size_t colon = std::min(text.find(':'), text.size());
    result.host = text.substr(0, colon);
    port_text = text.substr(colon);
  }
  if (result.host.empty()) return std::nullopt;
  if (!port_text.empty()) {
    const auto port = port_text.front() == ':' ? parse_port(port_text.substr(1)) : std::nullopt;
    if (!port) return std::nullopt;
    result.port = *port;
  }
  return result;
}

std::string HostPort::to_text() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace starling
