#include "bridge/sharing/share_rules.hpp"

#include <algorithm>
#include <utility>

#include "src/topic/filter_algebra.hpp"

namespace starling {

std::optional<TopicName> ShareRules::leaving(const TopicName& local) const {
  for (const ShareRule& rule : rules_)
    if (rule.admits_out())
      if (auto name = rule.to_mesh(local)) return name;
  return std::nullopt;
}

std::optional<TopicName> ShareRules::entering(const TopicName& mesh_side) const {
  for (const ShareRule& rule : rules_)
    if (rule.admits_in())
      if (auto name = rule.to_local(mesh_side)) return name;
  return std::nullopt;
}

std::vector<Interest> ShareRules::announced(const Interest& local) const {
  std::vector<TopicFilter> filters;
  for (const ShareRule& rule : rules_)
    if (rule.admits_in())
      if (auto filter = rule.to_mesh(local.filter)) filters.push_back(std::move(*filter));
  std::vector<Interest> interests;
  for (TopicFilter& filter : without_covered(filters))
    interests.push_back(
        Interest{std::move(filter), local.share_group, local.qos_max, local.durable});
  return interests;
}

bool ShareRules::may_leave(const TopicFilter& mesh_side) const {
  return std::ranges::any_of(rules_, [&](const ShareRule& rule) {
    return rule.admits_out() && intersect(rule.mesh_filter(), mesh_side);
  });
}

}  // namespace starling
