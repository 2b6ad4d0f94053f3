#include "dht/opendht/contact_list.hpp"

#include <algorithm>

#include "starling/limits.hpp"

namespace starling {
namespace {

using namespace std::chrono_literals;

constexpr Duration first_pause = 1s;
constexpr Duration longest_pause = 30s;
constexpr Duration connected_pause = 2min;
constexpr Duration asked_lately = 5s;

}  // namespace

void ContactList::add(const Endpoint& endpoint, TimePoint now) {
  const auto known = std::find_if(contacts_.begin(), contacts_.end(), [&](const Contact& contact) {
    return contact.endpoint == endpoint;
  });
  if (known != contacts_.end()) {
    if (!known->asked_at || now - *known->asked_at >= asked_lately)
      known->due = std::min(known->due, now);
    return;
  }
  if (contacts_.size() >= limits::dht_contacts_max)
    contacts_.erase(contacts_.begin() + limits::dht_contacts_kept);
  contacts_.push_back({endpoint, std::nullopt, now, first_pause});
}

std::vector<Endpoint> ContactList::take_due(TimePoint now, bool connected) {
  std::vector<Endpoint> due;
  for (Contact& contact : contacts_) {
    if (contact.due > now) continue;
    due.push_back(contact.endpoint);
    contact.asked_at = now;
    contact.due = now + (connected ? connected_pause : contact.pause);
    contact.pause = std::min(contact.pause * 2, longest_pause);
  }
  return due;
}

std::optional<TimePoint> ContactList::next_deadline() const {
  const auto first =
      std::min_element(contacts_.begin(), contacts_.end(),
                       [](const Contact& a, const Contact& b) { return a.due < b.due; });
  if (first == contacts_.end()) return std::nullopt;
  return first->due;
}

void ContactList::on_status_changed(TimePoint now, bool connected) {
  for (Contact& contact : contacts_) {
    contact.pause = first_pause;
    contact.due = connected ? now + connected_pause : std::min(contact.due, now + first_pause);
  }
}

}  // namespace starling
