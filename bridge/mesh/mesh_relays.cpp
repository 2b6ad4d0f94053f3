// Mesh: links through other members, and links of others through this node.
#include <algorithm>
#include <utility>

#include "bridge/mesh/mesh_impl.hpp"

namespace starling {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t places_wanted = 2;  // at relays in different networks, where there are
constexpr auto place_answer_time = seconds{5};
constexpr auto refused_for = minutes{5};
constexpr auto bad_path_min =
    seconds{3};  // a relay that did not lead to one peer, doubled each time
constexpr auto bad_path_max = minutes{2};
constexpr auto bad_path_kept = minutes{5};   // failures in a row are counted together
constexpr auto bad_relay_for = minutes{10};  // one that broke the rules, or led to several not
constexpr auto silence_max = seconds{6};     // of a relayed link, while we ask
constexpr auto delay_max = seconds{4};       // of a heartbeat over it
constexpr std::size_t vias_told = 2;

}  // namespace

bool Mesh::Impl::send(LinkId over, const wire::ReachFrame& frame) {
  const auto found = links_.find(over);
  if (found == links_.end() || !found->second.machine.is_ready()) return false;
  found->second.machine.send_reach(frame, *found->second.out);
  host_.flush_link(over);
  return true;
}

bool Mesh::Impl::is_congested(LinkId link) const {
  return links_.contains(link) && host_.link_is_congested(link);
}

/// Of those that both share with us.
bool Mesh::Impl::share_a_mesh(const Peer& one, const Peer& other) {
  return std::any_of(one.meshes.begin(), one.meshes.end(), [&](std::size_t mesh) {
    return std::find(other.meshes.begin(), other.meshes.end(), mesh) != other.meshes.end();
  });
}

void Mesh::Impl::on_event(LinkId id, ReachArrived& event) {
  std::visit([&](auto& frame) { on_reach(id, frame); }, event.frame);
}

// --- Places at relays, for a node that cannot be dialled

void Mesh::Impl::review_reservations() {
  const bool needed =
      settings_.relay != RelayUse::off && !is_dialable() && addresses_.world() == World::global;
  if (!needed) return release_reservations();
  std::erase_if(refused_places_, [this](const auto& e) { return now() >= e.second.first; });
  std::erase_if(reservations_, [this](const auto& entry) {
    const auto peer = peers_.find(entry.first);
    const bool is_lost = peer == peers_.end() || !peer->second.flowing
                         || !has_direct_link(entry.first) || bad_relays_.contains(entry.first);
    const bool is_late = !entry.second.granted && now() - entry.second.asked_at > place_answer_time;
    return is_lost || is_late;
  });
  while (reservations_.size() < places_wanted) {
    const NodeId* best = nullptr;
    bool best_is_elsewhere = false;
    std::uint64_t network = 0;
    for (const auto& [id, peer] : peers_) {
      if (!peer.flowing || !peer.offers_relay || !has_direct_link(id)) continue;
      if (reservations_.contains(id) || refused_places_.contains(id) || bad_relays_.contains(id))
        continue;
      const std::uint64_t there = network_of(peer.kept->remote);
      const bool is_elsewhere =
          std::none_of(reservations_.begin(), reservations_.end(),
                       [&](const auto& entry) { return entry.second.network == there; });
      if (best != nullptr && (best_is_elsewhere || !is_elsewhere)) continue;
      best = &id;
      best_is_elsewhere = is_elsewhere;
      network = there;
    }
    if (best == nullptr) return;
    reservations_[*best] = {false, now(), network};
    send(*peers_.at(*best).link, wire::RelayReserve{true});
  }
}

void Mesh::Impl::release_reservations() {
  for (const auto& [relay, place] : reservations_) {
    const Peer* peer = find_peer(relay);
    if (peer != nullptr && peer->link) send(*peer->link, wire::RelayReserve{false});
  }
  reservations_.clear();
}

void Mesh::Impl::on_reach(LinkId id, const wire::RelayReserve& frame) {
  send(id, relay_.reserve(links_.at(id).peer, frame.wanted));
}

void Mesh::Impl::on_reach(LinkId id, const wire::RelayReserved& frame) {
  const NodeId relay = links_.at(id).peer;
  const auto found = reservations_.find(relay);
  if (found == reservations_.end()) return;
  if (frame.granted) {
    found->second.granted = true;
    log_.info("mesh_relay_reserved", {{"relay", relay}});
  } else {
    reservations_.erase(found);
    refused_places_[relay] = {now() + refused_for, frame.why};
    log_.info("mesh_relay_refused", {{"relay", relay}, {"why", frame.why}});
  }
  update_endpoints();
}

