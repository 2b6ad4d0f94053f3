// Mesh: the view from outside.
#include "bridge/mesh/mesh_status.hpp"

#include <set>

#include "bridge/mesh/mesh_impl.hpp"

namespace starling {

std::string_view to_text(PathKind path) {
  switch (path) {
    case PathKind::none:
      return "none";
    case PathKind::dialled:
      return "dialled";
    case PathKind::dialled_us:
      return "dialled us";
    case PathKind::dialled_back:
      return "dialled back";
    case PathKind::met:
      return "met";
    case PathKind::relayed:
      return "relayed";
  }
  return "none";
}

PeerStatus Mesh::Impl::status_of(const NodeId& id) const {
  PeerStatus status;
  status.id = id;
  if (const auto known = acquaintances_.find(id); known != acquaintances_.end()) {
    if (known->second.dials_under_way > 0) status.state = PeerState::dialling;
  }
  for (const auto& [link_id, link] : links_) {
    if (link.peer != id) continue;
    status.state = PeerState::linking;
    status.remote = link.remote;
    status.inbound = link.inbound;
  }
  const auto found = peers_.find(id);
  if (found == peers_.end()) return status;
  const Peer& peer = found->second;
  for (const std::size_t mesh : peer.meshes) status.meshes.push_back(circles_[mesh]->name());
  if (peer.link) {
    const Link& link = links_.at(*peer.link);
    status.state = peer.flowing ? PeerState::linked : PeerState::linking;
    status.remote = link.remote;
    status.inbound = link.inbound;
    status.round_trip = link.machine.round_trip();
    status.path = link.path;
    status.relay = link.relay;
  }
  status.messages_received = peer.messages_received;
  status.messages_sent = peer.messages_sent;
  status.dropped_qos0 = peer.dropped_qos0 + peer.waiting.dropped();
  status.dropped_outbox = peer.outbox.dropped();
  status.outbox_messages = peer.outbox.size();
  status.outbox_bytes = peer.outbox.bytes();
  status.interests = interests_.count_of(id);
  return status;
}

MeshStatus Mesh::Impl::status() const {
  MeshStatus status;
  std::set<NodeId> ids;
  for (const auto& circle : circles_) {
    for (const KnownPeer* member : book_.members_of(circle->name())) ids.insert(member->id);
    status.parked_messages += circle->parking().size();
  }
  status.members_known = ids.size();
  for (const auto& [id, peer] : peers_) ids.insert(id);
  for (const NodeId& id : ids) {
    status.peers.push_back(status_of(id));
    if (status.peers.back().state == PeerState::linked) ++status.links;
  }
  for (PeerStatus& peer : status.peers) peer.why = why_no_better(peer.id);
  status.announced = announced_;
  status.addresses = address_status();
  status.nat_mapping = nat_mapping();
  for (const auto& [relay, place] : reservations_)
    status.reservations.push_back({relay, place.granted, ""});
  for (const auto& [relay, refusal] : refused_places_)
    status.reservations.push_back({relay, false, refusal.second});
  status.relayed_links = relay_.circuits();
  status.relayed_bytes = relay_.bytes_carried();
  return status;
}

MeshLoad Mesh::Impl::load() const {
  MeshLoad load;
  load.peers_known = book_.size();
  load.carried_links = relay_.circuits();
  for (const auto& circle : circles_) load.parked_messages += circle->parking().size();
  for (const auto& [id, peer] : peers_) {
    if (peer.flowing) ++load.links;
    if (peer.flowing && peer.kept->path == PathKind::relayed) ++load.relayed_links;
    if (peer.outbox.empty()) continue;
    load.outbox_messages += peer.outbox.size();
    load.outbox_bytes += peer.outbox.bytes();
    load.outboxes.emplace_back(id, peer.outbox.size());
  }
  return load;
}

}  // namespace starling
