// PeerLink: the machine of one link between two nodes. Plain bytes of the channel and commands go
// in; frames go into the caller's OutputBuffer, LinkEvents come out. It knows no socket, no clock
// and no other link; what the frames mean is in bridge/wire/PROTOCOL.md. Opening, heartbeat,
// sending and closing are in peer_link.cpp, what comes in is in peer_link_receive.cpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "starling/bytes.hpp"
#include "starling/endpoint.hpp"
#include "starling/ids.hpp"
#include "starling/interest.hpp"
#include "starling/limits.hpp"
#include "starling/link_limits.hpp"
#include "starling/output_buffer.hpp"
#include "starling/time.hpp"

#include "bridge/link/duplicate_link.hpp"
#include "bridge/link/interest_intake.hpp"
#include "bridge/link/lane.hpp"
#include "bridge/link/link_event.hpp"
#include "bridge/link/membership.hpp"
#include "bridge/link/topic_numbers.hpp"
#include "bridge/wire/write_frame.hpp"
#include "src/crypto/mesh_keys.hpp"

namespace starling {

/// The same for all links of a node.
struct PeerLinkSettings {
  NodeId self;
  std::uint64_t epoch = 1;
  std::string software = "starling";  ///< cut to limits::link_software_max bytes
  std::vector<crypto::Key>
      meshes;  ///< K_member of each, in order of preference; at most limits::link_meshes_max
  /// What we take of a peer that has proved itself: bytes of one frame, and what may be under way.
  std::size_t frame_max = limits::publication_frame_max;
  std::size_t lane_messages = limits::lane_credit_messages;
  std::size_t lane_bytes = limits::lane_credit_bytes;
  std::size_t best_effort_messages = limits::best_effort_credit_messages;
  std::size_t best_effort_bytes = limits::best_effort_credit_bytes;
  std::uint32_t topic_numbers = limits::link_topic_numbers;  ///< we remember, per lane
  bool offers_relay = false;                                 ///< told in hello
};

/// What is known about one channel when its TLS handshake is complete.
struct LinkOpening {
  NodeId peer;                        ///< SecureChannel::peer()
  std::optional<NodeId> expected;     ///< who was dialled
  ChannelSecret secret{};             ///< see membership.hpp
  LinkRole role = LinkRole::dialler;  ///< ours
  Endpoint remote;  ///< the peer's address as we see it: told to it; unspecified: not seen
  /// The channel leads through another member: its heartbeat is faster, so that a relay which drops
  /// or delays is left soon.
  bool relayed = false;
  std::vector<Endpoint>
      endpoints;  ///< where this peer may dial us; the first limits::told_endpoints_max count
  /// Counts the links we have opened since the start, this one included: of two links the later has
  /// the greater. `holds_other`: an earlier one with this peer has not ended yet. For is_kept().
  std::uint64_t ordinal = 1;
  bool holds_other = false;
};

/// One message for send(), and what this peer gets of it.
struct OutgoingPublication {
  const Publication& message;
  const TopicName& topic;  ///< its name in the mesh; the rest is in `message`
  std::size_t mesh = 0;    ///< our number; shared with the peer, or send() aborts
  QoS qos = QoS::at_most_once;
  std::uint8_t hops = 0;                    ///< at most limits::hops_max
  std::optional<Duration> expires_in = {};  ///< what is left of its life
};

enum class SendOutcome : std::uint8_t {
  sent,
  no_credit,   ///< keep it until CreditGranted, or drop it
  too_large,   ///< this peer will never take it
  expired,     ///< nothing is left of its life
  not_linked,  ///< before LinkReady, or the link has ended
};
struct SendResult {
  SendOutcome outcome = SendOutcome::not_linked;
  std::uint64_t number = 0;  ///< on its lane; only if sent
};

struct LinkCounters {
  std::uint64_t sent = 0;      ///< publications
  std::uint64_t received = 0;  ///< publications
};

class PeerLink {
 public:
  /// `settings` outlives the link. Nothing is written before start().
  PeerLink(const PeerLinkSettings& settings, LinkOpening opening, TimePoint now);

  /// Says hello. Once, before anything else. Fails at once (LinkFailed) if another node answered
  /// than was dialled, or it is ourselves.
  void start(LinkEvents& events, OutputBuffer& out);

