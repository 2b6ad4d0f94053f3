// Mesh: paths to peers that cannot simply be dialled. They are asked to dial us (mesh_topology.cpp),
// both sides dial at one moment, or a third member carries the link; then a better path is sought
// beside it.
#include <algorithm>
#include <utility>

#include "bridge/mesh/mesh_impl.hpp"

namespace starling {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr auto followed_for = minutes{1};    // how long an asker is dialled back
constexpr auto dial_back_time = seconds{2};  // before a relay is asked beside
constexpr auto other_first = milliseconds{1500};
constexpr auto relay_pause_min = seconds{3};  // between two attempts to link through relays
constexpr auto relay_pause_max = minutes{2};
constexpr auto better_first = seconds{1};      // after a relayed link stands
constexpr auto better_pause_min = seconds{5};  // between two attempts at a direct path beside it
constexpr auto better_pause_max = minutes{5};
constexpr auto meeting_time = seconds{4};  // in which a meeting is tried again and again
constexpr auto meeting_retry = milliseconds{500};
constexpr auto doors_pause_min = seconds{20};  // between two rounds of dialling where we join
constexpr auto doors_pause_max = minutes{30};
constexpr auto open_doors_after = seconds{5};  // in open meshes, where those have enough to do
constexpr std::size_t doors_max = 4;
constexpr auto neighbour_wanted_for = minutes{2};  // heard twice a minute
constexpr std::size_t meets_per_minute = 60;       // frames passed on for one asker

Duration doubled(Duration least, Duration most, unsigned times) {
  return std::min<Duration>(least * (1U << std::min(times, 10U)), most);
}

}  // namespace

// --- Connections that the peer book does not order

LinkId Mesh::Impl::undertake(Undertaking undertaking) {
  const LinkId id = next_link_id();
  const Undertaking& made = undertakings_.emplace(id, std::move(undertaking)).first->second;
  const bool is_anybody = made.kind == Undertaking::Kind::door;
  host_.dial(id, made.endpoint, is_anybody ? std::nullopt : std::optional{made.peer}, made.way);
  return id;
}

bool Mesh::Impl::is_undertaken(const NodeId& peer) const {
  return std::any_of(undertakings_.begin(), undertakings_.end(), [&](const auto& entry) {
    return entry.second.peer == peer && entry.second.kind != Undertaking::Kind::dial_back;
  });
}

bool Mesh::Impl::has_direct_link(const NodeId& peer) const {
  const auto found = peers_.find(peer);
  return found != peers_.end() && found->second.kept != nullptr
         && found->second.kept->path != PathKind::relayed;
}

void Mesh::Impl::on_undertaking_failed(LinkId id, const Error& error) {
  const auto found = undertakings_.find(id);
  if (found == undertakings_.end()) return;
  Undertaking failed = std::move(found->second);
  undertakings_.erase(found);
  log_.debug("mesh_dial_failed",
             {{"peer", failed.peer}, {"addr", failed.endpoint.to_text()}, {"why", error.what}});
  switch (failed.kind) {
    case Undertaking::Kind::dial_back:
      send(failed.asked_over,
           wire::DialBackFailed{failed.nonce, error.what.substr(0, wire::reach_text_max)});
      return;
    case Undertaking::Kind::met:
      // A router that refuses instead of being silent makes an attempt end at once.
      if (running_ && failed.until && now() < *failed.until && !has_direct_link(failed.peer)) {
        scheduler_.wake_at(now() + meeting_retry, [self = self_, failed] {
          if (*self && (*self)->running_) (*self)->dial_again(failed);
        });
      }
      return;
    case Undertaking::Kind::relayed:
      if (failed.relay) leave_relay(*failed.relay, failed.peer, error.what);
      return;
    case Undertaking::Kind::beside:
    case Undertaking::Kind::door:
      return;
  }
}

/// Where somebody said that it can be met: anybody's address, so each dial counts.
void Mesh::Impl::dial_again(const Undertaking& meeting) {
  if (book_.may_dial_unproven(meeting.endpoint, now())) undertake(meeting);
}

