// SubscriptionTree: filters in, subscribers of a name out. The cost of a match depends on the
// levels of the name and on what matches, not on how many filters there are. Knows no sessions and
// no peers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "starling/topic.hpp"

#include "src/topic/filter_tree.hpp"

namespace starling {

/// Who subscribes, as the owner of the tree numbers them. Numbers that grow with time are cheapest:
/// the subscribers of one filter are kept in their order.
using SubscriberKey = std::uint64_t;

/// Value: what belongs to one subscription (options, greatest QoS). Default constructible, movable,
/// and small: one with 8 bytes costs about 70 bytes a filter, levels included. The caller bounds
/// depth (limits::topic_levels_max) and number of filters.
///
/// A filter that has subscribers also has a number, by which its owner may refer to it without
/// keeping its text.
template <class Value>
class SubscriptionTree {
 public:
  static constexpr FilterNumber none = FilterTree::none;

  explicit SubscriptionTree(HashSeed seed) : filters_(seed) {}
  SubscriptionTree(const SubscriptionTree&) = delete;
  SubscriptionTree& operator=(const SubscriptionTree&) = delete;

  struct Placed {
    FilterNumber filter = none;
    Value* value = nullptr;  ///< good until the next insert or erase
    bool is_new = false;     ///< then it is Value{}
  };
  /// The subscription of `key` to `filter`, made if need be. Counts as a change.
  Placed place(const TopicFilter& filter, SubscriberKey key) {
    ++generation_;
    const FilterNumber number = filters_.make(filter.text());
    const std::uint32_t held = filters_.payload(number);
    if (held == none) {
      const std::uint32_t single = singles_.add(Entry{key, {}});
      filters_.set_payload(number, single);
      ++filter_count_;
      ++size_;
      return {number, &singles_[single].value, true};
    }
    if (!is_crowd(held)) {
      if (singles_[held].key == key) return {number, &singles_[held].value, false};
      Crowd crowd;
      crowd.push_back(std::move(singles_[held]));
      singles_.remove(held);
      filters_.set_payload(number, crowds_.add(std::move(crowd)) | crowd_bit);
    }
    Crowd& crowd = crowds_[filters_.payload(number) & ~crowd_bit];
    const auto at = std::ranges::lower_bound(crowd, key, {}, &Entry::key);
    if (at != crowd.end() && at->key == key) return {number, &at->value, false};
    ++size_;
    return {number, &crowd.insert(at, Entry{key, {}})->value, true};
  }

  /// Returns false if `key` had subscribed to `filter` before: its value is replaced
  /// [MQTT-3.8.4-3].
  bool insert(const TopicFilter& filter, SubscriberKey key, Value value) {
    const Placed placed = place(filter, key);
    *placed.value = std::move(value);
    return placed.is_new;
  }

  /// Returns false if there was nothing to erase.
  bool erase(const TopicFilter& filter, SubscriberKey key) { return erase(number_of(filter), key); }
  bool erase(FilterNumber filter, SubscriberKey key) {
    if (filter == none) return false;
    const std::uint32_t held = filters_.payload(filter);
    if (!erase_from(held, key)) return false;
    ++generation_;
    --size_;
    if (is_crowd(held) && !crowds_[held & ~crowd_bit].empty()) return true;
    if (is_crowd(held))
      crowds_.remove(held & ~crowd_bit);
    else
      singles_.remove(held);
    filters_.set_payload(filter, none);
    filters_.prune(filter);
    --filter_count_;
    return true;
  }

  /// none: it has no subscriber.
  [[nodiscard]] FilterNumber number_of(const TopicFilter& filter) const {
    const FilterNumber number = filters_.find(filter.text());
    return number == none || filters_.payload(number) == none ? none : number;
  }
  /// The way back, for a filter that has subscribers.
  [[nodiscard]] TopicFilter filter_of(FilterNumber filter) const {
    return TopicFilter::parse(filters_.text_of(filter)).value();
  }

  /// The value of this very subscription, or nullptr; good until the next insert or erase. Count
  /// changes made through it with touch() if something caches matches.
  [[nodiscard]] Value* find(const TopicFilter& filter, SubscriberKey key) {
    return find(number_of(filter), key);
  }
  [[nodiscard]] const Value* find(const TopicFilter& filter, SubscriberKey key) const {
    return find(number_of(filter), key);
  }
  /// The same for a number that number_of() gave.
  [[nodiscard]] Value* find(FilterNumber filter, SubscriberKey key) {
    return const_cast<Value*>(std::as_const(*this).find(filter, key));
  }
  [[nodiscard]] const Value* find(FilterNumber filter, SubscriberKey key) const {
    if (filter == none) return nullptr;
    const std::uint32_t held = filters_.payload(filter);
    if (!is_crowd(held)) return singles_[held].key == key ? &singles_[held].value : nullptr;
    const Crowd& crowd = crowds_[held & ~crowd_bit];
    const auto at = std::ranges::lower_bound(crowd, key, {}, &Entry::key);
    return at != crowd.end() && at->key == key ? &at->value : nullptr;
  }

