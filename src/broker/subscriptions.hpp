// Subscriptions: every subscription of the clients of this node, each filter written down once, in
// the tree. Sessions refer to filters by number, and what the node as a whole wants is counted apart
// only where several want the same. Turns what comes and goes into the few changes the mesh hears of.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "starling/interest.hpp"

#include "src/broker/local_session.hpp"
#include "src/broker/shared_groups.hpp"
#include "src/topic/subscription_tree.hpp"

namespace starling {

/// A subscription in the tree. One of eight bytes; nothing else is kept of it but its number in
/// SessionSubscriptions::filters. (Measured with a million filters, all in: 382 bytes a filter when
/// sessions and interests had maps of their own.)
struct HeldSubscription : SubscriptionOptions {
  std::uint32_t place : 31 = 0;   ///< in SessionSubscriptions::filters
  std::uint32_t durable : 1 = 0;  ///< its session is
};

class Subscriptions {
 public:
  using Tree = SubscriptionTree<HeldSubscription>;

  explicit Subscriptions(HashSeed seed) : tree_(seed) {}

  /// Where fan-outs look: keys of sessions and of shared groups.
  [[nodiscard]] const Tree& tree() const { return tree_; }
  [[nodiscard]] SharedGroups& groups() { return groups_; }
  [[nodiscard]] const SharedGroups& groups() const { return groups_; }

  [[nodiscard]] bool contains(const LocalSession& session, const SubscriptionId& id) const;
  /// Adds a subscription or replaces one that is there [MQTT-3.8.4-3] [MQTT5-3.8.4-3]. The change it
  /// makes to what this node wants, if it makes one.
  std::optional<InterestChange> put(LocalSession& session, const SubscriptionId& id,
                                    const SubscriptionOptions& options);
  /// The same for one that goes. It must be there.
  std::optional<InterestChange> remove(LocalSession& session, const SubscriptionId& id);
  /// For at most so many of a session. Calls tell(std::optional<InterestChange>) for each, the last
  /// one first.
  template <class Tell>
  void remove_some(LocalSession& session, std::size_t count_max, Tell&& tell);
  /// The session has become durable, or no longer is.
  template <class Tell>
  void set_durable(LocalSession& session, bool durable, Tell&& tell);

  /// Calls visit(const Interest&) for everything that is wanted, in an order that follows from the
  /// history. Not for the hot path.
  template <class Visit>
  void for_each_interest(Visit&& visit) const;

 private:
  static Interest interest_of(TopicFilter filter, std::string share_group,
                              const InterestCount& count);
  static std::optional<InterestChange> change(TopicFilter filter, std::string share_group,
                                              const InterestCount& before,
                                              const InterestCount& after);
  /// Who wants a filter not shared; `except`: a session that does not count, 0: all do.
  [[nodiscard]] InterestCount counted(FilterNumber filter, SubscriberKey except) const;
  void keep_count(FilterNumber filter, const InterestCount& count);
  std::optional<InterestChange> put_shared(LocalSession& session, const SubscriptionId& id,
                                           const SubscriptionOptions& options);
  std::optional<InterestChange> remove_plain(LocalSession& session, FilterNumber filter);
  std::optional<InterestChange> remove_shared(LocalSession& session, SharedGroups::Group& group);
  std::optional<InterestChange> set_durable(LocalSession& session, FilterNumber filter,
                                            bool durable);

  Tree tree_;
  SharedGroups groups_;
  // Of filters that several sessions want; the others' stand in the tree. Ordered, as strangers
  // choose which filters these are.
  std::map<FilterNumber, InterestCount> counts_;
};

template <class Tell>
void Subscriptions::remove_some(LocalSession& session, std::size_t count_max, Tell&& tell) {
  SessionSubscriptions& own = session.subscriptions;
  std::size_t left = count_max;
  for (; left > 0 && !own.filters.empty(); --left) tell(remove_plain(session, own.filters.back()));
  if (own.filters.empty()) own.filters.shrink_to_fit();
  for (; left > 0 && !own.groups.empty(); --left)
    tell(remove_shared(session, *groups_.find(own.groups.back())));
}

template <class Tell>
void Subscriptions::set_durable(LocalSession& session, bool durable, Tell&& tell) {
  for (const FilterNumber filter : session.subscriptions.filters)
    tell(set_durable(session, filter, durable));
  for (const SubscriberKey key : session.subscriptions.groups) {
    SharedGroups::Group& group = *groups_.find(key);
    const InterestCount before = group.wanted;
    const QoS qos = SharedGroups::member(group, session)->options.qos;
    group.wanted.remove(qos, !durable);
    group.wanted.add(qos, durable);
    tell(change(group.filter, group.name, before, group.wanted));
  }
}

template <class Visit>
void Subscriptions::for_each_interest(Visit&& visit) const {
  tree_.for_each_number([&](FilterNumber filter) {
    const InterestCount count = counted(filter, 0);
    if (count.any()) visit(interest_of(tree_.filter_of(filter), {}, count));
  });
  groups_.for_each([&](const SharedGroups::Group& group) {
    visit(interest_of(group.filter, group.name, group.wanted));
  });
}

}  // namespace starling
