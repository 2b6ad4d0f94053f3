// The inside of Mesh: one state machine in several files. mesh.cpp starts, ends and keeps time;
// mesh_links.cpp and mesh_link_ends.cpp make and lose links; mesh_topology.cpp decides whom to be linked with;
// mesh_reach.cpp, mesh_paths.cpp and mesh_relays.cpp find ways to those whom a router hides;
// mesh_sending.cpp and mesh_receiving.cpp move messages.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bridge/link/peer_link.hpp"
#include "bridge/mesh/circle.hpp"
#include "bridge/mesh/mesh.hpp"
#include "bridge/outbox/outbox.hpp"
#include "bridge/reach/dial_tests.hpp"
#include "bridge/reach/meetings.hpp"
#include "bridge/reach/nat_observer.hpp"
#include "bridge/reach/own_addresses.hpp"
#include "bridge/reach/relay_channels.hpp"
#include "bridge/reach/relay_ledger.hpp"
#include "bridge/reach/relay_service.hpp"
#include "bridge/reach/reversal.hpp"
#include "bridge/routing/interest_table.hpp"
#include "bridge/routing/recipients.hpp"
#include "bridge/routing/seen_window.hpp"
#include "bridge/sharing/peer_quota.hpp"
#include "dht/peers/peer_book.hpp"

namespace starling {

class Mesh::Impl final : private CircleHandler, private ReachSender {
 public:
  Impl(MeshSettings settings, MeshHost& host, Rendezvous& rendezvous, Scheduler& scheduler,
       Entropy& entropy, StateFiles& files, LogSink& log, Metrics& metrics);
  ~Impl() override;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void start();
  void stop();
  LinkId next_link_id() { return LinkId{++last_link_id_}; }
  void on_link_open(LinkId id, LinkFacts facts);
  void on_link_bytes(LinkId id, ByteView plain);
  void on_link_writable(LinkId id);
  void on_link_closed(LinkId id, const std::string& why);
  void on_dial_failed(LinkId id, const Error& error);
  void publish(const SharedPublication& message);
  void on_interest_change(const InterestChange& change);
  [[nodiscard]] bool has_unsealed_deliveries() const { return has_unsealed_; }
  void on_batch_sealed(BatchNumber number);
  void on_committed(BatchNumber last);
  void on_message_placed(const MessageId& id);
  void on_access_changed() { ++access_generation_; }
  void set_local_endpoints(std::vector<Endpoint> endpoints);
  void set_mapped_endpoints(std::vector<Endpoint> endpoints);
  void set_bootstrap_endpoints(const std::vector<Endpoint>& endpoints);
  void on_neighbour(std::size_t mesh, const NodeId& peer, const Endpoint& endpoint);
  [[nodiscard]] MeshStatus status() const;
  [[nodiscard]] MeshLoad load() const;

 private:
  /// How long a peer that was asked to dial us may take.
  static constexpr auto asked_hope = std::chrono::seconds{5};

  /// What becomes of messages of one topic that come in one mesh from one peer.
  struct Entrance {
    std::uint64_t version = 0;  // of the topic number, see ArrivedPublication
    std::uint64_t access_generation = 0;
    std::optional<TopicName> local;  // its name here; nullopt: no rule lets it in
    bool is_permitted = false;
  };

  /// A connection whose TLS handshake is complete.
  struct Link {
    Link(PeerLink link_machine, const LinkFacts& facts)
        : machine(std::move(link_machine)),
          peer(facts.peer),
          remote(facts.remote),
          local(facts.local),
          inbound(facts.inbound) {}

    PeerLink machine;
    OutputBuffer* out = nullptr;  // of the host; good as long as the link
    NodeId peer;
    Endpoint remote;
    Endpoint local;
    bool inbound;
    PathKind path = PathKind::dialled;
    std::optional<NodeId> relay;  // of a relayed path
    bool from_mesh_port = false;
    std::optional<Endpoint> dialled;        // where the peer answered us
    std::vector<PublicationsArrived> held;  // until an older link of the peer has been drained
    std::optional<DialOrder> order;         // what the peer book waits for an answer to
    WakeId wake;
    TimePoint wakes_at;
    std::set<std::size_t> sets_due;  // meshes whose full set of interests has not come yet
    std::uint64_t arrived = 0;       // greatest number on the guaranteed lane, delivered or judged
    std::uint64_t sealed = 0;        // of it, handed to the store
    std::deque<std::pair<BatchNumber, std::uint64_t>>
        unsafe;              // (batch, number): safe when committed
    std::uint64_t safe = 0;  // greatest number that is committed
    // Delivered, but some local reader had no room: nothing from the first of them on is acknowledged
    // until it has been placed and that is committed. Numbers of a lane follow the order of the ids.
    struct Waiting {
      std::uint64_t number = 0;
      bool placed = false;
      std::optional<BatchNumber> batch;  // the one that holds the placing
    };
    std::map<MessageId, Waiting> waiting;
    std::uint64_t refused = 0;  // messages that were not let in; the first is logged

