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
/// and small: one with 8 bytes costs about 100 bytes a filter, levels included. The caller bounds
/// depth (limits::topic_levels_max) and number of filters.
template <class Value>
class SubscriptionTree {
 public:
  explicit SubscriptionTree(HashSeed seed) : filters_(seed) {}
  SubscriptionTree(const SubscriptionTree&) = delete;
  SubscriptionTree& operator=(const SubscriptionTree&) = delete;

  /// Returns false if `key` had subscribed to `filter` before: its value is replaced
  /// [MQTT-3.8.4-3].
  bool insert(const TopicFilter& filter, SubscriberKey key, Value value) {
    ++generation_;
    const auto node = filters_.make(filter.text());
    const std::uint32_t held = filters_.payload(node);
    if (held == FilterTree::none) {
      filters_.set_payload(node, singles_.add(Entry{key, std::move(value)}));
      ++filter_count_;
      ++size_;
      return true;
    }
    if (!is_crowd(held)) {
      if (singles_[held].key == key) {
        singles_[held].value = std::move(value);
        return false;
      }
      Crowd crowd;
      crowd.push_back(std::move(singles_[held]));
      singles_.remove(held);
      filters_.set_payload(node, crowds_.add(std::move(crowd)) | crowd_bit);
    }
    return insert_into(crowds_[filters_.payload(node) & ~crowd_bit], key, std::move(value));
  }

  /// Returns false if there was nothing to erase.
  bool erase(const TopicFilter& filter, SubscriberKey key) {
    const auto node = filters_.find(filter.text());
    if (node == FilterTree::none) return false;
    const std::uint32_t held = filters_.payload(node);
    if (!erase_from(held, key)) return false;
    ++generation_;
    --size_;
    if (is_crowd(held) && !crowds_[held & ~crowd_bit].empty()) return true;
    if (is_crowd(held))
      crowds_.remove(held & ~crowd_bit);
    else
      singles_.remove(held);
    filters_.set_payload(node, FilterTree::none);
    filters_.prune(node);
    --filter_count_;
    return true;
  }

  /// The value of this very subscription, or nullptr; good until the next insert or erase. Count
  /// changes made through it with touch() if something caches matches.
  [[nodiscard]] Value* find(const TopicFilter& filter, SubscriberKey key) {
    return const_cast<Value*>(std::as_const(*this).find(filter, key));
  }
  [[nodiscard]] const Value* find(const TopicFilter& filter, SubscriberKey key) const {
    const auto node = filters_.find(filter.text());
    if (node == FilterTree::none) return nullptr;
    const std::uint32_t held = filters_.payload(node);
    if (held == FilterTree::none) return nullptr;
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
    const auto node = filters_.find(filter.text());
    if (node != FilterTree::none && filters_.payload(node) != FilterTree::none)
      visit_held(filters_.payload(node), visit);
  }
  /// Calls visit(const TopicFilter&) once for each filter that has a subscriber. Not for the hot
  /// path.
  template <class Visit>
  void for_each_filter(Visit&& visit) const {
    for (FilterTree::NodeIndex node = 0; node < filters_.index_end(); ++node)
      if (filters_.payload(node) != FilterTree::none)
        visit(TopicFilter::parse(filters_.text_of(node)).value());
  }
  /// Calls visit(const TopicFilter&, SubscriberKey, const Value&) for everything. Not for the hot
  /// path.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (FilterTree::NodeIndex node = 0; node < filters_.index_end(); ++node) {
      if (filters_.payload(node) == FilterTree::none) continue;
      const TopicFilter filter = TopicFilter::parse(filters_.text_of(node)).value();
      visit_held(filters_.payload(node),
                 [&](SubscriberKey key, const Value& value) { visit(filter, key, value); });
    }
  }

  [[nodiscard]] bool has_subscribers(const TopicFilter& filter) const {
    const auto node = filters_.find(filter.text());
    return node != FilterTree::none && filters_.payload(node) != FilterTree::none;
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

  /// Bytes taken from the heap, without what the values themselves own.
  [[nodiscard]] std::size_t memory_bytes() const {
    std::size_t bytes = filters_.memory_bytes() + singles_.memory_bytes() + crowds_.memory_bytes();
    for (std::uint32_t i = 0; i < crowds_.index_end(); ++i)
      bytes += crowds_[i].capacity() * sizeof(Entry);
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
  static bool is_crowd(std::uint32_t held) {
    return held != FilterTree::none && (held & crowd_bit) != 0;
  }

  bool insert_into(Crowd& crowd, SubscriberKey key, Value value) {
    const auto at = std::ranges::lower_bound(crowd, key, {}, &Entry::key);
    if (at != crowd.end() && at->key == key) {
      at->value = std::move(value);
      return false;
    }
    crowd.insert(at, Entry{key, std::move(value)});
    ++size_;
    return true;
  }

  // For a single subscriber it only says whether it is the one: the caller gives the slot back.
  bool erase_from(std::uint32_t held, SubscriberKey key) {
    if (held == FilterTree::none) return false;
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
