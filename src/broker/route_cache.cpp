#include "src/broker/route_cache.hpp"

#include <functional>

namespace starling {

RouteCache::Slot& RouteCache::slot_of(const TopicName& topic) {
  // No secret is needed here: whoever finds names that meet gains a walk through the tree.
  return table_[std::hash<std::string_view>{}(topic.text()) & (table_.size() - 1)];
}

Route& RouteCache::at(const TopicName& topic, std::uint64_t generation, bool& is_known) {
  if (table_.empty()) table_.resize(slots_first);
  Slot* found = &slot_of(topic);
  // Copies of a name share its text: nearly always this is the very same.
  const bool is_its_own =
      found->topic
      && (found->topic->text().data() == topic.text().data() || *found->topic == topic);
  is_known = is_its_own && found->generation == generation && !found->route.has_no_local;
  if (!is_known && found->topic && !is_its_own && table_.size() < slots_max
      && ++pushed_out_ > table_.size() / 4) {
    const std::size_t size = table_.size() * 4;
    table_.clear();
    table_.resize(size);
    copies_ = pushed_out_ = 0;
    found = &slot_of(topic);
  }
  Slot& slot = *found;
  asked_last_ = &slot;
  if (is_known) return slot.route;
  slot.topic = topic;
  slot.generation = generation;
  slot.route.copies.clear();
  slot.route.groups.clear();
  slot.route.has_no_local = false;
  return slot.route;
}

void RouteCache::keep(const Route& route) {
  copies_ += route.copies.capacity() - asked_last_->counted;
  asked_last_->counted = route.copies.capacity();
  if (copies_ > copies_max) forget_all();
}

// All but the one that is in use.
void RouteCache::forget_all() {
  for (Slot& slot : table_)
    if (&slot != asked_last_) slot = {};
  copies_ = asked_last_->counted;
}

}  // namespace starling
