// Announcer: keeps this node's records of one mesh alive in the DHT: what its clients want (one
// record per prefix), how it is reached, that it is a member. It decides when a change is worth a
// new record.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "starling/endpoint.hpp"
#include "starling/interest.hpp"
#include "starling/peer_record.hpp"
#include "starling/port/entropy.hpp"
#include "starling/port/log.hpp"
#include "starling/port/rendezvous.hpp"
#include "starling/port/scheduler.hpp"

#include "src/crypto/ed25519.hpp"
#include "src/crypto/mesh_keys.hpp"

namespace starling {

class SignatureCache;

struct AnnouncerSettings {
  crypto::SigningKey identity;
  std::uint64_t epoch =
      0;  ///< the boot counter: greater than in any earlier run under this identity
  crypto::MeshKeys mesh;
  bool open_mesh = false;  ///< nothing is filed under the empty prefix there
  std::shared_ptr<SignatureCache> signatures = nullptr;  ///< null: one of its own
};

class Announcer {
 public:
  /// All four outlive the announcer. Nothing is announced before the first call of set_reach().
  Announcer(AnnouncerSettings settings, Rendezvous& rendezvous, Scheduler& scheduler,
            Entropy& entropy, LogSink& log);
  ~Announcer();  ///< withdraws everything
  Announcer(const Announcer&) = delete;
  Announcer& operator=(const Announcer&) = delete;

  /// Where this node can be dialled (at most limits::record_endpoints_max are told, best first;
  /// none: it can only be asked to dial). All records are written anew when it changes.
  /// `vias`: for a node without endpoints, the members that hand requests to it on (at most two); a
  /// node that relays names itself.
  void set_reach(std::vector<Endpoint> endpoints, std::vector<Via> vias = {});

  /// `change.interest` as the mesh sees it: mapped, and cut to what the in-rules admit. What is new
  /// is announced at the end of the turn (at most once per limits::record_reput_min and key after
  /// two immediate ones); what is gone only drops out of the next record of its prefix.
  void on_interest_change(const InterestChange& change);

  /// Records in the DHT's care now, the node's and the member's included.
  [[nodiscard]] std::size_t records_alive() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace starling
