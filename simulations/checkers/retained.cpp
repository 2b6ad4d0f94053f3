// Retained: who subscribes anew gets the last value that its node has, and what was deleted stays
// deleted.
//
// Judged is what can be known from outside. Values of one node have an order where one was
// acknowledged before the other was published; of two that were under way together either may be the
// last. QoS 0 counts when its client was still there a while later. A value that clients of another
// node published may have come, and may have come at any time, so today it is never wrong; with
// Promises::retained_is_replicated a world that has been calm for `settle` has one value.
#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "simulations/checkers/promise_checker.hpp"
#include "simulations/checkers/topic_match.hpp"

namespace starling::sim {
namespace {

constexpr std::size_t values_max = 4'096;  // per topic and node; beyond it nothing is judged there

/// Something that may be what a node has retained.
struct Value {
  MessageNumber number = 0;
  bool is_deletion = false;
  ClientNumber client = 0;
  QoS qos = QoS::at_most_once;
  TimePoint at;
  TimePoint certain = never;     ///< from then on it is known to have been taken
  TimePoint superseded = never;  ///< by one that was taken later, which was known then
  TimePoint successor_at = never;
  bool successor_is_safe = false;  ///< it was acknowledged, so it outlives the node
};

/// Values of one topic from clients of one node, in the order of publishing.
struct Values {
  std::vector<Value> current;  ///< one of these is the last, as far as anybody can know
  std::deque<Value> past;      ///< these are not, from `superseded` on
  bool had_deletion = false;
};

struct Register {
  std::map<NodeNumber, Values> by_origin;
  bool is_open = false;  ///< a will or too many values: not judged
  TimePoint deleted_at = TimePoint::min();
};

class RetainedChecker final : public PromiseChecker {
 public:
  using PromiseChecker::PromiseChecker;

  std::string_view name() const override { return "retained"; }
  std::string_view promise() const override {
    return "A new subscriber gets the last retained value of its node; what was deleted stays "
           "deleted.";
  }
  std::string_view not_promised() const override {
    if (promises().retained_is_replicated) return {};
    return "Nodes do not replicate retained messages: one has what its clients published, and what "
           "came while somebody there was subscribed.";
  }

  void on_published(TimePoint at, const Published& what) override;
  void on_acknowledged(TimePoint at, MessageNumber number) override {
    const Message* message = ledger_.find(number);
    if (message != nullptr && ledger_.stream_of(*message).qos == QoS::at_least_once)
      make_certain(at, *message);
  }
  /// Only now has a QoS 2 message gone on.
  void on_completed(TimePoint at, MessageNumber number) override {
    if (const Message* message = ledger_.find(number)) make_certain(at, *message);
  }
  void on_subscribing(TimePoint at, const Subscribed& what) override;
  void on_reception(const Reception& reception) override;
  void on_second(TimePoint at, const World&) override { judge_absent(at); }
  void finish(TimePoint at, const World&) override { judge_absent(at); }

 private:
  struct Expected {
    FilterNumber filter = 0;
    TimePoint asked;
  };
  static std::uint64_t key_of(SlotNumber slot, TopicNumber topic) {
    return std::uint64_t{slot} << 32U | topic;
  }
  void make_certain(TimePoint at, const Message& message);
  void settle_values(TimePoint at, Register& found, NodeNumber origin);
  void supersede(TimePoint at, Register& found, Values& values, const Value& latest);
  [[nodiscard]] bool has_arrived(TimePoint at, const Value& value, NodeNumber origin) const;
  [[nodiscard]] bool must_come(TimePoint at, TopicNumber topic, NodeNumber node);
  void judge_value(const Reception& reception, Register& found);
  void judge_absent(TimePoint at);
  [[nodiscard]] bool is_still_missing(TimePoint at, SlotNumber slot, TopicNumber topic,
                                      const Expected& expected) const;
  [[nodiscard]] TimePoint asked_at(const Reception& reception) const;
  [[nodiscard]] const Value* newer_elsewhere(const Reception& reception, const Register& found,
                                             const Value& value, TimePoint asked) const;

