// Comparing what peers see.
#include "bridge/reach/nat_observer.hpp"

#include <algorithm>

namespace starling {
namespace {

constexpr std::size_t sights_max = 16;
constexpr auto sight_lifetime = std::chrono::hours{1};

}  // namespace

void NatObserver::on_observed(const NodeId& peer, const Endpoint& observed, bool is_ours,
                              TimePoint now) {
  if (!observed.is_global()) return;
  // Another address than before: the router has got a new one, and all older sights are void.
  std::erase_if(seen_, [&](const auto& entry) {
    const Endpoint& older = entry.second.observed;
    return older.is_v4() == observed.is_v4() && older.address != observed.address;
  });
  if (!seen_.contains(peer) && seen_.size() >= sights_max) {
    seen_.erase(std::min_element(seen_.begin(), seen_.end(), [](const auto& a, const auto& b) {
      return a.second.at < b.second.at;
    }));
  }
  seen_[peer] = {observed, is_ours, now};
}

void NatObserver::expire(TimePoint now) {
  std::erase_if(seen_, [now](const auto& entry) { return now - entry.second.at > sight_lifetime; });
}

NatObserver::Mapping NatObserver::mapping() const {
  const Endpoint* first = nullptr;
  std::size_t told = 0;
  for (const auto& [peer, sight] : seen_) {
    if (!sight.observed.is_v4()) continue;
    if (sight.is_ours) return Mapping::none;
    if (first != nullptr && *first != sight.observed) return Mapping::endpoint_dependent;
    first = &sight.observed;
    ++told;
  }
  return told < 2 ? Mapping::unknown : Mapping::endpoint_independent;
}

std::optional<Endpoint> NatObserver::meeting_point() const {
  if (mapping() == Mapping::endpoint_dependent) return std::nullopt;
  const Sight* newest = nullptr;
  for (const auto& [peer, sight] : seen_) {
    // IPv6 is not translated: a firewall that lets in whoever is dialled can be met too.
    if (newest == nullptr || sight.at > newest->at) newest = &sight;
  }
  return newest == nullptr ? std::nullopt : std::optional{newest->observed};
}

}  // namespace starling
