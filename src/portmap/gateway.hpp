// Gateway: one question to a router, and its answer. What is behind it (child_gateway: libminiupnpc
// and libnatpmp in a process of their own) is the only part of this room that opens a socket.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "starling/endpoint.hpp"

namespace starling {

enum class GatewayProtocol : std::uint8_t { nat_pmp, upnp };

/// TCP and UDP belong together: one port number outside, or none.
struct GatewayRequest {
  enum class Verb : std::uint8_t { map, remove };
  Verb verb = Verb::map;
  GatewayProtocol protocol = GatewayProtocol::nat_pmp;
  std::uint16_t internal_port = 0;
  std::uint16_t external_port = 0;
  std::chrono::seconds lease{0};
  std::string gateway;  ///< as an answer called it; empty: the router is looked for
};

struct GatewayAnswer {
  enum class Outcome : std::uint8_t {
    mapped,
    removed,
    conflict,  ///< this external port is someone else's: another one may do
    refused,   ///< the router does not want to, whatever the port
    silent,    ///< nobody here speaks this protocol
    failed,    ///< everything else
  };
  Outcome outcome = Outcome::failed;
  Endpoint external;  ///< of mapped; an unspecified address: the router does not know it
  std::chrono::seconds lease{0};  ///< of mapped; 0: for ever
  std::string gateway;            ///< of mapped and conflict: what to put into the next request
  std::string router;             ///< of any router that answered: its address, for people
  std::string why;                ///< of conflict, refused and failed: half a sentence for people
};

class Gateway {
 public:
  using OnAnswer = std::function<void(GatewayAnswer)>;

  virtual ~Gateway() = default;
  /// `on_answer` comes once, later and within `gateway_answer_max`; never after the gateway is gone.
  virtual void ask(const GatewayRequest& request, OnAnswer on_answer) = 0;
};

constexpr auto gateway_answer_max = std::chrono::seconds{15};

}  // namespace starling
