// Mesh: how messages of local clients leave. Those who are known to want one get it at once or into
// their outbox; it waits a moment for those who are still to be found.
#include <algorithm>
#include <utility>

#include "bridge/mesh/mesh_impl.hpp"

namespace starling {
namespace {

constexpr auto parking_interval = std::chrono::milliseconds{250};
constexpr std::size_t recent_topics_max = 1'024;  // per mesh; then begun anew

/// The message as the mesh knows it. Shared unless a prefix changes its name.
SharedPublication renamed(const SharedPublication& message, const TopicName& topic) {
  if (message->topic == topic) return message;
  auto copy = std::make_shared<Publication>(*message);
  copy->topic = topic;
  return copy;
}

}  // namespace

void Mesh::Impl::publish(const SharedPublication& message) {
  if (!running_ || message->topic.is_dollar()) return;
  if (message->expires_at && message->has_expired(now())) return;
  const Route& route = route_of(message->topic);
  if (route.names.empty()) return;

  // A name that a prefix changes makes another message, the same for all peers of its mesh.
  std::vector<SharedPublication> forms;
  const auto form_of = [&](std::size_t name) -> const SharedPublication& {
    if (route.names[name].is_local) return message;
    if (forms.empty()) forms.resize(route.names.size());
    if (!forms[name]) forms[name] = renamed(message, route.names[name].topic);
    return forms[name];
  };
  for (const Route::Target& target : route.targets) {
    const Route::Name& name = route.names[target.name];
    const QoS qos = lower(message->qos, target.qos_max);
    if (qos == QoS::at_most_once
        && send_at_once(target.id, *target.peer, name.mesh, name.topic, *message))
      continue;
    send_to(target.id, *target.peer, name.mesh, qos, form_of(target.name));
  }
  for (std::size_t i = 0; i < route.names.size(); ++i) {
    Circle& circle = *circles_[route.names[i].mesh];
    if (!needs_parking(circle, route.names[i].topic, message->qos)) continue;
    std::vector<NodeId> served;
    for (const Route::Target& target : route.targets) served.push_back(target.id);
    circle.parking().park(form_of(i), std::move(served), now());
    arm_parking();
  }
}

const Mesh::Impl::Route& Mesh::Impl::route_of(const TopicName& topic) {
  const std::size_t hash = std::hash<std::string_view>{}(topic.text());
  // Grows with the topics that push one another out: most nodes publish a few.
  const auto& taken = routes_[hash % routes_.size()].topic;
  if (taken && *taken != topic && ++routes_pushed_out_ > routes_.size() / 4
      && routes_.size() * 4 <= limits::routes_kept) {
    const std::size_t size = routes_.size() * 4;
    routes_.clear();
    routes_.resize(size);
    routes_pushed_out_ = 0;
  }
  Route& place = routes_[hash % routes_.size()];
  const bool is_valid = place.topic && place.interests_generation == interests_.generation()
                        && place.generation == generation_ && *place.topic == topic;
  if (!is_valid) place = make_route(topic);
  return place;
}

Mesh::Impl::Route Mesh::Impl::make_route(const TopicName& topic) {
  Route route;
  route.topic = topic;
  route.interests_generation = interests_.generation();
  route.generation = generation_;
  std::vector<LeavingName> names;
  for (const auto& circle : circles_) {
    auto name = circle->rules().leaving(topic);
    if (!name) continue;
    names.push_back(LeavingName{circle->index(), *name});
    route.names.push_back({circle->index(), *name, *name == topic});
  }
  if (names.empty()) return route;
  // The greatest QoS: each message is lowered to it when it goes.
  for (const Recipient& recipient :
       find_recipients(interests_, names, QoS::exactly_once, own_, RecipientRules{})) {
    Peer* peer = find_peer(recipient.peer);
    if (peer == nullptr || !peer->interests_known)
      continue;  // linking: what is parked reaches it in order
    std::size_t name = 0;
    while (route.names[name].mesh != recipient.mesh) ++name;
    route.targets.push_back({recipient.peer, peer, name, recipient.qos});
  }
  return route;
}

void Mesh::Impl::send_to(const NodeId& id, Peer& peer, MeshIndex mesh, QoS qos,
                         const SharedPublication& message) {
  if (qos == QoS::at_most_once)
    send_best_effort(id, peer, mesh, message);
  else
    enqueue(id, peer, mesh, qos, message);
}

void Mesh::Impl::enqueue(const NodeId& id, Peer& peer, MeshIndex mesh, QoS qos,
                         const SharedPublication& message) {
  if (!peer.outbox.add({.message = message, .mesh = mesh, .qos = qos, .queued_at = now()})) {
    dropped_outbox_metric_.add();
    return;
  }
  if (settings_.keep_outboxes) host_.batch().changes.emplace_back(OutboxQueued{id, message});
  if (peer.flowing) mark_dirty(id, peer);
}

/// Into the link's batch, past the queue, if nothing stands in the way. It is not shared with
/// anything then, nor renamed: only written.
bool Mesh::Impl::send_at_once(const NodeId& id, Peer& peer, MeshIndex mesh, const TopicName& topic,
                              const Publication& message) {
  if (!peer.flowing || !peer.waiting.empty() || !takes_more(peer)) return false;
  PeerLink& machine = peer.kept->machine;
  if (!machine.shares(mesh)) return false;
  OutgoingPublication outgoing{.message = message, .topic = topic, .mesh = mesh};
  if (message.expires_at) outgoing.expires_in = *message.expires_at - now();
  if (machine.send(outgoing, *peer.kept->out).outcome != SendOutcome::sent) return false;
  ++peer.messages_sent;
  sent_metric_.add();
  mark_dirty(id, peer);
  return true;
}

/// It waits a moment for credit or the socket: bursts are longer than either.
void Mesh::Impl::send_best_effort(const NodeId& id, Peer& peer, MeshIndex mesh,
                                  const SharedPublication& message) {
  if (!peer.flowing || !peer.kept->machine.shares(mesh)) {
    ++peer.dropped_qos0;
    dropped_qos0_metric_.add();
    return;
  }
  if (send_at_once(id, peer, mesh, message->topic, *message)) return;
  (void)peer.waiting.add(
      {.message = message, .mesh = mesh, .qos = QoS::at_most_once, .queued_at = now()});
  count_dropped(peer);
  mark_dirty(id, peer);
  tick_by(now() + std::chrono::seconds{1});
}

/// Asked for every message, so the host is asked for few of them.
bool Mesh::Impl::takes_more(Peer& peer) {
  constexpr unsigned messages_per_look = 64;
  Link& link = *peer.kept;
  if (link.messages_until_look == 0) {
    link.messages_until_look = messages_per_look;
    if (!link.out->empty()) host_.flush_link(*peer.link);
    link.is_congested =
        link.out->size() >= limits::connection_output_max || host_.link_is_congested(*peer.link);
  }
  --link.messages_until_look;
  return !link.is_congested;
}

/// As much of what waits as credit and socket take, and whatever is in the link's batches.
void Mesh::Impl::pump(const NodeId& id, Peer& peer) {
  if (!peer.flowing) return;
  const LinkId link_id = *peer.link;
  Link& link = *peer.kept;
  link.messages_until_look = 0;
  link.machine.set_floor(peer.outbox.floor());
  pump_guaranteed(id, peer, link);
  pump_best_effort(peer, link);
  link.machine.flush(*link.out);
  flush(link_id);
  link.messages_until_look = 0;  // the next turn begins with a look
  arm(link_id, link);
}

void Mesh::Impl::pump_guaranteed(const NodeId& id, Peer& peer, Link& link) {
  const TimePoint at = now();
  while (link.machine.can_send(wire::Lane::guaranteed) && takes_more(peer)) {
    const OutboxEntry* entry = peer.outbox.peek_unsent(at);
    if (entry == nullptr) break;
    if (!link.machine.shares(entry->mesh)) {
      peer.outbox.give_up_unsent();
      continue;
    }
    const Publication& message = *entry->message;
    OutgoingPublication outgoing{
        .message = message, .topic = message.topic, .mesh = entry->mesh, .qos = entry->qos};
    if (message.expires_at) outgoing.expires_in = *message.expires_at - at;
    const SendResult result = link.machine.send(outgoing, *link.out);
    if (result.outcome == SendOutcome::too_large) {
      log_.warn("mesh_message_too_large", {{"peer", id}, {"bytes", message.payload.size()}});
      peer.outbox.give_up_unsent();
      dropped_outbox_metric_.add();
      continue;
    }
    if (result.outcome != SendOutcome::sent) break;
    peer.outbox.mark_sent(result.number);
    ++peer.messages_sent;
    sent_metric_.add();
  }
}

void Mesh::Impl::pump_best_effort(Peer& peer, Link& link) {
  const TimePoint at = now();
  while (!peer.waiting.empty() && link.machine.can_send(wire::Lane::best_effort)
         && takes_more(peer)) {
    const OutboxEntry* entry = peer.waiting.peek_unsent(at);
    if (entry == nullptr) break;
    const Publication& message = *entry->message;
    OutgoingPublication outgoing{.message = message, .topic = message.topic, .mesh = entry->mesh};
    if (message.expires_at) outgoing.expires_in = *message.expires_at - at;
    const SendResult result = link.machine.send(outgoing, *link.out);
    if (result.outcome != SendOutcome::sent) {
      peer.waiting.give_up_unsent();  // too large, or out of date
      continue;
    }
    peer.waiting.mark_sent(result.number);
    peer.waiting.acknowledge(result.number);  // nobody answers for QoS 0
    ++peer.messages_sent;
    sent_metric_.add();
  }
  count_dropped(peer);
}

void Mesh::Impl::expire_waiting(Peer& peer) {
  if (peer.waiting.empty()) return;
  peer.waiting.expire(now());
  count_dropped(peer);
}

/// What the queue has given up by itself appears in the metric too.
void Mesh::Impl::count_dropped(Peer& peer) {
  const std::uint64_t dropped = peer.waiting.dropped();
  dropped_qos0_metric_.add(
      static_cast<std::int64_t>(dropped - std::exchange(peer.waiting_dropped, dropped)));
}

// --- Those who are still to be found

bool Mesh::Impl::needs_parking(Circle& circle, const TopicName& topic, QoS qos) {
  const Standing& standing = standings_[circle.index()];
  if (standing.small) {
    // Members are known by the member key; what has just been started has not read it yet.
    return standing.some_hopeful || now() - started_at_ < limits::unresolved_for;
  }
  const bool may_concern = may_concern_others(circle, topic);
  // An acknowledged message also waits for those whose announcement is still on its way.
  return may_concern || qos != QoS::at_most_once;
}

/// In a mesh that is not fully linked: is somebody who may want this not found, or found and not
/// linked yet?
bool Mesh::Impl::may_concern_others(Circle& circle, const TopicName& name) {
  if (circle.finder().find(name) == Resolution::pending) return true;
  auto& recent = recent_topics_[circle.index()];
  const std::string topic{name.text()};
  const auto known = recent.find(topic);
  if (known != recent.end() && known->second == generation_) return false;
  bool somebody_may_come = false;
  for (const PeerRecord& record : circle.finder().peers_wanting(name)) {
    if (is_flowing(record.id)) continue;
    want_for_exchange(record.id);
    somebody_may_come = somebody_may_come || is_hopeful(record.id) || !wanted_.contains(record.id);
  }
  if (recent.size() >= recent_topics_max && known == recent.end()) recent.clear();
  recent[topic] = somebody_may_come ? 0 : generation_;
  return somebody_may_come;
}

/// The peer's interests have just become known: it gets what it missed, each message in the first
/// mesh that fits.
void Mesh::Impl::give_parked(const NodeId& id, Peer& peer) {
  std::vector<std::pair<std::size_t, SharedPublication>> found;
  std::set<MessageId> given;
  for (const std::size_t mesh : peer.meshes) {
    Circle& circle = *circles_[mesh];
    const auto wants = [&](const Publication& message) {
      return wanted_by(id, circle, message) && !given.contains(message.id);
    };
    for (SharedPublication& message : circle.parking().take_for(id, wants)) {
      given.insert(message->id);
      found.emplace_back(mesh, std::move(message));
    }
  }
  // In the order in which they were accepted, whatever mesh they go by.
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.second->id < b.second->id; });
  for (const auto& [mesh, message] : found) {
    const auto recipient = wanted_by(id, *circles_[mesh], *message);
    if (recipient) send_to(id, peer, recipient->mesh, recipient->qos, message);
  }
}

