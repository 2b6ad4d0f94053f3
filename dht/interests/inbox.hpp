// Inbox: notes between members that have no link and no common member: "please dial me". Who cannot
// be dialled listens to its own inbox; who wants it leaves a note there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "starling/endpoint.hpp"
#include "starling/ids.hpp"
#include "starling/peer_record.hpp"
#include "starling/port/rendezvous.hpp"
#include "starling/port/scheduler.hpp"

#include "src/crypto/ed25519.hpp"
#include "src/crypto/mesh_keys.hpp"

namespace starling {

class SignatureCache;

/// Told from the turn's end or from timers, never from inside a call of the inbox.
class InboxHandler {
 public:
  virtual ~InboxHandler() = default;
  /// `asker` wants to be dialled at its endpoints. At most one a minute and asker, and
  /// Inbox::notes_per_minute in all.
  virtual void on_note(const PeerRecord& asker) = 0;
};

struct InboxSettings {
  crypto::SigningKey identity;
  std::uint64_t epoch = 0;
  crypto::MeshKeys mesh;
  std::shared_ptr<SignatureCache> signatures = nullptr;  ///< null: one of its own
};

class Inbox {
 public:
  static constexpr std::size_t notes_per_minute = 16;  ///< that are followed
  static constexpr std::size_t notes_kept_max = 32;    ///< of ours, in the DHT's care

  /// All three outlive the inbox.
  Inbox(InboxSettings settings, Rendezvous& rendezvous, Scheduler& scheduler,
        InboxHandler& handler);
  ~Inbox();
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  /// Listens to our own inbox, or does not. Opening an open one changes nothing.
  void set_open(bool open);
  /// Asks `to` to dial us at one of `endpoints`. False: not now (asked within five minutes, or too
  /// many notes are out, or no address). A note is kept alive for a minute.
  bool leave_note(const NodeId& to, const std::vector<Endpoint>& endpoints);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace starling