    // Whether the socket takes more is asked now and then, not for each message.
    bool is_congested = false;
    unsigned messages_until_look = 0;
    // What was found out about a topic that comes by number, by lane and number.
    std::array<std::vector<Entrance>, wire::lanes_count> entrances;
  };

  /// Another node that we are or were linked with, or that has left interests with us.
  struct Peer {
    Peer(const OutboxBounds& bounds, const PeerQuotaBounds& quota_bounds, HashSeed seed,
         TimePoint now)
        : outbox(bounds),
          waiting({limits::best_effort_waiting_messages, limits::best_effort_waiting_bytes,
                   limits::best_effort_waiting_age}),
          quota(quota_bounds, seed, now) {}

    std::optional<LinkId> link;      // the one that is kept, once hello and proof hold
    Link* kept = nullptr;            // the same
    std::optional<LinkId> draining;  // an older one, over which something may still come
    bool offers_relay = false;       // said so in its hello
    bool dirty = false;              // has something to send at the end of the turn
    bool flowing = false;            // messages may be sent over it
    bool interests_known = false;  // the interest table says what it wants, or wanted a moment ago
    std::vector<std::size_t> meshes;  // shared ones, as of the present or last link
    std::optional<TimePoint> away_since;
    Outbox outbox;
    Outbox waiting;  // QoS 0 that waits for credit or the socket; gone with the link
    std::uint64_t waiting_dropped = 0;  // of waiting.dropped(), counted in the metric
    PeerQuota quota;
    std::optional<TimePoint> credit_held_until;
    std::uint64_t messages_received = 0;
    std::uint64_t messages_sent = 0;
    std::uint64_t dropped_qos0 = 0;
  };

  /// What we remember about somebody we want to be linked with.
  struct Acquaintance {
    unsigned rounds_failed = 0;  // dials since the last link
    std::size_t dials_under_way = 0;
    std::vector<NodeId> told_by;        // linked members that said they have a link with it
    std::optional<TimePoint> asked_at;  // dial-me
    std::optional<TimePoint> looked_up_at;
    unsigned asks = 0;            // dial-me, since the last link
    unsigned relay_attempts = 0;  // since the last link
    TimePoint relay_not_before;
    unsigned direct_attempts = 0;  // beside a relayed link
    TimePoint direct_not_before;
    std::optional<TimePoint>
        exchange_until;  // it wants what we publish: keep a link in a large mesh too
  };

  /// A connection that is being made and that the peer book knows nothing of.
  struct Undertaking {
    enum class Kind : std::uint8_t { beside, door, dial_back, met, relayed };
    Kind kind = Kind::beside;
    NodeId peer;  // zero for a door: whoever is there
    Endpoint endpoint;
    DialWay way;
    wire::DialNonce nonce{};           // dial_back
    LinkId asked_over;                 // the same
    std::optional<NodeId> relay;       // relayed
    std::optional<TimePoint> until{};  // met: tried again until then
  };

  /// A place at a relay, for a node that cannot be dialled.
  struct Reservation {
    bool granted = false;
    TimePoint asked_at;
    std::uint64_t network = 0;
  };

  /// Who gets what is published under one local name, and as what: the way of nearly every message,
  /// found again by its topic alone. Valid while nobody's interests or links have changed.
  struct Route {
    struct Name {
      MeshIndex mesh = 0;
      TopicName topic;
      bool is_local = false;  // the same as the local one
    };
    struct Target {
      NodeId id;
      Peer* peer = nullptr;
      std::size_t name = 0;  // of names
      QoS qos_max = QoS::at_most_once;
    };
    std::optional<TopicName> topic;
    std::uint64_t interests_generation = 0;
    std::uint64_t generation = 0;
    std::vector<Name> names;  // empty: it stays here
    std::vector<Target> targets;
  };

  /// How a mesh stands, worked out anew when links or members change.
  struct Standing {
    bool small = false;         // private, and few enough members that all are linked with all
    bool some_hopeful = false;  // a member not linked may be so in a moment
    std::size_t estimate = 0;   // of its members, when it was worked out
    bool lacks_links = false;   // a large mesh in which fewer links stand than should
  };

