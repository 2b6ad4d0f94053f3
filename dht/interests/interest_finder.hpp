// InterestFinder: which peers of one mesh may want a topic? It looks the topic's keys up in the
// DHT, remembers the answers while it listens to the keys, and tells of every peer it comes across.
// A record only ever leads to dialling; what a peer really wants it says over its link.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "starling/ids.hpp"
#include "starling/interest.hpp"
#include "starling/peer_record.hpp"
#include "starling/port/rendezvous.hpp"
#include "starling/port/scheduler.hpp"
#include "starling/topic.hpp"

#include "dht/interests/lookup_pacer.hpp"
#include "dht/keys/prefix_key.hpp"
#include "src/crypto/mesh_keys.hpp"

namespace starling {

class SignatureCache;

/// A valid record of another node, newer than any we had of it under that key.
struct PeerSeen {
  PeerRecord peer;
  LiteralPrefix prefix;             ///< under which it was found
  std::vector<Interest> interests;  ///< what it wants under this prefix, coarse perhaps
};

/// Told from the turn's end or from timers, never from inside a call of the finder.
class InterestFinderHandler {
 public:
  virtual ~InterestFinderHandler() = default;
  virtual void on_peer_seen(const PeerSeen& seen) = 0;
  /// The answer for this prefix is complete (or as complete as it gets): topics whose other
  /// prefixes are resolved too need not wait any longer. Peers found later are still told.
  virtual void on_prefix_resolved(const LiteralPrefix& prefix) = 0;
};

enum class Resolution : std::uint8_t {
  pending,  ///< asked or queued; on_prefix_resolved follows for each prefix that is missing
  known,    ///< every prefix of the topic is resolved and listened to: who is not among those that
            ///< want it has not said so in the DHT
};

struct InterestFinderSettings {
  NodeId own;  ///< records of this node are ignored
  crypto::MeshKeys mesh;
  /// Listened to at a time (limits::listened_keys_max; 64 on a weak line).
  std::size_t keys_max = 200;
  /// Nothing is filed under the empty prefix of an open mesh, so it is not looked up.
  bool open_mesh = false;
  std::shared_ptr<SignatureCache> signatures = nullptr;  ///< null: one of its own
};

class InterestFinder {
 public:
  /// All four outlive the finder.
  InterestFinder(const InterestFinderSettings& settings, Rendezvous& rendezvous,
                 Scheduler& scheduler, LookupPacer& pacer, InterestFinderHandler& handler);
  ~InterestFinder();
  InterestFinder(const InterestFinder&) = delete;
  InterestFinder& operator=(const InterestFinder&) = delete;

  /// Says what is known about who wants `name` (as it is called in the mesh, not a '$' topic), and
  /// sees to it that the rest becomes known: within about a second where the DHT answers, at most
  /// limits::resolution_age_max after the lookup began. Cheap when known; to be asked per
  /// publication.
  Resolution find(const TopicName& name);

  /// Peers whose records ask for `name`, each once, in the order of their NodeIds; those whose
  /// record has expired are left out. Does not begin a lookup.
  [[nodiscard]] std::vector<PeerRecord> peers_wanting(const TopicName& name) const;

  [[nodiscard]] std::size_t keys_listened() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace starling
