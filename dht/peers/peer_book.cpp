#include "dht/peers/peer_book.hpp"

#include <algorithm>
#include <tuple>

#include "starling/limits.hpp"

namespace starling {

PeerBook::PeerBook(const NodeId& own, Entropy& entropy) : own_(own), entropy_(entropy) {}

PeerBook::Entry* PeerBook::find_entry(const NodeId& id) {
  const auto found = peers_.find(id);
  return found == peers_.end() ? nullptr : &found->second;
}

const KnownPeer* PeerBook::find(const NodeId& peer) const {
  const auto found = peers_.find(peer);
  return found == peers_.end() ? nullptr : &found->second.known;
}

std::vector<const KnownPeer*> PeerBook::members_of(const std::string& mesh) const {
  std::vector<const KnownPeer*> members;
  for (const auto& [id, entry] : peers_)
    if (entry.known.meshes.count(mesh) > 0) members.push_back(&entry.known);
  return members;
}

// --- Who is known

/// The entry of `id`, made if need be; null when it is our own id or there is no room.
PeerBook::Entry* PeerBook::enter(const NodeId& id, TimePoint now) {
  if (id == own_) return nullptr;
  if (Entry* known = find_entry(id)) return known;
  if (peers_.size() >= limits::peers_known_max && !make_room()) return nullptr;
  Entry& entry = peers_[id];
  entry.known.id = id;
  entry.due = now;
  return &entry;
}

/// Forgets a stranger rather than somebody who has been linked: a flood of records must not push
/// out the friends.
bool PeerBook::make_room() {
  auto victim = peers_.end();
  const auto rank = [](const Entry& entry) {
    return std::tuple(entry.known.ever_linked, entry.known.last_seen);
  };
  for (auto at = peers_.begin(); at != peers_.end(); ++at) {
    if (at->second.wanted || at->second.stage != Stage::idle) continue;
    if (victim == peers_.end() || rank(at->second) < rank(victim->second)) victim = at;
  }
  if (victim == peers_.end()) return false;
  peers_.erase(victim);
  return true;
}

/// Adds `offered` to the endpoints, or replaces them by it; those that have proved themselves stay
/// in either case, after the offered ones: a private address on our own network is worth keeping
/// though no record names it. True if there is an endpoint that was not there before.
bool PeerBook::take_endpoints(Entry& entry, const std::vector<Endpoint>& offered, bool replace) {
  KnownPeer& known = entry.known;
  std::vector<Endpoint> merged;
  const auto add = [&](const Endpoint& endpoint) {
    if (endpoint.port == 0 || endpoint.is_unspecified()) return;
    if (merged.size() >= limits::peer_endpoints_max) return;
    if (std::find(merged.begin(), merged.end(), endpoint) == merged.end())
      merged.push_back(endpoint);
  };
  if (!replace) std::for_each(known.endpoints.begin(), known.endpoints.end(), add);
  std::for_each(offered.begin(), offered.end(), add);
  for (const Endpoint& endpoint : known.endpoints)
    if (known.proved.count(endpoint) > 0) add(endpoint);

  const bool elsewhere = std::any_of(merged.begin(), merged.end(), [&](const Endpoint& endpoint) {
    return std::find(known.endpoints.begin(), known.endpoints.end(), endpoint)
           == known.endpoints.end();
  });
  if (merged != known.endpoints) entry.next_endpoint = 0;
  known.endpoints = std::move(merged);
  std::set<Endpoint> proved;
  for (const Endpoint& endpoint : known.endpoints)
    if (known.proved.count(endpoint) > 0) proved.insert(endpoint);
  known.proved = std::move(proved);
  return elsewhere;
}

bool PeerBook::on_seen(const PeerRecord& peer, PeerSource source, const std::string& mesh,
                       TimePoint now, UnixSeconds unix_now) {
  const bool is_new = find_entry(peer.id) == nullptr;
  Entry* entry = enter(peer.id, now);
  if (!entry) return false;
  KnownPeer& known = entry->known;
  known.meshes.insert(mesh);
  if (source != PeerSource::told) known.last_seen = std::max(known.last_seen, unix_now);
  if (is_new) known.source = source;

  bool elsewhere = false;
  const auto stamp = std::tuple(peer.epoch, peer.sequence);
  const auto known_stamp = std::tuple(known.epoch, known.sequence);
  if (source == PeerSource::told) {
    elsewhere = take_endpoints(*entry, peer.endpoints, false);
  } else if (stamp > known_stamp || (source == PeerSource::hello && peer.epoch >= known.epoch)) {
    // What a peer says over its own link is true now, whatever the number of its latest record.
    elsewhere = take_endpoints(*entry, peer.endpoints, true);
    std::tie(known.epoch, known.sequence) = std::max(stamp, known_stamp);
    known.source = source;
    if (source != PeerSource::hello || !peer.endpoints.empty()) known.vias = peer.vias;
  }
  if (elsewhere && entry->stage == Stage::idle) {
    entry->due = now;
    entry->rounds_failed = 0;
  }
  return is_new || elsewhere;
}

bool PeerBook::on_neighbour(const NodeId& peer, const Endpoint& endpoint, const std::string& mesh,
                            TimePoint now) {
  if (endpoint.port == 0 || endpoint.is_unspecified()) return false;
  const bool is_new = find_entry(peer) == nullptr;
  Entry* entry = enter(peer, now);
  if (!entry) return false;
  KnownPeer& known = entry->known;
  known.meshes.insert(mesh);
  if (is_new) known.source = PeerSource::told;
  std::vector<Endpoint>& endpoints = known.endpoints;
  const auto at = std::find(endpoints.begin(), endpoints.end(), endpoint);
  const bool elsewhere = at == endpoints.end();
  if (!elsewhere) {
    std::rotate(endpoints.begin(), at, at + 1);
  } else {
    if (endpoints.size() >= limits::peer_endpoints_max) {
      known.proved.erase(endpoints.back());
      endpoints.pop_back();
    }
    endpoints.insert(endpoints.begin(), endpoint);
  }
  entry->next_endpoint = 0;
  if (entry->stage == Stage::idle) {
    entry->due = now;
    entry->rounds_failed = 0;
  }
  return is_new || elsewhere;
}

void PeerBook::on_left(const NodeId& peer, const std::string& mesh) {
  if (Entry* entry = find_entry(peer)) entry->known.meshes.erase(mesh);
}

// --- Whom to dial

bool PeerBook::may_be_dialled(const Entry& entry) {
  return entry.wanted && entry.stage == Stage::idle && !entry.known.endpoints.empty();
}

void PeerBook::set_wanted(const NodeId& peer, bool wanted) {
  if (Entry* entry = find_entry(peer)) entry->wanted = wanted;
}

bool PeerBook::is_wanted(const NodeId& peer) const {
  const auto found = peers_.find(peer);
  return found != peers_.end() && found->second.wanted;
}

/// The endpoint whose turn it is, passing over those that strangers may have named too often. When
/// none is left the peer waits for the quota.
std::optional<Endpoint> PeerBook::next_endpoint(Entry& entry, TimePoint now) {
  const std::vector<Endpoint>& endpoints = entry.known.endpoints;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    const std::size_t at = (entry.next_endpoint + i) % endpoints.size();
    const bool proved = entry.known.proved.count(endpoints[at]) > 0;
    if (!proved && !quota_.try_take(endpoints[at], now)) continue;
    entry.next_endpoint = at;
    return endpoints[at];
  }
  entry.due = std::max(quota_.next_window(now), now + limits::redial_delay_max);
  return std::nullopt;
}