std::optional<Recipient> Mesh::Impl::wanted_by(const NodeId& id, const Circle& circle,
                                               const Publication& message) const {
  std::optional<Recipient> recipient;
  interests_.match(circle.index(), message.topic, [&](const InterestTable::Match& match) {
    if (match.peer != id) return;
    if (!recipient) {
      recipient = Recipient{id, circle.index(), message.topic, QoS::at_most_once, false, {}};
    }
    recipient->qos = std::max(recipient->qos, lower(message.qos, match.qos_max));
    recipient->durable = recipient->durable || match.durable;
  });
  return recipient;
}

/// What a peer has unsubscribed while it was away is not sent any more.
void Mesh::Impl::drop_unwanted(const NodeId& id, Peer& peer) {
  if (peer.outbox.empty()) return;
  peer.outbox.forget_if([&](const OutboxEntry& entry) {
    return !wanted_by(id, *circles_[entry.mesh], *entry.message);
  });
}

void Mesh::Impl::settle_parking() {
  parking_changed_ = false;
  std::int64_t parked = 0;
  for (const auto& circle : circles_) {
    if (circle->parking().empty()) continue;
    // Thousands may wait, but under few topics.
    std::map<std::pair<TopicName, bool>, bool> needed;
    circle->parking().settle([&](const Publication& message) {
      const auto key = std::pair{message.topic, message.qos == QoS::at_most_once};
      auto known = needed.find(key);
      if (known == needed.end())
        known = needed.emplace(key, needs_parking(*circle, message.topic, message.qos)).first;
      return !known->second;
    });
    parked += static_cast<std::int64_t>(circle->parking().size());
  }
  parked_metric_.set(parked);
}

void Mesh::Impl::arm_parking() {
  if (parking_wake_) return;
  // Nothing waits longer than this, and being let go a little late harms nobody.
  parking_wake_ = scheduler_.wake_at(now() + parking_interval, [this] {
    parking_wake_ = WakeId{};
    bool some_wait = false;
    for (const auto& circle : circles_) {
      circle->parking().expire(now());
      some_wait = some_wait || !circle->parking().empty();
    }
    if (some_wait) arm_parking();
    parking_changed_ = true;
    ask_turn_end();
  });
}

// --- Interests

void Mesh::Impl::on_interest_change(const InterestChange& change) {
  for (const auto& circle : circles_) circle->on_local_change(change);
  ask_turn_end();
}

void Mesh::Impl::send_interest_changes() {
  for (const auto& circle : circles_) {
    if (!circle->has_changes()) continue;
    const std::vector<InterestChange> changes = circle->take_changes();
    for (auto& [id, peer] : peers_) {
      if (!peer.link) continue;
      Link& link = links_.at(*peer.link);
      if (!link.machine.shares(circle->index())) continue;
      link.machine.send_interest_changes(circle->index(), changes, host_.link_output(*peer.link));
      flush(*peer.link);
    }
  }
}

}  // namespace starling
