#include "bridge/routing/seen_window.hpp"

#include <algorithm>

#include "starling/check.hpp"

namespace starling {
namespace {

constexpr std::uint64_t span = limits::seen_unacknowledged_span;
constexpr std::uint64_t word_bits = 64;
static_assert(span % word_bits == 0);

MessageNumber number_of(const MessageId& id) {
  return MessageNumber{id.epoch, id.sequence};
}

}  // namespace

Seen SeenWindow::admit(const MessageId& id, TimePoint now) {
  Origin* origin = find_or_make(id.origin, now);
  if (origin == nullptr) return Seen::unknown_origin;
  const MessageNumber number = number_of(id);
  if (number < origin->floor) return Seen::duplicate;
  auto& above = origin->above;
  // Nearly always the newest so far, so nearly always appended.
  const auto begin = above.begin() + static_cast<std::ptrdiff_t>(origin->first);
  const auto place = above.empty() || above.back() < number
                         ? above.end()
                         : std::lower_bound(begin, above.end(), number);
  if (place != above.end() && *place == number) return Seen::duplicate;
  // The floor itself always finds room: it is what the origin waits for before it can raise the
  // floor, and newer ids that came first must not lock it out for ever.
  if (above.size() - origin->first >= bounds_.ids_max && number != origin->floor)
    return Seen::no_room;
  above.insert(place, number);
  return Seen::fresh;
}

void SeenWindow::on_floor(const NodeId& id, MessageNumber floor, TimePoint now) {
  Origin* origin = find_or_make(id, now);
  if (origin == nullptr || floor <= origin->floor) return;
  origin->floor = floor;
  auto& above = origin->above;
  const auto begin = above.begin() + static_cast<std::ptrdiff_t>(origin->first);
  origin->first =
      static_cast<std::size_t>(std::lower_bound(begin, above.end(), floor) - above.begin());
  // What is below the floor goes in bulk: once it is half of the list, each id is moved once at
  // most.
  if (origin->first * 2 < above.size()) return;
  above.erase(above.begin(), above.begin() + static_cast<std::ptrdiff_t>(origin->first));
  origin->first = 0;
  if (above.empty()) above.shrink_to_fit();
}

Seen SeenWindow::admit_unacknowledged(const MessageId& id, TimePoint now) {
  Origin* origin = find_or_make(id.origin, now);
  if (origin == nullptr) return Seen::unknown_origin;
  Recent& recent = origin->recent;
  if (recent.bits.empty() || id.epoch > recent.epoch) {
    recent.epoch = id.epoch;
    recent.highest = id.sequence;
    recent.bits.assign(span / word_bits, 0);
  }
  if (id.epoch < recent.epoch) return Seen::duplicate;
  const auto word = [&](std::uint64_t sequence) -> std::uint64_t& {
    return recent.bits[sequence % span / word_bits];
  };
  const auto bit = [](std::uint64_t sequence) { return std::uint64_t{1} << sequence % word_bits; };
  if (id.sequence > recent.highest) {
    // The numbers skipped over are new ground: their bits belonged to numbers a span before.
    const std::uint64_t skipped = std::min(id.sequence - recent.highest, span);
    for (std::uint64_t i = 0; i < skipped; ++i) word(id.sequence - i) &= ~bit(id.sequence - i);
    recent.highest = id.sequence;
  } else if (recent.highest - id.sequence >= span) {
    return Seen::duplicate;
  }
  if ((word(id.sequence) & bit(id.sequence)) != 0) return Seen::duplicate;
  word(id.sequence) |= bit(id.sequence);
  return Seen::fresh;
}

std::size_t SeenWindow::outstanding(const NodeId& id) const {
  const auto found = origins_.find(id);
  return found == origins_.end() ? 0 : found->second.above.size() - found->second.first;
}

std::size_t SeenWindow::room(const NodeId& id) const {
  return bounds_.ids_max - std::min(bounds_.ids_max, outstanding(id));
}

SeenWindow::Origin* SeenWindow::find_or_make(const NodeId& id, TimePoint now) {
  if (latest_ != nullptr && latest_->first == id) {
    latest_->second.last_heard = std::max(latest_->second.last_heard, now);
    return &latest_->second;
  }
  auto found = origins_.find(id);
  if (found == origins_.end()) {
    if (origins_.size() >= bounds_.origins_max) forget_idle_origin(now);
    if (origins_.size() >= bounds_.origins_max) return nullptr;
    found = origins_.emplace(id, Origin{}).first;
    found->second.last_heard = now;
  }
  found->second.last_heard = std::max(found->second.last_heard, now);
  latest_ = &*found;
  return &found->second;
}

// An origin that has been silent for longer than anybody keeps messages will not send an old one
// again.
void SeenWindow::forget_idle_origin(TimePoint now) {
  if (now < all_busy_until_ || origins_.empty()) return;
  const auto quietest = std::ranges::min_element(
      origins_, {}, [](const auto& each) { return each.second.last_heard; });
  const TimePoint forgettable_at = quietest->second.last_heard + bounds_.idle_max;
  if (now >= forgettable_at) {
    origins_.erase(quietest);
    latest_ = nullptr;
  } else {
    all_busy_until_ = forgettable_at;  // nobody gets older than that before: no need to look again
  }
}

}  // namespace starling
