// Endpoint: an IP address with a port.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace starling {

/// IPv4 is kept as an IPv4-mapped IPv6 address (::ffff:a.b.c.d), so comparing is comparing bytes.
struct Endpoint {
  std::array<std::uint8_t, 16> address{};
  std::uint16_t port = 0;

  auto operator<=>(const Endpoint&) const = default;

  [[nodiscard]] bool is_v4() const;
  [[nodiscard]] bool is_loopback() const;     ///< 127/8, ::1
  [[nodiscard]] bool is_private() const;      ///< RFC 1918, RFC 6598 (carrier NAT), ULA, link-local
  [[nodiscard]] bool is_unspecified() const;  ///< 0.0.0.0, ::
  /// Neither loopback, private, unspecified nor multicast.
  [[nodiscard]] bool is_global() const;

  static Endpoint v4(std::array<std::uint8_t, 4> address, std::uint16_t port);
  /// "192.0.2.7:1883" or "[2001:db8::1]:1883". nullopt for anything else, host names included.
  static std::optional<Endpoint> parse(std::string_view text);
  [[nodiscard]] std::string to_text() const;
  /// The address without its port.
  [[nodiscard]] std::string address_text() const;
};

/// A host as a person writes it: name or address, with a port. "mesh.example.org", "[::1]:21883".
struct HostPort {
  std::string host;
  std::uint16_t port = 0;

  /// `default_port` is used when none is written. nullopt: empty host, port not in 1..65535.
  static std::optional<HostPort> parse(std::string_view text, std::uint16_t default_port);
  /// With the port, and brackets around an IPv6 address.
  [[nodiscard]] std::string to_text() const;
};

}  // namespace starling
