// Circle: one mesh as this node sees it. What is shared with it, what is announced for it in the
// DHT, what the DHT tells about it, and the messages of it that wait for somebody to be found. It
// knows no links.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "starling/port/entropy.hpp"
#include "starling/port/log.hpp"
#include "starling/port/rendezvous.hpp"
#include "starling/port/scheduler.hpp"

#include "bridge/mesh/mesh_settings.hpp"
#include "bridge/mesh/parking_lot.hpp"
#include "bridge/routing/interest_table.hpp"
#include "bridge/sharing/announced_interests.hpp"
#include "dht/interests/announcer.hpp"
#include "dht/interests/inbox.hpp"
#include "dht/interests/interest_finder.hpp"
#include "dht/interests/peer_finder.hpp"

namespace starling {

/// What the DHT tells about a mesh. Never called from inside a call of the circle.
class CircleHandler {
 public:
  virtual ~CircleHandler() = default;
  /// A member said in the DHT that it wants something near a topic we asked for.
  virtual void on_peer_seen(MeshIndex mesh, const PeerSeen& seen) = 0;
  /// A member said in the DHT that it is one, or where it lives now.
  virtual void on_member_seen(MeshIndex mesh, const PeerRecord& peer) = 0;
  /// A member that we have no link with asks to be dialled.
  virtual void on_note(MeshIndex mesh, const PeerRecord& asker) = 0;
  /// A lookup for parked messages is complete.
  virtual void on_lookup_complete(MeshIndex mesh) = 0;
};

/// What a circle needs from outside; all outlive it.
struct CirclePorts {
  Rendezvous& rendezvous;
  Scheduler& scheduler;
  Entropy& entropy;
  LogSink& log;
  LookupPacer& pacer;
  CircleHandler& handler;
  std::shared_ptr<SignatureCache> signatures;
};

class Circle final : private InterestFinderHandler,
                     private PeerFinderHandler,
                     private InboxHandler {
 public:
  Circle(MeshIndex index, const MeshConfig& config, const crypto::SigningKey& identity,
         std::uint64_t epoch, const CirclePorts& ports);

  /// Announces this node as a member that is reached at `endpoints`, and looks for the others.
  void start(const std::vector<Endpoint>& endpoints);
  void set_reach(const std::vector<Endpoint>& endpoints, const std::vector<Via>& vias);

  /// A local interest changed. Announced in the DHT as far as the rules let it cross; what linked
  /// peers must be told is kept until take_changes().
  void on_local_change(const InterestChange& change);
  /// The changes since the last call, in order.
  [[nodiscard]] std::vector<InterestChange> take_changes();
  [[nodiscard]] bool has_changes() const { return !changes_.empty(); }
  [[nodiscard]] std::vector<Interest> wanted_here() const { return announced_.all(); }

  [[nodiscard]] MeshIndex index() const { return index_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] bool is_open() const { return open_; }
  [[nodiscard]] const crypto::MeshKeys& keys() const { return keys_; }
  [[nodiscard]] const ShareRules& rules() const { return announced_.rules(); }

  InterestFinder& finder() { return finder_; }
  PeerFinder& peer_finder() { return peer_finder_; }
  Inbox& inbox() { return inbox_; }
  ParkingLot& parking() { return parking_; }
  [[nodiscard]] const ParkingLot& parking() const { return parking_; }

 private:
  void on_peer_seen(const PeerSeen& seen) override { handler_.on_peer_seen(index_, seen); }
  void on_prefix_resolved(const LiteralPrefix&) override { handler_.on_lookup_complete(index_); }
  void on_member_seen(const PeerRecord& peer) override { handler_.on_member_seen(index_, peer); }
  void on_node_not_found(const NodeId&) override {}
  void on_note(const PeerRecord& asker) override { handler_.on_note(index_, asker); }

  MeshIndex index_;
  std::string name_;
  bool open_;
  crypto::MeshKeys keys_;
  CircleHandler& handler_;
  AnnouncedInterests announced_;
  std::vector<InterestChange> changes_;
  ParkingLot parking_;
  Announcer announcer_;
  InterestFinder finder_;
  PeerFinder peer_finder_;
  Inbox inbox_;
};

}  // namespace starling
