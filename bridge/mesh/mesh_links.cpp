// Mesh: how links come, are told apart, speak and go.
#include <algorithm>
#include <type_traits>
#include <utility>
#include <variant>

#include "starling/check.hpp"

#include "bridge/mesh/mesh_impl.hpp"

namespace starling {

// --- Coming

bool Mesh::Impl::has_room_for_link(const LinkFacts& facts, std::string& why_not) {
  if (!facts.inbound) return true;  // run_dials() has counted it
  const auto unproved = std::count_if(links_.begin(), links_.end(), [](const auto& entry) {
    return entry.second.inbound && !entry.second.machine.is_ready();
  });
  if (static_cast<std::size_t>(unproved) >= limits::links_unproved_max) {
    why_not = "too many connections that have not proved themselves";
    return false;
  }
  if (links_.size() < settings_.links_max) return true;
  // Somebody with whom nothing has been exchanged for long makes room.
  for (const auto& [id, peer] : peers_) {
    if (!peer.flowing || wanted_.contains(id)) continue;
    close(*peer.link, wire::CloseReason::not_needed, "room for others");
    return true;
  }
  why_not = "too many links";
  return false;
}

void Mesh::Impl::on_link_open(LinkId id, LinkFacts facts) {
  const auto dial = dials_.find(id);
  std::optional<DialOrder> order;
  if (dial != dials_.end()) {
    order = dial->second;
    dials_.erase(dial);
    Acquaintance* known = acquaintance(order->peer);
    if (known != nullptr && known->dials_under_way > 0) --known->dials_under_way;
  }
  std::optional<Undertaking> undertaking;
  if (const auto found = undertakings_.find(id); found != undertakings_.end()) {
    undertaking = std::move(found->second);
    undertakings_.erase(found);
  }
  if (!running_ || (!facts.inbound && !order && !undertaking)) {
    host_.close_link(id);
    return;
  }
  if (undertaking && undertaking->kind == Undertaking::Kind::dial_back)
    return finish_dial_back(id, *undertaking);
  std::string why_not;
  if (!has_room_for_link(facts, why_not)) {
    log_refusal(facts.peer, facts.remote, facts.inbound, why_not);
    host_.close_link(id);
    return;
  }

  LinkOpening opening;
  opening.peer = facts.peer;
  if (order) opening.expected = order->peer;
  opening.relayed = undertaking && undertaking->kind == Undertaking::Kind::relayed;
  STARLING_CHECK(facts.exporter.size() == opening.secret.size());
  std::copy(facts.exporter.begin(), facts.exporter.end(), opening.secret.begin());
  opening.role = facts.inbound ? LinkRole::listener : LinkRole::dialler;
  if (!opening.relayed) opening.remote = facts.remote;
  opening.endpoints = endpoints_for(facts.remote);
  opening.ordinal = ++link_ordinal_;
  opening.holds_other = std::any_of(links_.begin(), links_.end(), [&](const auto& entry) {
    return entry.second.peer == facts.peer;
  });

  const auto [at, is_new] =
      links_.try_emplace(id, PeerLink{link_settings_, std::move(opening), now()}, facts);
  STARLING_CHECK(is_new);
  at->second.order = order;
  note_path(at->second, undertaking);
  at->second.out = &host_.link_output(id);
  LinkEvents events;
  at->second.machine.start(events, *at->second.out);
  handle(id, events);
}

void Mesh::Impl::on_link_bytes(LinkId id, ByteView plain) {
  const auto found = links_.find(id);
  if (found == links_.end()) return;
  LinkEvents events;
  found->second.machine.on_bytes(plain, now(), events, *found->second.out);
  handle(id, events);
}

void Mesh::Impl::on_link_writable(LinkId id) {
  const auto found = links_.find(id);
  if (found == links_.end()) return;
  mark_dirty(found->second.peer);
}

void Mesh::Impl::arm(LinkId id, Link& link) {
  const auto due = link.machine.next_deadline();
  if (!due) {
    scheduler_.cancel(link.wake);
    link.wake = WakeId{};
    return;
  }
  // A wake-up that comes too early finds nothing to do and asks again; only an earlier one must be
  // moved.
  if (link.wake && link.wakes_at <= *due) return;
  scheduler_.cancel(link.wake);
  link.wakes_at = *due;
  link.wake = scheduler_.wake_at(*due, [this, id] { on_link_timer(id); });
}

void Mesh::Impl::on_link_timer(LinkId id) {
  const auto found = links_.find(id);
  if (found == links_.end()) return;
  found->second.wake = WakeId{};
  LinkEvents events;
  found->second.machine.on_timer(now(), events, host_.link_output(id));
  handle(id, events);
}

void Mesh::Impl::flush(LinkId id) {
  const auto found = links_.find(id);
  if (found != links_.end() && !found->second.out->empty()) host_.flush_link(id);
}

void Mesh::Impl::handle(LinkId id, LinkEvents& events) {
  for (LinkEvent& event : events) {
    if (!links_.contains(id)) return;  // an earlier event ended it
    std::visit([&](auto& e) { on_event(id, e); }, event);
  }
  const auto found = links_.find(id);
  if (found == links_.end()) return;
  flush(id);
  arm(id, found->second);
}

// --- What a link reports

void Mesh::Impl::on_event(LinkId id, const LinkReady& ready) {
  Link& link = links_.at(id);
  learn_from_hello(link, ready);
  link.order.reset();
  Peer& peer = peer_of(ready.peer);
  if (peer.link) {
    const LinkId other_id = *peer.link;
    const Link& other = links_.at(other_id);
    if (!is_kept(link.machine.standing(), other.machine.standing())) {
      log_.debug("mesh_link_duplicate",
                 {{"peer", ready.peer}, {"kept", other_id.value}, {"closed", id.value}});
      close(id, wire::CloseReason::duplicate_link, "another link stays");
      return;
    }
    log_.debug("mesh_link_duplicate",
               {{"peer", ready.peer}, {"kept", id.value}, {"closed", other_id.value}});
    log_.info("mesh_path_changed", {{"peer", ready.peer},
                                    {"path", to_text(link.path)},
                                    {"addr", link.remote.to_text()},
                                    {"relay", link.relay ? link.relay->to_short_text() : ""},
                                    {"was", to_text(other.path)}});
    adopt(id, link, peer);
    retire(other_id, peer);
  } else {
    std::string meshes;
    for (const std::size_t mesh : ready.meshes) {
      meshes += (meshes.empty() ? "" : ",") + circles_[mesh]->name();
    }
    log_.info("mesh_peer_linked", {{"peer", ready.peer},
                                   {"addr", link.remote.to_text()},
                                   {"inbound", link.inbound},
                                   {"path", to_text(link.path)},
                                   {"relay", link.relay ? link.relay->to_short_text() : ""},
                                   {"meshes", meshes},
                                   {"software", ready.hello.software}});
    adopt(id, link, peer);
  }
}

/// Where it lives, where we live, and which meshes it is in.
void Mesh::Impl::learn_from_hello(const Link& link, const LinkReady& ready) {
  PeerRecord record;
  record.id = ready.peer;
  record.endpoints = ready.hello.endpoints;
  record.epoch = ready.hello.epoch;
  for (const auto& circle : circles_) {
    const bool shared =
        std::find(ready.meshes.begin(), ready.meshes.end(), circle->index()) != ready.meshes.end();
    if (shared) {
      book_.on_seen(record, PeerSource::hello, circle->name(), now(), scheduler_.unix_now());
    } else {
      book_.on_left(ready.peer, circle->name());
      interests_.drop(ready.peer, circle->index());
    }
  }
  const auto proved = link.order ? std::optional<Endpoint>{link.order->endpoint} : link.dialled;
  book_.on_linked(ready.peer, proved, now(), scheduler_.unix_now());
  if (Acquaintance* known = acquaintance(ready.peer)) {
    known->rounds_failed = 0;
    known->relay_attempts = 0;
    known->asks = 0;
    known->relay_not_before = TimePoint{};
    if (link.path != PathKind::relayed) known->direct_attempts = 0;
  }
  if (link.path != PathKind::relayed) meetings_.on_met(ready.peer);
  if (link.path == PathKind::met) book_.on_dial_succeeded(link.remote);
  if (link.relay) bad_paths_.erase({*link.relay, ready.peer});
  peer_of(ready.peer).offers_relay = ready.hello.offers_relay;
  if (ready.hello.observed) on_observed(link, *ready.hello.observed);
  // A reachable member serves the DHT on the same port.
  if (proved) {
    rendezvous_.add_node(*proved);
  } else {
    for (const Endpoint& endpoint : record.endpoints) rendezvous_.add_node(endpoint);
  }
  book_changed_ = true;
}

/// From now on this is the link with the peer. Its outbox begins again with the oldest message.
void Mesh::Impl::adopt(LinkId id, Link& link, Peer& peer) {
  const bool replaces_another = peer.flowing;
  peer.link = id;
  peer.kept = &link;
  peer.meshes = link.machine.meshes();
  peer.away_since.reset();
  peer.credit_held_until.reset();
  peer.outbox.rewind();
  OutputBuffer& out = host_.link_output(id);
  for (const std::size_t mesh : peer.meshes) {
    link.sets_due.insert(mesh);
    link.machine.send_interests(mesh, circles_[mesh]->wanted_here(), out);
  }
  tell_members(link, id);
  if (!replaces_another) tell_about(link.peer, peer);
  // What the peer wants is known already if it was linked until now; otherwise it says so first.
  peer.flowing = replaces_another;
  if (peer.flowing) mark_dirty(link.peer, peer);
  flush(id);
  topology_changed_ = true;
  ask_turn_end();
}

void Mesh::Impl::note_path(Link& link, const std::optional<Undertaking>& undertaking) {
  const auto about = acquaintances_.find(link.peer);
  const bool was_asked = about != acquaintances_.end() && about->second.asked_at
                         && now() - *about->second.asked_at < asked_hope;
  link.from_mesh_port = !link.inbound && link.local.port == settings_.mesh_port;
  link.path = PathKind::dialled;
  if (link.inbound) link.path = was_asked ? PathKind::dialled_back : PathKind::dialled_us;
  if (!undertaking) return;
  if (undertaking->kind == Undertaking::Kind::beside
      || undertaking->kind == Undertaking::Kind::door)
    link.dialled = undertaking->endpoint;
  if (undertaking->kind == Undertaking::Kind::met) link.path = PathKind::met;
  if (undertaking->kind != Undertaking::Kind::relayed) return;
  link.path = PathKind::relayed;
  link.relay = undertaking->relay;
  link.from_mesh_port = false;
}

void Mesh::Impl::begin_flow(const NodeId& id, Peer& peer) {
  peer.flowing = true;
  drop_unwanted(id, peer);
  if (!peer.interests_known) give_parked(id, peer);
  peer.interests_known = true;
  mark_dirty(id, peer);
  ++generation_;
  links_metric_.add(1);
  topology_changed_ = parking_changed_ = true;
  ask_turn_end();
}

void Mesh::Impl::on_event(LinkId id, const InterestsReplaced& event) {
  Link& link = links_.at(id);
  const auto kept =
      interests_.replace(link.peer, static_cast<MeshIndex>(event.mesh), event.interests);
  if (!kept || event.left_out > 0) {
    log_.warn("mesh_interests_refused", {{"peer", link.peer},
                                         {"mesh", circles_[event.mesh]->name()},
                                         {"why", kept ? "too many filters" : kept.error().what}});
  }
  link.sets_due.erase(event.mesh);
  Peer& peer = peer_of(link.peer);
  if (link.sets_due.empty() && peer.link == id && !peer.flowing) begin_flow(link.peer, peer);
}

void Mesh::Impl::on_event(LinkId id, const InterestsChanged& event) {
  const Link& link = links_.at(id);
  for (const InterestChange& change : event.changes) {
    const auto kept = interests_.change(link.peer, static_cast<MeshIndex>(event.mesh), change);
    if (kept) continue;
    log_.warn(
        "mesh_interests_refused",
        {{"peer", link.peer}, {"mesh", circles_[event.mesh]->name()}, {"why", kept.error().what}});
  }
}

void Mesh::Impl::on_event(LinkId id, PublicationsArrived& event) {
  Link& link = links_.at(id);
  Peer& peer = peer_of(link.peer);
  if (peer.draining && *peer.draining != id && links_.contains(*peer.draining)) {
    // What came before over the other link goes first.
    link.machine.hold_credit(wire::Lane::best_effort, true, *link.out);
    link.held.push_back(std::move(event));
    return;
  }
  receive(id, link, peer, event);
}

void Mesh::Impl::on_event(LinkId id, const Acknowledged& event) {
  const Link& link = links_.at(id);
  Peer* peer = find_peer(link.peer);
  if (peer == nullptr || peer->link != id) return;  // an ended link's numbers mean nothing any more
  const auto done = peer->outbox.acknowledge(event.up_to);
  if (!done) return;
  if (settings_.keep_outboxes) host_.batch().changes.emplace_back(OutboxDone{link.peer, *done});
  if (!peer->outbox.empty()) mark_dirty(link.peer, *peer);
}

void Mesh::Impl::on_event(LinkId id, const CreditGranted&) {
  // A lane without anything that waits has nothing to do with its credit yet.
  mark_dirty(links_.at(id).peer);
}

void Mesh::Impl::on_event(LinkId id, const LinkFailed& event) {
  const Link& link = links_.at(id);
  const bool was_refused = link.machine.meshes().empty();
  if (was_refused) {
    log_refusal(link.peer, link.remote, link.inbound, event.error.what);
  }
  flush(id);
  host_.close_link(id);
  forget(id, event.error.what, event.reason);
}

void Mesh::Impl::on_event(LinkId id, const LinkClosed& event) {
  const Link& link = links_.at(id);
  std::string why = "the peer says: " + std::string{wire::to_text(event.reason)};
  if (!event.text.empty()) why += " (" + event.text + ")";
  if (event.reason == wire::CloseReason::dialled_back && !link.machine.is_draining()) {
    const NodeId tester = link.peer;
    const bool is_test = link.inbound && link.machine.meshes().empty();
    host_.close_link(id);
    forget(id, why, event.reason);
    if (is_test) on_dialled_back(tester, event.text);
    return;
  }
  const bool was_refused = link.machine.meshes().empty();
  if (was_refused && event.reason != wire::CloseReason::duplicate_link) {
    log_refusal(link.peer, link.remote, link.inbound, why);
  }
  host_.close_link(id);
  forget(id, why, event.reason);
}

/// Strangers decide how often this happens, not how much is written about it.
void Mesh::Impl::log_refusal(const NodeId& peer, const Endpoint& remote, bool inbound,
                             const std::string& why) {
  if (now() - refusals_since_ >= limits::link_refusals_window) {
    refusals_since_ = now();
    refusals_ = 0;
  }
  if (++refusals_ > limits::link_refusals_logged) {
    ++refusals_unlogged_;
    return;
  }
  log_.warn("mesh_link_refused", {{"peer", peer},
                                  {"addr", remote.to_text()},
                                  {"inbound", inbound},
                                  {"why", why},
                                  {"not_logged_before", std::exchange(refusals_unlogged_, 0)}});
}

// --- Who there is

Mesh::Impl::Peer& Mesh::Impl::peer_of(const NodeId& id) {
  if (Peer* known = find_peer(id)) return *known;
  const PeerQuotaBounds bounds{settings_.peer_messages_per_s, settings_.open_messages_per_s,
                               settings_.peer_retained_max};
  return peers_.try_emplace(id, settings_.outbox, bounds, HashSeed::from(entropy_), now())
      .first->second;
}

Mesh::Impl::Peer* Mesh::Impl::find_peer(const NodeId& id) {
  const auto found = peers_.find(id);
  return found == peers_.end() ? nullptr : &found->second;
}

Mesh::Impl::Link* Mesh::Impl::find_link(const NodeId& peer) {
  const Peer* known = find_peer(peer);
  if (known == nullptr || !known->link) return nullptr;
  return &links_.at(*known->link);
}

}  // namespace starling
