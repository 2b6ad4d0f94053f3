// ClientGate: how many clients there are, and whether another one may come in: in total, at one
// listener, from one address, and as long as there is memory. Old clients are never its business.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "starling/endpoint.hpp"
#include "starling/limits.hpp"

#include "src/auth/login_limiter.hpp"
#include "src/broker/listener_policy.hpp"

namespace starling {

struct GateBounds {
  std::size_t connections_max = limits::connections_max;
  std::size_t connections_per_address_max =
      0;                         ///< an IPv6 address counts with its /64; 0: no bound
  std::uint64_t memory_max = 0;  ///< bytes of the heap; 0: no bound
};

/// Why not. `kind` is a short name of ours; empty: come in.
struct GateRefusal {
  std::string_view kind = {};
  std::string why = {};
  explicit operator bool() const { return !kind.empty(); }
};

class ClientGate {
 public:
  explicit ClientGate(const GateBounds& bounds) : bounds_(bounds) {}

  /// Nobody who is inside is sent away.
  void set_bounds(const GateBounds& bounds);
  [[nodiscard]] const GateBounds& bounds() const { return bounds_; }
  void set_heap_bytes(std::uint64_t bytes) { heap_bytes_ = bytes; }

  /// `listener_max`: of its door; 0: no bound.
  [[nodiscard]] GateRefusal may_enter(ListenerIndex listener, std::size_t listener_max) const;
  /// Clients of a Unix socket have no address, and no bound by it.
  [[nodiscard]] GateRefusal may_enter_from(const Endpoint& peer) const;

  void enter(ListenerIndex listener);
  void leave(ListenerIndex listener);
  /// Once its address is known. Counted only while counts_addresses(); whoever sets the first bound
  /// tells it all who are inside.
  void enter_from(const Endpoint& peer);
  void leave_from(const Endpoint& peer);
  [[nodiscard]] bool counts_addresses() const { return bounds_.connections_per_address_max != 0; }

  [[nodiscard]] std::size_t inside() const { return inside_; }

 private:
  GateBounds bounds_;
  std::uint64_t heap_bytes_ = 0;
  std::size_t inside_ = 0;
  std::vector<std::size_t> by_listener_;
  std::map<LoginOrigin, std::size_t> by_address_;
};

}  // namespace starling
