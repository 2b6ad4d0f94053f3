// PeerQuota: what one peer may cost us. Messages a second, and retained topics it may create.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_set>

#include "starling/limits.hpp"
#include "starling/link_limits.hpp"
#include "starling/publication.hpp"
#include "starling/time.hpp"

#include "src/access/token_bucket.hpp"
#include "src/topic/keyed_hash.hpp"

namespace starling {

struct PeerQuotaBounds {
  double messages_per_s = 0;  ///< into private meshes, as many again at once; 0: no bound
  double open_messages_per_s = limits::open_messages_per_s;  ///< into open ones; 0: no bound
  std::size_t retained_max = limits::peer_retained_max;      ///< topics
};

/// The outcome for one message.
enum class Admission : std::uint8_t {
  admitted,
  /// Above the rate: give the peer no credit until ready_at(). Drop QoS 0; what came on credit (QoS
  /// 1 and 2) is taken all the same, and pays its token later.
  too_fast,
  too_many_retained,  ///< would create one retained topic too many: deliver it, do not retain it
};

class PeerQuota {
 public:
  PeerQuota(PeerQuotaBounds bounds, HashSeed seed, TimePoint now);

  /// Counts a message that has arrived from the peer. `local`: its name here. `by_open_mesh`: it
  /// came in a mesh that anybody may join; whoever is in a private one holds its secret.
  Admission admit(const Publication& message, const TopicName& local, bool by_open_mesh,
                  TimePoint now);
  /// When the next message of that kind of mesh will be admitted.
  [[nodiscard]] TimePoint ready_at(bool by_open_mesh, TimePoint now) const {
    const auto& rate = rate_of(by_open_mesh);
    return rate ? rate->ready_at(1, now) : now;
  }
  /// The retained message of this topic is gone or somebody else's now.
  void forget_retained(const TopicName& topic);
  [[nodiscard]] std::size_t retained_topics() const { return retained_.size(); }

 private:
  bool count_retained(const Publication& message, const TopicName& local);

  [[nodiscard]] const std::optional<TokenBucket>& rate_of(bool by_open_mesh) const {
    return by_open_mesh ? open_rate_ : rate_;
  }

  PeerQuotaBounds bounds_;
  HashSeed seed_;
  std::optional<TokenBucket> rate_;
  std::optional<TokenBucket> open_rate_;
  // Keyed hashes of the topics: 64 bits of a keyed hash do not collide by anybody's choice.
  std::unordered_set<std::uint64_t> retained_;
};

}  // namespace starling
