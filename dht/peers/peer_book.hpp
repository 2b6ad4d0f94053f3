// PeerBook: the peers a node knows, and which of them to dial next. It remembers, waits between
// attempts and does not let strangers turn it into a hammer; it dials nobody itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "starling/endpoint.hpp"
#include "starling/ids.hpp"
#include "starling/peer_record.hpp"
#include "starling/port/entropy.hpp"
#include "starling/result.hpp"
#include "starling/time.hpp"

#include "dht/peers/dial_quota.hpp"

namespace starling {

/// Where we have it from; a later one is believed more.
enum class PeerSource : std::uint8_t {
  told = 0,    ///< another member told us over its link
  record = 1,  ///< a signed record in the DHT
  disk = 2,    ///< we knew it before the last restart
  hello = 3,   ///< it said so itself over a link
};

struct KnownPeer {
  NodeId id;
  std::vector<Endpoint> endpoints;  ///< in the order in which they are tried
  std::set<std::string> meshes;     ///< shared with us, as far as we know
  PeerSource source = PeerSource::record;
  std::uint64_t epoch = 0;  ///< of what we know it by: an older record changes nothing
  std::uint64_t sequence = 0;
  UnixSeconds last_seen = 0;  ///< when it was last linked, or its record was read
  bool ever_linked = false;   ///< it has proved its key to us at least once
  std::vector<Via> vias;      ///< of a peer without endpoints: who hands requests to it on
  std::set<Endpoint> proved;  ///< of `endpoints`: where it did so when we dialled them
};

/// Dial this; then say on_linked() or on_dial_failed().
struct DialOrder {
  NodeId peer;
  Endpoint endpoint;
};

class PeerBook {
 public:
  /// `entropy` (for the jitter of pauses) outlives the book. `own` is never entered.
  PeerBook(const NodeId& own, Entropy& entropy);

  /// A peer was heard of as a member of `mesh`. Endpoints of a newer (epoch, sequence) replace the
  /// old ones; from a `told` source they are only added. Returns true if the peer is new or
  /// reachable elsewhere now, which also ends its pause. A full book forgets the peer that is not
  /// linked, not wanted, and was seen longest ago; if there is none, the newcomer is not entered.
  bool on_seen(const PeerRecord& peer, PeerSource source, const std::string& mesh, TimePoint now,
               UnixSeconds unix_now);
  /// A member of `mesh` was heard in our own network: `endpoint` comes first from now on, and its
  /// pause ends. Returns true if the peer is new or was not known to be there.
  bool on_neighbour(const NodeId& peer, const Endpoint& endpoint, const std::string& mesh,
                    TimePoint now);
  /// It does not belong to `mesh` any more.
  void on_left(const NodeId& peer, const std::string& mesh);

  /// Shall a link to this peer be sought (again and again) until further notice? Unknown ids are
  /// ignored.
  void set_wanted(const NodeId& peer, bool wanted);
  [[nodiscard]] bool is_wanted(const NodeId& peer) const;

  /// The next dial that is due, and counts it as begun: the peer that has waited longest, its
  /// endpoints in turn. nullopt: nothing is due before next_deadline().
  std::optional<DialOrder> next_dial(TimePoint now);
  /// An endpoint of a peer that is linked already, for a better path; its endpoints in turn. nullopt:
  /// it has none, or they were tried often enough. What becomes of the dial is not told here.
  std::optional<Endpoint> endpoint_beside(const NodeId& peer, TimePoint now);
  /// May this address, which somebody else named, be dialled once? Counts it.
  bool may_dial_unproven(const Endpoint& endpoint, TimePoint now);
  /// The one who was wanted has answered there: the dial does not count.
  void on_dial_succeeded(const Endpoint& endpoint) { quota_.give_back(endpoint); }
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;

  /// The dial came to nothing. The next endpoint is tried at once; after the last one the peer
  /// pauses for limits::redial_delay_min, doubled each round up to redial_delay_max, less a random
  /// part up to half.
  void on_dial_failed(const DialOrder& order, TimePoint now);
  /// A link stands, whoever dialled; the peer has proved its key. `proved`: the endpoint we
  /// dialled.
  void on_linked(const NodeId& peer, std::optional<Endpoint> proved, TimePoint now,
                 UnixSeconds unix_now);
  /// The last link has gone. A wanted peer is due after a short random pause, or, where the link
  /// had not lasted limits::link_settled_after, after one that grows as if the dial had failed.
  void on_link_lost(const NodeId& peer, TimePoint now, UnixSeconds unix_now);
  /// Connectivity came back: all pauses end (spread over a second).
  void retry_all(TimePoint now);

  [[nodiscard]] const KnownPeer* find(const NodeId& peer) const;
  /// In the order of their NodeIds.
  [[nodiscard]] std::vector<const KnownPeer*> members_of(const std::string& mesh) const;
  [[nodiscard]] std::size_t size() const { return peers_.size(); }

  /// A small msgpack document of the peers that have been linked, or seen in records, best first.
  [[nodiscard]] Bytes save() const;
  /// Enters what `document` holds, as PeerSource::disk. Reads what can be read: a damaged entry is
  /// left out. Returns how many were entered; an Error (malformed, unsupported, too_large) if
  /// nothing could be made of it at all. Either way the book is usable.
  Result<std::size_t> load(ByteView document, TimePoint now);

 private:
  enum class Stage : std::uint8_t { idle, dialling, linked };
  struct Entry {
    KnownPeer known;
    Stage stage = Stage::idle;
    bool wanted = false;
    std::size_t next_endpoint = 0;  // of known.endpoints
    unsigned rounds_failed = 0;     // since the last link that lasted
    TimePoint due{};                // not dialled before
    TimePoint linked_at{};
  };

  Entry* find_entry(const NodeId& id);
  Entry* enter(const NodeId& id, TimePoint now);
  bool make_room();
  bool take_endpoints(Entry& entry, const std::vector<Endpoint>& offered, bool replace);
  std::optional<Endpoint> next_endpoint(Entry& entry, TimePoint now);
  void pause(Entry& entry, TimePoint now);
  [[nodiscard]] Duration random_part(Duration bound);
  [[nodiscard]] static bool may_be_dialled(const Entry& entry);

  NodeId own_;
  Entropy& entropy_;
  DialQuota quota_;
  std::map<NodeId, Entry> peers_;  // ordered: strangers choose the ids
};

}  // namespace starling
