// Mesh: how messages of peers come in. Each passes the seen window, the share rules and the peer's
// quota before the node sees it; it is acknowledged when the node says that it is safe.
#include <algorithm>
#include <utility>

#include "starling/check.hpp"

#include "bridge/mesh/mesh_impl.hpp"

namespace starling {

void Mesh::Impl::receive(LinkId id, Link& link, Peer& peer, PublicationsArrived& event) {
  const TimePoint at = now();
  // Only the origin itself knows its floor, and only origins send to us.
  if (event.floor && event.floor->origin == link.peer) {
    seen_.on_floor(link.peer, MessageNumber{event.floor->epoch, event.floor->sequence}, at);
  }
  for (ArrivedPublication& arrived : event.publications) {
    if (receive_one(link, peer, event.lane, arrived, at)) {
      if (event.lane == wire::Lane::guaranteed) link.arrived = arrived.number;
      continue;
    }
    // It must come again, and so must all behind it: that is what a new link does.
    close(id, wire::CloseReason::quota_exceeded,
          "more unacknowledged messages than can be remembered");
    return;
  }
  if (event.lane == wire::Lane::guaranteed) {
    unsealed_links_.insert(id);
    ask_for_seal();
  }
}

/// False: it can neither be delivered nor acknowledged now.
bool Mesh::Impl::receive_one(Link& link, Peer& peer, wire::Lane lane, ArrivedPublication& arrived,
                             TimePoint at) {
  Publication& message = arrived.message;
  // Nobody passes messages on yet: whoever sends one has published it, and nobody can spend
  // another's ids.
  if (message.id.origin != link.peer) {
    refuse(link, "another node's message");
    return true;
  }
  if (arrived.hops >= limits::hops_max) {
    refuse(link, "too many hops");
    return true;
  }
  const bool guaranteed = lane == wire::Lane::guaranteed;
  const Seen seen =
      guaranteed ? seen_.admit(message.id, at) : seen_.admit_unacknowledged(message.id, at);
  if (seen == Seen::duplicate) {
    duplicates_metric_.add();
    return true;
  }
  if (seen != Seen::fresh) {
    if (!guaranteed) refuse(link, "too many origins");
    return !guaranteed;
  }

  const Circle& circle = *circles_[arrived.mesh];
  const Entrance& entrance = entrance_of(link, lane, arrived);
  if (!entrance.local) {
    refuse(link, "no rule lets the topic in");
    return true;
  }
  if (message.has_expired(at)) return true;
  switch (peer.quota.admit(message, *entrance.local, circle.is_open(), at)) {
    case Admission::admitted:
      break;
    case Admission::too_fast:
      slow_down(link.peer, peer, link, circle.is_open());
      if (!guaranteed) {
        refuse(link, "above the rate for one peer");
        return true;
      }
      break;  // what came on credit is taken; there is no new credit for a while
    case Admission::too_many_retained:
      message.retain = false;
      break;
  }
  ++peer.messages_received;
  received_metric_.add();
  if (!entrance.is_permitted) {
    denied_metric_.add();
    log_.debug("mesh_publication_denied", {{"peer", link.peer}, {"mesh", circle.name()}});
    return true;
  }
  message.topic = *entrance.local;
  const MessageId id = message.id;
  if (host_.deliver_from_mesh(circle.name(), link.peer, std::move(message)) == MeshDelivery::waiting
      && guaranteed) {
    link.waiting.emplace(id, Link::Waiting{arrived.number, false, std::nullopt});
  }
  return true;
}

/// Rules and access are asked once for a topic that comes by number. Good until the next call.
const Mesh::Impl::Entrance& Mesh::Impl::entrance_of(Link& link, wire::Lane lane,
                                                    const ArrivedPublication& arrived) {
  if (arrived.topic_version == 0) {
    find_entrance(link, arrived, entrance_);
    return entrance_;
  }
  // As long as the link's own table of numbers, and so as bounded.
  auto& entrances = link.entrances[static_cast<std::size_t>(lane) - 1];
  if (arrived.topic_number >= entrances.size()) entrances.resize(arrived.topic_number + 1);
  Entrance& entrance = entrances[arrived.topic_number];
  if (entrance.version != arrived.topic_version || entrance.access_generation != access_generation_)
    find_entrance(link, arrived, entrance);
  return entrance;
}

void Mesh::Impl::find_entrance(const Link& link, const ArrivedPublication& arrived,
                               Entrance& entrance) const {
  const Circle& circle = *circles_[arrived.mesh];
  entrance.version = arrived.topic_version;
  entrance.access_generation = access_generation_;
  entrance.local = circle.rules().entering(arrived.message.topic);
  if (entrance.local && entrance.local->is_dollar()) entrance.local.reset();
  entrance.is_permitted =
      entrance.local && host_.mesh_may_publish(circle.name(), link.peer, *entrance.local);
}

/// Counted always, logged once per link and then each time the number has doubled.
void Mesh::Impl::refuse(Link& link, const char* why) {
  ++link.refused;
  refused_metric_.add();
  if ((link.refused & (link.refused - 1)) != 0) return;
  log_.warn("mesh_message_refused", {{"peer", link.peer}, {"why", why}, {"count", link.refused}});
}

/// Each message above the rate postpones the next credit by what it should have taken.
void Mesh::Impl::slow_down(const NodeId& id, Peer& peer, Link& link, bool by_open_mesh) {
  if (peer.link == std::nullopt || &links_.at(*peer.link) != &link) return;
  const double rate = by_open_mesh ? settings_.open_messages_per_s : settings_.peer_messages_per_s;
  const Duration share{static_cast<Duration::rep>(1e9 / rate)};
  const bool is_held = peer.credit_held_until.has_value();
  peer.credit_held_until = std::max(peer.credit_held_until.value_or(now()), now()) + share;
  if (is_held) return;
  OutputBuffer& out = host_.link_output(*peer.link);
  link.machine.hold_credit(wire::Lane::guaranteed, true, out);
  link.machine.hold_credit(wire::Lane::best_effort, true, out);
  const std::weak_ptr<Impl*> alive = self_;
  scheduler_.wake_at(*peer.credit_held_until, [alive, id] {
    const auto self = alive.lock();
    if (self && *self) (*self)->release_credit(id);
  });
}

void Mesh::Impl::release_credit(const NodeId& id) {
  Peer* peer = find_peer(id);
  if (!running_ || peer == nullptr || !peer->link || !peer->credit_held_until) return;
  if (now() < *peer->credit_held_until) {
    const std::weak_ptr<Impl*> alive = self_;
    scheduler_.wake_at(*peer->credit_held_until, [alive, id] {
      const auto self = alive.lock();
      if (self && *self) (*self)->release_credit(id);
    });
    return;
  }
  peer->credit_held_until.reset();
  Link& link = links_.at(*peer->link);
  OutputBuffer& out = host_.link_output(*peer->link);
  link.machine.hold_credit(wire::Lane::guaranteed, false, out);
  link.machine.hold_credit(wire::Lane::best_effort, false, out);
  flush(*peer->link);
}

// --- When it is safe

/// Also what was not delivered waits for a batch to be acknowledged: numbers are acknowledged in order.
void Mesh::Impl::ask_for_seal() {
  has_unsealed_ = true;
  (void)host_.batch();
}

void Mesh::Impl::on_batch_sealed(BatchNumber number) {
  has_unsealed_ = false;
  for (const LinkId id : std::exchange(unsealed_links_, {})) {
    Link& link = links_.at(id);
    for (auto& [message, waiting] : link.waiting) {
      if (waiting.placed && !waiting.batch) waiting.batch = number;
    }
    uncommitted_links_.insert(id);
    if (link.arrived == link.sealed) continue;
    link.sealed = link.arrived;
    link.unsafe.emplace_back(number, link.arrived);
  }
}

void Mesh::Impl::on_committed(BatchNumber last) {
  std::vector<LinkId> settled;
  for (const LinkId id : uncommitted_links_) {
    Link& link = links_.at(id);
    while (!link.unsafe.empty() && link.unsafe.front().first <= last) {
      link.safe = link.unsafe.front().second;
      link.unsafe.pop_front();
    }
    std::erase_if(link.waiting, [last](const auto& entry) {
      return entry.second.batch && *entry.second.batch <= last;
    });
    const bool some_placed =
        std::any_of(link.waiting.begin(), link.waiting.end(),
                    [](const auto& entry) { return entry.second.batch.has_value(); });
    if (link.unsafe.empty() && !some_placed) settled.push_back(id);
    acknowledge(id, link);
  }
  for (const LinkId id : settled) uncommitted_links_.erase(id);
}

void Mesh::Impl::on_message_placed(const MessageId& message) {
  const Peer* peer = find_peer(message.origin);
  if (!running_ || peer == nullptr || !peer->link) return;
  Link& link = links_.at(*peer->link);
  const auto found = link.waiting.find(message);
  if (found == link.waiting.end()) return;
  found->second.placed = true;
  unsealed_links_.insert(*peer->link);
  ask_for_seal();
}

void Mesh::Impl::acknowledge(LinkId id, Link& link) {
  std::uint64_t up_to = link.safe;
  if (!link.waiting.empty()) up_to = std::min(up_to, link.waiting.begin()->second.number - 1);
  if (up_to == 0) return;
  link.machine.acknowledge(up_to, host_.link_output(id));
  flush(id);
  arm(id, link);
}

}  // namespace starling
