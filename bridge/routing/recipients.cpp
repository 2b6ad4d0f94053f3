#include "bridge/routing/recipients.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "starling/check.hpp"

namespace starling {
namespace {

/// Goes through the meshes in order, and collects the peers that are served in each.
class Collector {
 public:
  Collector(const InterestTable& table, QoS qos, const NodeId& origin, const RecipientRules& rules)
      : table_(table), qos_(qos), origin_(origin), rules_(rules) {}

  void collect(const LeavingName& leaving) {
    std::vector<Match> wishes;
    std::map<std::uint32_t, std::vector<Match>> groups;
    table_.match(leaving.mesh, leaving.topic, [&](const Match& match) {
      if (match.peer == origin_ || is_served(match.peer)) return;
      if (match.group != 0 && rules_.spread == ShareSpread::one_node)
        groups[match.group].push_back(match);
      else
        wishes.push_back(match);
    });
    for (auto& [number, members] : groups)
      if (auto server = choose_server(leaving.mesh, number, members)) wishes.push_back(*server);
    std::ranges::stable_sort(wishes, {}, &Match::peer);
    for (const Match& wish : wishes) add(leaving, wish);
    std::ranges::sort(served_, {}, &Recipient::peer);
    served_before_ = served_.size();
  }

  std::vector<Recipient> take() { return std::move(served_); }

 private:
  using Match = InterestTable::Match;

  [[nodiscard]] bool is_served(const NodeId& peer) const {
    return std::ranges::binary_search(served_, peer, {}, &Recipient::peer);
  }

  /// Wishes come ordered by peer. One with overlapping filters gets the message once, with the
  /// greatest QoS any of them asks for [MQTT-3.3.5-1].
  void add(const LeavingName& leaving, const Match& wish) {
    if (served_.size() == served_before_ || served_.back().peer != wish.peer)
      served_.push_back(
          Recipient{wish.peer, leaving.mesh, leaving.topic, QoS::at_most_once, false, {}});
    Recipient& recipient = served_.back();
    recipient.qos = std::max(recipient.qos, lower(qos_, wish.qos_max));
    recipient.durable = recipient.durable || wish.durable;
    if (wish.group != 0 && rules_.spread == ShareSpread::one_node)
      recipient.groups.push_back(group_of(wish.group));
  }

  /// The member that serves the group; nullopt: a client of ours does.
  std::optional<Match> choose_server(MeshIndex mesh, std::uint32_t group,
                                     std::vector<Match>& members) const {
    if (rules_.has_local_member && rules_.has_local_member(mesh, group_of(group)))
      return std::nullopt;
    std::ranges::sort(members, {}, &Match::peer);
    std::vector<NodeId> candidates;
    candidates.reserve(members.size());
    for (const Match& member : members) candidates.push_back(member.peer);
    return members[rules_.chooser->choose(candidates)];
  }

  [[nodiscard]] ShareGroup group_of(std::uint32_t number) const {
    return ShareGroup{std::string(table_.group_name(number)), table_.group_filter(number)};
  }

  const InterestTable& table_;
  QoS qos_;
  const NodeId& origin_;
  const RecipientRules& rules_;
  std::vector<Recipient>
      served_;  // those of earlier meshes ordered by peer, then those of this one
  std::size_t served_before_ = 0;  // how many of them are of earlier meshes
};

}  // namespace

std::size_t ShareChooser::choose(const std::vector<NodeId>& candidates) {
  STARLING_CHECK(!candidates.empty());
  std::vector<std::size_t> eligible;
  for (std::size_t i = 0; i < candidates.size(); ++i)
    if (load_(candidates[i]).linked) eligible.push_back(i);
  if (eligible.empty())
    for (std::size_t i = 0; i < candidates.size(); ++i) eligible.push_back(i);
  if (eligible.size() == 1) return eligible[0];
  const auto first = static_cast<std::size_t>(entropy_.below(eligible.size()));
  auto second = static_cast<std::size_t>(entropy_.below(eligible.size() - 1));
  if (second >= first) ++second;
  const std::size_t one = eligible[first];
  const std::size_t other = eligible[second];
  return load_(candidates[other]).waiting < load_(candidates[one]).waiting ? other : one;
}

std::vector<Recipient> find_recipients(const InterestTable& table,
                                       const std::vector<LeavingName>& names, QoS qos,
                                       const NodeId& origin, const RecipientRules& rules) {
  STARLING_CHECK(rules.spread == ShareSpread::each_node || rules.chooser != nullptr);
  Collector collector(table, qos, origin, rules);
  for (const LeavingName& name : names) collector.collect(name);
  return collector.take();
}

}  // namespace starling
