// Reachability: tells the mesh where this node can be reached while that changes: the addresses of
// the interfaces, and the port that the router in front of them forwards. Inside this room only.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "starling/endpoint.hpp"
#include "starling/port/entropy.hpp"
#include "starling/port/log.hpp"

#include "bridge/reach/own_addresses.hpp"
#include "src/config/settings.hpp"
#include "src/control/node_status.hpp"
#include "src/portmap/child_gateway.hpp"
#include "src/portmap/router_news.hpp"
#include "src/portmap/router_port_mapper.hpp"
#include "src/uv/interface_watch.hpp"

namespace starling {

class Mesh;
class UvLoop;

/// What decides whether a router is asked.
struct Surroundings {
  config::NatChoice nat = config::NatChoice::automatic;
  Endpoint bound;                    ///< where the node listens; may be unspecified
  bool waits_for_bootstrap = false;  ///< its names are not resolved yet
  std::vector<Endpoint> local = {};  ///< addresses of the interfaces that lead to `bound`
  World world = World::global;       ///< where the others are
};

/// A sentence that says why no router is to be asked, or nullopt if one is.
[[nodiscard]] std::optional<std::string> why_no_mapping(const Surroundings& here);

class Reachability {
 public:
  struct Parts {
    UvLoop& loop;
    Mesh& mesh;
    Entropy& entropy;
    LogSink& log;
  };

  /// `port`: where the node listens for links; the mesh knows the addresses of this moment already.
  /// `here.local` is found out. All parts must outlive it.
  Reachability(Parts parts, Surroundings here, std::uint16_t port);

  /// Once the loop runs.
  void start();
  /// As Mesh::set_bootstrap_endpoints.
  void on_bootstrap(const std::vector<Endpoint>& addresses);
  /// Gives back what the router has promised. `done` comes within RouterPortMapper::release_max.
  void release(std::function<void()> done);

  [[nodiscard]] control::PortMappingStatus port_mapping() const;

 private:
  void on_interfaces();
  void review();
  void on_mapping(const PortMapping& mapping);

  Parts parts_;
  Surroundings here_;
  std::uint16_t port_;
  ChildGateway gateway_;
  RouterPortMapper mapper_;
  std::optional<InterfaceWatch> watch_;
  std::optional<RouterNews> news_;      // as long as a router is asked
  std::optional<std::string> why_not_;  // as long as no router is asked
  bool is_kept_ = false;
  bool is_releasing_ = false;
  bool is_ending_ = false;
};

}  // namespace starling
