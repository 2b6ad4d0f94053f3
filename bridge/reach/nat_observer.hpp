// NatObserver: what the router in front of this node makes of the port from which it dials, as those
// who were dialled tell. Whoever is seen at one place by all can be met there by others.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "starling/endpoint.hpp"
#include "starling/ids.hpp"
#include "starling/time.hpp"

namespace starling {

class NatObserver {
 public:
  enum class Mapping : std::uint8_t {
    unknown,               ///< nobody has told, or only one peer
    none,                  ///< we are seen at an address of our own
    endpoint_independent,  ///< at one place, whoever looks [RFC 4787 §4.1]
    endpoint_dependent,    ///< each sees us elsewhere
  };

  /// `peer`, which we dialled from the mesh port, sees us at `observed`. `is_ours`: an address of an
  /// interface.
  void on_observed(const NodeId& peer, const Endpoint& observed, bool is_ours, TimePoint now);
  void forget(const NodeId& peer) { seen_.erase(peer); }
  /// Forgets what is older than an hour.
  void expire(TimePoint now);

  [[nodiscard]] Mapping mapping() const;
  /// Where others may meet us: at the place all see. nullopt: there is none, or it is not known.
  [[nodiscard]] std::optional<Endpoint> meeting_point() const;

 private:
  struct Sight {
    Endpoint observed;
    bool is_ours = false;
    TimePoint at;
  };
  std::map<NodeId, Sight> seen_;  // bounded
};

}  // namespace starling