std::optional<DialOrder> PeerBook::next_dial(TimePoint now) {
  while (true) {
    Entry* next = nullptr;
    for (auto& [id, entry] : peers_) {
      if (!may_be_dialled(entry) || entry.due > now) continue;
      if (!next || entry.due < next->due) next = &entry;
    }
    if (!next) return std::nullopt;
    if (const auto endpoint = next_endpoint(*next, now)) {
      next->stage = Stage::dialling;
      return DialOrder{next->known.id, *endpoint};
    }
  }
}

std::optional<Endpoint> PeerBook::endpoint_beside(const NodeId& peer, TimePoint now) {
  Entry* entry = find_entry(peer);
  if (!entry || entry->known.endpoints.empty()) return std::nullopt;
  const TimePoint due = entry->due;
  const auto endpoint = next_endpoint(*entry, now);
  entry->due = due;
  if (endpoint) entry->next_endpoint = (entry->next_endpoint + 1) % entry->known.endpoints.size();
  return endpoint;
}

bool PeerBook::may_dial_unproven(const Endpoint& endpoint, TimePoint now) {
  return quota_.try_take(endpoint, now);
}

std::optional<TimePoint> PeerBook::next_deadline() const {
  std::optional<TimePoint> first;
  for (const auto& [id, entry] : peers_)
    if (may_be_dialled(entry) && (!first || entry.due < *first)) first = entry.due;
  return first;
}

