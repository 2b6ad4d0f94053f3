// InterestTable: which peer of which mesh wants which filters. Filled by what peers tell over
// links, asked for every publication that may leave. Mesh-side names only; it knows no share rules.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "starling/ids.hpp"
#include "starling/interest.hpp"
#include "starling/limits.hpp"
#include "starling/result.hpp"

#include "src/topic/subscription_tree.hpp"

namespace starling {

/// A mesh by its place in the configuration: the smaller, the sooner a peer is served in it.
using MeshIndex = std::uint32_t;

struct InterestTableBounds {
  std::size_t peers_max = limits::interest_peers_max;
  std::size_t filters_per_peer_max = limits::peer_interests_max;  ///< all meshes
  std::size_t bytes_per_peer_max =
      limits::peer_interests_bytes_max;  ///< of filters and group names
};

class InterestTable {
 public:
  /// `mesh_count`: how many meshes there are; indexes are below it.
  InterestTable(std::size_t mesh_count, HashSeed seed, InterestTableBounds bounds = {});
  ~InterestTable();
  InterestTable(const InterestTable&) = delete;
  InterestTable& operator=(const InterestTable&) = delete;

  /// What `peer` wants of `mesh`, all of it: what it wanted before and is not named now is gone. An
  /// interest that change() would refuse is left out, the others are kept; the first refusal is
  /// returned.
  Result<void> replace(const NodeId& peer, MeshIndex mesh, const std::vector<Interest>& interests);
  /// One filter came, changed or went. Taking away what is not there is no error. Errors:
  /// quota_exceeded (a bound of InterestTableBounds), too_large (more than limits::topic_levels_max
  /// levels), not_authorized (a '$' filter); nothing is changed then.
  Result<void> change(const NodeId& peer, MeshIndex mesh, const InterestChange& change);

  /// The link of `peer` is lost for good: live interests end, durable ones stay. Returns how many
  /// durable ones (all meshes) remain.
  std::size_t drop_live(const NodeId& peer);
  /// The peer is no member any more.
  void drop(const NodeId& peer, MeshIndex mesh);
  void drop(const NodeId& peer);

  /// One interest that matches a name.
  struct Match {
    NodeId peer;
    QoS qos_max = QoS::at_most_once;
    bool durable = false;
    /// Nonzero: a shared subscription; equal for all peers with the same share group and filter in
    /// this mesh. Good until the table changes.
    std::uint32_t group = 0;
  };
  /// Calls visit(const Match&) for every interest in `mesh` that `name` matches; a peer is visited
  /// once for each of its filters. The order follows from the history of the table.
  template <class Visit>
  void match(MeshIndex mesh, const TopicName& name, Visit&& visit) const {
    trees_[mesh]->match(name, [&](SubscriberKey key, const Wanted& wanted) {
      visit(Match{peer_of(key), wanted.qos_max, wanted.durable, wanted.group});
    });
  }
  /// Does any peer want something that `name` matches?
  [[nodiscard]] bool is_wanted(MeshIndex mesh, const TopicName& name) const;

  /// Share group and filter of a Match::group.
  [[nodiscard]] std::string_view group_name(std::uint32_t group) const;
  [[nodiscard]] const TopicFilter& group_filter(std::uint32_t group) const;

  /// All that `peer` wants of `mesh`, by filter and group.
  [[nodiscard]] std::vector<Interest> interests_of(const NodeId& peer, MeshIndex mesh) const;
  /// Filters of `peer` in all meshes.
  [[nodiscard]] std::size_t count_of(const NodeId& peer) const;
  [[nodiscard]] bool has_durable(const NodeId& peer) const;
  [[nodiscard]] std::size_t peer_count() const { return peers_.size(); }
  [[nodiscard]] std::size_t mesh_count() const { return trees_.size(); }
  /// Grows with every change.
  [[nodiscard]] std::uint64_t generation() const { return generation_; }

 private:
  struct Wanted {
    QoS qos_max = QoS::at_most_once;
    bool durable = false;
    std::uint32_t group = 0;
  };
  using FilterAndGroup = std::pair<TopicFilter, std::string>;
  using WantedInMesh = std::map<FilterAndGroup, Wanted>;
  struct Peer {
    std::uint32_t number = 0;  // upper half of its keys in the trees
    std::size_t count = 0;
    std::size_t bytes = 0;
    std::size_t durable_count = 0;
    std::map<MeshIndex, WantedInMesh> meshes;  // none of them empty
  };
  struct Group {
    std::string name;
    std::optional<TopicFilter> filter;
    MeshIndex mesh = 0;
    std::size_t uses = 0;
  };
  using GroupKey = std::pair<MeshIndex, FilterAndGroup>;
  using Tree = SubscriptionTree<Wanted>;

  Result<void> want(const NodeId& peer, MeshIndex mesh, const Interest& interest);
  [[nodiscard]] Result<void> check_room(const Peer* peer, const FilterAndGroup& what) const;
  Result<void> add(const NodeId& peer, MeshIndex mesh, const FilterAndGroup& what,
                   const Interest& interest);
  void unwant(const NodeId& peer, MeshIndex mesh, const FilterAndGroup& what);
  /// Drops every interest of `peer` in `mesh` for which drop(what, wanted) holds.
  template <class Drop>
  void drop_if(const NodeId& peer, MeshIndex mesh, Drop drop);
  [[nodiscard]] const Peer* find_peer(const NodeId& peer) const;
  Wanted* find_wanted(const NodeId& peer, MeshIndex mesh, const FilterAndGroup& what);
  static std::size_t bytes_of(const FilterAndGroup& what) {
    return what.first.text().size() + what.second.size();
  }
  std::uint32_t acquire_group(MeshIndex mesh, const FilterAndGroup& what);
  void release_group(std::uint32_t group);
  static SubscriberKey key_of(const Peer& peer, const Wanted& wanted) {
    return static_cast<SubscriberKey>(peer.number) << 32U | wanted.group;
  }
  [[nodiscard]] const NodeId& peer_of(SubscriberKey key) const {
    return numbers_[static_cast<std::uint32_t>(key >> 32U)];
  }

  InterestTableBounds bounds_;
  std::vector<std::unique_ptr<Tree>> trees_;  // one a mesh
  std::map<NodeId, Peer> peers_;
  Pool<NodeId> numbers_;
  std::map<GroupKey, std::uint32_t> group_numbers_;
  Pool<Group> groups_;  // number 0 is never given out
  std::uint64_t generation_ = 0;
};

}  // namespace starling