  /// Calls visit(SubscriberKey, const Value&) for every subscription whose filter matches `name`; a
  /// subscriber with overlapping filters is visited once for each. `visit` must not change the
  /// tree. The order follows from the history of the tree alone, never from the hash seed.
  template <class Visit>
  void match(const TopicName& name, Visit&& visit) const {
    match_text(name.text(), visit);
  }
  /// The same for a text that is known to be a topic name.
  template <class Visit>
  void match_text(std::string_view name, Visit&& visit) const {
    FilterTree::Payloads found;
    filters_.match(name, found);
    for (std::size_t i = 0; i < found.size(); ++i) visit_held(found[i], visit);
  }

  /// Calls visit(SubscriberKey, const Value&) for the subscribers of exactly `filter`, by key.
  template <class Visit>
  void for_each_subscriber(const TopicFilter& filter, Visit&& visit) const {
    for_each_subscriber(number_of(filter), visit);
  }
  template <class Visit>
  void for_each_subscriber(FilterNumber filter, Visit&& visit) const {
    if (filter != none) visit_held(filters_.payload(filter), visit);
  }
  /// Calls visit(FilterNumber) once for each filter that has a subscriber, in an order that follows
  /// from the history of the tree. Not for the hot path.
  template <class Visit>
  void for_each_number(Visit&& visit) const {
    filters_.for_each([&](FilterNumber filter, std::uint32_t) { visit(filter); });
  }
  /// Calls visit(const TopicFilter&) likewise.
  template <class Visit>
  void for_each_filter(Visit&& visit) const {
    for_each_number([&](FilterNumber filter) { visit(filter_of(filter)); });
  }
  /// Calls visit(const TopicFilter&, SubscriberKey, const Value&) for everything. Not for the hot
  /// path.
  template <class Visit>
  void for_each(Visit&& visit) const {
    filters_.for_each([&](FilterNumber number, std::uint32_t held) {
      const TopicFilter filter = filter_of(number);
      visit_held(held, [&](SubscriberKey key, const Value& value) { visit(filter, key, value); });
    });
  }

  [[nodiscard]] bool has_subscribers(const TopicFilter& filter) const {
    return number_of(filter) != none;
  }
  /// Subscriptions, that is pairs of filter and subscriber.
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  /// Distinct filters.
  [[nodiscard]] std::size_t filter_count() const { return filter_count_; }

  /// Grows with every change: whoever remembers what a name matched compares it.
  [[nodiscard]] std::uint64_t generation() const { return generation_; }
  /// For a change made through find().
  void touch() { ++generation_; }

  /// Bytes taken from the heap, without what the values themselves own. Looks at everything.
  [[nodiscard]] std::size_t memory_bytes() const {
    std::size_t bytes = filters_.memory_bytes() + singles_.memory_bytes() + crowds_.memory_bytes();
    crowds_.for_each_slot(
        [&](std::uint32_t, const Crowd& crowd) { bytes += crowd.capacity() * sizeof(Entry); });
    return bytes;
  }

 private:
  struct Entry {
    SubscriberKey key = 0;
    Value value{};
  };
  // Most filters have one subscriber and need no list; the others keep theirs ordered by key.
  using Crowd = std::vector<Entry>;
  static constexpr std::uint32_t crowd_bit = 0x8000'0000;  // in a payload: index of crowds_
  static bool is_crowd(std::uint32_t held) { return (held & crowd_bit) != 0; }  // not of none

  // For a single subscriber it only says whether it is the one: the caller gives the slot back.
  bool erase_from(std::uint32_t held, SubscriberKey key) {
    if (!is_crowd(held)) return singles_[held].key == key;
    Crowd& crowd = crowds_[held & ~crowd_bit];
    const auto at = std::ranges::lower_bound(crowd, key, {}, &Entry::key);
    if (at == crowd.end() || at->key != key) return false;
    crowd.erase(at);
    if (crowd.size() < crowd.capacity() / 4) crowd.shrink_to_fit();
    return true;
  }

  template <class Visit>
  void visit_held(std::uint32_t held, Visit&& visit) const {
    if (!is_crowd(held)) {
      visit(singles_[held].key, singles_[held].value);
      return;
    }
    for (const Entry& entry : crowds_[held & ~crowd_bit]) visit(entry.key, entry.value);
  }

  FilterTree filters_;
  Pool<Entry> singles_;
  Pool<Crowd> crowds_;
  std::size_t size_ = 0;
  std::size_t filter_count_ = 0;
  std::uint64_t generation_ = 0;
};

}  // namespace starling
