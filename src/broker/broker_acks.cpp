// The acknowledgements that clients and broker owe each other.
#include <algorithm>
#include <span>
#include <utility>

#include "src/broker/broker.hpp"

namespace starling {

using mqtt::ReasonCode;
using Kind = Acknowledgement::Kind;

namespace {

/// The reason string of a refusal, for clients that want one.
std::string_view explanation(ReasonCode reason) {
  switch (reason) {
    case ReasonCode::not_authorized:
      return "the access rules do not allow this topic";
    case ReasonCode::quota_exceeded:
      return "more than is allowed here";
    case ReasonCode::topic_filter_invalid:
      return "not a topic filter, or one with too many levels";
    default:
      return mqtt::to_text(reason);
  }
}

std::vector<ReasonCode> to_reasons(const std::vector<std::uint8_t>& codes) {
  std::vector<ReasonCode> reasons;
  reasons.reserve(codes.size());
  for (const std::uint8_t code : codes) reasons.push_back(static_cast<ReasonCode>(code));
  return reasons;
}

}  // namespace

// --- Acknowledgements to publishers

/// It comes back by release() when what it rests on is safe.
void Broker::promise(Connection& connection, const Acknowledgement& what, RestsOn rests_on) {
  // Not before those that wait already: the order of PUBACKs is the order of the messages.
  const bool at_once =
      store_fails() && rests_on == RestsOn::nothing && connection.promised == 0;
  ++connection.promised;
  if (at_once) return release(connection.id, what);
  host_.acknowledge_after_commit(connection.id, what);
}

// In the order in which the messages came, also when some of them had to wait for room in a
// reader's queue.
void Broker::owe(Connection& connection, Acknowledgement what, std::uint64_t hold,
                 RestsOn rests_on) {
  if (hold == 0 && connection.owed.empty()) return promise(connection, what, rests_on);
  connection.owed.push_back({std::move(what), hold});
}

void Broker::flush_owed(Connection& connection) {
  while (!connection.owed.empty()) {
    const std::uint64_t hold = connection.owed.front().hold;
    if (hold != 0 && withheld_.is_open(hold)) return;
    promise(connection, connection.owed.pop_front().what);
  }
}

void Broker::release(ConnectionId id, const Acknowledgement& what) {
  Connection* connection = find(id);
  if (connection == nullptr || connection->session == nullptr) return;
  send_acknowledgement(*connection, what);
  connection = find(id);  // it may have been closed
  if (connection == nullptr || --connection->promised > 0) return;
  for (; connection->pings_owed > 0; --connection->pings_owed) send_pingresp(*connection);
}

void Broker::send_acknowledgement(Connection& connection, const Acknowledgement& what) {
  ServerSession& machine = connection.session->machine;
  // Before MQTT 5 these acknowledgements only know success.
  const auto reason = connection.version == mqtt::ProtocolVersion::v5
                          ? static_cast<ReasonCode>(what.reason)
                          : ReasonCode::success;
  // Reason strings only for who wants them [MQTT5-3.1.2-29].
  const auto explained = [&connection](std::span<const ReasonCode> reasons) {
    mqtt::AckProperties properties;
    const auto refusal = std::find_if(reasons.begin(), reasons.end(), mqtt::is_refusal);
    if (connection.explains && refusal != reasons.end())
      properties.reason_string = explanation(*refusal);
    return properties;
  };
  const std::span only(&reason, 1);
  switch (what.kind) {
    case Kind::connack:
      return release_connack(connection, what);
    case Kind::puback:
      machine.inbound().on_acknowledged(QoS::at_least_once);
      machine.send(mqtt::Puback{what.packet_id, reason, explained(only)});
      return;
    case Kind::pubrec:
      if (mqtt::is_refusal(reason)) machine.inbound().on_acknowledged(QoS::exactly_once);
      machine.send(mqtt::Pubrec{what.packet_id, reason, explained(only)});
      return;
    case Kind::pubrel:
      machine.send(mqtt::Pubrel{what.packet_id, reason, {}});
      return;
    case Kind::pubcomp:
      machine.inbound().on_acknowledged(QoS::exactly_once);
      machine.send(mqtt::Pubcomp{what.packet_id, reason, {}});
      return;
    case Kind::suback: {
      const std::vector<ReasonCode> reasons = to_reasons(what.reasons);
      machine.send(mqtt::Suback{what.packet_id, reasons, explained(reasons)});
      ++connection.subacks_sent;
      return pump(*connection.session);  // with what is retained
    }
    case Kind::unsuback:
      machine.send(mqtt::Unsuback{what.packet_id, to_reasons(what.reasons), {}});
      return;
  }
}

// --- Acknowledgements from subscribers

void Broker::on_puback(Connection& connection, const mqtt::Puback& packet) {
  std::optional<Delivery> ended;
  settle(connection, connection.session->machine.outbound().on_puback(packet.packet_id, ended),
         ended);
}

void Broker::on_pubrec(Connection& connection, const mqtt::Pubrec& packet) {
  std::optional<Delivery> ended;
  const bool refused = mqtt::is_refusal(packet.reason);
  const auto received =
      connection.session->machine.outbound().on_pubrec(packet.packet_id, refused, ended);
  if (received == OutboundQos::Received::send_pubrel) {
    const LocalSession& session = *connection.session;
    journal(session, MessageReceived{session.stored, connection.session->machine.outbound()
                                                         .under_way(packet.packet_id)
                                                         ->position});
    return promise(connection, acknowledgement(Kind::pubrel, packet.packet_id), rests_on(session));
  }
  if (received == OutboundQos::Received::unknown && !refused)
    return promise(connection, acknowledgement(Kind::pubrel, packet.packet_id,
                                               ReasonCode::packet_identifier_not_found),
                   RestsOn::nothing);
  settle(connection, received, ended);
}

void Broker::on_pubcomp(Connection& connection, const mqtt::Pubcomp& packet) {
  std::optional<Delivery> ended;
  settle(connection, connection.session->machine.outbound().on_pubcomp(packet.packet_id, ended),
         ended);
}

void Broker::settle(Connection& connection, OutboundQos::Received received,
                    const std::optional<Delivery>& ended) {
  if (received == OutboundQos::Received::out_of_place)  // [MQTT-4.8.0-1] [MQTT5-4.13.1-1]
    return close(connection, ReasonCode::protocol_error,
                 "an acknowledgement its message does not await", true);
  if (!ended) return;  // a repeat, or nonsense that harms nobody
  fan_out_.on_acknowledged(*connection.session, *ended);
  pump(*connection.session);
}

}  // namespace starling