  /// Plain bytes of the channel, in any pieces. After the last event they are ignored.
  /// The rules a peer can break, each ending in LinkFailed: see PROTOCOL.md 8.1.
  void on_bytes(ByteView bytes, TimePoint now, LinkEvents& events, OutputBuffer& out);

  /// When on_timer has work: the handshake's end, the next heartbeat, the end of patience. nullopt
  /// once the link has ended.
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  void on_timer(TimePoint now, LinkEvents& events, OutputBuffer& out);

  // --- Publications. Only after LinkReady; earlier and after the end nothing happens.

  /// Has the lane credit for one more message, of any size that the peer takes?
  [[nodiscard]] bool can_send(wire::Lane lane) const;
  /// Adds the message to its lane's batch, which leaves with flush(), or at once when it is full.
  SendResult send(const OutgoingPublication& message, OutputBuffer& out);
  /// Told with every following batch on the guaranteed lane: the least id that may still be sent
  /// or is not acknowledged. Set it before flush() when acknowledgements have come in.
  void set_floor(const std::optional<MessageId>& floor);
  /// Writes the batches that are not empty. Call it at the end of every turn in which send() was
  /// called.
  void flush(OutputBuffer& out);

  /// Everything that arrived on the guaranteed lane up to `number` is safe here. Numbers at or
  /// below an earlier one do nothing; numbers that have not arrived abort.
  void acknowledge(std::uint64_t number, OutputBuffer& out);
  /// While held, the peer gets no new credit on this lane: it may spend what it has and then
  /// pauses. Releasing gives what is due. Acknowledgements are not affected.
  void hold_credit(wire::Lane lane, bool held, OutputBuffer& out);

  // --- Everything else, likewise only between LinkReady and the end.

  /// All we want in a shared mesh. Written in as many frames as it takes.
  void send_interests(std::size_t mesh, std::span<const Interest> interests, OutputBuffer& out);
  /// What has changed since; only after send_interests() for that mesh.
  void send_interest_changes(std::size_t mesh, std::span<const InterestChange> changes,
                             OutputBuffer& out);
  void send_dial_me(std::size_t mesh, const NodeId& asked, const NodeId& asker,
                    std::span<const Endpoint> endpoints, OutputBuffer& out);
  /// Endpoints beyond limits::told_endpoints_max of a peer are not told.
  void send_peers(std::size_t mesh, std::span<const wire::Peers::Entry> peers, OutputBuffer& out);

  void send_reach(const wire::ReachFrame& frame, OutputBuffer& out);

  /// Another link with the peer is used from now on: writes what is in the batches and a bye. What
  /// the peer has sent before it does the same is still taken; LinkClosed follows with its bye. Only
  /// between LinkReady and the end.
  void supersede(TimePoint now, OutputBuffer& out);

  /// Writes what is in the batches and a bye; the link has then ended, without an event. `text`:
  /// for people at the other end, cut to limits::link_reason_text_max bytes. At any time; a second
  /// one does nothing.
  void close(wire::CloseReason reason, std::string_view text, OutputBuffer& out);

  // --- What is known.
  [[nodiscard]] const NodeId& peer() const { return opening_.peer; }
  [[nodiscard]] LinkRole role() const { return opening_.role; }
  [[nodiscard]] bool is_ready() const {
    return phase_ == Phase::ready;
  }  ///< between LinkReady and the end
  [[nodiscard]] bool has_ended() const { return phase_ == Phase::ended; }
  /// Superseded, and the peer may not have said its last word.
  [[nodiscard]] bool is_draining() const { return phase_ == Phase::draining; }
  [[nodiscard]] bool is_relayed() const { return opening_.relayed; }
  /// How long the heartbeat under way has been without an answer.
  [[nodiscard]] Duration unanswered_for(TimePoint now) const;
  /// Shared meshes, in our order of preference; empty before LinkReady.
  [[nodiscard]] const std::vector<std::size_t>& meshes() const { return shared_; }
  [[nodiscard]] bool shares(std::size_t mesh) const;
  /// Of the last heartbeat that was answered.
  [[nodiscard]] std::optional<Duration> round_trip() const { return round_trip_; }
  /// For is_kept(); after LinkReady only.
  [[nodiscard]] LinkStanding standing() const;
  [[nodiscard]] const LinkCounters& counters() const { return counters_; }
  /// Sent on the guaranteed lane and not acknowledged.
  [[nodiscard]] std::uint64_t under_way() const;

 private:
  enum class Phase : std::uint8_t { created, awaits_hello, awaits_proof, ready, draining, ended };

