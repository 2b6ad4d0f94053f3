#include "src/broker/route_cache.hpp"

#include <functional>

namespace starling {

Route& RouteCache::at(const TopicName& topic, std::uint64_t generation, bool& is_known) {
  if (table_.empty()) table_.resize(slots);
  // No secret is needed here: whoever finds names that meet gains a walk through the tree.
  Slot& slot = table_[std::hash<std::string_view>{}(topic.text()) % slots];
  asked_last_ = &slot;
  is_known = slot.topic && slot.generation == generation && !slot.route.has_no_local
             && (slot.topic->text().data() == topic.text().data() || *slot.topic == topic);
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
