// What a mesh tells about itself: its peers and the paths to them, its own addresses, its relays.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "starling/endpoint.hpp"
#include "starling/ids.hpp"
#include "starling/time.hpp"

#include "bridge/reach/own_addresses.hpp"

namespace starling {

enum class PeerState : std::uint8_t {
  away,      ///< no link; known, and dialled again in a while unless it is not wanted now
  dialling,  ///< a connection is being made
  linking,   ///< connected; hello, proof and interests are under way
  linked,    ///< its interests are known, messages flow
};

/// How the present link with a peer came about: the rungs of the ladder, best first.
enum class PathKind : std::uint8_t {
  none,          ///< no link
  dialled,       ///< we dialled it
  dialled_us,    ///< it dialled us, of its own accord
  dialled_back,  ///< it dialled us since we had asked it to
  met,           ///< both dialled at one moment (TCP simultaneous open)
  relayed,       ///< through another member
};

/// For logs and tables: "dialled", "dialled us", "dialled back", "met", "relayed".
[[nodiscard]] std::string_view to_text(PathKind path);

struct PeerStatus {
  NodeId id;
  PeerState state = PeerState::away;
  std::vector<std::string> meshes;  ///< names of the meshes we share, in order of preference
  std::optional<Endpoint> remote;   ///< of the present link; of a relayed one: where the relay is
  bool inbound = false;
  PathKind path = PathKind::none;
  std::optional<NodeId> relay;  ///< of a relayed path
  /// Why no better path holds, or why there is none: a sentence for people. Empty where there is
  /// nothing to wish for.
  std::string why;
  std::optional<Duration> round_trip;  ///< of the last heartbeat
  std::uint64_t messages_received = 0;
  std::uint64_t messages_sent = 0;
  std::uint64_t dropped_qos0 = 0;    ///< waited too long, no room to wait, or not linked in time
  std::uint64_t dropped_outbox = 0;  ///< outbox full, message expired or too old
  std::size_t outbox_messages = 0;
  std::size_t outbox_bytes = 0;
  std::size_t interests = 0;  ///< filters it wants from us, all meshes
};

/// What is known about whether others can dial it.
enum class Dialability : std::uint8_t {
  assumed,  ///< not tested: configured, of a world of private addresses, or nobody is there to test it
  testing,     ///< peers were asked to dial it
  dialable,    ///< peers have dialled it
  undialable,  ///< peers have tried in vain
};

struct AddressStatus {
  Endpoint endpoint;
  AddressSource source = AddressSource::interface;
  Dialability dialability = Dialability::assumed;
  bool announced = false;
  std::string why;  ///< of undialable: what the last peer that tried met with
};

/// What the router in front of us does with the port of an outgoing connection, as far as two peers
/// agree on where they see us.
enum class NatMapping : std::uint8_t {
  unknown,               ///< fewer than two peers have told
  none,                  ///< we are seen at an address of an interface
  endpoint_independent,  ///< at one place, whoever looks: others can be met
  endpoint_dependent,    ///< elsewhere for each ("symmetric"): only relays help
};

/// A member that passes links on to us.
struct ReservationStatus {
  NodeId relay;
  bool granted = false;  ///< or asked for
  std::string why;       ///< of one that was refused
};

struct MeshStatus {
  std::vector<PeerStatus> peers;    ///< by NodeId
  std::size_t members_known = 0;    ///< all meshes, ourselves not counted
  std::size_t links = 0;            ///< linked peers
  std::size_t parked_messages = 0;  ///< waiting for a lookup or for a link
  std::vector<Endpoint> announced;  ///< where we say we can be dialled
  std::vector<AddressStatus> addresses;
  NatMapping nat_mapping = NatMapping::unknown;
  std::vector<ReservationStatus> reservations;
  std::size_t relayed_links = 0;    ///< that we carry for others
  std::uint64_t relayed_bytes = 0;  ///< carried for others since the start
};

/// How much a mesh holds. Costs a walk over the linked peers, not over all that are known: to be asked
/// often.
struct MeshLoad {
  std::size_t peers_known = 0;
  std::size_t links = 0;          ///< linked peers
  std::size_t relayed_links = 0;  ///< of them: through another member
  std::size_t carried_links = 0;  ///< of others, through this node
  std::size_t parked_messages = 0;
  std::size_t outbox_messages = 0;
  std::size_t outbox_bytes = 0;
  std::vector<std::pair<NodeId, std::size_t>> outboxes;  ///< messages for each peer that has any
};

}  // namespace starling