/// Whom others ask for us: what our records say while nobody can dial us. A relay that can be dialled
/// names itself.
std::vector<Via> Mesh::Impl::vias() const {
  std::vector<Via> list;
  if (is_dialable()) {
    if (settings_.relay == RelayUse::offer) list.push_back({own_, announced_.front(), true});
    return list;
  }
  const auto add = [&](const NodeId& id, const Peer& peer, bool relays) {
    if (list.size() >= vias_told || !peer.flowing || !has_direct_link(id)) return;
    const KnownPeer* known = book_.find(id);
    // One that we have dialled can be dialled.
    std::optional<Endpoint> at;
    if (!peer.kept->inbound) at = peer.kept->remote;
    if (!at && known != nullptr && !known->endpoints.empty()) at = known->endpoints.front();
    if (at && at->is_global()) list.push_back({id, *at, relays});
  };
  for (const auto& [id, place] : reservations_) {
    if (const auto peer = peers_.find(id); place.granted && peer != peers_.end())
      add(id, peer->second, true);
  }
  // Those told last time first: every change is a new record.
  for (const Via& told : vias_) {
    const auto peer = peers_.find(told.node);
    if (peer != peers_.end() && !reservations_.contains(told.node))
      add(told.node, peer->second, false);
  }
  for (const auto& [id, peer] : peers_) {
    const bool is_there =
        std::any_of(list.begin(), list.end(), [&](const Via& via) { return via.node == id; });
    if (!is_there && !reservations_.contains(id)) add(id, peer, false);
  }
  return list;
}

// --- Links through relays

/// The linked member with the shortest way that offers to relay and is linked with `peer`.
std::optional<NodeId> Mesh::Impl::relay_for(const NodeId& peer) const {
  if (settings_.relay == RelayUse::off) return std::nullopt;
  std::optional<NodeId> best;
  std::pair<bool, Duration> best_rank;
  for (const NodeId& id : helpers_for(peer)) {
    const Peer& helper = peers_.at(id);
    const auto path = bad_paths_.find({id, peer});
    const bool is_bad = path != bad_paths_.end() && now() < path->second.until;
    if (!helper.offers_relay || is_bad) continue;
    const std::pair rank{bad_relays_.contains(id),
                         helper.kept->machine.round_trip().value_or(Duration::max())};
    if (best && best_rank <= rank) continue;
    best = id;
    best_rank = rank;
  }
  return best;
}

bool Mesh::Impl::link_through(const NodeId& relay, const NodeId& peer) {
  const Peer& helper = *find_peer(relay);
  auto stream = channels_.open(*helper.link, !helper.kept->inbound, helper.kept->remote, peer);
  if (!stream) return false;
  log_.debug("mesh_relay_asked", {{"peer", peer}, {"relay", relay}});
  Undertaking undertaking;
  undertaking.kind = Undertaking::Kind::relayed;
  undertaking.peer = peer;
  undertaking.endpoint = helper.kept->remote;
  undertaking.relay = relay;
  const LinkId id = next_link_id();
  undertakings_.emplace(id, std::move(undertaking));
  host_.open_over(id, std::move(stream), peer, false);
  return true;
}

void Mesh::Impl::on_reach(LinkId id, const wire::RelayOpen& frame) {
  const Link& link = links_.at(id);
  const Peer* from = find_peer(link.peer);
  if (frame.to == own_) {
    const auto opening = std::count_if(
        undertakings_.begin(), undertakings_.end(),
        [](const auto& entry) { return entry.second.kind == Undertaking::Kind::relayed; });
    const bool is_welcome = settings_.relay != RelayUse::off && frame.from != own_
                            && static_cast<std::size_t>(opening) < limits::links_unproved_max;
    if (!is_welcome)
      return relay_.refuse(id, frame.channel, "the other end takes no relayed links");
    auto stream = channels_.accept(id, !link.inbound, link.remote, frame);
    if (!stream) return;
    Undertaking undertaking;
    undertaking.kind = Undertaking::Kind::relayed;
    undertaking.peer = frame.from;
    undertaking.endpoint = link.remote;
    undertaking.relay = link.peer;
    const LinkId opened = next_link_id();
    undertakings_.emplace(opened, std::move(undertaking));
    host_.open_over(opened, std::move(stream), frame.from, true);
    return;
  }
  if (frame.from != link.peer) return relay_.refuse(id, frame.channel, "a link for somebody else");
  const Peer* to = find_peer(frame.to);
  if (from == nullptr || to == nullptr || !to->flowing || !has_direct_link(frame.to)
      || !share_a_mesh(*from, *to))
    return relay_.refuse(id, frame.channel, "the relay is not linked with the other end");
  relay_.on_open({link.peer, id, !link.inbound}, {frame.to, *to->link, !to->kept->inbound}, frame,
                 now());
  arm_relay();
}

