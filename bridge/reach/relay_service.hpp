// RelayService: this node as a relay. It keeps places for members that nobody can dial and carries
// the links of two others, which stay TLS from end to end. It passes credit on no faster than its own
// bounds allow, so that it never holds more than what is under way.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "starling/ids.hpp"
#include "starling/time.hpp"

#include "bridge/reach/relay_channels.hpp"
#include "bridge/reach/relay_ledger.hpp"
#include "bridge/wire/reach_frames.hpp"

namespace starling {

struct RelayBounds {
  double bytes_per_s = 2U << 20U;         ///< of all circuits, both ways together
  double peer_bytes_per_s = 512U << 10U;  ///< of one peer's circuits
  std::uint64_t peer_bytes_per_hour = 1ULL << 30U;
  std::size_t circuits_max = 512;
  std::size_t peer_circuits_max = 64;
  std::size_t reservations_max = 128;
};

class RelayService {
 public:
  static constexpr auto tick = std::chrono::milliseconds{100};

  /// Both outlive it.
  RelayService(const RelayBounds& bounds, ReachSender& sender, RelayLedger& ledger)
      : bounds_(bounds), sender_(sender), ledger_(ledger) {}

  /// Whether links are carried at all: offered, and we can be dialled. What is carried goes on.
  void set_open(bool open) { is_open_ = open; }
  [[nodiscard]] bool is_open() const { return is_open_; }

  /// `peer` asks for a place, or gives it back. Good until on_peer_lost().
  wire::RelayReserved reserve(const NodeId& peer, bool wanted);

  /// One end of a circuit: a link with a neighbour.
  struct Neighbour {
    NodeId peer;
    LinkId link;
    bool we_dialled = false;
  };
  /// `from` wants a channel to `to`, both linked with us and members of one mesh. Refusals are told
  /// to `from`.
  void on_open(const Neighbour& from, const Neighbour& to, const wire::RelayOpen& frame,
               TimePoint now);
  /// Tells `from` why its channel cannot be.
  void refuse(LinkId from, std::uint32_t channel, std::string why);

  /// Frames of a circuit. `mine`, `fair`: as RelayChannels::Outcome.
  using Outcome = RelayChannels::Outcome;
  Outcome on_opened(LinkId link, const wire::RelayOpened& frame, TimePoint now);
  Outcome on_data(LinkId link, wire::RelayData&& frame, TimePoint now);
  Outcome on_credit(LinkId link, const wire::RelayCredit& frame, TimePoint now);
  Outcome on_close(LinkId link, const wire::RelayClose& frame);

  /// Ends the circuits of a link.
  void on_link_lost(LinkId link);
  /// No link with the peer is left: its place is free.
  void on_peer_lost(const NodeId& peer) { reservations_.erase(peer); }
  /// Gives out what the rates allow; call it every `tick` while is_waiting().
  void on_tick(TimePoint now);
  [[nodiscard]] bool is_waiting() const { return waiting_ > 0; }
  /// Ends circuits over which nothing has passed for a minute. Now and then.
  void end_idle(TimePoint now);

  [[nodiscard]] std::size_t circuits() const { return circuits_.size(); }
  [[nodiscard]] std::size_t reservations() const { return reservations_.size(); }
  [[nodiscard]] std::uint64_t bytes_carried() const { return bytes_carried_; }

 private:
  struct End {
    NodeId peer;
    LinkId link;
    std::uint32_t channel = 0;
    std::uint64_t sent = 0;         // bytes it has sent
    std::uint64_t told = 0;         // the limit it was told
    std::uint64_t other_takes = 0;  // the limit that the other end has given
  };
  struct Circuit {
    std::array<End, 2> ends;
    bool opened = false;
    TimePoint last_used;
  };
  struct Rate {
    double tokens = 0;
    double hour_tokens = 0;
    TimePoint filled;
  };
  using Key = std::pair<LinkId, std::uint32_t>;
  struct Place {
    std::uint64_t circuit = 0;
    int end = 0;
  };

  [[nodiscard]] const Place* place(LinkId link, std::uint32_t channel) const;
  void close(std::uint64_t circuit, const std::string& why, std::optional<int> but_not = {});
  /// Lets `end` send more, as far as the rates allow. Returns what is still wanted.
  std::uint64_t grant(Circuit& circuit, std::size_t end, double share_max, TimePoint now);
  [[nodiscard]] static std::uint64_t wanted(const End& end);
  void fill(TimePoint now);
  Rate& rate_of(const NodeId& peer, TimePoint now);
  [[nodiscard]] std::size_t circuits_of(const NodeId& peer) const;

  RelayBounds bounds_;
  ReachSender& sender_;
  RelayLedger& ledger_;
  bool is_open_ = false;
  std::map<NodeId, int> reservations_;
  std::map<std::uint64_t, Circuit> circuits_;
  std::map<Key, Place> places_;
  std::map<LinkId, std::uint32_t> next_channel_;
  std::map<NodeId, Rate> rates_;
  double tokens_ = 0;
  std::optional<TimePoint> filled_;
  std::uint64_t last_circuit_ = 0;
  std::uint64_t bytes_carried_ = 0;
  std::size_t waiting_ = 0;  // ends that wait for the rates
};

}  // namespace starling
