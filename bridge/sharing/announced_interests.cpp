#include "bridge/sharing/announced_interests.hpp"

#include <set>

namespace starling {

void AnnouncedInterests::Announced::count(const Local& asker, bool comes) {
  const auto step = [&](std::size_t& counter) { comes ? ++counter : --counter; };
  step(askers[static_cast<std::size_t>(asker.qos_max)]);
  if (asker.durable) step(durable_askers);
}

std::optional<Interest> AnnouncedInterests::Announced::wanted(const Key& key) const {
  for (std::size_t qos = askers.size(); qos-- > 0;)
    if (askers[qos] > 0)
      return Interest{key.first, key.second, static_cast<QoS>(qos), durable_askers > 0};
  return std::nullopt;
}

std::vector<InterestChange> AnnouncedInterests::on_local_change(const InterestChange& change) {
  const Key key{change.interest.filter, change.interest.share_group};
  std::set<Key> touched;
  const auto count = [&](const Local& asker, bool comes) {
    for (const TopicFilter& filter : asker.mesh_filters) {
      const auto at = touched.emplace(filter, key.second).first;
      announced_[*at].count(asker, comes);
    }
  };
  if (const auto known = local_.find(key); known != local_.end()) {
    count(known->second, false);
    local_.erase(known);
  }
  if (change.wanted) {
    Local asker{change.interest.qos_max, change.interest.durable, {}};
    for (Interest& interest : rules_.announced(change.interest))
      asker.mesh_filters.push_back(std::move(interest.filter));
    count(asker, true);
    if (!asker.mesh_filters.empty()) local_.emplace(key, std::move(asker));
  }

  std::vector<InterestChange> changes;
  for (const Key& each : touched) {
    const auto at = announced_.find(each);
    const auto wanted = at->second.wanted(each);
    if (wanted != at->second.told)
      changes.push_back(InterestChange{wanted ? *wanted : *at->second.told, wanted.has_value()});
    if (wanted)
      at->second.told = wanted;
    else
      announced_.erase(at);
  }
  return changes;
}

std::vector<Interest> AnnouncedInterests::all() const {
  std::vector<Interest> interests;
  interests.reserve(announced_.size());
  for (const auto& [key, announced] : announced_)
    if (announced.told) interests.push_back(*announced.told);
  return interests;
}

}  // namespace starling
