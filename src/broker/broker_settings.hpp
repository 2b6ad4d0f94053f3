// BrokerSettings and BrokerCounters: what an operator may choose, and what he can watch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "starling/limits.hpp"

namespace starling {

struct BrokerSettings {
  std::uint16_t inflight_max = limits::inflight_max;  ///< messages under way to one client
  std::uint16_t receive_maximum =
      limits::receive_maximum;  ///< messages under way from one client, told to it
  std::size_t packet_size_max =
      limits::packet_size_max;  ///< bytes, told to clients if less than the protocol's
  std::size_t queued_messages_max = limits::queued_messages_max;  ///< per session
  std::size_t queued_bytes_max = limits::queued_bytes_max;        ///< per session
  std::size_t retained_messages_max = limits::retained_messages_max;
  std::size_t sessions_max = limits::sessions_max;
  std::size_t payload_size_max = 0;    ///< bytes of one publication's payload; 0: no bound
  std::size_t inflight_bytes_max = 0;  ///< payload bytes under way to one client; 0: no bound
  std::size_t subscriptions_max = limits::subscriptions_per_session_max;  ///< per session
  std::size_t topic_levels_max = limits::topic_levels_max;
  std::uint16_t keep_alive_max_s =
      limits::keep_alive_max_s;       ///< MQTT 5: longer promises are cut and the client is told; a
                                      ///< bound below the protocol's also replaces 0. Clients of
                                      ///< before, who cannot be told, keep their own
  bool queue_qos0 = false;            ///< also QoS 0 waits for absent clients
  bool upgrade_outgoing_qos = false;  ///< a copy has the QoS of the subscription
  bool retain_available = true;
  bool check_retain_source = true;    ///< what its author may no longer publish is not replayed
  std::uint32_t retain_expiry_s = 0;  ///< of retained messages that bring none; 0: never
  std::uint32_t session_expiry_max_s = 0;  ///< 0: no bound
  std::string client_id_prefixes;          ///< ids must begin so; empty: any
  /// Store::keeps_anything(): whether BrokerHost::batch() is to be filled.
  bool store_keeps_anything = false;
};

/// Counted since the start, unless it says "now".
struct BrokerCounters {
  std::int64_t connections_accepted = 0;  ///< CONNECTs answered with success
  std::int64_t connections_refused = 0;   ///< CONNECTs answered with a reason
  std::int64_t connections_delayed = 0;   ///< CONNECTs that had to wait for a contested client id
  std::int64_t clients_connected = 0;     ///< now
  std::int64_t clients_maximum = 0;       ///< the most that were connected at a time
  std::int64_t sessions = 0;              ///< now, present and away
  std::int64_t sessions_maximum = 0;      ///< the most there were at a time
  std::int64_t sessions_expired = 0;
  std::int64_t subscriptions = 0;         ///< now, shared ones included
  std::int64_t shared_subscriptions = 0;  ///< now
  std::int64_t bytes_received = 0;        ///< MQTT, as Broker::count_received() is told
  std::int64_t bytes_sent = 0;            ///< MQTT
  std::int64_t packets_received = 0;
  std::int64_t packets_sent = 0;
  std::int64_t publish_received = 0;        ///< from clients
  std::int64_t publish_bytes_received = 0;  ///< payloads
  std::int64_t publish_from_mesh = 0;
  std::int64_t publish_sent = 0;  ///< copies to subscribers, repeats not counted
  std::int64_t publish_bytes_sent = 0;
  std::int64_t retained_messages = 0;   ///< now
  std::int64_t retained_bytes = 0;      ///< now, payloads
  std::int64_t queued_messages = 0;     ///< now: wait in queues, each copy counted
  std::int64_t queued_bytes = 0;        ///< now: what these queues count against their limits
  std::int64_t inflight_messages = 0;   ///< now: sent and not acknowledged
  std::int64_t dropped_qos0 = 0;        ///< reader congested, or packet larger than it accepts
  std::int64_t dropped_queue_full = 0;  ///< for an absent client
  std::int64_t dropped_too_large = 0;   ///< QoS 1 and 2, larger than the client accepts
  std::int64_t dropped_expired = 0;     ///< expired while waiting
  std::int64_t denied_publish = 0;      ///< by the access rules
  std::int64_t denied_receive = 0;
  std::int64_t refused_too_large = 0;    ///< publications above payload_size_max
  std::int64_t publishers_withheld = 0;  ///< acknowledgements that had to wait for a full queue
  std::int64_t readers_stalled = 0;      ///< readers disconnected because of their full queue
  std::int64_t retained_refused = 0;     ///< not kept: retained_messages_max

  /// Copies that reached nobody, whatever the reason.
  [[nodiscard]] std::int64_t dropped() const {
    return dropped_qos0 + dropped_queue_full + dropped_too_large + dropped_expired;
  }
};

}  // namespace starling