/// The addresses that we join by belong to members too, mostly. Who is linked with nobody dials
/// them: the DHT may not have anything to tell yet, or nobody there whom we can dial.
void Mesh::Impl::try_doors() {
  const bool is_linked = std::any_of(peers_.begin(), peers_.end(),
                                     [](const auto& entry) { return entry.second.flowing; });
  if (is_linked) {
    doors_tried_ = 0;
    return;
  }
  const bool is_open = std::all_of(circles_.begin(), circles_.end(),
                                   [](const auto& circle) { return circle->is_open(); });
  if (now() < doors_due_ || (is_open && now() - started_at_ < open_doors_after)) return;
  doors_due_ = now() + doubled(doors_pause_min, doors_pause_max, doors_tried_++);
  std::size_t dialled = 0;
  for (const Endpoint& door : settings_.bootstrap_endpoints) {
    const bool is_own = addresses_.is_of_interface(door) && door.port == settings_.mesh_port;
    if (is_own || door.port == 0 || dialled >= doors_max) continue;
    Undertaking undertaking;
    undertaking.kind = Undertaking::Kind::door;
    undertaking.endpoint = door;
    undertaking.way = way_of_dialling(door);
    undertake(std::move(undertaking));
    ++dialled;
  }
}

// --- Ways to somebody we are not linked with

/// Linked members that may be linked with `peer`: those that said so, and those that it names.
std::vector<NodeId> Mesh::Impl::helpers_for(const NodeId& peer) const {
  std::vector<NodeId> helpers;
  const auto about = acquaintances_.find(peer);
  const auto add = [&](const NodeId& helper) {
    const auto found = peers_.find(helper);
    if (found == peers_.end() || !found->second.flowing || !has_direct_link(helper)) return;
    if (std::find(helpers.begin(), helpers.end(), helper) == helpers.end())
      helpers.push_back(helper);
  };
  if (about != acquaintances_.end())
    std::for_each(about->second.told_by.begin(), about->second.told_by.end(), add);
  if (const KnownPeer* known = book_.find(peer)) {
    for (const Via& via : known->vias) add(via.node);
  }
  return helpers;
}

void Mesh::Impl::review_paths() {
  try_doors();
  for (const NodeId& id : wanted_) {
    if (!is_flowing(id)) seek_path(id);
  }
  std::vector<std::pair<NodeId, Link*>> relayed;
  for (auto& [id, peer] : peers_) {
    if (peer.flowing && peer.kept != nullptr && peer.kept->path == PathKind::relayed)
      relayed.emplace_back(id, peer.kept);
  }
  for (const auto& [id, link] : relayed) seek_better_path(id, *link);
  if (now() - meets_since_ >= minutes{1}) {
    meets_since_ = now();
    meets_passed_.clear();
  }
}

void Mesh::Impl::seek_path(const NodeId& peer) {
  const KnownPeer* known = book_.find(peer);
  Acquaintance* about = acquaintance(peer);
  if (known == nullptr || about == nullptr || is_undertaken(peer)) return;
  const bool is_linking = std::any_of(links_.begin(), links_.end(),
                                      [&](const auto& entry) { return entry.second.peer == peer; });
  const bool is_dialled =
      about->dials_under_way > 0 || (!known->endpoints.empty() && about->rounds_failed == 0);
  if (is_linking || is_dialled) return;
  seek_help(peer);
  leave_note(peer);
  const bool is_asked =
      is_dialable() && about->asked_at && now() - *about->asked_at < dial_back_time;
  // In a small mesh both ends seek: one of them waits a moment, so that not two links are made.
  const bool both_seek = std::any_of(circles_.begin(), circles_.end(), [&](const auto& circle) {
    return standings_[circle->index()].small && known->meshes.count(circle->name()) > 0;
  });
  if (both_seek && about->relay_attempts == 0 && own_ > peer
      && about->relay_not_before == TimePoint{}) {
    about->relay_not_before = now() + other_first;
  }
  if (is_asked || now() < about->relay_not_before) return;
  const auto relay = relay_for(peer);
  if (relay) {
    about->relay_not_before =
        now() + doubled(relay_pause_min, relay_pause_max, about->relay_attempts++);
    link_through(*relay, peer);
    if (about->relay_attempts <= 2) return;
  }
  // Nobody carries the link: then perhaps both can dial at one moment.
  const std::vector<NodeId> helpers = helpers_for(peer);
  if (!helpers.empty() && !is_dialable()) propose_meeting(peer, *find_peer(helpers.front())->link);
}

