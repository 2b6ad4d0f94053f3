// Mesh: how links end, and what becomes of what depended on them.
#include <utility>

#include "bridge/mesh/mesh_impl.hpp"

namespace starling {

// --- Another link takes over

/// Another link is used from now on; what is under way on this one is still taken.
void Mesh::Impl::retire(LinkId id, Peer& peer) {
  if (peer.draining && *peer.draining != id)
    close(*peer.draining, wire::CloseReason::duplicate_link, "another link stays");
  Link& link = links_.at(id);
  dial_tests_.on_tester_lost(link.peer, now());
  link.machine.supersede(now(), *link.out);
  // Nothing but publications is taken over it any more.
  channels_.on_carrier_lost(id);
  relay_.on_link_lost(id);
  peer.draining = id;
  flush(id);
  arm(id, link);
}

/// The older link has said all it had to say.
void Mesh::Impl::release_held(Peer& peer) {
  peer.draining.reset();
  if (peer.kept == nullptr || !peer.link) return;
  Link& link = *peer.kept;
  const LinkId id = *peer.link;
  for (PublicationsArrived& event : std::exchange(link.held, {})) receive(id, link, peer, event);
  link.machine.hold_credit(wire::Lane::best_effort, false, *link.out);
  flush(id);
}

// --- The end

void Mesh::Impl::close(LinkId id, wire::CloseReason reason, const std::string& text) {
  const auto found = links_.find(id);
  if (found == links_.end()) return;
  found->second.machine.close(reason, text, host_.link_output(id));
  flush(id);
  host_.close_link(id);
  forget(id, text, reason);
}

void Mesh::Impl::on_link_closed(LinkId id, const std::string& why) {
  forget(id, why.empty() ? "the peer closed the connection" : why, wire::CloseReason::other);
}

void Mesh::Impl::on_dial_failed(LinkId id, const Error& error) {
  const auto found = dials_.find(id);
  if (found == dials_.end()) return on_undertaking_failed(id, error);
  const DialOrder order = found->second;
  dials_.erase(found);
  book_.on_dial_failed(order, now());
  if (error.code == Errc::unreachable) {
    log_.debug("mesh_dial_failed",
               {{"peer", order.peer}, {"addr", order.endpoint.to_text()}, {"why", error.what}});
  } else {
    log_refusal(order.peer, order.endpoint, false, error.what);
  }
  if (Acquaintance* known = acquaintance(order.peer)) {
    if (known->dials_under_way > 0) --known->dials_under_way;
    ++known->rounds_failed;
  }
  seek_help(order.peer);
  look_up(order.peer);
  ++generation_;
  topology_changed_ = parking_changed_ = true;
  ask_turn_end();
}

void Mesh::Impl::forget(LinkId id, const std::string& why, wire::CloseReason reason) {
  if (dials_.contains(id) || undertakings_.contains(id)) {
    on_dial_failed(id, Error{Errc::unreachable, why});
    return;
  }
  const auto found = links_.find(id);
  if (found == links_.end()) return;
  const NodeId peer_id = found->second.peer;
  const auto order = found->second.order;
  scheduler_.cancel(found->second.wake);
  const auto relay = found->second.relay;
  const bool was_opening = found->second.machine.meshes().empty();
  links_.erase(found);
  channels_.on_carrier_lost(id);
  relay_.on_link_lost(id);
  unsealed_links_.erase(id);
  uncommitted_links_.erase(id);
  if (order) {
    book_.on_dial_failed(*order, now());
    if (Acquaintance* known = acquaintance(peer_id)) ++known->rounds_failed;
  }
  Peer* peer = find_peer(peer_id);
  if (peer != nullptr && peer->draining == id) release_held(*peer);
  if (relay && (was_opening || reason == wire::CloseReason::timeout))
    leave_relay(*relay, peer_id, why);
  if (peer != nullptr && peer->link == id) on_peer_lost(peer_id, *peer, why, reason);
  ++generation_;
  topology_changed_ = parking_changed_ = true;
  ask_turn_end();
}

void Mesh::Impl::on_peer_lost(const NodeId& id, Peer& peer, const std::string& why,
                              wire::CloseReason reason) {
  if (peer.flowing) links_metric_.add(-1);
  dial_tests_.on_tester_lost(id, now());
  relay_.on_peer_lost(id);
  peer.link.reset();
  peer.kept = nullptr;
  peer.flowing = false;
  // QoS 0 does not wait for another link, unless one is about to stand.
  if (reason != wire::CloseReason::duplicate_link) peer.waiting.clear();
  count_dropped(peer);
  peer.away_since = now();
  peer.outbox.rewind();
  book_.on_link_lost(id, now(), scheduler_.unix_now());
  log_.info("mesh_peer_lost", {{"peer", id}, {"why", why}});
  // Half a set of interests is none.
  if (!peer.interests_known) end_live_interests(id, peer);
  if (reason != wire::CloseReason::shutting_down) return;
  // It stops in order: its clients are disconnected, only what their sessions keep is still wanted.
  end_live_interests(id, peer);
  drop_unwanted(id, peer);
}

/// Nobody is there to hear of it any more; durable interests keep the outbox open.
void Mesh::Impl::end_live_interests(const NodeId& id, Peer& peer) {
  const std::size_t durable = interests_.drop_live(id);
  peer.interests_known = durable > 0;
  ++generation_;
}

}  // namespace starling
