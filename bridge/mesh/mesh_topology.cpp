// Mesh: whom to be linked with. Small private meshes link everybody with everybody; in others a
// node keeps links to two members that can be dialled and to those it exchanges messages with.
#include <algorithm>
#include <utility>

#include "bridge/mesh/mesh_impl.hpp"

namespace starling {
namespace {

constexpr std::size_t told_in_large_mesh = 8;  // members named to a new peer of a large mesh
// The DHT says that a mesh is large before that many members are known. The estimate may be a third
// off; up to here the counting decides.
constexpr std::size_t large_estimate_min = limits::small_mesh_members_max * 3 / 2;
constexpr std::size_t tellers_max = 4;  // remembered per member, as helpers
constexpr auto lookup_interval =
    std::chrono::seconds{30};  // between two lookups of one node record

bool contains(const std::vector<std::size_t>& meshes, MeshIndex mesh) {
  return std::find(meshes.begin(), meshes.end(), mesh) != meshes.end();
}

/// A private address means something to those on the same network only.
bool is_worth_telling(const Endpoint& endpoint, const Endpoint& to) {
  if (endpoint.is_loopback()) return to.is_loopback();
  if (endpoint.is_private()) return to.is_private() || to.is_loopback();
  return !endpoint.is_unspecified();
}

}  // namespace

// --- Whom to want

void Mesh::Impl::review_topology() {
  topology_changed_ = false;
  exchange_ends_at_ = TimePoint::max();
  std::set<NodeId> wanted;
  for (const auto& circle : circles_) {
    const auto members = book_.members_of(circle->name());
    Standing& standing = standings_[circle->index()];
    standing.estimate = circle->peer_finder().members_estimate();
    standing.lacks_links = false;
    standing.small = !circle->is_open() && members.size() <= limits::small_mesh_members_max
                     && standing.estimate <= large_estimate_min;
    if (standing.small) {
      review_small(*circle, members, wanted);
    } else {
      review_large(*circle, members, wanted);
    }
  }
  want_helpers(wanted);
  for (const NodeId& id : wanted_) {
    if (!wanted.contains(id)) book_.set_wanted(id, false);
  }
  for (const NodeId& id : wanted) book_.set_wanted(id, true);
  wanted_ = std::move(wanted);

  all_wanted_flow_ = true;
  for (const NodeId& id : wanted_) {
    all_wanted_flow_ = all_wanted_flow_ && is_flowing(id);
    const KnownPeer* known = book_.find(id);
    if (known != nullptr && known->endpoints.empty() && !is_flowing(id)) {
      seek_path(id);
      look_up(id);
    }
  }
  for (const auto& circle : circles_) {
    Standing& standing = standings_[circle->index()];
    standing.some_hopeful = false;
    if (!standing.small) continue;
    for (const KnownPeer* member : book_.members_of(circle->name())) {
      if (is_flowing(member->id)) continue;
      standing.some_hopeful = standing.some_hopeful || is_hopeful(member->id);
    }
  }
  parking_changed_ = true;
}

void Mesh::Impl::review_small(const Circle&, const std::vector<const KnownPeer*>& members,
                              std::set<NodeId>& wanted) {
  for (const KnownPeer* member : members) wanted.insert(member->id);
}

void Mesh::Impl::review_large(Circle& circle, const std::vector<const KnownPeer*>& members,
                              std::set<NodeId>& wanted) {
  std::size_t kept = 0;  // links to dialable members, and those being made
  std::vector<NodeId> candidates;
  unsigned fewest_failures = ~0U;
  for (const KnownPeer* member : members) {
    const auto found = acquaintances_.find(member->id);
    const unsigned failed = found == acquaintances_.end() ? 0 : found->second.rounds_failed;
    const TimePoint exchange_until = found == acquaintances_.end()
                                         ? TimePoint{}
                                         : found->second.exchange_until.value_or(TimePoint{});
    if (exchange_until > now()) {
      wanted.insert(member->id);
      exchange_ends_at_ = std::min(exchange_ends_at_, exchange_until);
    }
    if (member->endpoints.empty()) continue;
    const bool keeps = is_flowing(member->id) || (wanted_.contains(member->id) && failed < 2);
    if (keeps && kept < limits::dialable_links_min) {
      wanted.insert(member->id);
      ++kept;
    } else if (!keeps) {
      if (failed < fewest_failures) candidates.clear();
      fewest_failures = std::min(fewest_failures, failed);
      if (failed == fewest_failures) candidates.push_back(member->id);
    }
  }
  bool is_guessing = false;
  while (kept < limits::dialable_links_min && !candidates.empty()) {
    is_guessing = fewest_failures > 0;
    const auto at = static_cast<std::ptrdiff_t>(entropy_.below(candidates.size()));
    wanted.insert(candidates[static_cast<std::size_t>(at)]);
    candidates.erase(candidates.begin() + at);
    ++kept;
  }
  // None left, or only such as did not answer: the DHT knows others.
  if (kept >= limits::dialable_links_min && !is_guessing) return;
  standings_[circle.index()].lacks_links = true;
  circle.peer_finder().seek_members();
}

/// Nothing that a review decides follows from time alone: it may wait until something happens. (A
/// review walks all members known, every second: with 300 simulated nodes a quarter of all work.)
bool Mesh::Impl::is_topology_settled() const {
  if (!all_wanted_flow_ || now() >= exchange_ends_at_) return false;
  return std::all_of(circles_.begin(), circles_.end(), [this](const auto& circle) {
    const Standing& standing = standings_[circle->index()];
    return !standing.lacks_links && standing.estimate == circle->peer_finder().members_estimate();
  });
}

/// Who cannot be dialled is asked over the members that it names.
void Mesh::Impl::want_helpers(std::set<NodeId>& wanted) {
  std::set<NodeId> helpers;
  for (const NodeId& id : wanted) {
    const KnownPeer* known = book_.find(id);
    if (known == nullptr || known->meshes.empty() || is_flowing(id)) continue;
    const std::string mesh = *known->meshes.begin();
    for (const Via& via : std::vector<Via>{known->vias}) {
      if (via.node == own_ || via.node == id || wanted.contains(via.node)) continue;
      PeerRecord record;
      record.id = via.node;
      record.endpoints = {via.endpoint};
      book_.on_seen(record, PeerSource::told, mesh, now(), scheduler_.unix_now());
      helpers.insert(via.node);
    }
  }
  wanted.merge(helpers);
}

/// Who cannot be dialled shows itself at one place, where others can meet it. Not to a neighbour, for
/// whom no router stands in between: both dial each other the moment they hear of one another, and
/// two TLS clients would meet on one connection.
DialWay Mesh::Impl::way_of_dialling(const Endpoint& to) const {
  return {is_dialable() || to.is_private() ? std::uint16_t{0} : settings_.mesh_port, false};
}

void Mesh::Impl::want_for_exchange(const NodeId& peer) {
  Acquaintance* known = acquaintance(peer);
  if (known == nullptr) return;
  known->exchange_until = now() + limits::idle_link_max;
  if (wanted_.contains(peer)) return;
  topology_changed_ = true;
  ask_turn_end();
}

bool Mesh::Impl::is_flowing(const NodeId& peer) const {
  const auto found = peers_.find(peer);
  return found != peers_.end() && found->second.flowing;
}

/// May it be linked within the time for which messages wait?
bool Mesh::Impl::is_hopeful(const NodeId& peer) const {
  const bool is_linking = std::any_of(links_.begin(), links_.end(),
                                      [&](const auto& entry) { return entry.second.peer == peer; });
  if (is_linking) return true;
  const auto found = acquaintances_.find(peer);
  const Acquaintance about = found == acquaintances_.end() ? Acquaintance{} : found->second;
  if (about.dials_under_way > 0) return true;
  if (about.asked_at && now() - *about.asked_at < asked_hope) return true;
  if (is_undertaken(peer)) return true;
  const KnownPeer* known = book_.find(peer);
  return wanted_.contains(peer) && about.rounds_failed == 0 && known != nullptr
         && !known->endpoints.empty();
}

Mesh::Impl::Acquaintance* Mesh::Impl::acquaintance(const NodeId& peer) {
  const auto found = acquaintances_.find(peer);
  if (found != acquaintances_.end()) return &found->second;
  if (acquaintances_.size() >= limits::mesh_members_max) return nullptr;
  return &acquaintances_[peer];
}

// --- Dialling

void Mesh::Impl::run_dials() {
  scheduler_.cancel(dial_wake_);
  dial_wake_ = WakeId{};
  while (dials_.size() < limits::dials_under_way_max
         && links_.size() + dials_.size() < settings_.links_max) {
    const auto order = book_.next_dial(now());
    if (!order) break;
    const LinkId id = next_link_id();
    dials_.emplace(id, *order);
    if (Acquaintance* known = acquaintance(order->peer)) ++known->dials_under_way;
    log_.debug("mesh_dial", {{"peer", order->peer}, {"addr", order->endpoint.to_text()}});
    host_.dial(id, order->endpoint, order->peer, way_of_dialling(order->endpoint));
  }
  if (dials_.size() >= limits::dials_under_way_max)
    return;  // the end of one of them comes back here
  if (const auto due = book_.next_deadline()) {
    dial_wake_ = scheduler_.wake_at(std::max(*due, now() + std::chrono::milliseconds{1}), [this] {
      dial_wake_ = WakeId{};
      run_dials();
    });
  }
}

/// It may have moved: its record in the DHT says where to.
void Mesh::Impl::look_up(const NodeId& peer) {
  Acquaintance* about = acquaintance(peer);
  const KnownPeer* known = book_.find(peer);
  if (about == nullptr || known == nullptr) return;
  if (about->looked_up_at && now() - *about->looked_up_at < lookup_interval) return;
  for (const auto& circle : circles_) {
    if (known->meshes.count(circle->name()) == 0) continue;
    about->looked_up_at = now();
    circle->peer_finder().find_node(peer);
    return;
  }
}

// --- Dial-me

/// We cannot dial `peer`; perhaps it can dial us.
void Mesh::Impl::seek_help(const NodeId& peer) {
  const KnownPeer* known = book_.find(peer);
  Acquaintance* about = acquaintance(peer);
  if (known == nullptr || about == nullptr || !wanted_.contains(peer) || is_flowing(peer)) return;
  const auto common_mesh = [&](const Peer& helper) -> std::optional<std::size_t> {
    for (const std::size_t mesh : helper.meshes) {
      if (known->meshes.count(circles_[mesh]->name()) > 0) return mesh;
    }
    return std::nullopt;
  };
  std::vector<NodeId> helpers;
  for (const NodeId& id : helpers_for(peer)) {
    if (common_mesh(*find_peer(id))) helpers.push_back(id);
  }
  // Whoever names its helpers is asked over those, once we are linked with one of them; for others
  // anybody may happen to be linked with it.
  for (const auto& [id, helper] : peers_) {
    if (!known->vias.empty() || !helper.flowing || !common_mesh(helper)) continue;
    if (std::find(helpers.begin(), helpers.end(), id) == helpers.end()) helpers.push_back(id);
  }
  for (const NodeId& id : reversal_.ask(peer, helpers, now())) {
    const Peer& helper = *find_peer(id);
    Link& link = links_.at(*helper.link);
    const std::vector<Endpoint> endpoints = endpoints_for(link.remote);
    if (endpoints.empty()) return;  // nobody could dial us either
    about->asked_at = now();
    ++about->asks;
    log_.debug("mesh_dial_me_asked", {{"peer", peer}, {"helper", id}});
    link.machine.send_dial_me(*common_mesh(helper), peer, own_, endpoints,
                              host_.link_output(*helper.link));
    host_.flush_link(*helper.link);
  }
}

void Mesh::Impl::on_event(LinkId id, const DialMeArrived& event) {
  const NodeId from = links_.at(id).peer;
  if (event.asker == own_ || event.asker == event.asked) return;
  if (event.asked == own_) {
    if (has_direct_link(event.asker) || !reversal_.may_follow(event.asker, from, now())) return;
    PeerRecord asker;
    asker.id = event.asker;
    asker.endpoints = event.endpoints;
    log_.debug("mesh_dial_me_followed", {{"peer", event.asker}, {"helper", from}});
    follow(static_cast<MeshIndex>(event.mesh), asker);
    return;
  }
  // Passed on only for the peer itself, and only to a member of the mesh in which it asks.
  Peer* asked = find_peer(event.asked);
  if (event.asker != from || asked == nullptr || !asked->flowing) return;
  const auto mesh = static_cast<MeshIndex>(event.mesh);
  if (!contains(asked->meshes, mesh) || !reversal_.may_pass_on(event.asker, event.asked, now()))
    return;
  Link& link = links_.at(*asked->link);
  link.machine.send_dial_me(mesh, event.asked, event.asker, event.endpoints,
                            host_.link_output(*asked->link));
  host_.flush_link(*asked->link);
}

// --- Telling about members

std::optional<wire::Peers::Entry> Mesh::Impl::entry_for(const NodeId& member,
                                                        const Endpoint& remote) const {
  const KnownPeer* known = book_.find(member);
  if (known == nullptr) return std::nullopt;
  wire::Peers::Entry entry;
  entry.node = member;
  entry.linked = is_flowing(member);
  for (const Endpoint& endpoint : known->endpoints) {
    if (entry.endpoints.size() < limits::told_endpoints_max && is_worth_telling(endpoint, remote)) {
      entry.endpoints.push_back(endpoint);
    }
  }
  return entry;
}

/// The members we are linked with, to one that has just come.
void Mesh::Impl::tell_members(Link& link, LinkId id) {
  for (const std::size_t mesh : link.machine.meshes()) {
    const std::size_t most =
        standings_[mesh].small ? limits::small_mesh_members_max : told_in_large_mesh;
    std::vector<wire::Peers::Entry> entries;
    for (const auto& [member, peer] : peers_) {
      if (entries.size() >= most) break;
      if (member == link.peer || !peer.flowing
          || !contains(peer.meshes, static_cast<MeshIndex>(mesh)))
        continue;
      if (auto entry = entry_for(member, link.remote)) entries.push_back(std::move(*entry));
    }
    if (!entries.empty()) link.machine.send_peers(mesh, entries, host_.link_output(id));
  }
}

/// Somebody has come to a small mesh: the others may not have seen its record yet.
void Mesh::Impl::tell_about(const NodeId& newcomer, const Peer& about) {
  for (const std::size_t mesh : about.meshes) {
    if (!standings_[mesh].small) continue;
    for (auto& [id, peer] : peers_) {
      if (id == newcomer || !peer.flowing || !contains(peer.meshes, static_cast<MeshIndex>(mesh)))
        continue;
      Link& link = links_.at(*peer.link);
      auto entry = entry_for(newcomer, link.remote);
      if (!entry) continue;
      entry->linked = true;
      link.machine.send_peers(mesh, std::vector<wire::Peers::Entry>{std::move(*entry)},
                              host_.link_output(*peer.link));
      host_.flush_link(*peer.link);
    }
  }
}

void Mesh::Impl::on_event(LinkId id, const PeersTold& event) {
  const NodeId from = links_.at(id).peer;
  for (const wire::Peers::Entry& entry : event.peers) {
    if (entry.node == own_ || entry.node == from) continue;
    PeerRecord record;
    record.id = entry.node;
    record.endpoints = entry.endpoints;
    if (book_.on_seen(record, PeerSource::told, circles_[event.mesh]->name(), now(),
                      scheduler_.unix_now())) {
      topology_changed_ = true;
    }
    Acquaintance* about = entry.linked ? acquaintance(entry.node) : nullptr;
    if (about == nullptr) continue;
    auto& tellers = about->told_by;
    tellers.erase(std::remove(tellers.begin(), tellers.end(), from), tellers.end());
    tellers.insert(tellers.begin(), from);
    if (tellers.size() > tellers_max) tellers.pop_back();
  }
  ask_turn_end();
}

// --- Our own addresses

/// What the node at `remote` is told about where we can be dialled.
std::vector<Endpoint> Mesh::Impl::endpoints_for(const Endpoint& remote) const {
  const bool is_behind_our_address = std::any_of(
      announced_.begin(), announced_.end(),
      [&](const Endpoint& own) { return own.is_v4() && own.address == remote.address; });
  if (remote.is_private() || is_behind_our_address) return addresses_.told_to_neighbour(announced_);
  return announced_;
}

}  // namespace starling