  // Receiving: peer_link_receive.cpp. Each returns the rule that the frame broke.
  struct Trouble {
    wire::CloseReason reason;
    Error error;
  };
  using Verdict = std::optional<Trouble>;
  struct Turn {  // what one call of on_bytes works on
    TimePoint now;
    LinkEvents& events;
    OutputBuffer& out;
  };
  std::size_t take_frames(ByteView bytes, const Turn& turn);
  Verdict on_frame(wire::Frame& frame, const Turn& turn);
  Verdict on_hello(wire::Hello& hello, const Turn& turn);
  Verdict on_proof(const wire::Proof& proof, const Turn& turn);
  Verdict on_linked_frame(wire::Frame& frame, const Turn& turn);
  Verdict on_interests(wire::Interests& frame, const Turn& turn);
  Verdict on_publications(ByteView body, const Turn& turn);
  Verdict check_head(const wire::PublicationsHead& head);
  /// What the entry says its topic is; null, with a verdict: nothing that we could know.
  const KeptTopicNumbers::Topic* topic_of(const wire::TopicMention& mention, wire::Lane lane,
                                          KeptTopicNumbers::Topic& spelt_out, Verdict& verdict);
  Verdict on_acknowledgement(const wire::Acknowledgement& frame, const Turn& turn);
  Verdict on_credit(const wire::Credit& frame, const Turn& turn);
  void on_ping(const wire::Ping& frame, const Turn& turn);
  void on_pong(const wire::Pong& frame, const Turn& turn);
  /// Our number of what the peer calls `position`; nullopt if it is not shared.
  [[nodiscard]] std::optional<std::size_t> shared_mesh(std::uint32_t position) const;

  [[nodiscard]] bool takes_frames() const { return is_ready() || is_draining(); }
  [[nodiscard]] Duration heartbeat_interval() const;
  [[nodiscard]] Duration lost_after() const;
  void become_ready(const Turn& turn);
  void send_ping(TimePoint now, OutputBuffer& out);
  void grant_credit(wire::Lane lane, OutputBuffer& out);
  void write_bye(wire::CloseReason reason, std::string_view text, OutputBuffer& out);
  void fail(Trouble trouble, LinkEvents& events, OutputBuffer& out);
  void end();
  template <class Change>
  void write_interests(std::size_t mesh, std::span<const Change> interests, bool is_set,
                       OutputBuffer& out);
  SendingLane& sending(wire::Lane lane) { return sending_[index_of(lane)]; }
  ReceivingLane& receiving(wire::Lane lane) { return receiving_[index_of(lane)]; }
  static std::size_t index_of(wire::Lane lane) { return static_cast<std::size_t>(lane) - 1; }

  const PeerLinkSettings* settings_;  // not a reference: links move
  LinkOpening opening_;
  ChannelIdentity channel_;
  Phase phase_ = Phase::created;
  Bytes incoming_;  // the beginning of a frame whose end has not come
  TimePoint opened_at_;
  TimePoint last_heard_;

  // Since the peer's hello.
  LinkSide theirs_;
  std::size_t frame_max_theirs_ = 0;
  wire::Hello hello_;  // until it is handed on with LinkReady
  std::vector<std::optional<std::size_t>>
      ours_of_;                      // by the peer's position: our number, if shared
  std::vector<std::size_t> shared_;  // our numbers, in our order

  // Since LinkReady.
  std::array<SendingLane, wire::lanes_count> sending_{SendingLane(wire::Lane::best_effort),
                                                      SendingLane(wire::Lane::guaranteed)};
  std::array<ReceivingLane, wire::lanes_count> receiving_;
  std::array<KeptTopicNumbers, wire::lanes_count> topics_;
  InterestIntake intake_;
  std::map<std::size_t, std::uint64_t> interests_sequence_;  // of our latest frame, per mesh
  std::optional<MessageId> floor_;
  [[nodiscard]] std::optional<MessageId> floor_of(QoS qos) const {
    return wire::lane_of(qos) == wire::Lane::guaranteed ? floor_ : std::nullopt;
  }
  LinkCounters counters_;
  TimePoint last_ping_;
  std::optional<TimePoint> unanswered_since_;
  std::uint64_t ping_stamp_ = 0;
  std::optional<TimePoint> last_pong_;
  std::optional<Duration> round_trip_;
  TimePoint drains_until_;
};

}  // namespace starling
