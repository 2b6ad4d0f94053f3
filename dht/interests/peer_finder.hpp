// PeerFinder: who belongs to a mesh, and where does a certain peer live now? It watches the mesh's
// member key and looks single node records up.
#pragma once

#include <cstddef>
#include <memory>

#include "starling/ids.hpp"
#include "starling/peer_record.hpp"
#include "starling/port/rendezvous.hpp"
#include "starling/port/scheduler.hpp"

#include "dht/interests/lookup_pacer.hpp"
#include "src/crypto/mesh_keys.hpp"

namespace starling {

/// Told from the turn's end or from timers, never from inside a call of the finder.
class PeerFinderHandler {
 public:
  virtual ~PeerFinderHandler() = default;
  /// A valid member or node record of another node, newer than the last one of it.
  virtual void on_member_seen(const PeerRecord& peer) = 0;
  /// A lookup of find_node() has ended: nothing newer than what was told came of it.
  virtual void on_node_not_found(const NodeId& node) = 0;
};

struct PeerFinderSettings {
  NodeId own;  ///< records of this node are ignored
  crypto::MeshKeys mesh;
};

class PeerFinder {
 public:
  /// All four outlive the finder.
  PeerFinder(const PeerFinderSettings& settings, Rendezvous& rendezvous, Scheduler& scheduler,
             LookupPacer& pacer, PeerFinderHandler& handler);
  ~PeerFinder();
  PeerFinder(const PeerFinder&) = delete;
  PeerFinder& operator=(const PeerFinder&) = delete;

  /// Listens to the member key from now on and reads it again after 5 s, 20 s, 60 s and then every
  /// limits::members_reread (what was put on the other side of a healed partition is not told to
  /// listeners soon). Calling it again changes nothing.
  void watch_members();
  void stop_watching();

  /// Reads the node record of `node` once; it is told by on_member_seen. At most
  /// limits::node_lookups_max run or wait at a time, further ones and repetitions are ignored.
  void find_node(const NodeId& node);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace starling
