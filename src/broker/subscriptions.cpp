#include "src/broker/subscriptions.hpp"

#include <utility>

#include "starling/check.hpp"

namespace starling {

bool Subscriptions::contains(const LocalSession& session, const SubscriptionId& id) const {
  if (id.share_group.empty()) return tree_.find(id.filter, session.key) != nullptr;
  const SharedGroups::Group* group = groups_.find(id);
  return group != nullptr && SharedGroups::member(*group, session) != nullptr;
}

std::optional<InterestChange> Subscriptions::put(LocalSession& session, const SubscriptionId& id,
                                                 const SubscriptionOptions& options) {
  if (!id.share_group.empty()) return put_shared(session, id, options);
  const Tree::Placed placed = tree_.place(id.filter, session.key);
  const InterestCount before = counted(placed.filter, placed.is_new ? session.key : 0);
  InterestCount after = before;
  HeldSubscription& held = *placed.value;
  if (placed.is_new) {
    held.place = static_cast<std::uint32_t>(session.subscriptions.filters.size()) & 0x7FFF'FFFFU;
    session.subscriptions.filters.push_back(placed.filter);
  } else {
    after.remove(held.qos, held.durable != 0);
  }
  static_cast<SubscriptionOptions&>(held) = options;
  held.durable = session.is_durable() ? 1 : 0;
  after.add(options.qos, session.is_durable());
  keep_count(placed.filter, after);
  return change(id.filter, {}, before, after);
}

std::optional<InterestChange> Subscriptions::put_shared(LocalSession& session,
                                                        const SubscriptionId& id,
                                                        const SubscriptionOptions& options) {
  SharedGroups::Group* group = groups_.find(id);
  const InterestCount before = group != nullptr ? group->wanted : InterestCount{};
  const SharedGroups::Member* member =
      group != nullptr ? SharedGroups::member(*group, session) : nullptr;
  if (member != nullptr) group->wanted.remove(member->options.qos, session.is_durable());
  const bool is_new = member == nullptr;
  bool created = false;
  group = &groups_.join(id, session, options, created);
  group->wanted.add(options.qos, session.is_durable());
  if (created) tree_.place(id.filter, group->key);
  if (is_new) session.subscriptions.groups.push_back(group->key);
  return change(id.filter, id.share_group, before, group->wanted);
}

std::optional<InterestChange> Subscriptions::remove(LocalSession& session,
                                                    const SubscriptionId& id) {
  if (id.share_group.empty()) return remove_plain(session, tree_.number_of(id.filter));
  SharedGroups::Group* group = groups_.find(id);
  STARLING_CHECK(group != nullptr);
  return remove_shared(session, *group);
}

std::optional<InterestChange> Subscriptions::remove_plain(LocalSession& session,
                                                          FilterNumber filter) {
  const HeldSubscription* held = tree_.find(filter, session.key);
  STARLING_CHECK(held != nullptr);
  // The last one of the session's list takes its place.
  std::vector<FilterNumber>& filters = session.subscriptions.filters;
  const std::uint32_t place = held->place;
  STARLING_CHECK(filters[place] == filter);
  filters[place] = filters.back();
  filters.pop_back();
  if (place < filters.size()) tree_.find(filters[place], session.key)->place = place & 0x7FFF'FFFFU;
  if (filters.size() < filters.capacity() / 4) filters.shrink_to_fit();

  const InterestCount before = counted(filter, 0);
  InterestCount after = before;
  after.remove(held->qos, held->durable != 0);
  keep_count(filter, after);
  auto changed =
      before.would_tell(after) ? change(tree_.filter_of(filter), {}, before, after) : std::nullopt;
  tree_.erase(filter, session.key);
  return changed;
}

std::optional<InterestChange> Subscriptions::remove_shared(LocalSession& session,
                                                           SharedGroups::Group& group) {
  const SharedGroups::Member* member = SharedGroups::member(group, session);
  STARLING_CHECK(member != nullptr);
  const InterestCount before = group.wanted;
  group.wanted.remove(member->options.qos, session.is_durable());
  auto changed = change(group.filter, group.name, before, group.wanted);
  std::erase(session.subscriptions.groups, group.key);
  const TopicFilter filter = group.filter;
  const SubscriberKey emptied = groups_.leave(group, session);
  if (emptied != 0) tree_.erase(filter, emptied);
  return changed;
}

std::optional<InterestChange> Subscriptions::set_durable(LocalSession& session, FilterNumber filter,
                                                         bool durable) {
  HeldSubscription& held = *tree_.find(filter, session.key);
  const InterestCount before = counted(filter, 0);
  InterestCount after = before;
  after.remove(held.qos, held.durable != 0);
  after.add(held.qos, durable);
  held.durable = durable ? 1 : 0;
  keep_count(filter, after);
  return before.would_tell(after) ? change(tree_.filter_of(filter), {}, before, after)
                                  : std::nullopt;
}

InterestCount Subscriptions::counted(FilterNumber filter, SubscriberKey except) const {
  if (const auto known = counts_.find(filter); known != counts_.end()) return known->second;
  InterestCount count;
  tree_.for_each_subscriber(filter, [&](SubscriberKey key, const HeldSubscription& held) {
    if (key != except && !SharedGroups::is_group(key)) count.add(held.qos, held.durable != 0);
  });
  return count;
}

void Subscriptions::keep_count(FilterNumber filter, const InterestCount& count) {
  if (count.sessions() > 1)
    counts_.insert_or_assign(filter, count);
  else
    counts_.erase(filter);
}

Interest Subscriptions::interest_of(TopicFilter filter, std::string share_group,
                                    const InterestCount& count) {
  return {std::move(filter), std::move(share_group), count.qos_max(), count.durable > 0};
}

std::optional<InterestChange> Subscriptions::change(TopicFilter filter, std::string share_group,
                                                    const InterestCount& before,
                                                    const InterestCount& after) {
  if (!before.would_tell(after)) return std::nullopt;
  const bool wanted = after.any();
  return InterestChange{
      interest_of(std::move(filter), std::move(share_group), wanted ? after : before), wanted};
}

}  // namespace starling
