// Groups: a shared group gets each message once, while no fault is on and its members stay.
//
// Today every node with members of a group serves one of its own (bridge/routing: each_node), so a
// group counts for each node apart until Promises::groups_over_nodes. What a member has not
// acknowledged when it leaves goes to another one; that is no second copy. Whose subscriptions
// overlap, and tell them by no identifier, says nothing about the group.
#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "simulations/checkers/promise_checker.hpp"

namespace starling::sim {
namespace {

constexpr std::size_t latest_kept = 1'024;  // messages whose first member is remembered, per group

class GroupsChecker final : public PromiseChecker {
 public:
  using PromiseChecker::PromiseChecker;

  std::string_view name() const override { return "groups"; }
  std::string_view promise() const override {
    return "A shared group gets each message once, while no fault is on.";
  }
  std::string_view not_promised() const override {
    if (promises().groups_over_nodes) return {};
    return "A group with members at several nodes gets a copy at each of them.";
  }

  void on_client_connected(TimePoint at, const ClientConnected& what) override {
    note_leaving(at, what.client);
  }
  void on_client_ended(TimePoint at, ClientNumber client, bool) override {
    note_leaving(at, client);
  }
  void on_unsubscribing(TimePoint at, ClientNumber client, std::string_view) override {
    note_leaving(at, client);
  }

  void on_reception(const Reception& reception) override {
    if (!reception.is_copy || reception.message == nullptr) return;
    if (!reception.is_trusted) return;
    if (reception.novelty != Novelty::first) return;  // to the same member: loops, qos2
    const auto group = group_of(reception);
    if (!group) return;
    count_seen();
    const Message& message = *reception.message;
    Served& served = served_[key_of(*group, slot_of(reception).node)];
    const ClientNumber client = slot_of(reception).client;
    const Novelty novelty = served.met[message.stream].add(message.sequence);
    if (novelty == Novelty::first) return served.remember(message.number, client);
    if (novelty == Novelty::forgotten || is_excused(reception, served)) return;
    violated(reception.at, tell(reception) + " as to a member of "
                               + quoted(ledger_.group_text(*group)) + ", which had got it by "
                               + served.who_had(message.number) + " already");
  }

  void finish(TimePoint at, const World&) override {
    ledger_.for_each_missing(at, [&](const Message& message, const Awaited& awaited) {
      if (!awaited.is_group || !is_owed_to_group(message, awaited)) return;
      count_seen();
      violated(at, ledger_.describe(message) + ", acknowledged at "
                       + ledger_.when(message.acknowledged) + ", never came to a member of "
                       + quoted(ledger_.group_text(awaited.who)) + " at node "
                       + std::to_string(awaited.node));
    });
  }

 private:
  struct Served {
    std::unordered_map<StreamNumber, NumberSet> met;
    std::vector<std::pair<MessageNumber, ClientNumber>> latest;
    std::size_t next = 0;
    TimePoint member_left = TimePoint::min();

    void remember(MessageNumber message, ClientNumber client) {
      if (latest.size() < latest_kept) {
        latest.emplace_back(message, client);
      } else {
        latest[next++ % latest_kept] = {message, client};
      }
    }
    [[nodiscard]] std::string who_had(MessageNumber message) const {
      const auto found = std::ranges::find_if(
          latest, [message](const auto& each) { return each.first == message; });
      return found == latest.end() ? "another one" : "client " + std::to_string(found->second);
    }
  };
  using Key = std::pair<GroupNumber, NodeNumber>;

  [[nodiscard]] Key key_of(GroupNumber group, NodeNumber node) const {
    return {group, promises().groups_over_nodes ? no_node : node};
  }

  /// The group for which it came; nullopt: none, or nobody can tell.
  [[nodiscard]] std::optional<GroupNumber> group_of(const Reception& reception) const {
    const bool held_another =
        std::ranges::any_of(slot_of(reception).ended, [&](const EndedSubscription& each) {
          return each.ended >= reception.message->at
                 && ledger_.topics().matches(each.filter, reception.topic);
        });
    if (held_another) return std::nullopt;  // it may have been taken for that one
    const Subscription* only = nullptr;
    const auto& identifiers = reception.packet.subscriptions;
    for (const Subscription* match : reception.matches) {
      const bool is_named =
          identifiers.empty()
          || std::ranges::find(identifiers, match->identifier) != identifiers.end();
      if (!is_named) continue;
      if (only != nullptr) return std::nullopt;
      only = match;
    }
    if (only == nullptr || only->group == no_group) return std::nullopt;
    return only->group;
  }

  void note_leaving(TimePoint at, ClientNumber client) {
    const auto number = ledger_.latest_slot(client);
    if (!number) return;
    const Slot& slot = ledger_.slot(*number);
    for (const Subscription& held : slot.subscriptions)
      if (held.group != no_group) served_[key_of(held.group, slot.node)].member_left = at;
  }

  [[nodiscard]] bool is_excused(const Reception& reception, const Served& served) const {
    const Message& message = *reception.message;
    if (!ledger_.mesh().quiet_since(message.at) || node_ends(reception) > 0) return true;
    if (publisher_repeats(message) > 0) return true;
    const bool may_be_handed_over = reception.packet.qos == QoS::at_least_once;
    return may_be_handed_over && served.member_left >= message.at;
  }

  [[nodiscard]] bool is_owed_to_group(const Message& message, const Awaited& awaited) const {
    const MeshView& mesh = ledger_.mesh();
    if (!mesh.quiet_since(message.at) || mesh.ends_since(awaited.node, message.at) > 0
        || mesh.ends_since(ledger_.stream_of(message).node, message.at) > 0)
      return false;
    if (promises().groups_over_nodes && came_to_group_elsewhere(message, awaited)) return false;
    const auto served = served_.find(key_of(awaited.who, awaited.node));
    if (served != served_.end() && served->second.member_left >= message.at) return false;
    const auto& holders = ledger_.holders_of(ledger_.group_filter(awaited.who));
    return std::ranges::any_of(holders, [&](SlotNumber number) {
      const Slot& slot = ledger_.slot(number);
      return slot.node == awaited.node && slot.is_connected && slot.connected_since <= message.at
             && was_member(slot, message, awaited);
    });
  }

  /// In time for `message`, and still.
  [[nodiscard]] bool was_member(const Slot& slot, const Message& message,
                                const Awaited& awaited) const {
    const Duration settle = awaited.by == OwedBy::same_node ? Duration::zero() : settings().settle;
    return std::ranges::any_of(slot.subscriptions, [&](const Subscription& held) {
      return held.group == awaited.who && held.granted != never && !held.is_leaving
             && held.granted + settle <= message.at;
    });
  }

  static bool came_to_group_elsewhere(const Message& message, const Awaited& awaited) {
    return std::ranges::any_of(*message.awaited, [&](const Awaited& each) {
      return each.is_group && each.who == awaited.who && each.has_come;
    });
  }

  std::map<Key, Served> served_;
};

}  // namespace

MadeChecker make_groups(Ledger& ledger) {
  return std::make_unique<GroupsChecker>(ledger);
}

}  // namespace starling::sim
