// What a PeerLink reports: one struct a kind, in the order in which things happened.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "starling/endpoint.hpp"
#include "starling/ids.hpp"
#include "starling/interest.hpp"
#include "starling/publication.hpp"
#include "starling/result.hpp"

#include "bridge/wire/frame.hpp"

namespace starling {

// `mesh` is always our own number of a mesh: its position in PeerLinkSettings::meshes.

/// Hello and proof have been exchanged and hold. From now on everything may be sent, and the peer
/// waits for our interests in every shared mesh.
struct LinkReady {
  NodeId peer;
  std::vector<std::size_t> meshes;  ///< shared ones, in our order of preference; never empty
  wire::Hello hello;                ///< what the peer says about itself
};

/// All the peer wants in this mesh; whatever it wanted before is void.
struct InterestsReplaced {
  std::size_t mesh = 0;
  std::vector<Interest> interests;
  /// Those beyond limits::peer_interests_max or peer_interests_bytes_max, which were not kept.
  std::size_t left_out = 0;
};

/// Only after InterestsReplaced of the same mesh.
struct InterestsChanged {
  std::size_t mesh = 0;
  std::vector<InterestChange> changes;
};

struct ArrivedPublication {
  std::size_t mesh = 0;
  std::uint64_t number = 0;  ///< on its lane: what acknowledge() takes
  std::uint8_t hops = 0;
  /// For whoever keeps what follows from a topic's name: on this lane of this link, a message with
  /// the same topic number and version has the same topic and mesh. Version 0: it had no number.
  std::uint32_t topic_number = 0;
  std::uint64_t topic_version = 0;
  Publication
      message;  ///< with origin, QoS and expiry of this peer's telling; the reader's to take
};

/// A batch, in order. QoS 1 and 2 are owed an acknowledge().
struct PublicationsArrived {
  wire::Lane lane = wire::Lane::best_effort;
  /// No id of this origin below it comes again.
  std::optional<MessageId> floor;
  std::vector<ArrivedPublication> publications;
};

/// The peer has made everything safe that we sent on the guaranteed lane up to this number.
struct Acknowledged {
  std::uint64_t up_to = 0;
};

/// A lane that could not send can send again.
struct CreditGranted {
  wire::Lane lane = wire::Lane::best_effort;
};

/// Is `asked` not us, we are the helper and may pass it on to `asked` (if `asker` is the peer and
/// `asked` shares the mesh); else we may dial the asker.
struct DialMeArrived {
  std::size_t mesh = 0;
  NodeId asked;
  NodeId asker;
  std::vector<Endpoint> endpoints;
};

struct PeersTold {
  std::size_t mesh = 0;
  std::vector<wire::Peers::Entry> peers;
};

/// A frame about how nodes reach each other: dial-backs, meetings, relayed links.
struct ReachArrived {
  wire::ReachFrame frame;
};

/// We end the link, since the peer (or its silence) leaves us no choice. The bye that says so has
/// been written; send it and close. The last event.
struct LinkFailed {
  Error error;
  wire::CloseReason reason = wire::CloseReason::other;
};

/// The peer has said bye. Close. The last event.
struct LinkClosed {
  wire::CloseReason reason = wire::CloseReason::other;
  std::string text;
};

using LinkEvent =
    std::variant<LinkReady, InterestsReplaced, InterestsChanged, PublicationsArrived, Acknowledged,
                 CreditGranted, DialMeArrived, PeersTold, ReachArrived, LinkFailed, LinkClosed>;
using LinkEvents = std::vector<LinkEvent>;

}  // namespace starling
