// SharedGroups: the members of each shared subscription (4.8.2) and whose turn it is. A group is
// one subscriber of the tree; which of its members gets a message is decided here.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "starling/topic.hpp"

#include "src/broker/interest_count.hpp"
#include "src/broker/local_session.hpp"
#include "src/topic/subscription_tree.hpp"

namespace starling {

class SharedGroups {
 public:
  struct Member {
    LocalSession* session = nullptr;
    SubscriptionOptions options;
  };

  struct Group {
    SubscriberKey key = 0;
    TopicFilter filter;
    std::string name;
    std::vector<Member> members = {};
    std::size_t turn = 0;       ///< index of the member to be asked first
    InterestCount wanted = {};  ///< by its members; kept by Subscriptions
  };

  /// Adds a member, or gives it new options. The group is made with its first member; `created`
  /// says that, and its key must then be put into the tree.
  Group& join(const SubscriptionId& id, LocalSession& session, SubscriptionOptions options,
              bool& created);
  /// Takes a member out. Returns the key of the group if it was the last one and the group is gone,
  /// else 0.
  SubscriberKey leave(Group& group, const LocalSession& session);

  /// The group of a key that a match gave; nullptr if there is none any more.
  [[nodiscard]] Group* find(SubscriberKey key);
  [[nodiscard]] Group* find(const SubscriptionId& id) {
    return const_cast<Group*>(std::as_const(*this).find(id));
  }
  [[nodiscard]] const Group* find(const SubscriptionId& id) const {
    const auto at = groups_.find(id);
    return at == groups_.end() ? nullptr : at->second.get();
  }
  /// nullptr: the session is none of its members.
  static const Member* member(const Group& group, const LocalSession& session);

  /// The key of a group; 0: there is none.
  [[nodiscard]] SubscriberKey key_of(const SubscriptionId& id) const {
    const Group* group = find(id);
    return group == nullptr ? 0 : group->key;
  }
  /// Calls visit(const Group&) in the order of their filters.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const auto& entry : groups_) visit(*entry.second);
  }

  /// Whose turn it is for a message of `qos`: members that can take it now, then those with room in
  /// their queue, then absent ones, then those with a full queue. QoS 0 only goes to who is there.
  /// `upgrades`: a copy has the QoS that was granted. `except` (may be null) is passed over.
  /// nullptr: nobody.
  static const Member* pick(Group& group, QoS qos, bool upgrades, const LocalSession* except);

  [[nodiscard]] std::size_t size() const { return groups_.size(); }

  static bool is_group(SubscriberKey key) { return (key & 1U) != 0; }

 private:
  std::map<SubscriptionId, std::unique_ptr<Group>> groups_;
  std::map<SubscriberKey, Group*> by_key_;
  std::uint64_t last_number_ = 0;
};

/// "$share/<name>/<filter>", as a client writes it.
std::string share_name(const SharedGroups::Group& group);

}  // namespace starling
