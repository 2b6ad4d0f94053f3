#include "dht/records/filing.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "starling/limits.hpp"

#include "dht/records/body_kind.hpp"
#include "dht/records/interest_record.hpp"

namespace starling {
namespace {

/// Everything under one prefix, before it is known whether it fits. Interests keep the order of
/// (filter, share group), in which they come.
struct Group {
  std::vector<Interest> interests;
  bool coarse = false;
};
using Groups = std::map<LiteralPrefix, Group>;

/// Each (filter, share group) once, with the greatest QoS and the longest memory of its entries.
std::vector<Interest> merged(std::vector<Interest> interests) {
  std::sort(interests.begin(), interests.end(), [](const Interest& a, const Interest& b) {
    return std::tie(a.filter, a.share_group) < std::tie(b.filter, b.share_group);
  });
  std::vector<Interest> once;
  for (Interest& interest : interests) {
    if (!once.empty() && once.back().filter == interest.filter
        && once.back().share_group == interest.share_group) {
      once.back().qos_max = std::max(once.back().qos_max, interest.qos_max);
      once.back().durable = once.back().durable || interest.durable;
    } else {
      once.push_back(std::move(interest));
    }
  }
  return once;
}

void join(Group& into, Group&& from) {
  std::move(from.interests.begin(), from.interests.end(), std::back_inserter(into.interests));
  into.coarse = true;
}

/// How many keys it saves to file all of a first level's two-level prefixes under the level itself.
struct Saving {
  std::size_t keys;
  LiteralPrefix first_level;
};

/// Greatest savings first; a first level that saves nothing is not among them.
std::vector<Saving> savings_in(const Groups& groups) {
  std::map<LiteralPrefix, std::size_t> children;
  for (const auto& [prefix, group] : groups) {
    if (prefix.levels() == 2) ++children[prefix.parent()];
  }
  std::vector<Saving> savings;
  for (const auto& [first_level, count] : children) {
    const std::size_t keys = count - (groups.count(first_level) > 0 ? 0 : 1);
    if (keys > 0) savings.push_back(Saving{.keys = keys, .first_level = first_level});
  }
  std::stable_sort(savings.begin(), savings.end(),
                   [](const Saving& a, const Saving& b) { return a.keys > b.keys; });
  return savings;
}

void join_children(Groups& groups, const LiteralPrefix& first_level) {
  // The two-level prefixes "first/..." stand side by side.
  const std::string start = std::string(first_level.text()) + "/";
  Group joined;
  auto at = groups.lower_bound(LiteralPrefix::first_levels(start, 2));
  while (at != groups.end() && at->first.text().starts_with(start)) {
    join(joined, std::move(at->second));
    at = groups.erase(at);
  }
  join(groups[first_level], std::move(joined));
}

/// Coarser and coarser until at most `keys_max` prefixes are left. Returns the interests given up.
std::size_t reduce(Groups& groups, const FilingRules& rules) {
  if (groups.size() <= rules.keys_max) return 0;
  for (const Saving& saving : savings_in(groups)) {
    join_children(groups, saving.first_level);
    if (groups.size() <= rules.keys_max) return 0;
  }
  if (rules.root_allowed) {
    Group all;
    for (auto& [prefix, group] : groups) join(all, std::move(group));
    groups.clear();
    groups.emplace(LiteralPrefix(), std::move(all));
    return 0;
  }
  std::size_t left_out = 0;
  while (groups.size() > rules.keys_max) {
    const auto last = std::prev(groups.end());
    left_out += last->second.interests.size();
    groups.erase(last);
  }
  return left_out;
}

/// With the longest shard and the longest way to its author that a record can have, so that an interest's form does not
/// depend on where the node lives today.
bool fits(const LiteralPrefix& prefix, const std::vector<Interest>& interests) {
  if (interests.size() > limits::record_filters_max) return false;
  Endpoint longest;
  longest.address.fill(0x20);
  longest.port = 0xffff;
  const InterestBody body{.prefix = prefix,
                          .shard = Shard{.level = 32, .index = 0xffff'ffffU},
                          .interests = interests,
                          .endpoints = {},
                          .vias = std::vector<Via>(record_vias_max, Via{NodeId{}, longest, true})};
  return write_interest_body(body).size() <= record_body_max;
}

FiledInterests finished(const LiteralPrefix& prefix, Group&& group) {
  FiledInterests filed{.prefix = prefix, .interests = {}, .coarse = false};
  if (!group.coarse && fits(prefix, group.interests)) {
    filed.interests = std::move(group.interests);
    return filed;
  }
  Interest everything{.filter = prefix.everything_below(), .share_group = {}};
  for (const Interest& interest : group.interests) {
    everything.qos_max = std::max(everything.qos_max, interest.qos_max);
    everything.durable = everything.durable || interest.durable;
  }
  filed.interests.push_back(std::move(everything));
  filed.coarse = true;
  return filed;
}

}  // namespace

Filing file_interests(const std::vector<Interest>& interests, const FilingRules& rules) {
  Filing filing;
  Groups groups;
  for (Interest& interest : merged(interests)) {
    LiteralPrefix prefix = LiteralPrefix::of(interest.filter);
    bool coarse = false;
    while (prefix.text().size() > limits::record_prefix_max) {
      prefix = prefix.parent();
      coarse = true;
    }
    if (interest.filter.text().front() == '$' || (prefix.levels() == 0 && !rules.root_allowed)) {
      ++filing.left_out;
      continue;
    }
    Group& group = groups[prefix];
    group.interests.push_back(std::move(interest));
    group.coarse = group.coarse || coarse;
  }
  filing.left_out += reduce(groups, rules);
  for (auto& [prefix, group] : groups) {
    filing.records.push_back(finished(prefix, std::move(group)));
  }
  return filing;
}

}  // namespace starling