  // --- mesh.cpp
  void ask_turn_end();
  void on_turn_end();
  void mark_dirty(const NodeId& id);
  void mark_dirty(const NodeId& id, Peer& peer);
  void on_tick();
  void tick_by(TimePoint when);
  TimePoint look_after_peers();
  void save_book();
  void on_peer_seen(MeshIndex mesh, const PeerSeen& seen) override;
  void on_member_seen(MeshIndex mesh, const PeerRecord& peer) override;
  void on_note(MeshIndex mesh, const PeerRecord& asker) override;
  void on_lookup_complete(MeshIndex mesh) override;
  [[nodiscard]] PeerStatus status_of(const NodeId& id) const;

  // --- mesh_links.cpp
  void log_refusal(const NodeId& peer, const Endpoint& remote, bool inbound,
                   const std::string& why);
  [[nodiscard]] bool has_room_for_link(const LinkFacts& facts, std::string& why_not);
  void arm(LinkId id, Link& link);
  void on_link_timer(LinkId id);
  void flush(LinkId id);
  void handle(LinkId id, LinkEvents& events);
  void on_event(LinkId id, const LinkReady& ready);
  void on_event(LinkId id, const InterestsReplaced& event);
  void on_event(LinkId id, const InterestsChanged& event);
  void on_event(LinkId id, PublicationsArrived& event);
  void on_event(LinkId id, const Acknowledged& event);
  void on_event(LinkId id, const CreditGranted& event);
  void on_event(LinkId id, const DialMeArrived& event);
  void on_event(LinkId id, const PeersTold& event);
  void on_event(LinkId id, ReachArrived& event);
  void on_event(LinkId id, const LinkFailed& event);
  void on_event(LinkId id, const LinkClosed& event);
  void learn_from_hello(const Link& link, const LinkReady& ready);
  void adopt(LinkId id, Link& link, Peer& peer);
  void begin_flow(const NodeId& id, Peer& peer);
  void note_path(Link& link, const std::optional<Undertaking>& undertaking);
  void retire(LinkId id, Peer& peer);
  void release_held(Peer& peer);
  /// Says bye and forgets the link.
  void close(LinkId id, wire::CloseReason reason, const std::string& text);
  /// The connection has gone or is about to: what depended on it changes.
  void forget(LinkId id, const std::string& why, wire::CloseReason reason);
  void on_peer_lost(const NodeId& id, Peer& peer, const std::string& why, wire::CloseReason reason);
  Peer& peer_of(const NodeId& id);
  [[nodiscard]] Peer* find_peer(const NodeId& id);
  [[nodiscard]] Link* find_link(const NodeId& peer);  // the kept one
  void end_live_interests(const NodeId& id, Peer& peer);

  // --- mesh_topology.cpp
  void review_topology();
  [[nodiscard]] bool is_topology_settled() const;
  void review_small(const Circle& circle, const std::vector<const KnownPeer*>& members,
                    std::set<NodeId>& wanted);
  void review_large(Circle& circle, const std::vector<const KnownPeer*>& members,
                    std::set<NodeId>& wanted);
  void run_dials();
  void want_for_exchange(const NodeId& peer);
  void want_helpers(std::set<NodeId>& wanted);
  [[nodiscard]] DialWay way_of_dialling(const Endpoint& to) const;
  void seek_help(const NodeId& peer);
  void look_up(const NodeId& peer);
  void tell_members(Link& link, LinkId id);
  void tell_about(const NodeId& newcomer, const Peer& peer);
  [[nodiscard]] std::optional<wire::Peers::Entry> entry_for(const NodeId& member,
                                                            const Endpoint& remote) const;
  [[nodiscard]] std::vector<Endpoint> endpoints_for(const Endpoint& remote) const;
  [[nodiscard]] bool is_flowing(const NodeId& peer) const;
  [[nodiscard]] bool is_hopeful(const NodeId& peer) const;
  [[nodiscard]] Acquaintance* acquaintance(const NodeId& peer);

  // --- mesh_reach.cpp
  void update_endpoints();
  void review_reach();
  [[nodiscard]] TimePoint reach_due() const;
  void end_links_of_gone_addresses(const std::vector<Endpoint>& before);
  [[nodiscard]] std::vector<Tester> testers() const;
  [[nodiscard]] bool is_alone() const;
  [[nodiscard]] bool is_dialable() const { return !announced_.empty(); }
  void on_reach(LinkId id, const wire::DialBack& frame);
  void on_reach(LinkId id, const wire::DialBackFailed& frame);
  void on_dialled_back(const NodeId& tester, const std::string& text);
  void on_observed(const Link& link, const Endpoint& observed);
  [[nodiscard]] std::vector<AddressStatus> address_status() const;
  [[nodiscard]] NatMapping nat_mapping() const;

