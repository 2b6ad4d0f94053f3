// PortMapper: asks the router in front of this host to forward a port to it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "starling/endpoint.hpp"

namespace starling {

/// How far the router has come.
struct PortMapping {
  enum class State : std::uint8_t {
    off,         ///< nothing is asked for
    asking,      ///< no answer yet
    mapped,      ///< whoever dials `external` reaches us, says the router
    not_public,  ///< mapped, but the router's own address is one of a provider's inner network
    refused,     ///< a router answered, and there is no mapping
    no_router,   ///< nobody here maps ports
  };
  State state = State::off;
  Endpoint external;  ///< of mapped and not_public; the port need not be the one asked for
  std::string by;     ///< of mapped and not_public: "UPnP on 192.168.1.1"
  std::string why;    ///< of the others, and of a mapping that is not what was wished: for people
  bool operator==(const PortMapping&) const = default;
};

class PortMapper {
 public:
  using OnChange = std::function<void(const PortMapping&)>;

  virtual ~PortMapper() = default;

  /// From now on TCP and UDP of one outer port lead to `port` of this host, as far as a router
  /// agrees; renewed, and asked for again when it is lost. `on_change` hears of each change, never
  /// from inside a call of this class. Called again: for the new port, the old mapping is left to
  /// run out.
  virtual void keep(std::uint16_t port, OnChange on_change) = 0;
  /// The network may be another one now: asks again, soon. What does not hold any more is lost.
  virtual void refresh() = 0;
  /// Gives the mapping back and asks for nothing more. `done` comes when the router has agreed, or
  /// when it has taken too long: within limits the implementation names; never from inside.
  virtual void release(std::function<void()> done) = 0;
  [[nodiscard]] virtual const PortMapping& mapping() const = 0;
};

}  // namespace starling
