// Ledger: messages, to whom they are owed, and what came.
#include <algorithm>
#include <tuple>
#include <utility>

#include "simulations/checkers/ledger.hpp"

namespace starling::sim {
namespace {

auto place_of(const Awaited& each) {
  return std::tuple{each.is_group, each.who, each.node};
}

std::uint64_t pair_of(std::uint32_t upper, std::uint64_t lower) {
  return std::uint64_t{upper} << 36U ^ lower;
}

}  // namespace

// --- Publishing

void Ledger::on_published(TimePoint at, const Published& what) {
  const TopicNumber topic = topics_.topic(what.topic);
  if (what.number == 0) return;
  if (Message* known = find_kept(what.number)) {  // a will that is set again with the next CONNECT
    known->at = at;
    return;
  }
  Message message;
  message.number = what.number;
  message.at = at;
  message.stream = stream_number(what, topic);
  message.sequence = ++streams_[message.stream].length;
  message.retain = what.retain;
  message.is_empty = what.is_empty;
  message.is_will = what.is_will;
  auto place = messages_.end();
  while (place != messages_.begin() && (place - 1)->number > what.number) --place;
  Message& kept = *messages_.insert(place, std::move(message));
  if (what.qos != QoS::at_most_once && !what.is_will && !what.is_empty) find_awaited(at, kept);
  if (messages_.size() > settings_.messages_remembered_max) forget_oldest();
}

void Ledger::forget_oldest() {
  if (messages_.front().awaited) ++not_followed_;
  release(messages_.front());
  messages_.pop_front();
}

StreamNumber Ledger::stream_number(const Published& what, TopicNumber topic) {
  const StreamKey key{what.client, what.node, topic, what.qos};
  const auto [at, is_new] =
      stream_numbers_.emplace(key, static_cast<StreamNumber>(streams_.size()));
  if (is_new) streams_.push_back({what.client, what.node, topic, what.qos, 0});
  return at->second;
}

Message* Ledger::find_kept(MessageNumber number) {
  return const_cast<Message*>(std::as_const(*this).find(number));
}

const Message* Ledger::find(MessageNumber number) const {
  if (messages_.empty() || number < messages_.front().number) return nullptr;
  // As a rule none is missing between them.
  const std::size_t guess = number - messages_.front().number;
  if (guess < messages_.size() && messages_[guess].number == number) return &messages_[guess];
  const auto found = std::ranges::lower_bound(messages_, number, {}, &Message::number);
  return found != messages_.end() && found->number == number ? &*found : nullptr;
}

void Ledger::on_acknowledged(TimePoint at, MessageNumber number) {
  Message* message = find_kept(number);
  if (message != nullptr && message->acknowledged == never) message->acknowledged = at;
}

void Ledger::on_completed(TimePoint at, MessageNumber number) {
  is_ever_completed_ = true;
  Message* message = find_kept(number);
  if (message != nullptr && message->completed == never) message->completed = at;
}

// --- To whom

void Ledger::find_awaited(TimePoint at, Message& message) {
  std::vector<Awaited> found;
  for (const FilterNumber filter : topics_.filters_of(stream_of(message).topic)) {
    if (filter >= holders_.size()) continue;
    for (const SlotNumber slot : holders_[filter]) await(at, message, slot, filter, found);
  }
  if (found.empty()) return;
  std::ranges::sort(found,
                    [](const Awaited& a, const Awaited& b) { return place_of(a) < place_of(b); });
  std::vector<Awaited> once;
  for (const Awaited& each : found) {
    if (once.empty() || place_of(once.back()) != place_of(each)) {
      once.push_back(each);
    } else if (each.is_group) {  // whoever of them is chosen
      once.back().qos = lower(once.back().qos, each.qos);
      once.back().by = std::max(once.back().by, each.by);
    } else {
      once.back().qos = std::max(once.back().qos, each.qos);
      once.back().by = std::min(once.back().by, each.by);
    }
  }
  std::erase_if(once, [](const Awaited& each) { return each.qos == QoS::at_most_once; });
  if (once.empty()) return;
  if (awaited_count_ + once.size() > settings_.owed_remembered_max) {
    ++not_followed_;
    return;
  }
  once.shrink_to_fit();
  awaited_count_ += once.size();
  message.missing = static_cast<std::uint32_t>(once.size());
  message.awaited = std::make_unique<std::vector<Awaited>>(std::move(once));
}

void Ledger::await(TimePoint at, const Message& message, SlotNumber number, FilterNumber filter,
                   std::vector<Awaited>& out) {
  const Slot& slot = slots_[number];
  const Stream& stream = stream_of(message);
  for (const Subscription& held : slot.subscriptions) {
    if (held.filter != filter || held.granted == never || held.is_leaving) continue;
    const QoS qos = lower(held.qos, stream.qos);
    const bool is_group = held.group != no_group;
    if (qos == QoS::at_most_once && !is_group) continue;
    const auto& topic = topics_.topic_text(stream.topic);
    if (!mesh_.crosses(stream.node, slot.node, stream.topic, topic)) continue;
    const OwedBy by = mesh_.owed(at, stream.node, slot.node, held.granted, slot.keeps);
    if (by == OwedBy::nothing) continue;
    out.push_back({.who = is_group ? held.group : number,
                   .node = slot.node,
                   .qos = qos,
                   .by = by,
                   .is_group = is_group});
  }
}

std::optional<Awaited> Ledger::mark_come(Message& message, SlotNumber number) {
  if (!message.awaited) return std::nullopt;
  const Slot& slot = slots_[number];
  std::optional<Awaited> fulfilled;
  const auto mark = [&](std::uint32_t who, bool is_group) {
    Awaited sought;
    sought.who = who;
    sought.node = slot.node;
    sought.is_group = is_group;
    const auto found = std::ranges::lower_bound(
        *message.awaited, sought,
        [](const Awaited& a, const Awaited& b) { return place_of(a) < place_of(b); });
    if (found == message.awaited->end() || place_of(*found) != place_of(sought)) return;
    if (std::exchange(found->has_come, true)) return;
    --message.missing;
    if (!fulfilled) fulfilled = *found;
  };
  mark(number, false);
  for (const Subscription* match : matches_)
    if (match->group != no_group) mark(match->group, true);
  if (message.missing == 0) release(message);
  return fulfilled;
}

void Ledger::release(Message& message) {
  if (!message.awaited) return;
  awaited_count_ -= message.awaited->size();
  message.awaited.reset();
  message.missing = 0;
}

// --- What came

Reception Ledger::receive(TimePoint at, const Received& packet) {
  SlotNumber number = 0;
  slot_of(packet.client, packet.node, number);
  const Slot& slot = slots_[number];
  Message* message = packet.number == 0 ? nullptr : find_kept(packet.number);
  TopicNumber topic = 0;
  if (message != nullptr && topics_.topic_text(stream_of(*message).topic) == packet.topic) {
    topic = stream_of(*message).topic;
  } else {
    topic = topics_.topic(packet.topic);
  }
  matches_.clear();
  for (const Subscription& held : slot.subscriptions)
    if (topics_.matches(held.filter, topic)) matches_.push_back(&held);

  Reception reception{.at = at,
                      .packet = packet,
                      .message = message,
                      .slot = number,
                      .topic = topic,
                      .matches = matches_};
  reception.is_copy = !packet.retain && !packet.is_repeated_packet;
  reception.is_trusted = mesh_.is_trusted(slot.node)
                         && (message == nullptr || mesh_.is_trusted(stream_of(*message).node));
  if (message == nullptr) return reception;
  if (reception.is_copy) {
    Arrivals& arrivals = arrivals_[std::uint64_t{number} << 32U | message->stream];
    if (!arrivals.met.empty() && arrivals.qos == packet.qos)
      reception.highest_before = arrivals.highest;
    reception.novelty = arrivals.met.add(message->sequence);
    arrivals.highest = std::max(reception.highest_before, message->sequence);
    arrivals.qos = packet.qos;
    if (reception.novelty == Novelty::repeated)
      reception.copies = count_copies(number, message->number);
  }
  reception.fulfilled = mark_come(*message, number);
  return reception;
}

/// This one is not the first.
std::uint32_t Ledger::count_copies(SlotNumber slot, MessageNumber number) {
  if (copies_.size() >= settings_.repeats_remembered_max) copies_.clear();  // then counted from two
  return ++copies_[pair_of(slot, number)] + 1;
}

// --- Looking back

bool Ledger::publisher_is_gone(const Message& message) const {
  const Stream& stream = stream_of(message);
  const auto number = find_slot(stream.client, stream.node);
  return !number || slots_[*number].is_over || slots_[*number].began > message.at;
}

bool Ledger::publisher_is_there(const Message& message) const {
  const Stream& stream = stream_of(message);
  const Slot* present = present_slot(stream.client);
  return present != nullptr && present->node == stream.node && !publisher_is_gone(message);
}

bool Ledger::is_void(TimePoint now, const Message& message, const Awaited& awaited) const {
  const Stream& stream = stream_of(message);
  // What nobody has acknowledged, or of QoS 2 nobody has released, rests with its publisher.
  const bool rests_with_publisher =
      message.acknowledged == never
      || (stream.qos == QoS::exactly_once && message.completed == never);
  if (rests_with_publisher && publisher_is_gone(message)) return true;
  bool durable = true;
  if (!awaited.is_group) {
    const Slot& slot = slots_[awaited.who];
    durable = slot.keeps;
    if (slot.is_over || slot.began > message.at) return true;
    if (owing_subscription(message, awaited) == nullptr) return true;
  }
  return mesh_.was_voided(now, awaited.by, stream.node, awaited.node, message.at, durable);
}

bool Ledger::is_due(TimePoint now, const Message& message, const Awaited& awaited) const {
  if (message.acknowledged == never || now - message.acknowledged < settings_.settle) return false;
  if (stream_of(message).qos == QoS::exactly_once && message.completed == never
      && !publisher_is_there(message))
    return false;
  if (awaited.is_group) return true;
  const Slot& slot = slots_[awaited.who];
  return slot.is_connected && now - slot.connected_since >= settings_.settle;
}

const Subscription* Ledger::owing_subscription(const Message& message,
                                               const Awaited& awaited) const {
  const Stream& stream = stream_of(message);
  const Duration settle = awaited.by == OwedBy::same_node ? Duration::zero() : settings_.settle;
  const auto owes = [&](const Subscription& held) {
    return held.group == no_group && held.granted != never && !held.is_leaving
           && held.granted + settle <= message.at && held.qos != QoS::at_most_once
           && topics_.matches(held.filter, stream.topic);
  };
  const auto& subscriptions = slots_[awaited.who].subscriptions;
  const auto found = std::ranges::find_if(subscriptions, owes);
  return found == subscriptions.end() ? nullptr : &*found;
}

void Ledger::for_each_missing(
    TimePoint now, const std::function<void(const Message&, const Awaited&)>& visit) const {
  for (const Message& message : messages_) {
    if (!message.awaited) continue;
    for (const Awaited& awaited : *message.awaited) {
      if (awaited.has_come || !is_due(now, message, awaited) || is_void(now, message, awaited))
        continue;
      visit(message, awaited);
    }
  }
}

/// What is not owed any more need not be kept until the end.
void Ledger::sweep(TimePoint now) {
  for (Message& message : messages_) {
    if (!message.awaited || now - message.at < settings_.settle) continue;
    const bool some_left = std::ranges::any_of(*message.awaited, [&](const Awaited& awaited) {
      return !awaited.has_come && !is_void(now, message, awaited);
    });
    if (!some_left) release(message);
  }
}

}  // namespace starling::sim
