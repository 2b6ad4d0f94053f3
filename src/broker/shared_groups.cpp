#include "src/broker/shared_groups.hpp"

#include <algorithm>

namespace starling {

SharedGroups::Group& SharedGroups::join(const SubscriptionId& id, LocalSession& session,
                                        SubscriptionOptions options, bool& created) {
  std::unique_ptr<Group>& slot = groups_[id];
  created = slot == nullptr;
  if (created) {
    // Keys of groups are odd, those of sessions even (SessionRegistry).
    slot = std::make_unique<Group>(Group{++last_number_ << 1U | 1U, id.filter, id.share_group});
    by_key_.emplace(slot->key, slot.get());
  }
  const auto known = std::ranges::find(slot->members, &session, &Member::session);
  if (known != slot->members.end()) {
    known->options = options;
  } else {
    slot->members.push_back({&session, options});
  }
  return *slot;
}

const SharedGroups::Member* SharedGroups::member(const Group& group, const LocalSession& session) {
  const auto known = std::ranges::find(group.members, &session, &Member::session);
  return known == group.members.end() ? nullptr : &*known;
}

SubscriberKey SharedGroups::leave(Group& group, const LocalSession& session) {
  const auto member = std::ranges::find(group.members, &session, &Member::session);
  if (member == group.members.end()) return 0;
  if (static_cast<std::size_t>(member - group.members.begin()) < group.turn) --group.turn;
  group.members.erase(member);
  if (!group.members.empty()) return 0;
  const SubscriberKey key = group.key;
  by_key_.erase(key);
  groups_.erase(SubscriptionId{group.filter, group.name});
  return key;
}

std::string share_name(const SharedGroups::Group& group) {
  return "$share/" + group.name + '/' + std::string(group.filter.text());
}

SharedGroups::Group* SharedGroups::find(SubscriberKey key) {
  const auto at = by_key_.find(key);
  return at == by_key_.end() ? nullptr : at->second;
}

namespace {

/// How well a member can take a message; smaller is better.
enum class Fitness : std::uint8_t { at_once, has_room, away, full, unfit };

Fitness fitness_of(const LocalSession& session, QoS qos) {
  const ServerSession& machine = session.machine;
  if (qos == QoS::at_most_once) return machine.can_write(qos) ? Fitness::at_once : Fitness::unfit;
  if (!machine.is_sending()) return machine.is_full() ? Fitness::unfit : Fitness::away;
  if (machine.is_full()) return Fitness::full;
  return machine.can_write(qos) && !machine.outbound().has_waiting() ? Fitness::at_once
                                                                     : Fitness::has_room;
}

}  // namespace

const SharedGroups::Member* SharedGroups::pick(Group& group, QoS qos, bool upgrades,
                                               const LocalSession* except) {
  const std::size_t count = group.members.size();
  const Member* best = nullptr;
  Fitness best_fitness = Fitness::unfit;
  std::size_t best_at = 0;
  for (std::size_t i = 0; i < count && best_fitness != Fitness::at_once; ++i) {
    const std::size_t at = (group.turn + i) % count;
    const Member& member = group.members[at];
    if (member.session == except) continue;
    const Fitness fitness =
        fitness_of(*member.session, upgrades ? member.options.qos : lower(qos, member.options.qos));
    if (fitness >= best_fitness) continue;
    best = &member;
    best_fitness = fitness;
    best_at = at;
  }
  if (best != nullptr) group.turn = (best_at + 1) % count;
  return best;
}

}  // namespace starling
