// PeerFinder: who belongs to a mesh, and where does a certain peer live now? It reads the mesh's
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

class SignatureCache;

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
  /// Its nodes link with some others only, so its member key is never listened to for long.
  bool open_mesh = false;
  std::shared_ptr<SignatureCache> signatures = nullptr;  ///< null: one of its own
};

class PeerFinder {
 public:
  /// All four outlive the finder.
  PeerFinder(const PeerFinderSettings& settings, Rendezvous& rendezvous, Scheduler& scheduler,
             LookupPacer& pacer, PeerFinderHandler& handler);
  ~PeerFinder();
  PeerFinder(const PeerFinder&) = delete;
  PeerFinder& operator=(const PeerFinder&) = delete;

  /// Reads the member key. In a small private mesh (up to limits::small_mesh_members_max) it is then
  /// listened to, with all its shards, so that everybody is found. In an open or a large mesh only
  /// those at the root and in one shard are told, and both are read again after 5 s, 20 s, 60 s and
  /// then every limits::members_reread while fewer than eight members are known that can be dialled,
  /// else every half an hour: a permanent listen of all to all costs the square of their number.
  /// Calling it again changes nothing.
  void watch_members();
  void stop_watching();
  /// Those that were told are no help: reads the member key again now, unless it is listened to or
  /// was read within limits::members_reread.
  void seek_members();
  /// How many members the mesh has, ourselves included: estimated from the member key's root. 0:
  /// not known yet.
  [[nodiscard]] std::size_t members_estimate() const;

  /// Reads the node record of `node` once; it is told by on_member_seen. At most
  /// limits::node_lookups_max run or wait at a time, further ones and repetitions are ignored.
  void find_node(const NodeId& node);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace starling