void PeerBook::on_dial_failed(const DialOrder& order, TimePoint now) {
  Entry* entry = find_entry(order.peer);
  if (!entry || entry->stage != Stage::dialling) return;
  entry->stage = Stage::idle;
  entry->due = now;
  const std::vector<Endpoint>& endpoints = entry->known.endpoints;
  const bool still_there =
      entry->next_endpoint < endpoints.size() && endpoints[entry->next_endpoint] == order.endpoint;
  if (!still_there) return;  // the list has changed meanwhile: begin with the new one
  if (++entry->next_endpoint < endpoints.size()) return;
  entry->next_endpoint = 0;
  pause(*entry, now);
}

void PeerBook::on_linked(const NodeId& peer, std::optional<Endpoint> proved, TimePoint now,
                         UnixSeconds unix_now) {
  Entry* entry = find_entry(peer);
  if (!entry) return;
  KnownPeer& known = entry->known;
  entry->stage = Stage::linked;
  entry->linked_at = now;
  entry->next_endpoint = 0;
  known.ever_linked = true;
  known.last_seen = std::max(known.last_seen, unix_now);
  if (!proved) return;
  if (known.proved.count(*proved) == 0) quota_.give_back(*proved);
  // Tried first from now on.
  auto& endpoints = known.endpoints;
  endpoints.erase(std::remove(endpoints.begin(), endpoints.end(), *proved), endpoints.end());
  if (endpoints.size() >= limits::peer_endpoints_max) endpoints.pop_back();
  endpoints.insert(endpoints.begin(), *proved);
  known.proved.insert(*proved);
  if (known.proved.size() > limits::peer_endpoints_max) known.proved = {*proved};
}

void PeerBook::on_link_lost(const NodeId& peer, TimePoint now, UnixSeconds unix_now) {
  Entry* entry = find_entry(peer);
  if (!entry) return;
  const bool was_linked = entry->stage == Stage::linked;
  entry->stage = Stage::idle;
  entry->next_endpoint = 0;
  if (was_linked) entry->known.last_seen = std::max(entry->known.last_seen, unix_now);
  if (was_linked && now - entry->linked_at >= limits::link_settled_after) {
    entry->rounds_failed = 0;
    entry->due = now + random_part(limits::redial_delay_min);
  } else {
    pause(*entry, now);
  }
}

void PeerBook::retry_all(TimePoint now) {
  for (auto& [id, entry] : peers_) {
    if (!may_be_dialled(entry)) continue;
    entry.rounds_failed = 0;
    entry.due = std::min(entry.due, now + random_part(std::chrono::seconds(1)));
  }
}

void PeerBook::pause(Entry& entry, TimePoint now) {
  Duration delay = limits::redial_delay_min;
  for (unsigned i = 0; i < entry.rounds_failed && delay < limits::redial_delay_max; ++i) delay *= 2;
  delay = std::min<Duration>(delay, limits::redial_delay_max);
  ++entry.rounds_failed;
  entry.due = now + delay - random_part(delay / 2);
}

Duration PeerBook::random_part(Duration bound) {
  return Duration(
      static_cast<Duration::rep>(entropy_.below(static_cast<std::uint64_t>(bound.count()) + 1)));
}

}  // namespace starling
