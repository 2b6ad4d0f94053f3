// Ledger: nodes, clients, sessions and subscriptions.
#include "simulations/checkers/ledger.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "simulations/checkers/topic_match.hpp"

namespace starling::sim {
namespace {

constexpr std::size_t connects_kept = 256;  // instants per client and session
constexpr std::size_t ended_kept = 64;      // subscriptions given up, per session
constexpr auto sweep_interval = std::chrono::seconds{60};

void keep_latest(std::vector<TimePoint>& instants, TimePoint at) {
  if (instants.size() >= connects_kept)
    instants.erase(instants.begin(), instants.begin() + connects_kept / 2);
  instants.push_back(at);
}

std::size_t count_after(const std::vector<TimePoint>& instants, TimePoint since) {
  return static_cast<std::size_t>(instants.end() - std::ranges::upper_bound(instants, since));
}

}  // namespace

std::string quoted(std::string_view text) {
  return "'" + std::string(text) + "'";
}

Ledger::Ledger(const CheckerSettings& settings) : settings_(settings), mesh_(settings) {}

// --- Nodes and links

void Ledger::on_node_started(TimePoint at, NodeNumber node) {
  mesh_.on_node_started(at, node);
}

void Ledger::on_node_ended(TimePoint at, NodeNumber node, NodeEnd) {
  mesh_.on_node_ended(at, node);
  if (node >= slots_at_.size()) return;
  // Its clients may not know yet; what they are sent until then was sent before.
  for (const SlotNumber number : slots_at_[node])
    if (!slots_[number].keeps) end_session(number);
}

void Ledger::on_link_up(TimePoint at, NodeNumber from, NodeNumber to) {
  mesh_.on_link_up(at, from, to);
}
void Ledger::on_link_down(TimePoint at, NodeNumber from, NodeNumber to) {
  mesh_.on_link_down(at, from, to);
}
void Ledger::on_fault_begins(TimePoint at, std::string_view what) {
  mesh_.on_fault_begins(at, what);
}
void Ledger::on_fault_ends(TimePoint at, std::string_view what) {
  mesh_.on_fault_ends(at, what);
}

void Ledger::on_second(TimePoint at, const World&) {
  if (swept_ != TimePoint::min() && at - swept_ < sweep_interval) return;
  swept_ = at;
  sweep(at);
}

// --- Sessions

void Ledger::on_client_connected(TimePoint at, const ClientConnected& what) {
  detach(what.client);
  SlotNumber number = 0;
  Slot& slot = slot_of(what.client, what.node, number);
  const bool was_to_be_kept = slot.keeps && !slot.is_over && !slot.connects.empty();
  session_was_lost_ =
      was_to_be_kept && !what.session_present && !what.clean_start && mesh_.is_trusted(what.node);
  if (!what.session_present) {
    begin_session(at, number);
  } else if (slot.is_over) {
    // The node had not noticed that the client was gone.
    slot.is_over = false;
    slot.began = at;
    for (const Subscription& held : slot.subscriptions) add_holder(held.filter, number);
  }
  slot.is_connected = true;
  slot.keeps = what.keeps_session;
  slot.connected_since = at;
  keep_latest(slot.connects, at);
  Client& connected = client(what.client);
  connected.at = connected.latest = number;
  keep_latest(connected.connects, at);
}

void Ledger::on_client_ended(TimePoint, ClientNumber number, bool) {
  detach(number);
}

void Ledger::detach(ClientNumber number) {
  Client& leaving = client(number);
  if (!leaving.at) return;
  Slot& slot = slots_[*leaving.at];
  slot.is_connected = false;
  if (!slot.keeps) end_session(*leaving.at);
  leaving.at.reset();
}

void Ledger::begin_session(TimePoint at, SlotNumber number) {
  Slot& slot = slots_[number];
  end_session(number);
  slot.is_over = false;
  slot.began = at;
  slot.subscriptions.clear();
  slot.ended.clear();
}

/// Nothing is owed to it any more; its subscriptions stand until the client begins anew.
void Ledger::end_session(SlotNumber number) {
  Slot& slot = slots_[number];
  if (std::exchange(slot.is_over, true)) return;
  for (const Subscription& held : slot.subscriptions) remove_holder(held.filter, number);
}

Client& Ledger::client(ClientNumber number) {
  if (number >= clients_.size()) clients_.resize(std::size_t{number} + 1);
  return clients_[number];
}

Slot& Ledger::slot_of(ClientNumber number, NodeNumber node, SlotNumber& slot) {
  if (const auto known = find_slot(number, node)) {
    slot = *known;
    return slots_[slot];
  }
  slot = static_cast<SlotNumber>(slots_.size());
  client(number).slots.push_back(slot);
  if (node >= slots_at_.size()) slots_at_.resize(std::size_t{node} + 1);
  slots_at_[node].push_back(slot);
  Slot& made = slots_.emplace_back();
  made.client = number;
  made.node = node;
  return made;
}

std::optional<SlotNumber> Ledger::find_slot(ClientNumber number, NodeNumber node) const {
  if (number >= clients_.size()) return std::nullopt;
  for (const SlotNumber slot : clients_[number].slots)
    if (slots_[slot].node == node) return slot;
  return std::nullopt;
}

const Slot* Ledger::present_slot(ClientNumber number) const {
  if (number >= clients_.size() || !clients_[number].at) return nullptr;
  return &slots_[*clients_[number].at];
}

std::optional<SlotNumber> Ledger::latest_slot(ClientNumber number) const {
  return number < clients_.size() ? clients_[number].latest : std::nullopt;
}

Slot* Ledger::present(ClientNumber number) {
  return const_cast<Slot*>(std::as_const(*this).present_slot(number));
}

std::size_t Ledger::connects_since(ClientNumber number, TimePoint since) const {
  return number < clients_.size() ? count_after(clients_[number].connects, since) : 0;
}
std::size_t Ledger::connects_since(const Slot& slot, TimePoint since) {
  return count_after(slot.connects, since);
}

// --- Subscriptions

void Ledger::on_subscribing(TimePoint at, const Subscribed& what) {
  SlotNumber number = 0;
  Slot& slot = slot_of(what.client, what.node, number);
  Subscription* held = find_subscription(slot, what.filter);
  if (held == nullptr) {
    const WrittenFilter written = split_share(what.filter);
    held = &slot.subscriptions.emplace_back();
    held->filter = topics_.filter(written.filter);
    if (!written.group.empty()) held->group = group_number(written.group, held->filter);
    held->qos = what.qos;
    if (!slot.is_over) add_holder(held->filter, number);
  }
  if (held->is_leaving) held->granted = never;  // it may be gone by now: this is another one
  held->asked = at;
  held->identifier = what.identifier;
  held->is_leaving = false;
}

void Ledger::on_subscribed(TimePoint at, const Subscribed& what) {
  SlotNumber number = 0;
  Subscription* held = find_subscription(slot_of(what.client, what.node, number), what.filter);
  if (held == nullptr) {
    on_subscribing(at, what);
    held = find_subscription(slots_[number], what.filter);
  }
  // One that asks for another quality is another one, as far as promises go.
  if (held->granted == never || held->qos != what.qos) held->granted = at;
  held->qos = what.qos;
}

void Ledger::on_unsubscribing(TimePoint, ClientNumber number, std::string_view filter) {
  Slot* slot = present(number);
  if (slot == nullptr) return;
  if (Subscription* held = find_subscription(*slot, filter)) held->is_leaving = true;
}

void Ledger::on_unsubscribed(TimePoint at, ClientNumber number, std::string_view filter) {
  Slot* slot = present(number);
  if (slot == nullptr) return;
  Subscription* held = find_subscription(*slot, filter);
  if (held == nullptr || !held->is_leaving) return;  // asked for again meanwhile
  if (slot->ended.size() >= ended_kept) slot->ended.erase(slot->ended.begin());
  slot->ended.push_back({held->filter, at});
  const FilterNumber gone = held->filter;
  slot->subscriptions.erase(slot->subscriptions.begin() + (held - slot->subscriptions.data()));
  const bool is_held_otherwise =  // as a member of a group, or beside one
      std::ranges::any_of(slot->subscriptions,
                          [gone](const Subscription& each) { return each.filter == gone; });
  if (!is_held_otherwise) remove_holder(gone, *client(number).at);
}

Subscription* Ledger::find_subscription(Slot& slot, std::string_view text) {
  const WrittenFilter written = split_share(text);
  const auto is_it = [&](const Subscription& each) {
    if (topics_.filter_text(each.filter) != written.filter) return false;
    return each.group == no_group ? written.group.empty()
                                  : groups_[each.group].name == written.group;
  };
  const auto found = std::ranges::find_if(slot.subscriptions, is_it);
  return found == slot.subscriptions.end() ? nullptr : &*found;
}

GroupNumber Ledger::group_number(std::string_view name, FilterNumber filter) {
  const std::string key = std::string(name) + '/' + topics_.filter_text(filter);
  const auto [at, is_new] = group_numbers_.emplace(key, static_cast<GroupNumber>(groups_.size()));
  if (is_new) groups_.push_back({std::string(name), filter});
  return at->second;
}

std::string Ledger::group_text(GroupNumber group) const {
  return "$share/" + groups_[group].name + '/' + topics_.filter_text(groups_[group].filter);
}

const std::vector<SlotNumber>& Ledger::holders_of(FilterNumber filter) const {
  static const std::vector<SlotNumber> nobody;
  return filter < holders_.size() ? holders_[filter] : nobody;
}

void Ledger::add_holder(FilterNumber filter, SlotNumber slot) {
  if (filter >= holders_.size()) holders_.resize(std::size_t{filter} + 1);
  auto& holders = holders_[filter];
  const auto at = std::ranges::lower_bound(holders, slot);
  if (at == holders.end() || *at != slot) holders.insert(at, slot);
}

void Ledger::remove_holder(FilterNumber filter, SlotNumber slot) {
  if (filter >= holders_.size()) return;
  auto& holders = holders_[filter];
  const auto at = std::ranges::lower_bound(holders, slot);
  if (at != holders.end() && *at == slot) holders.erase(at);
}

// --- Words

std::string Ledger::when(TimePoint at) const {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f s",
                std::chrono::duration<double>(at - settings_.start).count());
  return text;
}

std::string Ledger::describe(const Message& message) const {
  const Stream& stream = stream_of(message);
  return (message.is_will ? "will " : "message ") + std::to_string(message.number) + " ("
         + quoted(topics_.topic_text(stream.topic)) + ", QoS "
         + std::to_string(static_cast<int>(stream.qos)) + (message.retain ? ", retained" : "")
         + ", of client " + std::to_string(stream.client) + " at node "
         + std::to_string(stream.node) + ", published at " + when(message.at) + ")";
}

std::string Ledger::describe(const Slot& slot) const {
  return "client " + std::to_string(slot.client) + " at node " + std::to_string(slot.node);
}

}  // namespace starling::sim
