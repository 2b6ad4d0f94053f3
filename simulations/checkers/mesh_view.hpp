// MeshView: nodes, links and faults as somebody outside sees them, and what follows from them: may a
// message cross from one node to another, and is it owed there?
//
// What is owed over nodes today (bridge/mesh, bridge/outbox, bridge/routing), for a QoS 1 or 2
// message M that a client of node A has published and A has acknowledged, to a session at node B:
//
// * A *knows* what B wants from the moment a link is ready and B has said so. M then lies in A's
//   outbox for B, in memory, until B has made it safe: through lost links, through B's restart.
//   A's end loses it (Promises::outboxes_on_disk).
// * When the link is lost, A goes on knowing it for 15 s (limits::live_interest_kept_for); if the
//   session is one that is kept, so the interest is durable, until B withdraws it, and messages wait
//   for it for 24 h (limits::outbox_age_max).
// * What waits for a peer without durable interests is given up when it has been away for 10 min
//   (limits::outbox_without_interest_max).
// * Who is not known must be found while M is parked: 10 s (limits::unresolved_for). That is owed
//   while no fault is on; during one nobody promises to find somebody in time.
// * A peer's outbox is bounded (100 000 messages, 64 MiB), and so are queues of absent sessions. What
//   finds no room is dropped. The checkers do not know about that: a world that sends so much
//   reports it as lost.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "starling/time.hpp"

#include "simulations/checkers/settings.hpp"
#include "simulations/checkers/topic_index.hpp"

namespace starling::sim {

/// Why something is owed over nodes.
enum class OwedBy : std::uint8_t {
  nothing,    ///< it is not
  same_node,  ///< no mesh needed
  knowing,    ///< the origin knows the subscriber's node and keeps an outbox for it
  finding     ///< it must be found in time
};

class MeshView {
 public:
  explicit MeshView(const CheckerSettings& settings);

  void add_node(NodeNumber node, const NodeSharing& sharing);
  /// It is a hostile one: nothing is promised to its clients, nor about what they publish.
  void distrust(NodeNumber node_number) { node(node_number).is_trusted = false; }
  void on_node_started(TimePoint at, NodeNumber node);
  void on_node_ended(TimePoint at, NodeNumber node);
  void on_link_up(TimePoint at, NodeNumber a, NodeNumber b);
  void on_link_down(TimePoint at, NodeNumber a, NodeNumber b);
  void on_fault_begins(TimePoint at, std::string_view what);
  void on_fault_ends(TimePoint at, std::string_view what);

  /// Do both share a mesh, and rules let `topic` (its number and its text) leave the one and enter
  /// the other? True for a node and itself.
  [[nodiscard]] bool crosses(NodeNumber from, NodeNumber to, TopicNumber topic,
                             std::string_view text);

  /// A message published at `from` now, for a session at `to` whose subscription was granted at
  /// `granted`. The topic crosses.
  [[nodiscard]] OwedBy owed(TimePoint now, NodeNumber from, NodeNumber to, TimePoint granted,
                            bool durable) const;
  /// Looking back: has anything happened since it was published that makes it no longer owed?
  [[nodiscard]] bool was_voided(TimePoint now, OwedBy by, NodeNumber from, NodeNumber to,
                                TimePoint published, bool durable) const;

  [[nodiscard]] bool runs(NodeNumber node) const;
  [[nodiscard]] bool is_trusted(NodeNumber node) const;
  /// Ends of `node` after `since`.
  [[nodiscard]] std::size_t ends_since(NodeNumber node, TimePoint since) const;
  [[nodiscard]] bool fault_is_on() const { return open_faults_ > 0; }
  /// No fault was on at any time from `since` until now.
  [[nodiscard]] bool quiet_since(TimePoint since) const;

 private:
  struct Node {
    std::size_t sharing = 0;  // index into sharings_; equal ones share one
    bool runs = false;
    bool is_trusted = true;
    TimePoint started = TimePoint::min();
    std::vector<TimePoint> ends;
  };
  struct Pair {
    unsigned links = 0;
    TimePoint up_since;
    std::optional<TimePoint> down_since;          // nullopt: linked now
    TimePoint given_up_until = TimePoint::min();  // the end of the last long absence
  };
  Node& node(NodeNumber number);
  [[nodiscard]] const Node* find(NodeNumber number) const;
  [[nodiscard]] const Pair* find_pair(NodeNumber a, NodeNumber b) const;
  static std::uint64_t pair_key(NodeNumber a, NodeNumber b);
  [[nodiscard]] bool is_known(TimePoint now, const Node& from, const Pair& pair, TimePoint granted,
                              bool durable) const;
  [[nodiscard]] bool share(const NodeSharing& from, const NodeSharing& to,
                           std::string_view topic) const;

  const CheckerSettings& settings_;
  std::vector<Node> nodes_;
  std::vector<NodeSharing> sharings_;
  std::map<std::string, std::size_t> sharing_numbers_;  // by their text
  std::unordered_map<std::uint64_t, Pair> pairs_;
  std::unordered_map<std::uint64_t, bool> crossings_;  // by two sharings and a topic
  std::map<std::string, unsigned, std::less<>> faults_;
  unsigned open_faults_ = 0;
  TimePoint fault_ended_ = TimePoint::min();
  std::vector<TimePoint> fault_begins_;
};

}  // namespace starling::sim
