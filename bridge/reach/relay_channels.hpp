// RelayChannels: the ends, at this node, of the channels that other members carry for it. It opens
// and accepts them, and leads their frames to their streams.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "starling/endpoint.hpp"
#include "starling/ids.hpp"
#include "starling/port/scheduler.hpp"
#include "starling/port/stream.hpp"

#include "bridge/reach/relayed_stream.hpp"
#include "bridge/wire/reach_frames.hpp"

namespace starling {

/// How frames about relayed links leave over a link between neighbours.
class ReachSender {
 public:
  virtual ~ReachSender() = default;
  /// False: the link is not there any more.
  virtual bool send(LinkId over, const wire::ReachFrame& frame) = 0;
  /// Much waits for this link's socket already.
  [[nodiscard]] virtual bool is_congested(LinkId link) const = 0;
};

class RelayChannels {
 public:
  /// Both outlive it. `own`: this node.
  RelayChannels(const NodeId& own, ReachSender& sender, Scheduler& scheduler)
      : own_(own), sender_(sender), scheduler_(scheduler) {}
  ~RelayChannels();
  RelayChannels(const RelayChannels&) = delete;
  RelayChannels& operator=(const RelayChannels&) = delete;

  /// A stream to `to` through the member at the other end of `carrier`, which is at `relay`; what is
  /// written waits until the other end answers. `we_dialled`: the carrying link. Null: too many
  /// channels.
  std::unique_ptr<ByteStream> open(LinkId carrier, bool we_dialled, const Endpoint& relay,
                                   const NodeId& to);
  /// The other end of a channel that somebody opened to us. Null: refused, and the relay told so.
  std::unique_ptr<ByteStream> accept(LinkId carrier, bool we_dialled, const Endpoint& relay,
                                     const wire::RelayOpen& frame);

  /// Frames of a carrying link that belong to a channel which ends here. `mine`: there is one;
  /// `fair`: it kept the rules (else the carrying link should be left).
  struct Outcome {
    bool mine = false;
    bool fair = true;
  };
  [[nodiscard]] bool has(LinkId carrier, std::uint32_t channel) const {
    return find(carrier, channel) != nullptr;
  }
  Outcome on_opened(LinkId carrier, const wire::RelayOpened& frame);
  Outcome on_data(LinkId carrier, wire::RelayData&& frame);
  Outcome on_credit(LinkId carrier, const wire::RelayCredit& frame);
  Outcome on_close(LinkId carrier, const wire::RelayClose& frame);

  void on_carrier_lost(LinkId carrier);

  [[nodiscard]] std::size_t size() const { return streams_.size(); }

 private:
  class Carrier;
  using Key = std::pair<LinkId, std::uint32_t>;
  std::unique_ptr<ByteStream> make(const Key& key, const Endpoint& relay);
  [[nodiscard]] RelayedStream* find(LinkId carrier, std::uint32_t channel) const;

  NodeId own_;
  ReachSender& sender_;
  Scheduler& scheduler_;
  std::map<Key, RelayedStream*>
      streams_;  // owned by those who use them; their carriers take them out
  std::map<LinkId, std::uint32_t> next_;  // channel number, by carrying link
  std::shared_ptr<RelayChannels*> self_ = std::make_shared<RelayChannels*>(this);
};

}  // namespace starling