  // --- mesh_paths.cpp
  LinkId undertake(Undertaking undertaking);
  void dial_again(const Undertaking& meeting);
  void finish_dial_back(LinkId id, const Undertaking& done);
  void on_undertaking_failed(LinkId id, const Error& error);
  [[nodiscard]] bool is_undertaken(const NodeId& peer) const;
  [[nodiscard]] bool has_direct_link(const NodeId& peer) const;
  void review_paths();
  void try_doors();
  void seek_path(const NodeId& peer);
  void seek_better_path(const NodeId& peer, Link& link);
  void dial_beside(const NodeId& peer);
  void leave_note(const NodeId& peer);
  void follow(MeshIndex mesh, const PeerRecord& asker);
  void propose_meeting(const NodeId& peer, LinkId over);
  void start_meeting(const NodeId& peer, const Endpoint& at, bool as_client);
  void on_reach(LinkId id, const wire::Meet& frame);
  void pass_on(LinkId id, const wire::Meet& frame);
  [[nodiscard]] std::vector<NodeId> helpers_for(const NodeId& peer) const;
  [[nodiscard]] std::string why_no_better(const NodeId& peer) const;

  // --- mesh_relays.cpp
  bool send(LinkId over, const wire::ReachFrame& frame) override;
  [[nodiscard]] bool is_congested(LinkId link) const override;
  [[nodiscard]] static bool share_a_mesh(const Peer& one, const Peer& other);
  void review_relays();
  void review_reservations();
  void release_reservations();
  [[nodiscard]] std::vector<Via> vias() const;
  [[nodiscard]] std::optional<NodeId> relay_for(const NodeId& peer) const;
  bool link_through(const NodeId& relay, const NodeId& peer);
  void leave_relay(const NodeId& relay, const NodeId& peer, const std::string& why);
  void arm_relay();
  void after_relay_frame(LinkId id, const RelayChannels::Outcome& ours,
                         const RelayChannels::Outcome& carried);
  void on_reach(LinkId id, const wire::RelayReserve& frame);
  void on_reach(LinkId id, const wire::RelayReserved& frame);
  void on_reach(LinkId id, const wire::RelayOpen& frame);
  void on_reach(LinkId id, const wire::RelayOpened& frame);
  void on_reach(LinkId id, wire::RelayData& frame);
  void on_reach(LinkId id, const wire::RelayCredit& frame);
  void on_reach(LinkId id, const wire::RelayClose& frame);

  // --- mesh_sending.cpp
  const Route& route_of(const TopicName& topic);
  [[nodiscard]] Route make_route(const TopicName& topic);
  /// `message` under the name it has in the mesh.
  void send_to(const NodeId& id, Peer& peer, MeshIndex mesh, QoS qos,
               const SharedPublication& message);
  [[nodiscard]] bool send_at_once(const NodeId& id, Peer& peer, MeshIndex mesh,
                                  const TopicName& topic, const Publication& message);
  void send_best_effort(const NodeId& id, Peer& peer, MeshIndex mesh,
                        const SharedPublication& message);
  void enqueue(const NodeId& id, Peer& peer, MeshIndex mesh, QoS qos,
               const SharedPublication& message);
  void pump(const NodeId& id, Peer& peer);
  void pump_guaranteed(const NodeId& id, Peer& peer, Link& link);
  void pump_best_effort(Peer& peer, Link& link);
  [[nodiscard]] bool takes_more(Peer& peer);
  void expire_waiting(Peer& peer);
  void count_dropped(Peer& peer);
  [[nodiscard]] bool needs_parking(Circle& circle, const TopicName& topic, QoS qos);
  [[nodiscard]] bool may_concern_others(Circle& circle, const TopicName& name);
  void give_parked(const NodeId& id, Peer& peer);
  void settle_parking();
  void arm_parking();
  void send_interest_changes();
  void drop_unwanted(const NodeId& id, Peer& peer);
  [[nodiscard]] std::optional<Recipient> wanted_by(const NodeId& id, const Circle& circle,
                                                   const Publication& message) const;

  // --- mesh_receiving.cpp
  void receive(LinkId id, Link& link, Peer& peer, PublicationsArrived& event);
  [[nodiscard]] bool receive_one(Link& link, Peer& peer, wire::Lane lane,
                                 ArrivedPublication& arrived, TimePoint now);
  [[nodiscard]] const Entrance& entrance_of(Link& link, wire::Lane lane,
                                            const ArrivedPublication& arrived);
  void find_entrance(const Link& link, const ArrivedPublication& arrived, Entrance& entrance) const;
  void refuse(Link& link, const char* why);
  void acknowledge(LinkId id, Link& link);
  void slow_down(const NodeId& id, Peer& peer, Link& link, bool by_open_mesh);
  void release_credit(const NodeId& id);
  void ask_for_seal();