/// No member is known that could hand our request on, or those that were asked did not: then the DHT
/// keeps it.
void Mesh::Impl::leave_note(const NodeId& peer) {
  const KnownPeer* known = book_.find(peer);
  Acquaintance* about = acquaintance(peer);
  if (known == nullptr || about == nullptr || !is_dialable() || !known->endpoints.empty()) return;
  if (!helpers_for(peer).empty() && about->asks < 2) return;
  for (const auto& circle : circles_) {
    if (known->meshes.count(circle->name()) == 0) continue;
    if (!circle->inbox().leave_note(peer, announced_)) continue;
    about->asked_at = now();
    log_.debug("mesh_note_left", {{"peer", peer}});
    return;
  }
}

void Mesh::Impl::on_note(MeshIndex mesh, const PeerRecord& asker) {
  if (has_direct_link(asker.id) || !reversal_.may_follow(asker.id, asker.id, now())) return;
  log_.debug("mesh_note_followed", {{"peer", asker.id}});
  follow(mesh, asker);
}

/// Dials who has asked for it, and keeps a link with it for a while.
void Mesh::Impl::follow(MeshIndex mesh, const PeerRecord& asker) {
  PeerRecord told = asker;
  told.vias.clear();
  book_.on_seen(told, PeerSource::told, circles_[mesh]->name(), now(), scheduler_.unix_now());
  if (Acquaintance* about = acquaintance(asker.id)) {
    about->rounds_failed = 0;
    about->exchange_until =
        std::max(about->exchange_until.value_or(TimePoint{}), now() + followed_for);
  }
  if (is_flowing(asker.id)) return dial_beside(asker.id);
  topology_changed_ = true;
  ask_turn_end();
}

// --- Better ways to somebody we are linked with through a relay

void Mesh::Impl::seek_better_path(const NodeId& peer, Link& link) {
  Acquaintance* about = acquaintance(peer);
  if (about == nullptr) return;
  if (about->direct_attempts == 0) {
    about->direct_attempts = 1;
    about->direct_not_before = now() + better_first;
  }
  if (now() < about->direct_not_before) return;
  about->direct_not_before =
      now() + doubled(better_pause_min, better_pause_max, about->direct_attempts++ - 1);
  const KnownPeer* known = book_.find(peer);
  if (known != nullptr && !known->endpoints.empty()) dial_beside(peer);
  if (is_dialable()) {
    about->asked_at = now();
    link.machine.send_dial_me(link.machine.meshes().front(), peer, own_, announced_, *link.out);
    host_.flush_link(*peers_.at(peer).link);
  } else if (known == nullptr || known->endpoints.empty()) {
    propose_meeting(peer, *peers_.at(peer).link);
  }
}

void Mesh::Impl::dial_beside(const NodeId& peer) {
  const bool is_dialled =
      std::any_of(undertakings_.begin(), undertakings_.end(), [&](const auto& entry) {
        return entry.second.peer == peer && entry.second.kind == Undertaking::Kind::beside;
      });
  if (is_dialled) return;
  const auto endpoint = book_.endpoint_beside(peer, now());
  if (!endpoint) return;
  Undertaking dial;
  dial.kind = Undertaking::Kind::beside;
  dial.peer = peer;
  dial.endpoint = *endpoint;
  dial.way = way_of_dialling(*endpoint);
  undertake(std::move(dial));
}

// --- Neighbours in our local network

/// A link with a neighbour is worth having in large meshes too: it costs the Internet nothing, and
/// stands when the line is dead.
void Mesh::Impl::on_neighbour(std::size_t mesh, const NodeId& peer, const Endpoint& endpoint) {
  if (!running_ || mesh >= circles_.size() || peer == own_) return;
  const bool is_news = book_.on_neighbour(peer, endpoint, circles_[mesh]->name(), now());
  Acquaintance* about = acquaintance(peer);
  if (about == nullptr) return;
  about->exchange_until =
      std::max(about->exchange_until.value_or(TimePoint{}), now() + neighbour_wanted_for);
  if (is_news) {
    about->rounds_failed = 0;
    about->direct_attempts = 0;
    book_changed_ = true;
  }
  if (has_direct_link(peer)) return;
  // Over a relay until now; or a dial that goes elsewhere, and may take long, is under way.
  if (is_flowing(peer) || about->dials_under_way > 0) {
    if (is_news) dial_beside(peer);
    return;
  }
  topology_changed_ = true;
  ask_turn_end();
}

// --- Meetings