void Mesh::Impl::on_reach(LinkId id, const wire::RelayOpened& frame) {
  const auto ours = channels_.on_opened(id, frame);
  after_relay_frame(id, ours, ours.mine ? ours : relay_.on_opened(id, frame, now()));
}

void Mesh::Impl::on_reach(LinkId id, wire::RelayData& frame) {
  const NodeId relay = links_.at(id).peer;
  const std::size_t size = frame.data.size();
  if (!channels_.has(id, frame.channel)) {
    return after_relay_frame(id, {}, relay_.on_data(id, std::move(frame), now()));
  }
  ledger_.on_relayed_by(relay, size, now());
  const auto ours = channels_.on_data(id, std::move(frame));
  after_relay_frame(id, ours, ours);
}

void Mesh::Impl::on_reach(LinkId id, const wire::RelayCredit& frame) {
  const auto ours = channels_.on_credit(id, frame);
  after_relay_frame(id, ours, ours.mine ? ours : relay_.on_credit(id, frame, now()));
}

void Mesh::Impl::on_reach(LinkId id, const wire::RelayClose& frame) {
  const auto ours = channels_.on_close(id, frame);
  after_relay_frame(id, ours, ours.mine ? ours : relay_.on_close(id, frame));
}

/// Frames of channels that have just ended belong to nobody, and are no offence.
void Mesh::Impl::after_relay_frame(LinkId id, const RelayChannels::Outcome& ours,
                                   const RelayChannels::Outcome& carried) {
  arm_relay();
  const auto found = links_.find(id);
  if (found == links_.end() || (ours.fair && carried.fair)) return;
  const NodeId peer = found->second.peer;
  log_.warn("mesh_relay_unfair", {{"peer", peer}, {"why", "it sent more than it was allowed to"}});
  bad_relays_[peer] = now() + bad_relay_for;
  close(id, wire::CloseReason::quota_exceeded, "relayed bytes beyond the credit");
}

void Mesh::Impl::arm_relay() {
  if (relay_wake_ || !relay_.is_waiting()) return;
  relay_wake_ = scheduler_.wake_at(now() + RelayService::tick, [this] {
    relay_wake_ = WakeId{};
    relay_.on_tick(now());
    arm_relay();
  });
}

// --- Watching them

void Mesh::Impl::review_relays() {
  std::erase_if(bad_paths_,
                [this](const auto& entry) { return now() >= entry.second.until + bad_path_kept; });
  std::erase_if(bad_relays_, [this](const auto& entry) { return now() >= entry.second; });
  struct Left {
    NodeId peer;
    NodeId relay;
    LinkId link;
    std::string why;
  };
  std::vector<Left> left;
  for (const auto& [id, peer] : peers_) {
    if (!peer.flowing || peer.kept->path != PathKind::relayed || !peer.kept->relay) continue;
    const PeerLink& machine = peer.kept->machine;
    if (machine.unanswered_for(now()) > silence_max) {
      left.push_back({id, *peer.kept->relay, *peer.link, "no answer through the relay"});
    } else if (machine.round_trip().value_or(Duration{}) > delay_max) {
      left.push_back({id, *peer.kept->relay, *peer.link, "the relay takes too long"});
    }
  }
  for (const Left& one : left) {
    close(one.link, wire::CloseReason::timeout, one.why);
    leave_relay(one.relay, one.peer, one.why);
  }
  relay_.end_idle(now());
  review_reservations();
}

/// `relay` does not lead to `peer`. When it leads to several not, others are preferred to it.
void Mesh::Impl::leave_relay(const NodeId& relay, const NodeId& peer, const std::string& why) {
  BadPath& path = bad_paths_[{relay, peer}];
  const Duration pause = bad_path_min * (1U << std::min(path.failures++, 6U));
  path.until = now() + std::min<Duration>(pause, bad_path_max);
  log_.info("mesh_relay_left", {{"peer", peer}, {"relay", relay}, {"why", why}});
  const auto others = std::count_if(bad_paths_.begin(), bad_paths_.end(), [&](const auto& entry) {
    return entry.first.first == relay && now() < entry.second.until;
  });
  if (others >= 2) bad_relays_[relay] = now() + bad_relay_for;
  if (Acquaintance* about = acquaintance(peer))
    about->relay_not_before = now() + std::chrono::milliseconds{1};
  topology_changed_ = true;
  ask_turn_end();
}

}  // namespace starling
