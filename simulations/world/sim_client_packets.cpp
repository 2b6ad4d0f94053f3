// What a scripted client says and hears, packet by packet.
#include <algorithm>
#include <utility>

#include "simulations/world/sim_client.hpp"
#include "src/mqtt/read_packet.hpp"

namespace starling::sim {
namespace {

constexpr std::size_t waiting_max = 10'000;  // messages of a client without a connection
static_assert(payload_mark.size() + 8 + 4 + 8 <= SimClient::payload_min);

struct PayloadHead {
  MessageNumber number = 0;
  NodeNumber node = no_node;
  TimePoint at;
};

std::optional<PayloadHead> read_head(ByteView payload) {
  ByteReader reader(payload);
  const ByteView mark = reader.read_bytes(payload_mark.size());
  if (!reader.ok() || as_text(mark) != payload_mark) return std::nullopt;
  PayloadHead head;
  head.number = reader.read_u64();
  head.node = reader.read_u32();
  head.at = TimePoint{Duration{static_cast<Duration::rep>(reader.read_u64())}};
  return reader.ok() ? std::optional(head) : std::nullopt;
}

}  // namespace

// --- Packets out

void SimClient::send_bytes(ByteView bytes) {
  if (!stream_) return;
  stream_->output().append(bytes);
  stream_->flush_soon();
}

template <class Packet>
void SimClient::send_later(const Packet& packet) {
  if (config_.answer_time == Duration::zero()) return send(packet);
  later(config_.answer_time, [this, packet, connection = connection_] {
    if (connection == connection_) send(packet);
  });
}

std::uint16_t SimClient::take_packet_id() {
  const auto is_taken = [&](std::uint16_t id) {
    if (id == 0 || outgoing_ids_.contains(id) || unsubscribing_.contains(id)) return true;
    return std::any_of(filters_.begin(), filters_.end(),
                       [&](const auto& filter) { return filter.second.packet_id == id; });
  };
  do {
    ++last_packet_id_;
  } while (is_taken(last_packet_id_));
  return last_packet_id_;
}

void SimClient::subscribe(const ClientFilter& filter) {
  Filter& entry = filters_[filter.filter];
  entry.asked = filter;
  if (entry.identifier == 0) entry.identifier = ++last_identifier_;
  entry.is_granted = false;
  if (is_ready_) send_subscribe(entry);
}

void SimClient::send_subscribe(Filter& filter) {
  filter.packet_id = take_packet_id();
  mqtt::Subscribe subscribe;
  subscribe.packet_id = filter.packet_id;
  subscribe.subscriptions.push_back({filter.asked.filter, filter.asked.qos, filter.asked.no_local,
                                     filter.asked.retain_as_published});
  subscribe.properties.subscription_identifier = filter.identifier;
  around_.observer.on_subscribing(
      now(), {number_, config_.node, filter.asked.filter, filter.asked.qos, filter.identifier});
  send(subscribe);
}

void SimClient::unsubscribe(const std::string& filter) {
  if (filters_.erase(filter) == 0) return;
  around_.observer.on_unsubscribing(now(), number_, filter);
  if (!is_ready_) return;
  mqtt::Unsubscribe packet;
  packet.packet_id = take_packet_id();
  packet.filters.push_back(filter);
  unsubscribing_[packet.packet_id] = filter;
  send(packet);
}

bool SimClient::is_subscribed() const {
  return std::all_of(filters_.begin(), filters_.end(),
                     [](const auto& filter) { return filter.second.is_granted; });
}

MessageNumber SimClient::publish(const std::string& topic, QoS qos, bool retain,
                                 std::size_t payload_size) {
  Outgoing message;
  message.topic = topic;
  message.qos = qos;
  message.retain = retain;
  message.is_empty = payload_size == 0;
  message.payload_size = payload_size == 0 ? 0 : std::max(payload_size, payload_min);
  message.number = around_.next_message();
  return hand_over(std::move(message));
}

void SimClient::publish_text(const std::string& topic, const std::string& payload, QoS qos,
                             bool retain) {
  Outgoing message;
  message.topic = topic;
  message.text = payload;
  message.qos = qos;
  message.retain = retain;
  hand_over(std::move(message));
}

MessageNumber SimClient::hand_over(Outgoing message) {
  const MessageNumber number = message.number;
  if (waiting_.size() < waiting_max) waiting_.push_back(std::move(message));
  send_waiting();
  return number;
}

void SimClient::send_waiting() {
  while (is_ready_ && !waiting_.empty()) {
    if (waiting_.front().qos != QoS::at_most_once && outgoing_.size() >= send_quota_) return;
    Outgoing message = std::move(waiting_.front());
    waiting_.pop_front();
    message.published_at = now();
    message.published_at_node = config_.node;
    if (message.number != 0)
      around_.observer.on_published(
          now(), {message.number, number_, config_.node, message.topic, message.qos, message.retain,
                  message.is_empty, false, message.payload_size});
    if (message.qos == QoS::at_most_once) {
      send_publish(0, message, false);
      continue;
    }
    const std::uint16_t id = take_packet_id();
    outgoing_ids_[id] = ++last_outgoing_;
    send_publish(id, message, false);
    outgoing_.emplace(last_outgoing_, std::pair{id, std::move(message)});
  }
}

Bytes SimClient::payload_of(const Outgoing& message) const {
  Bytes payload;
  if (message.number == 0) {
    append(payload, as_bytes(message.text));
    return payload;
  }
  if (message.is_empty) return payload;
  ByteWriter writer(payload);
  writer.write_bytes(as_bytes(payload_mark));
  writer.write_u64(message.number);
  writer.write_u32(message.published_at_node);
  writer.write_u64(static_cast<std::uint64_t>(message.published_at.time_since_epoch().count()));
  payload.resize(std::max(message.payload_size, payload_min), 0x2E);
  return payload;
}

void SimClient::send_publish(std::uint16_t packet_id, const Outgoing& message, bool dup) {
  const Bytes payload = payload_of(message);
  mqtt::Publish publish;
  publish.topic = message.topic;
  publish.payload = ByteView{payload};
  publish.qos = message.qos;
  publish.retain = message.retain;
  publish.dup = dup;
  publish.packet_id = packet_id;
  send(publish);
}

/// In the order in which they were sent first [MQTT5-4.4.0-1] [MQTT5-4.6.0-1].
void SimClient::resend() {
  for (const auto& [order, entry] : outgoing_) {
    if (entry.second.is_received)
      send(mqtt::Pubrel{entry.first});
    else
      send_publish(entry.first, entry.second, true);
  }
}

// --- Packets in

void SimClient::on_bytes(ByteView bytes) {
  last_heard_ = now();
  const std::uint64_t connection = connection_;
  const auto read = reader_->read(bytes, [&](const mqtt::Frame& frame) {
    on_frame(frame);
    return connection == connection_ ? mqtt::Reading::go_on : mqtt::Reading::stop;
  });
  if (connection != connection_) return;
  if (!read) {
    lose(false);
    come_back_later();
  }
}

void SimClient::on_frame(const mqtt::Frame& frame) {
  const auto packet = mqtt::read_packet(frame, {config_.version, mqtt::Sender::server});
  if (!packet) {
    lose(false);
    return come_back_later();
  }
  const auto ok = [](mqtt::ReasonCode reason) { return static_cast<std::uint8_t>(reason) < 0x80; };
  if (const auto* connack = std::get_if<mqtt::Connack>(&*packet)) return on_connack(*connack);
  if (const auto* publish = std::get_if<mqtt::Publish>(&*packet)) return on_publish(*publish);
  if (const auto* suback = std::get_if<mqtt::Suback>(&*packet)) return on_suback(*suback);
  if (const auto* unsuback = std::get_if<mqtt::Unsuback>(&*packet)) return on_unsuback(*unsuback);
  if (const auto* puback = std::get_if<mqtt::Puback>(&*packet))
    return on_puback(puback->packet_id, ok(puback->reason));
  if (const auto* pubrec = std::get_if<mqtt::Pubrec>(&*packet))
    return on_pubrec(pubrec->packet_id, ok(pubrec->reason));
  if (const auto* pubrel = std::get_if<mqtt::Pubrel>(&*packet)) {
    open_inbound_.erase(pubrel->packet_id);
    return send(mqtt::Pubcomp{pubrel->packet_id});
  }
  if (const auto* pubcomp = std::get_if<mqtt::Pubcomp>(&*packet)) {
    const auto id = outgoing_ids_.find(pubcomp->packet_id);
    if (id == outgoing_ids_.end()) return;
    const MessageNumber number = outgoing_.at(id->second).second.number;
    if (number != 0) around_.observer.on_completed(now(), number);
    outgoing_.erase(id->second);
    outgoing_ids_.erase(id);
    return send_waiting();
  }
  if (std::holds_alternative<mqtt::Disconnect>(*packet)) {
    lose(false);
    come_back_later();
  }
}

void SimClient::on_connack(const mqtt::Connack& connack) {
  if (connack.reason != mqtt::ReasonCode::success) {
    lose(false);
    return come_back_later();
  }
  is_ready_ = true;
  reconnect_delay_ = config_.reconnect_min;
  send_quota_ = connack.properties.receive_maximum.value_or(65'535);
  around_.observer.on_client_connected(now(), {number_, config_.node, connack.session_present,
                                               !config_.keeps_session, config_.keeps_session});
  if (!connack.session_present) {
    // The server has forgotten; what it had not acknowledged is nobody's promise.
    outgoing_.clear();
    outgoing_ids_.clear();
    open_inbound_.clear();
    for (auto& [text, filter] : filters_) filter.is_granted = false;
  }
  for (auto& [text, filter] : filters_)
    if (!filter.is_granted) send_subscribe(filter);
  resend();
  send_waiting();
  keep_alive();
  schedule_absence();
}

void SimClient::on_suback(const mqtt::Suback& suback) {
  for (auto& [text, filter] : filters_) {
    if (filter.packet_id != suback.packet_id) continue;
    filter.packet_id = 0;
    const auto granted = static_cast<std::uint8_t>(suback.reasons.front());
    filter.is_granted = granted <= 2;
    if (filter.is_granted)
      around_.observer.on_subscribed(
          now(), {number_, config_.node, text, static_cast<QoS>(granted), filter.identifier});
    return;
  }
}

void SimClient::on_unsuback(const mqtt::Unsuback& unsuback) {
  const auto found = unsubscribing_.find(unsuback.packet_id);
  if (found == unsubscribing_.end()) return;
  const std::string filter = found->second;
  unsubscribing_.erase(found);
  around_.observer.on_unsubscribed(now(), number_, filter);
}

void SimClient::on_puback(std::uint16_t packet_id, bool ok) {
  const auto id = outgoing_ids_.find(packet_id);
  if (id == outgoing_ids_.end()) return;
  const auto message = outgoing_.find(id->second);
  const MessageNumber number = message->second.second.number;
  outgoing_.erase(message);
  outgoing_ids_.erase(id);
  if (ok && number != 0) around_.observer.on_acknowledged(now(), number);
  send_waiting();
}

void SimClient::on_pubrec(std::uint16_t packet_id, bool ok) {
  const auto id = outgoing_ids_.find(packet_id);
  if (id == outgoing_ids_.end()) return send(mqtt::Pubrel{packet_id});
  Outgoing& message = outgoing_.at(id->second).second;
  if (!ok) {
    outgoing_.erase(id->second);
    outgoing_ids_.erase(id);
    return send_waiting();
  }
  if (!std::exchange(message.is_received, true) && message.number != 0)
    around_.observer.on_acknowledged(now(), message.number);
  send(mqtt::Pubrel{packet_id});
}

void SimClient::on_publish(const mqtt::Publish& publish) {
  bool repeated = false;
  if (publish.qos == QoS::exactly_once) repeated = !open_inbound_.insert(publish.packet_id).second;
  tell_received(publish, repeated);
  if (publish.qos == QoS::at_least_once) send_later(mqtt::Puback{publish.packet_id});
  if (publish.qos == QoS::exactly_once) send_later(mqtt::Pubrec{publish.packet_id});
}

void SimClient::tell_received(const mqtt::Publish& publish, bool repeated) {
  Received received;
  if (const auto head = read_head(publish.payload)) {
    received.number = head->number;
    received.published_at_node = head->node;
    received.published_at = head->at;
  }
  received.client = number_;
  received.node = config_.node;
  received.topic = publish.topic;
  received.qos = publish.qos;
  received.retain = publish.retain;
  received.dup = publish.dup;
  received.is_repeated_packet = repeated;
  received.subscriptions = publish.properties.subscription_identifiers;
  around_.observer.on_received(now(), received);
  if (config_.keeps_messages && !repeated)
    messages_.push_back({std::string(publish.topic), std::string(as_text(publish.payload)),
                         publish.qos, publish.retain, now()});
}

}  // namespace starling::sim
