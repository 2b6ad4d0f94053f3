// Meetings: agreeing with a peer, over a member that both are linked with, to dial each other at one
// moment (TCP simultaneous open), since each one's router lets in only whom its own side has dialled.
// The bookkeeping of both ends; it sends and dials nothing itself.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "starling/endpoint.hpp"
#include "starling/ids.hpp"
#include "starling/time.hpp"

#include "bridge/wire/reach_frames.hpp"

namespace starling {

class Meetings {
 public:
  explicit Meetings(const NodeId& own) : own_(own) {}

  /// May we propose to `peer` now? After each proposal the pause doubles, from 10 s to 10 min.
  [[nodiscard]] bool may_propose(const NodeId& peer, TimePoint now) const;
  void on_proposed(const NodeId& peer, TimePoint now);

  /// What follows from a step of the peer.
  struct Next {
    enum class Act : std::uint8_t {
      nothing,
      accept,   ///< answer with our own place
      say_now,  ///< tell the peer to begin; begin ourselves after `wait`, as the TLS client
      begin,    ///< dial at once, as the TLS server
    };
    Act act = Act::nothing;
    Endpoint at;      ///< of say_now and begin: where the peer is
    Duration wait{};  ///< half of a round trip
  };
  [[nodiscard]] Next on_step(const wire::Meet& step, TimePoint now);

  /// Linked directly: the pauses begin anew.
  void on_met(const NodeId& peer) { peers_.erase(peer); }

 private:
  enum class Stage : std::uint8_t { idle, proposed, accepted };
  struct Entry {
    Stage stage = Stage::idle;
    TimePoint since;
    Endpoint theirs;
    unsigned proposals = 0;
    TimePoint not_before;
    TimePoint last_accepted;
    bool accepted_before = false;
    TimePoint dials_until;  // a meeting is under way
  };
  void make_room(TimePoint now);

  NodeId own_;
  std::map<NodeId, Entry> peers_;  // bounded
};

}  // namespace starling
