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
  if (!running_ || message->topic.is_dollar() || message->has_expired(now())) return;
  std::vector<LeavingName> names;
  for (const auto& circle : circles_) {
    if (auto name = circle->rules().leaving(message->topic)) {
      names.push_back(LeavingName{circle->index(), std::move(*name)});
    }
  }
  if (names.empty()) return;

  // One form and one encoding per mesh in which somebody wants it, shared by all its peers.
  struct Form {
    SharedPublication message;
    std::optional<wire::EncodedPublication> body;
  };
  std::vector<Form> forms(circles_.size());
  for (const LeavingName& name : names) forms[name.mesh].message = renamed(message, name.topic);

  std::vector<NodeId> served;
  for (const Recipient& recipient :
       find_recipients(interests_, names, message->qos, own_, RecipientRules{})) {
    const Peer* peer = find_peer(recipient.peer);
    if (peer == nullptr || !peer->interests_known)
      continue;  // linking: what is parked reaches it in order
    Form& form = forms[recipient.mesh];
    if (!form.body) form.body = wire::encode_publication(*form.message, own_);
    send_to(recipient, form.message, *form.body);
    served.push_back(recipient.peer);
  }
  for (const LeavingName& name : names) {
    Circle& circle = *circles_[name.mesh];
    const SharedPublication& form = forms[name.mesh].message;
    if (!needs_parking(circle, *form)) continue;
    circle.parking().park(form, served, now());
    arm_parking();
  }
}

void Mesh::Impl::send_to(const Recipient& recipient, const SharedPublication& message,
                         const wire::EncodedPublication& body) {
  Peer& peer = *find_peer(recipient.peer);
  if (recipient.qos == QoS::at_most_once) {
    send_best_effort(recipient.peer, peer, recipient, message, body);
    return;
  }
  OutboxEntry entry;
  entry.message = message;
  entry.mesh = recipient.mesh;
  entry.qos = recipient.qos;
  entry.queued_at = now();
  entry.encoded_head = body.head;
  entry.encoded_payload = body.payload;
  if (!peer.outbox.add(std::move(entry))) {
    dropped_outbox_metric_.add();
    return;
  }
  if (settings_.keep_outboxes)
    host_.batch().changes.emplace_back(OutboxQueued{recipient.peer, message});
  if (!peer.flowing) return;
  dirty_peers_.insert(recipient.peer);
  ask_turn_end();
}

/// Now or never.
void Mesh::Impl::send_best_effort(const NodeId& id, Peer& peer, const Recipient& recipient,
                                  const SharedPublication& message,
                                  const wire::EncodedPublication& body) {
  SendResult result;
  if (peer.flowing && !host_.link_is_congested(*peer.link)) {
    OutgoingPublication outgoing;
    outgoing.mesh = recipient.mesh;
    outgoing.qos = QoS::at_most_once;
    if (message->expires_at) outgoing.expires_in = *message->expires_at - now();
    outgoing.body = body;
    Link& link = links_.at(*peer.link);
    if (link.machine.shares(recipient.mesh)) {
      result = link.machine.send(outgoing, host_.link_output(*peer.link));
    }
  }
  if (result.outcome != SendOutcome::sent) {
    ++peer.dropped_qos0;
    dropped_qos0_metric_.add();
    return;
  }
  ++peer.messages_sent;
  sent_metric_.add();
  dirty_peers_.insert(id);
  ask_turn_end();
}

/// As much of the outbox as credit and socket take, and whatever is in the link's batches.
void Mesh::Impl::pump(const NodeId& id, Peer& peer) {
  if (!peer.flowing) return;
  const LinkId link_id = *peer.link;
  Link& link = links_.at(link_id);
  OutputBuffer& out = host_.link_output(link_id);
  link.machine.set_floor(peer.outbox.floor());
  while (link.machine.can_send(wire::Lane::guaranteed) && !host_.link_is_congested(link_id)
         && out.size() < limits::connection_output_max) {
    const OutboxEntry* entry = peer.outbox.peek_unsent(now());
    if (entry == nullptr) break;
    if (!link.machine.shares(entry->mesh)) {
      peer.outbox.give_up_unsent();
      continue;
    }
    OutgoingPublication outgoing;
    outgoing.mesh = entry->mesh;
    outgoing.qos = entry->qos;
    if (entry->message->expires_at) outgoing.expires_in = *entry->message->expires_at - now();
    outgoing.body = wire::EncodedPublication{entry->encoded_head, entry->encoded_payload};
    const SendResult result = link.machine.send(outgoing, out);
    if (result.outcome == SendOutcome::too_large) {
      log_.warn("mesh_message_too_large",
                {{"peer", id}, {"bytes", entry->message->payload.size()}});
      peer.outbox.give_up_unsent();
      dropped_outbox_metric_.add();
      continue;
    }
    if (result.outcome != SendOutcome::sent) break;
    peer.outbox.mark_sent(result.number);
    ++peer.messages_sent;
    sent_metric_.add();
  }
  link.machine.flush(out);
  flush(link_id);
  arm(link_id, link);
}

// --- Those who are still to be found

bool Mesh::Impl::needs_parking(Circle& circle, const Publication& message) {
  const Standing& standing = standings_[circle.index()];
  if (standing.small) {
    // Members are known by the member key; what has just been started has not read it yet.
    return standing.some_hopeful || now() - started_at_ < limits::unresolved_for;
  }
  const bool may_concern = may_concern_others(circle, message);
  // An acknowledged message also waits for those whose announcement is still on its way.
  return may_concern || message.qos != QoS::at_most_once;
}

/// In a mesh that is not fully linked: is somebody who may want this not found, or found and not
/// linked yet?
bool Mesh::Impl::may_concern_others(Circle& circle, const Publication& message) {
  if (circle.finder().find(message.topic) == Resolution::pending) return true;
  auto& recent = recent_topics_[circle.index()];
  const std::string topic{message.topic.text()};
  const auto known = recent.find(topic);
  if (known != recent.end() && known->second == generation_) return false;
  bool somebody_may_come = false;
  for (const PeerRecord& record : circle.finder().peers_wanting(message.topic)) {
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
    if (recipient) send_to(*recipient, message, wire::encode_publication(*message, own_));
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
      if (known == needed.end()) known = needed.emplace(key, needs_parking(*circle, message)).first;
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
