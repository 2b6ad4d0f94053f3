#include "src/session/server_session.hpp"

#include <utility>

#include "starling/check.hpp"

#include "src/mqtt/write_packet.hpp"
#include "src/session/message_text.hpp"
#include "src/session/topic_mount.hpp"

namespace starling {

using mqtt::PacketError;
using mqtt::ReasonCode;

void ServerSession::set_mount(std::string_view mount) {
  STARLING_CHECK(outlet_ == nullptr);
  mount_ = mount.empty() ? nullptr : std::make_unique<const std::string>(mount);
}

void ServerSession::on_connected(const Terms& terms, TimePoint now) {
  STARLING_CHECK(outlet_ == nullptr && terms.window > 0 && terms.packet_size_max > 0);
  terms_ = terms;
  keep_alive_ = KeepAlive(std::chrono::seconds{terms.keep_alive_s}, now);
  if (terms.topic_alias_out_max > 0)
    aliases_out_ = std::make_unique<OutboundAliases>(terms.topic_alias_out_max);
  inbound_.on_connected(terms.receive_maximum);
}

void ServerSession::begin_sending(PacketOutlet& outlet) {
  STARLING_CHECK(outlet_ == nullptr);
  outlet_ = &outlet;
  outbound_.on_connected(terms_.window);
}

void ServerSession::on_disconnected() {
  outlet_ = nullptr;
  keep_alive_ = {};
  aliases_.reset();
  aliases_out_.reset();
  outbound_.on_disconnected();
}

mqtt::Decoded<ServerSession::Arrived> ServerSession::on_publish(const mqtt::Publish& packet) {
  if (aliases_ == nullptr)
    aliases_ =
        std::make_unique<TopicAliases>(terms_.topic_alias_max, terms_.topic_levels_max, mount());
  auto topic = aliases_->resolve(packet.topic, packet.properties.topic_alias);
  if (!topic) return topic.error();
  switch (inbound_.on_publish(packet.qos, packet.packet_id)) {
    case InboundQos::Arrival::fresh:
      return Arrived{*std::move(topic), false};
    case InboundQos::Arrival::repeated:
      return Arrived{*std::move(topic), true};
    case InboundQos::Arrival::over_quota:
      break;
  }
  return PacketError{
      {Errc::quota_exceeded, "more QoS 1 and 2 messages under way than allowed [MQTT5-3.3.4-7]"},
      ReasonCode::receive_maximum_exceeded};
}

bool ServerSession::send_qos0(const Publication& message, bool retain,
                              std::span<const std::uint32_t> subscription_ids,
                              const mqtt::PublishImage* image, TimePoint now) {
  if (image == nullptr && !can_write(QoS::at_most_once)) return false;
  return write_publish(message, {QoS::at_most_once, retain, false, 0}, subscription_ids, image,
                       now);
}

ServerSession::Placement ServerSession::deliver(Delivery&& delivery,
                                                const mqtt::PublishImage* image, TimePoint now) {
  STARLING_CHECK(delivery.qos != QoS::at_most_once);
  const bool accepts = image != nullptr || window_accepts();
  if (accepts && !outbound_.has_waiting() && !must_be_safe(delivery.qos))
    return start(std::move(delivery), image, now) ? Placement::discarded : Placement::sent;
  const bool full = outbound_.is_full();
  if (full && outlet_ == nullptr) return Placement::dropped;
  outbound_.enqueue(std::move(delivery));
  return full ? Placement::beyond_limit : Placement::queued;
}

ServerSession::Placement ServerSession::enqueue_qos0(Delivery delivery) {
  STARLING_CHECK(delivery.qos == QoS::at_most_once);
  if (outbound_.is_full()) return Placement::dropped;
  outbound_.enqueue(std::move(delivery));
  return Placement::queued;
}

ServerSession::Placement ServerSession::deliver_now(Delivery delivery, TimePoint now) {
  if (must_be_safe(delivery.qos)) {
    outbound_.enqueue(std::move(delivery));
    return Placement::queued;
  }
  return start(std::move(delivery), nullptr, now) ? Placement::discarded : Placement::sent;
}

std::optional<Delivery> ServerSession::start(Delivery&& delivery, const mqtt::PublishImage* image,
                                             TimePoint now) {
  const OutboundQos::Inflight& entry = outbound_.begin(std::move(delivery));
  if (write_publish(entry.delivery, entry.packet_id, false, image, now)) return std::nullopt;
  return outbound_.abandon(entry.packet_id);
}

ServerSession::Sent ServerSession::send_waiting(TimePoint now, Ended& ended,
                                                std::size_t count_max) {
  Sent sent;
  if (outlet_ == nullptr) return sent;
  while (!outlet_->write_is_congested()) {
    const OutboundQos::Inflight* again = outbound_.next_to_resend();
    if (again == nullptr) break;
    if (again->state == OutboundQos::State::awaiting_pubcomp) {
      write_packet(mqtt::Pubrel{again->packet_id, ReasonCode::success, {}});
    } else if (!write_publish(again->delivery, again->packet_id, true, nullptr, now)) {
      ended.unsent.push_back(outbound_.abandon(again->packet_id).value());
    }
  }
  for (; count_max > 0 && outbound_.has_waiting() && window_accepts(); --count_max) {
    auto next = outbound_.take_waiting(now, ended.unsent);
    if (!next) break;
    const std::size_t bytes = next->message->payload.size();
    const std::uint64_t position = next->position;
    if (next->qos == QoS::at_most_once) {
      const bool written = write_publish(*next, 0, false, nullptr, now);
      (written ? ended.qos0 : ended.unsent).push_back(*std::move(next));
      if (!written) continue;
    } else if (auto too_large = start(*std::move(next), nullptr, now)) {
      ended.unsent.push_back(*std::move(too_large));
      continue;
    } else {
      sent.up_to = position;
    }
    ++sent.messages;
    sent.bytes += bytes;
  }
  return sent;
}

bool ServerSession::write_publish(const Delivery& delivery, std::uint16_t packet_id, bool dup,
                                  const mqtt::PublishImage* image, TimePoint now) {
  return write_publish(*delivery.message, {delivery.qos, delivery.retain, dup, packet_id},
                       delivery.subscription_ids, image, now);
}

bool ServerSession::write_publish(const Publication& message, Flags flags,
                                  std::span<const std::uint32_t> subscription_ids,
                                  const mqtt::PublishImage* image, TimePoint now) {
  OutputBuffer& out = outlet_->output();
  if (image != nullptr) {
    if (image->size() > terms_.packet_size_max) return false;
    image->append_to(out, flags.qos, flags.retain, flags.dup, flags.packet_id);
    on_written(image->size());
    return true;
  }
  const auto name = unmounted(mount(), message.topic.text());
  if (!name) return false;  // it waited for a client that came back behind another mount point
  mqtt::Publish packet = make_publish(message, *name, subscription_ids, now);
  packet.qos = flags.qos;
  packet.retain = flags.retain;
  packet.dup = flags.dup;
  packet.packet_id = flags.packet_id;

  // An alias that is known replaces the name. A new one comes with it, if there is room for both.
  const auto choice =
      aliases_out_ ? aliases_out_->choose(message.topic) : OutboundAliases::Choice{};
  std::uint16_t new_alias = 0;
  if (choice.alias != 0) {
    packet.properties.topic_alias = choice.alias;
    if (choice.is_known) {
      packet.topic = {};
    } else if (mqtt::encoded_size(packet, terms_.version) > terms_.packet_size_max) {
      packet.properties.topic_alias.reset();
    } else {
      new_alias = choice.alias;
    }
  }
  const std::size_t size = mqtt::encoded_size(packet, terms_.version);
  if (size > terms_.packet_size_max) return false;
  mqtt::write_publish_head(packet, terms_.version, out.tail());
  out.append(message.payload);
  if (new_alias != 0) aliases_out_->bind(new_alias, message.topic);
  on_written(size);
  return true;
}

}  // namespace starling