  [[nodiscard]] TimePoint now() const { return scheduler_.now(); }

  MeshSettings settings_;
  NodeId own_;
  MeshHost& host_;
  Rendezvous& rendezvous_;
  Scheduler& scheduler_;
  Entropy& entropy_;
  StateFiles& files_;
  LogSink& log_;
  Metric& links_metric_;
  Metric& received_metric_;
  Metric& sent_metric_;
  Metric& dropped_qos0_metric_;
  Metric& dropped_outbox_metric_;
  Metric& duplicates_metric_;
  Metric& refused_metric_;
  Metric& parked_metric_;
  Metric& denied_metric_;

  PeerLinkSettings link_settings_;
  OwnAddresses addresses_;
  DialTests dial_tests_;
  NatObserver nat_;
  Reversal reversal_;
  Meetings meetings_;
  RelayLedger ledger_;
  RelayService relay_;
  RelayChannels channels_;
  LookupPacer pacer_;
  PeerBook book_;
  std::vector<std::unique_ptr<Circle>> circles_;  // by MeshIndex
  std::vector<Standing> standings_;               // the same
  InterestTable interests_;
  SeenWindow seen_;

  std::map<LinkId, Link> links_;
  std::map<LinkId, DialOrder> dials_;
  std::map<LinkId, Undertaking> undertakings_;
  std::map<NodeId, Reservation> reservations_;                          // at these relays
  std::map<NodeId, std::pair<TimePoint, std::string>> refused_places_;  // until when not to ask
  /// Relays through which a peer could not be reached, and until when that counts; the relay alone:
  /// through which several could not, or which broke the rules. Others are preferred to it.
  struct BadPath {
    TimePoint until;
    unsigned failures = 0;  // in a row
  };
  std::map<std::pair<NodeId, NodeId>, BadPath> bad_paths_;
  std::map<NodeId, TimePoint> bad_relays_;
  std::map<NodeId, std::size_t> meets_passed_;  // of each asker, in this minute
  TimePoint meets_since_;
  std::map<NodeId, Peer> peers_;
  std::map<NodeId, Acquaintance> acquaintances_;
  std::set<NodeId> wanted_;          // as told to the peer book
  std::vector<NodeId> dirty_peers_;  // something to send at the end of the turn; each once
  static constexpr std::size_t routes_first = 16;
  std::vector<Route> routes_;  // by hash: a topic that falls on another's place takes it
  std::size_t routes_pushed_out_ = 0;
  Entrance entrance_;  // of a topic without a number, for the length of a call
  std::uint64_t access_generation_ = 1;
  /// Topics published lately in meshes that are not fully linked, by mesh; the value is the
  /// generation_ at which nobody was missing.
  std::vector<std::unordered_map<std::string, std::uint64_t>> recent_topics_;
  std::uint64_t generation_ = 1;  // of what is known about who may be missing

  std::vector<Endpoint> announced_;
  std::vector<Via> vias_;
  TimePoint doors_due_;
  unsigned doors_tried_ = 0;                 // since the last link
  std::optional<TimePoint> testable_since_;  // somebody is linked who could test our addresses
  std::uint64_t last_link_id_ = 0;
  std::uint64_t link_ordinal_ = 0;
  std::set<LinkId> unsealed_links_;
  std::set<LinkId> uncommitted_links_;
  TimePoint refusals_since_;
  std::size_t refusals_ = 0;  // in the running window
  std::size_t refusals_unlogged_ = 0;
  bool has_unsealed_ = false;
  bool turn_end_asked_ = false;
  bool topology_changed_ = false;
  bool all_wanted_flow_ = false;  // as of the last review
  TimePoint exchange_ends_at_;  // the first one of them that does; no review before it sees an end
  bool parking_changed_ = false;
  bool book_changed_ = false;
  bool running_ = false;
  TimePoint started_at_;
  TimePoint saved_at_;
  WakeId dial_wake_;
  WakeId tick_wake_;
  TimePoint ticks_at_;
  TimePoint addresses_due_;
  WakeId relay_wake_;
  WakeId parking_wake_;
  std::optional<TimePoint> parking_wakes_at_;
  /// Turn-end tasks cannot be cancelled: they look here whether there is still anybody.
  std::shared_ptr<Impl*> self_ = std::make_shared<Impl*>(this);
};

}  // namespace starling
