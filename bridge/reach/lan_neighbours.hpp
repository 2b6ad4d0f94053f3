// LanNeighbours: whom this node hears in its local network, and when it is to be heard itself. Told
// what comes and what time it is; it opens no socket and sends nothing. What comes is anybody's: it
// is looked at no faster than a bound allows, and only members of our meshes leave a trace.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "starling/endpoint.hpp"
#include "starling/ids.hpp"
#include "starling/port/entropy.hpp"
#include "starling/time.hpp"

#include "bridge/reach/lan_beacon.hpp"
#include "src/crypto/mesh_keys.hpp"

namespace starling {

class LanNeighbours {
 public:
  static constexpr std::size_t neighbours_max = 256;
  static constexpr std::size_t beacons_per_second = 50;  // looked at, from anybody
  static constexpr std::size_t beacons_per_source = 5;   // a second, from one address
  static constexpr Duration forgotten_after = std::chrono::minutes(3);
  static constexpr Duration beacon_interval = std::chrono::seconds(30);
  static constexpr Duration answer_delay_max = std::chrono::milliseconds(500);
  /// Answers to many newcomers become one, and strangers cannot make us send more than this.
  static constexpr Duration answer_interval = std::chrono::milliseconds(500);

  /// Accepts links at `port`. `meshes`: their keys, by position; the first lan_tags_max of them are
  /// spoken of. `entropy` outlives it.
  LanNeighbours(const NodeId& own, std::uint16_t port, std::vector<crypto::MeshKeys> meshes,
                Entropy& entropy);

  // --- Being heard
  /// The node is up, or its interfaces have changed: beacons are due now, after one second and after
  /// three.
  void on_appearance(TimePoint now);
  /// When take_beacon() next has one; nullopt: before on_appearance().
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  /// What is to be sent now, if anything is due.
  std::optional<Bytes> take_beacon(TimePoint now, UnixSeconds unix_now);

  // --- Hearing
  enum class Verdict : std::uint8_t {
    neighbour,  ///< a member of one of our meshes that is worth telling about
    again,      ///< it was told about a moment ago
    ours,       ///< our own beacon came back
    stranger,   ///< no tag is of a mesh of ours
    malformed,  ///< or of a later version, or from an address that is not of a local network
    too_many,   ///< not looked at
  };
  static constexpr std::size_t verdicts_count = 6;
  struct Heard {
    Verdict verdict = Verdict::too_many;
    NodeId node;                        ///< of a neighbour
    Endpoint endpoint{};                ///< where it accepts links
    std::vector<std::size_t> meshes{};  ///< that we share, by position
    bool is_new = false;                ///< not heard lately, or started anew since
  };
  /// Somebody's datagram. A new neighbour makes a beacon due soon, so that it knows us too.
  Heard on_datagram(const Endpoint& from, ByteView bytes, TimePoint now, UnixSeconds unix_now);

  /// That were heard within forgotten_after.
  [[nodiscard]] std::size_t size(TimePoint now) const;
  [[nodiscard]] std::uint64_t count_of(Verdict verdict) const {
    return counts_[static_cast<std::size_t>(verdict)];
  }

 private:
  struct Neighbour {
    std::uint64_t instance = 0;
    TimePoint heard_at;
    std::optional<TimePoint> told_at;
  };
  Heard judge(const Endpoint& from, ByteView bytes, TimePoint now, UnixSeconds unix_now);
  [[nodiscard]] bool is_flooded(const Endpoint& from, TimePoint now);
  [[nodiscard]] std::vector<std::size_t> shared_meshes(const LanBeacon& beacon,
                                                       UnixSeconds unix_now) const;
  Neighbour& remember(const NodeId& node, const Endpoint& endpoint, TimePoint now);

  NodeId own_;
  std::uint16_t port_;
  std::vector<crypto::MeshKeys> meshes_;
  std::vector<crypto::Key> decoys_;  // of meshes that nobody is in: they fill up the tags
  Entropy& entropy_;
  std::uint64_t instance_;

  std::vector<TimePoint> due_;  // ascending, at most four
  TimePoint last_sent_;
  std::map<std::pair<NodeId, Endpoint>, Neighbour> neighbours_;
  TimePoint second_began_{};
  std::size_t seen_in_second_ = 0;
  std::map<std::array<std::uint8_t, 16>, std::size_t> sources_in_second_;  // by address
  std::array<std::uint64_t, verdicts_count> counts_{};
};

}  // namespace starling
