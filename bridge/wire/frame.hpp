// The frames of a link between two nodes, one struct a kind, and Frame, which is any of them. What
// each field means and who may send it when is said in PROTOCOL.md; here are names, types, bounds.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "starling/bytes.hpp"
#include "starling/endpoint.hpp"
#include "starling/ids.hpp"
#include "starling/interest.hpp"
#include "starling/limits.hpp"
#include "starling/link_limits.hpp"
#include "starling/publication.hpp"

#include "bridge/wire/reach_frames.hpp"

namespace starling::wire {

/// Spoken by this code, and the oldest it still speaks [MESH-4.1-3].
inline constexpr std::uint32_t protocol_version = 1;
inline constexpr std::uint32_t protocol_version_oldest = 1;

/// The first element of every frame [MESH-3.2-1]. Numbers not named here are skipped
/// [MESH-3.2-5]; 16 to 127 are reserved for what PROTOCOL.md lists in 3.3.
enum class FrameType : std::uint8_t {
  hello = 1,
  proof = 2,
  ping = 3,
  pong = 4,
  bye = 5,
  interests = 6,
  publications = 7,
  acknowledgement = 8,
  credit = 9,
  dial_me = 10,
  peers = 11,
  dial_back = 12,
  dial_back_failed = 13,
  meet = 14,
  relay_reserve = 24,
  relay_reserved = 25,
  relay_open = 26,
  relay_opened = 27,
  relay_data = 28,
  relay_credit = 29,
  relay_close = 30,
};

/// A numbered sequence of publications with credit of its own. Everything else is control: in order
/// with it, without credit, bounded by the state it describes [MESH-5.1-1].
enum class Lane : std::uint8_t {
  best_effort = 1,  ///< QoS 0: beyond the credit it is dropped, never acknowledged
  guaranteed = 2,   ///< QoS 1 and 2: waits for credit, acknowledged cumulatively
};
inline constexpr std::size_t lanes_count = 2;
inline constexpr Lane lane_of(QoS qos) {
  return qos == QoS::at_most_once ? Lane::best_effort : Lane::guaranteed;
}

/// Names a mesh on one link without telling its name: see bridge/link/membership.hpp.
using MeshTag = std::array<std::uint8_t, 16>;
using MemberProof = std::array<std::uint8_t, 32>;

/// What a sender may have under way on a lane from the start.
struct LaneWindow {
  Lane lane = Lane::best_effort;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  friend bool operator==(const LaneWindow&, const LaneWindow&) = default;
};

/// The first frame of each side [MESH-4.1].
struct Hello {
  std::uint32_t version = protocol_version;
  std::uint32_t version_oldest = protocol_version_oldest;
  std::string software;             ///< for people; at most limits::link_software_max bytes of text
  NodeId node;                      ///< must be the key that the channel proved
  std::uint64_t epoch = 0;          ///< boot counter of the sender
  std::vector<MeshTag> meshes;      ///< at most limits::link_meshes_max; frames name their position
  std::vector<Endpoint> endpoints;  ///< where the sender can be dialled, best first; at most
                                    ///< limits::told_endpoints_max
  std::optional<Endpoint> observed;  ///< the receiver as the sender sees it
  std::uint64_t frame_max = 0;       ///< bytes of the largest frame the sender takes once linked
  std::vector<LaneWindow> windows;   ///< lanes it takes publications on; each once
  std::uint64_t ordinal = 0;         ///< counts the links that the sender has opened in this epoch
  bool holds_other = false;  ///< an earlier link with the receiver is alive, as far as it knows
  std::uint32_t topic_numbers = 0;  ///< topics it remembers by number, per lane
  bool offers_relay = false;        ///< carries links of others
  friend bool operator==(const Hello&, const Hello&) = default;
};

/// "I hold the secret of these meshes", for meshes that both have offered [MESH-4.2].
struct Proof {
  struct Entry {
    MeshTag mesh{};  ///< as the sender offered it
    MemberProof proof{};
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  std::vector<Entry> entries;  ///< at most limits::link_meshes_max
  friend bool operator==(const Proof&, const Proof&) = default;
};

struct Ping {
  std::uint64_t stamp = 0;  ///< means something to its sender only
  friend bool operator==(const Ping&, const Ping&) = default;
};
struct Pong {
  std::uint64_t stamp = 0;  ///< of the ping that it answers
  friend bool operator==(const Pong&, const Pong&) = default;
};

/// Why a link ends [MESH-8.1]. Unknown numbers from the wire become `other`.
enum class CloseReason : std::uint8_t {
  other = 0,
  shutting_down = 1,    ///< the node stops; its live interests end now
  not_needed = 2,       ///< no trouble, only nothing to say to each other
  duplicate_link = 3,   ///< another link between the two nodes stays
  version = 4,          ///< no version that both speak
  no_shared_mesh = 5,   ///< another secret, or no mesh at all
  bad_identity = 6,     ///< not the node that was dialled, or another than the channel proved
  bad_proof = 7,        ///< a membership proof does not hold
  malformed = 8,        ///< bytes that are no frame
  protocol_error = 9,   ///< a frame that was not allowed here
  too_large = 10,       ///< a frame above what was agreed
  timeout = 11,         ///< no hello in time, or silence
  quota_exceeded = 12,  ///< beyond credit or a limit of the receiver
  dialled_back = 13,    ///< the text is the number of a dial-back test
};
/// For logs and sentences: "shutting down".
[[nodiscard]] std::string_view to_text(CloseReason reason);

/// The last frame of its sender.
struct Bye {
  CloseReason reason = CloseReason::other;
  std::string text;  ///< for people; at most limits::link_reason_text_max bytes
  friend bool operator==(const Bye&, const Bye&) = default;
};

/// Part of a full set of interests, or changes to it [MESH-6.1].
enum class InterestsPart : std::uint8_t { change = 0, set_more = 1, set_last = 2 };

struct Interests {
  std::uint32_t mesh = 0;      ///< position in the sender's hello, here and in all frames below
  std::uint64_t sequence = 0;  ///< counts the interests frames of this mesh on this link from 1
  InterestsPart part = InterestsPart::change;
  std::vector<InterestChange>
      changes;  ///< at most limits::frame_interests_max; none is withdrawn in a set
  friend bool operator==(const Interests&, const Interests&);
};

/// How an entry says its topic: spelt out, as a number that an earlier entry of its lane gave to a
/// topic, or spelt out and given a number for the entries to come [MESH-5.1-5].
struct TopicMention {
  std::optional<std::uint32_t> number;  ///< below the bound that the receiver's hello names
  std::string text;                     ///< empty: the number says it all
  std::uint32_t mesh = 0;               ///< only with a text; a number stands for both
  friend bool operator==(const TopicMention&, const TopicMention&) = default;
};

/// One message of a batch.
struct PublicationEntry {
  TopicMention topic;
  QoS qos = QoS::at_most_once;
  bool retain = false;
  std::uint8_t hops = 0;  ///< nodes it has passed before the sender; at most limits::hops_max
  /// What its id adds to that of the entry before, or to Publications::sequence.
  std::uint64_t step = 0;
  SharedBytes payload;
  std::optional<std::chrono::milliseconds>
      expires_in;  ///< what is left of its life; never negative
  std::shared_ptr<const MessageProperties> properties;  ///< null: none
  std::size_t cost = 0;  ///< bytes of its encoding, counted against credit; set by reading
  friend bool operator==(const PublicationEntry&, const PublicationEntry&);  ///< leaves `cost` out
};

/// What stands before the entries of a publications frame.
struct PublicationsHead {
  Lane lane = Lane::best_effort;
  std::uint64_t first_number = 0;  ///< of the first entry; the others count up from it
  /// The receiver need not remember ids of this origin below it (zero origin: the sender's).
  std::optional<MessageId> floor;
  /// Of all entries: origin (zero: the sender), epoch, and the sequence that the steps are added to.
  MessageId first_id;
  friend bool operator==(const PublicationsHead&, const PublicationsHead&) = default;
};

struct Publications {
  PublicationsHead head;
  std::vector<PublicationEntry> entries;  ///< 1 to limits::frame_publications_max
  friend bool operator==(const Publications&, const Publications&) = default;
};

/// Everything on the lane up to this number is safe at its sender [MESH-5.3].
struct Acknowledgement {
  Lane lane = Lane::guaranteed;
  std::uint64_t up_to = 0;
  friend bool operator==(const Acknowledgement&, const Acknowledgement&) = default;
};

/// Absolute limits since the link began, which never fall [MESH-5.2].
struct Credit {
  Lane lane = Lane::best_effort;
  std::uint64_t number_limit = 0;  ///< the greatest number that may be sent
  std::uint64_t bytes_limit = 0;   ///< a message may be sent while fewer bytes than this have been
  friend bool operator==(const Credit&, const Credit&) = default;
};

/// "`asker` cannot dial `asked`; may `asked` dial it" [MESH-6.3].
struct DialMe {
  std::uint32_t mesh = 0;
  NodeId asked;
  NodeId asker;
  std::vector<Endpoint> endpoints;  ///< of the asker; at most limits::told_endpoints_max
  friend bool operator==(const DialMe&, const DialMe&) = default;
};

/// Members that the sender knows [MESH-6.2].
struct Peers {
  struct Entry {
    NodeId node;
    std::vector<Endpoint> endpoints;  ///< at most limits::told_endpoints_max
    bool linked = false;              ///< the sender has a link with it now
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  std::uint32_t mesh = 0;
  std::vector<Entry> entries;  ///< at most limits::frame_peers_max
  friend bool operator==(const Peers&, const Peers&) = default;
};

/// A type we do not know: skipped.
struct UnknownFrame {
  std::uint64_t type = 0;
  friend bool operator==(const UnknownFrame&, const UnknownFrame&) = default;
};

using Frame = std::variant<UnknownFrame, Hello, Proof, Ping, Pong, Bye, Interests, Publications,
                           Acknowledgement, Credit, DialMe, Peers, DialBack, DialBackFailed, Meet,
                           RelayReserve, RelayReserved, RelayOpen, RelayOpened, RelayData,
                           RelayCredit, RelayClose>;

/// Takes the frame out if it is one of reach_frames.hpp.
[[nodiscard]] std::optional<ReachFrame> take_reach(Frame& frame);

/// For sentences: "publications".
[[nodiscard]] std::string_view name_of(const Frame& frame);

}  // namespace starling::wire
