// Nat: one router between an inside and an outside, as home routers and providers have them. A
// machine: it is told packets and the time, and says where they go. The kinds are those of
// [RFC 3489 §5]; mapping and filtering as [RFC 4787 §4.1 §5] names them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <tuple>

#include "starling/endpoint.hpp"
#include "starling/time.hpp"

namespace starling::sim {

enum class NatKind : std::uint8_t {
  full_cone,        ///< one outside port for each inside port; whoever knows it may send there
  restricted,       ///< the same, from addresses the inside has sent to
  port_restricted,  ///< the same, from address and port the inside has sent to
  symmetric         ///< another outside port for each destination; only that one may answer
};
/// "full-cone", "restricted", "port-restricted", "symmetric"; nullopt for anything else.
std::optional<NatKind> nat_kind_of(std::string_view text);

enum class Transport : std::uint8_t { udp, tcp };

struct NatSettings {
  NatKind kind = NatKind::port_restricted;
  /// The inside may reach itself by the outside address.
  bool hairpin = false;
  /// A mapping that the inside has not used for so long is forgotten.
  Duration udp_timeout = std::chrono::seconds{120};
  Duration tcp_timeout = std::chrono::hours{2};
  std::size_t mappings_max = 4'096;  ///< then the one longest unused goes
};

class Nat {
 public:
  /// `outside`: its address there; the port means nothing.
  Nat(const NatSettings& settings, const Endpoint& outside);

  /// A packet leaves: what it seems to come from, outside.
  Endpoint outward(Transport transport, const Endpoint& inside, const Endpoint& to, TimePoint now);
  /// A packet for outside port `port` has come from `from`: where it goes inside; nullopt: nowhere.
  std::optional<Endpoint> inward(Transport transport, std::uint16_t port, const Endpoint& from,
                                 TimePoint now);
  /// Opens `outside_port` for `inside` for ever, as a port mapping protocol does. False: it is taken.
  bool map_port(Transport transport, std::uint16_t outside_port, const Endpoint& inside);
  void unmap_port(Transport transport, std::uint16_t outside_port);

  [[nodiscard]] const NatSettings& settings() const { return settings_; }
  [[nodiscard]] const Endpoint& outside() const { return outside_; }
  /// Its provider gives it another address: all mappings are void.
  void set_outside(const Endpoint& outside);

 private:
  // Symmetric: with the destination; else without.
  using InsideKey = std::tuple<Transport, Endpoint, Endpoint>;
  struct Mapping {
    InsideKey key;
    Endpoint inside;
    TimePoint used;
    bool is_permanent = false;
    std::map<Endpoint, TimePoint> sent_to;  // port 0 where only the address counts
  };
  using PortKey = std::pair<Transport, std::uint16_t>;

  [[nodiscard]] bool is_over(Transport transport, const Mapping& mapping, TimePoint now) const;
  [[nodiscard]] Endpoint remembered(const Endpoint& remote) const;
  std::uint16_t take_port(Transport transport, const Endpoint& inside);
  void make_room();

  NatSettings settings_;
  Endpoint outside_;
  std::map<PortKey, Mapping> by_port_;
  std::map<InsideKey, std::uint16_t> by_inside_;
  std::uint16_t next_port_ = 20'000;
};

}  // namespace starling::sim
