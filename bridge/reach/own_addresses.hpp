// Which addresses this node tells the world: configured ones, else what the interfaces and the
// peers say, as far as they have passed their tests (dial_tests.hpp). A pure table; it opens nothing
// and tests nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "starling/endpoint.hpp"
#include "starling/ids.hpp"
#include "starling/limits.hpp"
#include "starling/time.hpp"

#include "bridge/reach/dial_tests.hpp"

namespace starling {

/// The kind of network the bootstrap addresses lie in. A node whose own bootstrap address is
/// private or loopback lives in such a world and announces its addresses of that kind; otherwise
/// they never leave the house.
enum class World : std::uint8_t { global, private_network, loopback };

/// Where an address of ours comes from.
enum class AddressSource : std::uint8_t { configured, interface, mapped, observed };

class OwnAddresses {
 public:
  /// `mesh_port`: the TCP port that accepts links; it goes with every address that was only
  /// observed.
  explicit OwnAddresses(std::uint16_t mesh_port = 0) : mesh_port_(mesh_port) {}

  /// Written by the operator: announced first, untested, in this order.
  void set_configured(std::vector<Endpoint> endpoints);
  /// What listens here: an address per interface (never 0.0.0.0 or ::, those say nothing), with its
  /// port.
  void set_local(std::vector<Endpoint> endpoints);
  /// What a router forwards to here, as it says. Replaces what was mapped before; empty: nothing.
  /// Addresses that are not global are left out: nobody outside could dial them.
  void set_mapped(std::vector<Endpoint> endpoints);
  /// The addresses this node was given to join by. Widest wins: one global bootstrap address makes
  /// the world global.
  void set_bootstrap(const std::vector<Endpoint>& endpoints);
  [[nodiscard]] World world() const { return world_; }

  /// `peer`, whose address is `seen_from`, saw our link come from `observed`. Only global addresses
  /// count, and at most limits::observed_addresses_max are remembered. A second network (/16 of
  /// IPv4, /32 of IPv6) makes an observation trusted; as long as all observers are in one network,
  /// that one is enough.
  void on_observed(const NodeId& peer, const Endpoint& seen_from, const Endpoint& observed,
                   TimePoint now);
  /// Forgets observations older than limits::observation_lifetime.
  void expire(TimePoint now);

  /// An address at which this node may be dialled.
  struct Candidate {
    Endpoint endpoint;
    AddressSource source = AddressSource::interface;
    bool is_tested = true;  ///< peers must have dialled it before it is announced
  };
  /// Best first, at most limits::record_endpoints_max, never two the same: configured ones alone
  /// when there are any; else global IPv6 of an interface, global IPv4 of an interface, mapped ones,
  /// observed ones; in a private or loopback world the private or loopback ones of the interfaces.
  [[nodiscard]] std::vector<Candidate> candidates() const;
  /// The candidates that need no test or have passed it. Of those that nobody has tested yet a
  /// global IPv4 address of an interface is announced too (routers have no part in it), and, while
  /// this node is `alone`, with nobody there to test it, also the others but for observed ones:
  /// else two nodes would never find each other.
  [[nodiscard]] std::vector<Endpoint> announced(const DialTests& tests, bool alone) const;
  /// The rule of announced() for one.
  [[nodiscard]] static bool may_announce(const Candidate& candidate, DialVerdict verdict,
                                         bool alone);
  /// What a member behind the same public address may be told on a link: `announced` and then the
  /// private addresses of the interfaces, at most limits::told_endpoints_max.
  [[nodiscard]] std::vector<Endpoint> told_to_neighbour(std::vector<Endpoint> announced) const;
  [[nodiscard]] bool is_of_interface(const Endpoint& endpoint) const;

 private:
  struct Observation {
    std::map<NodeId, std::uint64_t> networks;  // who said so, and from which network
    TimePoint last;
  };
  [[nodiscard]] bool is_trusted(const Observation& observation) const;

  std::uint16_t mesh_port_;
  World world_ = World::global;
  std::vector<Endpoint> configured_;
  std::vector<Endpoint> local_;
  std::vector<Endpoint> mapped_;
  std::map<Endpoint, Observation> observed_;
};

/// The /16 of an IPv4 address, the /32 of an IPv6 one: two nodes in one of them may be one
/// person's.
[[nodiscard]] std::uint64_t network_of(const Endpoint& endpoint);

}  // namespace starling
