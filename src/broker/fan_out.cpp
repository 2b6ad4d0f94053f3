#include "src/broker/fan_out.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "src/session/message_text.hpp"
#include "src/session/topic_mount.hpp"

namespace starling {

using Placement = ServerSession::Placement;

void FanOut::publish(const SharedPublication& message, SubscriberKey publisher, TimePoint now,
                     Outcome& outcome) {
  outcome.full.clear();
  outcome.dropped = nullptr;
  forget_images();
  const Route& route = route_of(message->topic, publisher);
  outcome.matched = !route.leads_nowhere();
  copies_made_ += route.copies.size() + route.groups.size();
  is_for_one_ = route.copies.size() + route.groups.size() == 1;
  for (const Copy& copy : route.copies) send(copy, message, now, outcome);
  for (const SubscriberKey group : route.groups) send_to_member(group, message, now, outcome);
}

const Route& FanOut::route_of(const TopicName& topic, SubscriberKey publisher) {
  bool is_known = false;
  Route& route = routes_.at(topic, tree_.generation(), is_known);
  if (is_known) return route;
  ++number_;
  tree_.match(topic, [&](SubscriberKey key, const SubscriptionOptions& options) {
    if (SharedGroups::is_group(key)) return route.groups.push_back(key);
    route.has_no_local |= options.no_local;
    if (options.no_local && key == publisher) return;  // [MQTT5-3.8.3-3]
    add_match(route, registry_.at(key), options);
  });
  routes_.keep(route);
  return route;
}

void FanOut::forget_images() {
  for (auto& version : images_)
    for (Image& image : version) image.encoded = false;
}

// Overlapping subscriptions of one client bring it one copy, with the greatest QoS granted
// [MQTT-3.3.5-1] [MQTT5-3.3.4-2] and all their identifiers [MQTT5-3.3.4-4].
void FanOut::add_match(Route& route, LocalSession& session, const SubscriptionOptions& options) {
  if (session.fan_out_number != number_) {
    session.fan_out_number = number_;
    session.fan_out_index = route.copies.size();
    route.copies.push_back({&session, options.qos, options.retain_as_published, 0, {}});
  } else {
    Copy& copy = route.copies[session.fan_out_index];
    copy.qos = std::max(copy.qos, options.qos);
    copy.retain_as_published |= options.retain_as_published;
  }
  if (options.identifier != 0)
    route.copies[session.fan_out_index].identifiers.push_back(options.identifier);
}

void FanOut::send_to_member(SubscriberKey key, const SharedPublication& message, TimePoint now,
                            Outcome& outcome) {
  SharedGroups::Group* group = groups_.find(key);
  const SharedGroups::Member* member =
      group != nullptr
          ? SharedGroups::pick(*group, message->qos, settings_.upgrade_outgoing_qos, nullptr)
          : nullptr;
  if (member
      == nullptr) {  // QoS 0 and nobody can take it now, or all queues of absent members full
    ++(message->qos == QoS::at_most_once ? counters_.dropped_qos0 : counters_.dropped_queue_full);
    return;
  }
  send(copy_for(*member, key), message, now, outcome);
}

Copy FanOut::copy_for(const SharedGroups::Member& member, SubscriberKey group) {
  Copy copy{member.session, member.options.qos, member.options.retain_as_published, group, {}};
  if (member.options.identifier != 0) copy.identifiers.push_back(member.options.identifier);
  return copy;
}

// [MQTT-3.8.4-6] [MQTT5-3.8.4-8]
QoS FanOut::qos_for(QoS published, QoS granted) const {
  return settings_.upgrade_outgoing_qos ? granted : lower(published, granted);
}

void FanOut::send(const Copy& copy, const SharedPublication& message, TimePoint now,
                  Outcome& outcome) {
  LocalSession& session = *copy.session;
  const std::string_view mount = session.machine.mount();
  if (!mount.empty() && !unmounted(mount, message->topic.text())) return;
  if (!session.access.may_receive(message->topic)) {
    ++counters_.denied_receive;
    return;
  }
  const QoS qos = qos_for(message->qos, copy.qos);
  // [MQTT-3.3.1-9] [MQTT5-3.3.1-12] [MQTT5-3.3.1-13]; before MQTT 5 the option is never set.
  const bool retain = message->retain && copy.retain_as_published;
  if (qos == QoS::at_most_once) return send_qos0(copy, message, retain, now, outcome);
  const mqtt::PublishImage* image = image_for(session, copy, qos, *message, now);
  Delivery delivery{message, qos, retain, copy.identifiers, copy.share_group};
  place(session, message, std::move(delivery), image, now, outcome);
}

void FanOut::send_qos0(const Copy& copy, const SharedPublication& message, bool retain,
                       TimePoint now, Outcome& outcome) {
  LocalSession& session = *copy.session;
  const bool is_behind = !session.machine.is_sending() || session.machine.outbound().has_waiting();
  if (settings_.queue_qos0 && is_behind && session.is_durable()) {
    Delivery delivery{message, QoS::at_most_once, retain, copy.identifiers, copy.share_group};
    return place(session, message, std::move(delivery), nullptr, now, outcome);
  }
  if (!session.machine.is_sending()) return;  // otherwise QoS 0 waits for nobody
  const mqtt::PublishImage* image = image_for(session, copy, QoS::at_most_once, *message, now);
  if (session.machine.send_qos0(*message, retain, copy.identifiers, image, now)) {
    count_sent(*message);
  } else {
    ++counters_.dropped_qos0;
  }
}

const mqtt::PublishImage* FanOut::image_for(const LocalSession& session, const Copy& copy, QoS qos,
                                            const Publication& message, TimePoint now) {
  // One receiver's packet is written where it belongs at once (pairs, QoS 0 and 1: +4 %).
  if (is_for_one_ || !copy.identifiers.empty() || !session.machine.takes_images()
      || !session.machine.can_write(qos))
    return nullptr;
  const mqtt::ProtocolVersion version = session.machine.terms().version;
  Image& slot = images_[version == mqtt::ProtocolVersion::v5][qos != QoS::at_most_once];
  if (!slot.encoded) {
    mqtt::Publish packet = make_publish(message, message.topic.text(), {}, now);
    packet.qos = qos;
    packet.packet_id = qos == QoS::at_most_once ? 0 : 1;  // patched for each subscriber
    slot.image.encode(std::move(packet), message.payload, version);
    slot.encoded = true;
  }
  return &slot.image;
}

void FanOut::journal_queued(LocalSession& session, const Delivery& delivery,
                            StoredDelivery::State state) {
  if (session.stored == 0) return;
  const SharedGroups::Group* group =
      delivery.share_group != 0 ? groups_.find(delivery.share_group) : nullptr;
  host_.batch().changes.push_back(
      MessageQueued{session.stored,
                    {delivery.position, delivery.message, delivery.qos, delivery.retain, state,
                     delivery.subscription_ids, group != nullptr ? share_name(*group) : ""}});
  const bool waits_for_safety =
      delivery.qos == QoS::exactly_once && state == StoredDelivery::State::waiting;
  if (waits_for_safety) host_.tell_when_safe(session.stored, delivery.position);
}

bool FanOut::needs_store(const TopicName& topic) const {
  bool needs = false;
  tree_.match(topic, [&](SubscriberKey key, const SubscriptionOptions& options) {
    if (options.qos == QoS::at_most_once && !SharedGroups::is_group(key)) return;
    needs = needs || SharedGroups::is_group(key) || registry_.at(key).stored != 0;
  });
  return needs;
}

void FanOut::count_sent(const Publication& message) {
  ++counters_.publish_sent;
  counters_.publish_bytes_sent += static_cast<std::int64_t>(message.payload.size());
}

void FanOut::place(LocalSession& session, const SharedPublication& message, Delivery&& delivery,
                   const mqtt::PublishImage* image, TimePoint now, Outcome& outcome) {
  if (!session.machine.is_sending() && session.machine.is_full()) purge(session, now);
  delivery.position = session.machine.outbound().next_position();
  std::optional<Delivery> journaled;
  if (session.stored != 0) journaled = delivery;
  auto state = StoredDelivery::State::waiting;
  switch (delivery.qos == QoS::at_most_once
              ? session.machine.enqueue_qos0(std::move(delivery))
              : session.machine.deliver(std::move(delivery), image, now)) {
    case Placement::sent:
      count_sent(*message);
      state = StoredDelivery::State::sent;
      break;
    case Placement::queued:
      break;
    case Placement::beyond_limit:
      outcome.full.push_back(&session);
      break;
    case Placement::discarded:
      ++counters_.dropped_too_large;
      return;
    case Placement::dropped:
      ++counters_.dropped_queue_full;
      if (outcome.dropped == nullptr) outcome.dropped = &session;
      return;
  }
  if (journaled) journal_queued(session, *journaled, state);
}

/// Room in the full queue of an absent client, if some of it has expired. A walk through the queue,
/// so not with every message.
void FanOut::purge(LocalSession& session, TimePoint now) {
  if (now < session.purge_again_at) return;
  session.purge_again_at = now + limits::queue_purge_interval;
  for (const Delivery& delivery : session.machine.outbound().take_expired(now)) {
    ++counters_.dropped_expired;
    on_acknowledged(session, delivery);
  }
}

void FanOut::send_retained(LocalSession& session, const SharedPublication& message, QoS granted,
                           std::uint32_t identifier, TimePoint now) {
  const QoS qos = qos_for(message->qos, granted);
  std::vector<std::uint32_t> identifiers;
  if (identifier != 0) identifiers.push_back(identifier);
  if (qos == QoS::at_most_once) {
    if (session.machine.send_qos0(*message, true, identifiers, nullptr, now)) {
      count_sent(*message);
    } else {
      ++counters_.dropped_qos0;
    }
    return;
  }
  const Delivery delivery{
      message, qos, true, std::move(identifiers), 0, session.machine.outbound().next_position()};
  switch (session.machine.deliver_now(delivery, now)) {
    case Placement::discarded:
      ++counters_.dropped_too_large;
      return;
    case Placement::sent:
      count_sent(*message);
      return journal_queued(session, delivery, StoredDelivery::State::sent);
    default:
      return journal_queued(session, delivery, StoredDelivery::State::waiting);
  }
}

bool FanOut::hand_over(const Delivery& delivery, const LocalSession* leaving, bool to_present_only,
                       TimePoint now, Outcome& outcome) {
  outcome.full.clear();
  outcome.dropped = nullptr;
  SharedGroups::Group* group = groups_.find(delivery.share_group);
  if (group == nullptr) return false;
  const SharedGroups::Member* member =
      SharedGroups::pick(*group, delivery.message->qos, settings_.upgrade_outgoing_qos, leaving);
  if (member == nullptr) return false;
  const ServerSession& machine = member->session->machine;
  if (to_present_only && (!machine.is_sending() || machine.is_full())) return false;
  forget_images();
  is_for_one_ = true;
  send(copy_for(*member, delivery.share_group), delivery.message, now, outcome);
  return true;
}

void FanOut::on_acknowledged(LocalSession& session, const Delivery& delivery) {
  if (session.stored == 0) return;
  host_.batch().changes.push_back(MessageDone{session.stored, delivery.position});
}

void FanOut::send_waiting(LocalSession& session, TimePoint now, std::size_t count_max) {
  ended_.unsent.clear();
  ended_.qos0.clear();
  const ServerSession::Sent sent = session.machine.send_waiting(now, ended_, count_max);
  counters_.publish_sent += static_cast<std::int64_t>(sent.messages);
  counters_.publish_bytes_sent += static_cast<std::int64_t>(sent.bytes);
  for (const Delivery& delivery : ended_.unsent) {
    ++(delivery.message->has_expired(now) ? counters_.dropped_expired
                                          : counters_.dropped_too_large);
    on_acknowledged(session, delivery);
  }
  for (const Delivery& delivery : ended_.qos0) on_acknowledged(session, delivery);
  if (session.stored == 0) return;
  if (sent.up_to != 0) host_.batch().changes.push_back(MessagesSent{session.stored, sent.up_to});
  if (const auto after = session.machine.outbound().wants_read())
    host_.read_queue(
        {session.stored, *after, limits::queue_refill_messages, limits::queue_memory_bytes});
}

}  // namespace starling
