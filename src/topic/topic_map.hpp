// TopicMap: names in; out come the one or all names that a filter matches, in slices of bounded
// work. Made for retained messages: a replay of 100 000 is cut in pieces and survives changes in
// between.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "starling/topic.hpp"

#include "src/topic/name_tree.hpp"
#include "src/topic/pool.hpp"

namespace starling {

/// Value: default constructible and movable; it does not need to hold the name. About 50-110 bytes a
/// name without the value.
template <class Value>
class TopicMap {
 public:
  /// Made with cursor(); must not outlive the map unless unused. Holds a few bytes a level.
  using Cursor = NameTree::Cursor;

  struct Entry {
    Value value{};
    NameTree::NodeIndex place = NameTree::none;  ///< of its name
  };

  explicit TopicMap(HashSeed seed) : names_(seed) {}

  /// Returns false if `name` was there: its value is replaced, and its place in a walk stays.
  bool insert(const TopicName& name, Value value) {
    const auto node = names_.make(name.text());
    if (const std::uint32_t held = names_.payload(node); held != NameTree::none) {
      entries_[held].value = std::move(value);
      return false;
    }
    names_.set_payload(node, entries_.add(Entry{std::move(value), node}));
    return true;
  }
  /// Returns false if there was nothing to erase.
  bool erase(const TopicName& name) {
    const auto node = names_.find(name.text());
    if (node == NameTree::none || names_.payload(node) == NameTree::none) return false;
    entries_.remove(names_.payload(node));
    names_.set_payload(node, NameTree::none);
    names_.prune(node);
    return true;
  }
  /// nullptr if there is none; good until the name is erased.
  [[nodiscard]] Value* find(const TopicName& name) {
    return const_cast<Value*>(std::as_const(*this).find(name));
  }
  [[nodiscard]] const Value* find(const TopicName& name) const {
    const auto node = names_.find(name.text());
    if (node == NameTree::none || names_.payload(node) == NameTree::none) return nullptr;
    return &entries_[names_.payload(node)].value;
  }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] bool empty() const { return size() == 0; }

  /// The beginning of a walk over all names that `filter` matches (what Cursor promises stands
  /// there).
  [[nodiscard]] Cursor cursor(const TopicFilter& filter) { return Cursor(names_, filter); }
  /// The same on the heap, for one that waits in a session.
  [[nodiscard]] std::unique_ptr<Cursor> make_cursor(const TopicFilter& filter) {
    return std::make_unique<Cursor>(names_, filter);
  }

  /// The next match, or nullptr: then either cursor.finished(), or `steps` has run out. Each level
  /// looked at takes one step off `steps`, so one number bounds the work of a slice whatever the
  /// filter. The entry is good until its name is erased.
  [[nodiscard]] Entry* next(Cursor& cursor, std::size_t& steps) {
    const std::uint32_t held = names_.next(cursor, steps);
    return held == NameTree::none ? nullptr : &entries_[held];
  }
  /// The name of an entry that next() gave.
  [[nodiscard]] TopicName name_of(const Entry& entry) const {
    return TopicName::parse(names_.text_of(entry.place)).value();
  }
  /// Calls visit(Value&) for every name that `filter` matches, at once. `visit` must not change the
  /// map.
  template <class Visit>
  void match(const TopicFilter& filter, Visit&& visit) {
    Cursor walk(names_, filter);
    std::size_t steps = SIZE_MAX;
    while (Entry* entry = next(walk, steps)) visit(entry->value);
  }

  /// Bytes taken from the heap, without what the values themselves own.
  [[nodiscard]] std::size_t memory_bytes() const {
    return names_.memory_bytes() + entries_.memory_bytes();
  }

 private:
  NameTree names_;
  Pool<Entry> entries_;
};

}  // namespace starling
