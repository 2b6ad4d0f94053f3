// Reachability: tells the mesh where this node can be reached while that changes: the addresses of
// the interfaces. Inside this room only.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "starling/endpoint.hpp"
#include "starling/port/log.hpp"

#include "src/uv/interface_watch.hpp"

namespace starling {

class Mesh;
class UvLoop;

class Reachability {
 public:
  /// `bound` on `port`: where the node listens for links. The mesh knows the addresses of this
  /// moment already. All must outlive it.
  Reachability(UvLoop& loop, Mesh& mesh, LogSink& log, const Endpoint& bound, std::uint16_t port);

 private:
  void on_interfaces();

  Mesh& mesh_;
  LogSink& log_;
  Endpoint bound_;
  std::uint16_t port_;
  std::vector<Endpoint> local_;
  std::optional<InterfaceWatch> watch_;
};

}  // namespace starling
