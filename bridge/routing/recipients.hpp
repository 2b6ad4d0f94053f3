// Who gets a publication that leaves: each peer once, in the first mesh in which it wants it, with
// the QoS it asked for; and of each share group that spans nodes one node.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "starling/ids.hpp"
#include "starling/port/entropy.hpp"
#include "starling/publication.hpp"

#include "bridge/routing/interest_table.hpp"

namespace starling {

/// A publication's name in one mesh that it may leave to.
struct LeavingName {
  MeshIndex mesh = 0;
  TopicName topic;
};

/// A shared subscription (4.8.2): members of one group share one filter.
struct ShareGroup {
  std::string name;
  TopicFilter filter;  ///< mesh-side
  friend bool operator==(const ShareGroup&, const ShareGroup&) = default;
};

struct Recipient {
  NodeId peer;
  MeshIndex mesh = 0;
  TopicName topic;              ///< mesh-side
  QoS qos = QoS::at_most_once;  ///< of the message, lowered to the greatest the peer asked for
  bool durable = false;         ///< a durable interest asks for it: keep it while the peer is away
  std::vector<ShareGroup> groups;  ///< with one_node: those it was chosen to serve; else empty
};

/// Who serves a share group.
enum class ShareSpread : std::uint8_t {
  each_node,  ///< every node with members gets the message and serves one member of its own
  one_node,   ///< one node a message; the others' members get nothing
};

struct PeerLoad {
  bool linked = false;        ///< messages flow now
  std::uint64_t waiting = 0;  ///< what it has queued, as far as known: smaller is better
};

/// Picks the node that serves a share group: the less loaded of two drawn at random among the
/// linked ones, of all if none is linked.
class ShareChooser {
 public:
  /// `entropy` outlives the chooser. `load` is asked about each drawn peer.
  using Load = std::function<PeerLoad(const NodeId&)>;
  ShareChooser(Entropy& entropy, Load load) : entropy_(entropy), load_(std::move(load)) {}

  /// The index of the chosen one. `candidates`: not empty, without repetitions, ordered.
  std::size_t choose(const std::vector<NodeId>& candidates);

 private:
  Entropy& entropy_;
  Load load_;
};

struct RecipientRules {
  ShareSpread spread = ShareSpread::each_node;
  /// With one_node: who picks. Outlives the call.
  ShareChooser* chooser = nullptr;
  /// With one_node: has this group (of this mesh) a member among our own clients? Then no other
  /// node serves it. Empty: none has.
  std::function<bool(MeshIndex, const ShareGroup&)> has_local_member;
};

/// The peers that get a publication of quality `qos` which may leave under `names` (one a mesh, in
/// the order of preference), ordered by NodeId. `origin` never is among them. A peer served in one
/// mesh is not considered in the later ones.
std::vector<Recipient> find_recipients(const InterestTable& table,
                                       const std::vector<LeavingName>& names, QoS qos,
                                       const NodeId& origin, const RecipientRules& rules);

}  // namespace starling
