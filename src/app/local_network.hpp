// LocalNetwork: lets members of our meshes in the same local network find this node, and tells the
// mesh of those that are heard there. Inside this room only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "starling/endpoint.hpp"
#include "starling/ids.hpp"
#include "starling/port/entropy.hpp"
#include "starling/port/log.hpp"
#include "starling/port/scheduler.hpp"

#include "bridge/mesh/mesh_settings.hpp"
#include "bridge/reach/lan_neighbours.hpp"
#include "src/uv/interface_watch.hpp"
#include "src/uv/uv_multicast.hpp"

namespace starling {

class Mesh;
class UvLoop;

/// Those of `faces` over which members are looked for, by a node whose links come in at `bound`: in
/// networks of a house, where `bound` can be dialled. None for one that listens on loopback.
[[nodiscard]] std::vector<MulticastFace> lan_faces(std::vector<MulticastFace> faces,
                                                   const Endpoint& bound);

class LocalNetwork {
 public:
  struct Parts {
    UvLoop& loop;
    Mesh& mesh;
    Entropy& entropy;
    LogSink& log;
  };

  /// `bound`: where links come in, with the real port. `meshes`: as the mesh has them. All parts must
  /// outlive it.
  LocalNetwork(Parts parts, const NodeId& own, const Endpoint& bound,
               const std::vector<MeshConfig>& meshes);
  ~LocalNetwork();
  LocalNetwork(const LocalNetwork&) = delete;
  LocalNetwork& operator=(const LocalNetwork&) = delete;

  /// Once the loop runs and the mesh has started.
  void start();

  /// Members heard lately, and datagrams that nothing was made of.
  [[nodiscard]] std::size_t neighbours() const;
  [[nodiscard]] std::uint64_t ignored() const;

 private:
  void on_interfaces();
  void on_datagram(const Endpoint& from, ByteView bytes);
  void send_due();

  Parts parts_;
  Endpoint bound_;
  std::vector<std::string> mesh_names_;
  LanNeighbours neighbours_;
  UvMulticast multicast_;
  std::optional<InterfaceWatch> watch_;
  std::vector<MulticastFace> faces_;
  WakeId wake_;
};

}  // namespace starling