void Mesh::Impl::propose_meeting(const NodeId& peer, LinkId over) {
  const auto here = nat_.meeting_point();
  if (!here || !meetings_.may_propose(peer, now())) return;
  meetings_.on_proposed(peer, now());
  log_.debug("mesh_meeting_proposed", {{"peer", peer}, {"addr", here->to_text()}});
  send(over, wire::Meet{peer, own_, wire::Meet::Step::propose, *here});
}

void Mesh::Impl::on_reach(LinkId id, const wire::Meet& frame) {
  if (frame.from == own_ || frame.from == frame.to) return;
  if (frame.to != own_) return pass_on(id, frame);
  const auto here = nat_.meeting_point();
  if (!here || !frame.endpoint.is_global() || has_direct_link(frame.from)) return;
  const Meetings::Next next = meetings_.on_step(frame, now());
  switch (next.act) {
    case Meetings::Next::Act::nothing:
      return;
    case Meetings::Next::Act::accept:
      send(id, wire::Meet{frame.from, own_, wire::Meet::Step::accept, *here});
      return;
    case Meetings::Next::Act::say_now:
      send(id, wire::Meet{frame.from, own_, wire::Meet::Step::now, *here});
      scheduler_.wake_at(now() + next.wait, [self = self_, peer = frame.from, at = next.at] {
        if (*self && (*self)->running_) (*self)->start_meeting(peer, at, true);
      });
      return;
    case Meetings::Next::Act::begin:
      start_meeting(frame.from, next.at, false);
      return;
  }
}

/// A member that both are linked with carries the steps, only for who says them itself.
void Mesh::Impl::pass_on(LinkId id, const wire::Meet& frame) {
  const NodeId from = links_.at(id).peer;
  const Peer* asker = find_peer(from);
  const Peer* to = find_peer(frame.to);
  if (frame.from != from || asker == nullptr || to == nullptr || !to->flowing) return;
  if (!share_a_mesh(*asker, *to) || ++meets_passed_[from] > meets_per_minute) return;
  send(*to->link, frame);
}

void Mesh::Impl::start_meeting(const NodeId& peer, const Endpoint& at, bool as_client) {
  const bool is_meeting =
      std::any_of(undertakings_.begin(), undertakings_.end(), [&](const auto& entry) {
        return entry.second.peer == peer && entry.second.kind == Undertaking::Kind::met;
      });
  if (is_meeting || has_direct_link(peer) || !book_.may_dial_unproven(at, now())) return;
  Undertaking meeting;
  meeting.kind = Undertaking::Kind::met;
  meeting.peer = peer;
  meeting.endpoint = at;
  meeting.way = {settings_.mesh_port, !as_client};
  meeting.until = now() + meeting_time;
  undertake(std::move(meeting));
}

// --- In words

std::string Mesh::Impl::why_no_better(const NodeId& peer) const {
  const auto found = peers_.find(peer);
  const bool is_linked = found != peers_.end() && found->second.flowing;
  if (is_linked && found->second.kept->path != PathKind::relayed) return {};
  if (!is_linked && !wanted_.contains(peer)) return "nothing is exchanged with it now";
  const KnownPeer* known = book_.find(peer);
  const bool can_be_dialled = known != nullptr && !known->endpoints.empty();
  const auto about = acquaintances_.find(peer);
  std::string why;
  if (can_be_dialled && about != acquaintances_.end() && about->second.rounds_failed == 0) {
    why = "it is dialled at " + known->endpoints.front().to_text();
  } else if (can_be_dialled) {
    why = "it does not answer at " + known->endpoints.front().to_text();
  } else {
    why = "it has no address that can be dialled";
  }
  if (is_dialable()) {
    why += is_linked ? ", and has not been able to dial us yet" : ", and has not dialled us";
  } else {
    why += ", nor have we";
    switch (nat_.mapping()) {
      case NatObserver::Mapping::endpoint_dependent:
        why +=
            "; our router shows another port to each (symmetric NAT), so we cannot meet half way";
        break;
      case NatObserver::Mapping::unknown:
      case NatObserver::Mapping::none:
      case NatObserver::Mapping::endpoint_independent:
        if (is_linked) why += "; meeting half way has not worked yet";
        break;
    }
  }
  if (is_linked) return why;
  if (settings_.relay == RelayUse::off) return why + "; relays are off here";
  if (helpers_for(peer).empty()) return why + "; no member that is linked with both of us is known";
  if (!relay_for(peer)) return why + "; no member that is linked with both of us offers to relay";
  return why;
}

}  // namespace starling
