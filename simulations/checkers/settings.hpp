// What the checkers are told about a world before it runs: what is promised, who shares what with
// whom, how long things may take, and how to look into a node.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "starling/limits.hpp"
#include "starling/time.hpp"

#include "simulations/checkers/checker.hpp"

namespace starling::sim {

/// One mesh that a node is a member of. Filters as share rules write them, without prefixes: the
/// checkers take a topic to have one name everywhere.
struct MeshSharing {
  std::string mesh;  ///< the secret in a word: members of the same one have the same text
  std::vector<std::string> out;  ///< what of its clients' messages leaves
  std::vector<std::string> in;   ///< what of the others' messages enters
};
/// All meshes of one node; none: it is alone.
using NodeSharing = std::vector<MeshSharing>;

/// What one running node holds at one instant.
struct NodeLoad {
  NodeNumber node = 0;
  std::size_t links = 0;
  std::size_t parked_messages = 0;  ///< waiting for a lookup or a link
  std::size_t outbox_messages = 0;  ///< all peers
  std::size_t outbox_bytes = 0;
  std::size_t outbox_messages_for_absent = 0;  ///< of these: for nodes that do not run now
  std::size_t queued_messages = 0;             ///< all sessions, what is in memory
  std::size_t queued_bytes = 0;
  std::size_t queued_messages_for_absent = 0;  ///< of these: of sessions whose client is away
  std::size_t inflight = 0;  ///< sent to clients that are there, not acknowledged by them
};

/// The most that a node may hold. As defaults the bounds of one peer and one session for the whole
/// node: simulated traffic is far below them, and a leak is not.
struct LoadLimits {
  std::size_t links = limits::links_max;
  std::size_t parked_messages = limits::unresolved_messages_max;
  std::size_t outbox_messages = limits::outbox_messages_max;
  std::size_t outbox_bytes = limits::outbox_bytes_max;
  std::size_t queued_messages = limits::queued_messages_max;
  std::size_t queued_bytes = limits::queued_bytes_max;
  std::size_t inflight = limits::queued_messages_max;
};

struct CheckerSettings {
  Promises promises = {};
  /// The instant from which sentences count their seconds.
  TimePoint start = {};

  /// How long a subscription, a node that has come and a network that has healed need until
  /// everybody can know of it. In large and open meshes a record is put again at most every 30 s
  /// (limits::record_reput_min), so a subscriber with changing filters needs more than that there.
  Duration settle = std::chrono::seconds{30};
  /// How long after it is ready a link has told both ends what the other wants.
  Duration link_settle = std::chrono::seconds{5};
  /// What the product does today, see mesh_view.hpp.
  Duration live_interest_kept = limits::live_interest_kept_for;
  Duration live_outbox_kept = limits::outbox_without_interest_max;
  Duration durable_outbox_kept = limits::outbox_age_max;
  /// A QoS 0 message has reached its node, if its client is still connected after this.
  Duration unacknowledged_arrives = std::chrono::seconds{5};

  std::vector<NodeSharing> nodes =
      {};                           ///< by NodeNumber; those that come later: Checkers::add_node
  std::string payload_marker = {};  ///< in every payload, 8 bytes or more; empty: there is none
  /// All running nodes. Empty: nobody looks into nodes, and bounds and drained say less.
  std::function<std::vector<NodeLoad>(const World&)> look = {};
  Duration look_interval = std::chrono::seconds{5};
  LoadLimits load_limits = {};

  /// What is remembered at most. Beyond it the oldest is forgotten, and what has to do with it is
  /// not judged any more: never a violation.
  std::size_t messages_remembered_max = 2'000'000;
  std::size_t owed_remembered_max = 8'000'000;  ///< messages times sessions that wait for them
  std::size_t repeats_remembered_max =
      1'000'000;                               ///< messages times sessions that got a repetition
  std::size_t retained_awaited_max = 200'000;  ///< retained messages times new subscriptions
};

}  // namespace starling::sim