  std::unordered_map<TopicNumber, Register> registers_;
  std::unordered_map<std::uint64_t, Expected> expected_;  // by slot and topic
  std::deque<std::pair<TimePoint, std::uint64_t>> due_;
};

// --- What is published

void RetainedChecker::on_published(TimePoint at, const Published& what) {
  if (!what.retain) return;
  const TopicNumber topic = *ledger_.topics().find_topic(what.topic);
  Register& found = registers_[topic];
  if (what.is_will) {  // nobody knows when
    found.is_open = true;
    return;
  }
  if (!ledger_.mesh().is_trusted(what.node)) found.is_open = true;
  Values& values = found.by_origin[what.node];
  if (what.is_empty) {
    values.had_deletion = true;
    found.deleted_at = at;
  }
  settle_values(at, found, what.node);
  if (values.current.size() >= values_max) found.is_open = true;
  if (found.is_open) return;
  values.current.push_back({.number = what.number,
                            .is_deletion = what.is_empty,
                            .client = what.client,
                            .qos = what.qos,
                            .at = at});
}

void RetainedChecker::make_certain(TimePoint at, const Message& message) {
  if (!message.retain || message.is_will) return;
  const Stream& stream = ledger_.stream_of(message);
  Register& found = registers_[stream.topic];
  Values& values = found.by_origin[stream.node];
  const auto value = std::ranges::find(values.current, message.number, &Value::number);
  if (value == values.current.end() || value->certain != never) return;
  value->certain = at;
  supersede(at, found, values, Value{*value});
}

/// QoS 0 is not acknowledged; time tells.
void RetainedChecker::settle_values(TimePoint at, Register& found, NodeNumber origin) {
  Values& values = found.by_origin[origin];
  for (std::size_t i = 0; i < values.current.size(); ++i) {
    Value& value = values.current[i];
    if (value.certain != never || !has_arrived(at, value, origin)) continue;
    value.certain = value.at + settings().unacknowledged_arrives;
    supersede(at, found, values, Value{value});
    i = static_cast<std::size_t>(-1);  // others have gone: begin again, there are few
  }
}

bool RetainedChecker::has_arrived(TimePoint at, const Value& value, NodeNumber origin) const {
  if (value.qos != QoS::at_most_once || at - value.at < settings().unacknowledged_arrives)
    return false;
  const Slot* slot = ledger_.present_slot(value.client);
  return slot != nullptr && slot->node == origin && slot->connected_since <= value.at
         && ledger_.mesh().ends_since(origin, value.at) == 0;
}

/// `latest` is known to have been taken: whatever was taken before it is past.
void RetainedChecker::supersede(TimePoint at, Register& found, Values& values,
                                const Value& latest) {
  const auto is_before = [&](const Value& value) {
    if (value.at >= latest.at || value.number == latest.number) return false;
    if (value.certain <= latest.at) return true;
    // In the order of one client; only QoS 2 waits for a second step.
    if (value.client == latest.client
        && (value.qos == latest.qos || value.qos != QoS::exactly_once))
      return true;
    return value.qos == QoS::at_most_once && latest.at - value.at >= settings().settle;
  };
  for (Value& value : values.current) {
    if (!is_before(value)) continue;
    value.superseded = at;
    value.successor_at = latest.at;
    value.successor_is_safe = latest.qos != QoS::at_most_once;
    values.past.push_back(value);
  }
  std::erase_if(values.current, [](const Value& value) { return value.superseded != never; });
  while (!values.past.empty() && at - values.past.front().superseded > 2 * settings().settle)
    values.past.pop_front();
  if (values.past.size() > values_max) found.is_open = true;
}

// --- What must come

void RetainedChecker::on_subscribing(TimePoint at, const Subscribed& what) {
  const WrittenFilter written = split_share(what.filter);
  const auto slot = ledger_.find_slot(what.client, what.node);
  if (!written.group.empty() || !slot) return;  // (4.8.2): a shared subscription gets none
  if (!ledger_.mesh().is_trusted(what.node)) return;
  const FilterNumber filter = ledger_.topics().filter(written.filter);
  for (const TopicNumber topic : ledger_.topics().topics_of(filter)) {
    if (expected_.size() >= settings().retained_awaited_max) return;
    if (!must_come(at, topic, what.node)) continue;
    const std::uint64_t key = key_of(*slot, topic);
    expected_[key] = {filter, at};
    due_.emplace_back(at + settings().settle, key);
  }
}

bool RetainedChecker::must_come(TimePoint at, TopicNumber topic, NodeNumber node) {
  const auto known = registers_.find(topic);
  if (known == registers_.end() || known->second.is_open) return false;
  Register& found = known->second;
  const bool over_nodes = promises().retained_is_replicated;
  if (over_nodes && !ledger_.mesh().quiet_since(at - settings().settle)) return false;
  const std::string& text = ledger_.topics().topic_text(topic);
  bool some_value = false;
  for (auto& [origin, values] : found.by_origin) {
    if (origin != node && !ledger_.mesh().crosses(origin, node, topic, text)) continue;
    settle_values(at, found, origin);
    const bool may_be_deleted = origin == node || over_nodes ? std::ranges::any_of(
                                    values.current, [](const Value& v) { return v.is_deletion; })
                                                             : values.had_deletion;
    if (may_be_deleted) return false;
    if (origin != node && !over_nodes) continue;
    // Where it has not been acknowledged it may be gone with its node.
    const TimePoint known_by = origin == node ? at : at - settings().settle;
    for (const Value& value : values.current) {
      const bool is_safe =
          value.qos != QoS::at_most_once || ledger_.mesh().ends_since(origin, value.at) == 0;
      some_value = some_value || (value.certain <= known_by && is_safe);
    }
  }
  return some_value;
}

void RetainedChecker::judge_absent(TimePoint at) {
  while (!due_.empty() && due_.front().first <= at) {
    const auto [due, key] = due_.front();
    due_.pop_front();
    const auto found = expected_.find(key);
    if (found == expected_.end() || found->second.asked + settings().settle > due) continue;
    const Expected expected = found->second;
    expected_.erase(found);
    const auto slot = static_cast<SlotNumber>(key >> 32U);
    const auto topic = static_cast<TopicNumber>(key);
    count_seen();
    if (!is_still_missing(at, slot, topic, expected)) continue;
    violated(at, ledger_.describe(ledger_.slot(slot)) + " subscribed to "
                     + quoted(ledger_.topics().filter_text(expected.filter)) + " at "
                     + ledger_.when(expected.asked) + " and had not got the retained message of "
                     + quoted(ledger_.topics().topic_text(topic)) + " by " + ledger_.when(due));
  }
}

bool RetainedChecker::is_still_missing(TimePoint at, SlotNumber number, TopicNumber topic,
                                       const Expected& expected) const {
  const Slot& slot = ledger_.slot(number);
  if (!slot.is_connected || slot.is_over || slot.connected_since > expected.asked) return false;
  if (registers_.at(topic).deleted_at >= expected.asked || registers_.at(topic).is_open)
    return false;
  if (ledger_.mesh().ends_since(slot.node, expected.asked) > 0) return false;
  return std::ranges::any_of(slot.subscriptions, [&](const Subscription& held) {
    return held.filter == expected.filter && held.group == no_group && held.granted <= at;
  });
}

// --- What comes

void RetainedChecker::on_reception(const Reception& reception) {
  if (!reception.packet.retain) return;
  expected_.erase(key_of(reception.slot, reception.topic));
  if (reception.message == nullptr || reception.message->is_will) return;
  if (!reception.is_trusted) return;
  count_seen();
  if (!reception.message->retain) {
    violated(reception.at,
             tell(reception) + " as a retained one, but was not published to be retained");
    return;
  }
  const auto found = registers_.find(ledger_.stream_of(*reception.message).topic);
  if (found != registers_.end() && !found->second.is_open) judge_value(reception, found->second);
}

void RetainedChecker::judge_value(const Reception& reception, Register& found) {
  const Message& message = *reception.message;
  const NodeNumber origin = ledger_.stream_of(message).node;
  const NodeNumber node = slot_of(reception).node;
  const bool over_nodes = promises().retained_is_replicated;
  if (origin != node && !over_nodes) return;
  const TimePoint asked = asked_at(reception);
  // Of an earlier connection: sent then, for whatever was asked before, and not acknowledged.
  if (reception.packet.dup || slot_of(reception).connected_since > asked) return;
  const bool is_calm = ledger_.mesh().quiet_since(asked - settings().settle);
  if (origin != node && !is_calm) return;

  settle_values(reception.at, found, origin);
  const Values& values = found.by_origin[origin];
  const auto current = std::ranges::find(values.current, message.number, &Value::number);
  if (current != values.current.end()) {
    const Value* newer =
        over_nodes && is_calm ? newer_elsewhere(reception, found, *current, asked) : nullptr;
    if (newer != nullptr)
      violated(reception.at, tell(reception) + " as a retained one, though another node's of "
                                 + ledger_.when(newer->at) + " has replaced it");
    return;
  }
  const auto past = std::ranges::find(values.past, message.number, &Value::number);
  const Duration on_its_way = origin == node ? Duration::zero() : settings().settle;
  if (past == values.past.end()) {
    if (ledger_.mesh().ends_since(node, message.at) > 0)
      return;  // perhaps by QoS 0, and lost with it
  } else {
    if (past->superseded + on_its_way >= asked) return;  // it was the last one when asked for
    if (!past->successor_is_safe && ledger_.mesh().ends_since(node, past->successor_at) > 0) return;
  }
  const bool was_deleted = found.deleted_at >= message.at;
  violated(reception.at, tell(reception) + " as a retained one, though it was "
                             + (was_deleted ? "deleted" : "replaced")
                             + " before the subscription of " + ledger_.when(asked));
}

/// A value of another node that came so much later than `value` that all must have it.
const Value* RetainedChecker::newer_elsewhere(const Reception& reception, const Register& found,
                                              const Value& value, TimePoint asked) const {
  const NodeNumber node = slot_of(reception).node;
  const Stream& stream = ledger_.stream_of(*reception.message);
  for (const auto& [origin, values] : found.by_origin) {
    if (origin == stream.node) continue;
    const std::string& text = ledger_.topics().topic_text(stream.topic);
    if (!ledger_.mesh().crosses(origin, node, stream.topic, text)) continue;
    for (const Value& other : values.current) {
      const bool is_later = value.certain != never && other.at - value.certain >= settings().settle;
      if (is_later && other.certain != never && asked - other.certain >= settings().settle)
        return &other;
    }
  }
  return nullptr;
}

/// Since when the session may have been sent what is retained: a replay that began with an earlier
/// subscription may still be under way.
TimePoint RetainedChecker::asked_at(const Reception& reception) const {
  TimePoint earliest = never;
  TimePoint latest = TimePoint::min();
  for (const Subscription* match : reception.matches) {
    if (match->group != no_group || match->asked == never) continue;
    latest = std::max(latest, match->asked);
    if (reception.at - match->asked <= settings().settle)
      earliest = std::min(earliest, match->asked);
  }
  return earliest != never ? earliest : latest;
}

}  // namespace

MadeChecker make_retained(Ledger& ledger) {
  return std::make_unique<RetainedChecker>(ledger);
}

}  // namespace starling::sim
