// BrokerSettings and BrokerCounters: what an operator may choose, and what he can watch.
#pragma once

#include <cstddef>
#include <cstdint>

#include "starling/limits.hpp"

namespace starling {

struct BrokerSettings {
  std::uint16_t inflight_max = limits::inflight_max;  ///< messages under way to one client
  std::uint16_t receive_maximum =
      limits::receive_maximum;  ///< messages under way from one client, told to it
  std::uint16_t topic_alias_max = limits::topic_alias_max;  ///< per connection, inbound
  std::size_t packet_size_max =
      limits::packet_size_max;  ///< bytes, told to clients if less than the protocol's
  std::size_t queued_messages_max = limits::queued_messages_max;  ///< per session
  std::size_t queued_bytes_max = limits::queued_bytes_max;        ///< per session
  std::size_t retained_messages_max = limits::retained_messages_max;
  std::size_t sessions_max = limits::sessions_max;
  /// Store::keeps_anything(): whether BrokerHost::batch() is to be filled.
  bool store_keeps_anything = false;
};

/// Counted since the start, unless it says "now".
struct BrokerCounters {
  std::int64_t connections_accepted = 0;  ///< CONNECTs answered with success
  std::int64_t connections_refused = 0;   ///< CONNECTs answered with a reason
  std::int64_t clients_connected = 0;     ///< now
  std::int64_t sessions = 0;              ///< now, present and away
  std::int64_t sessions_expired = 0;
  std::int64_t subscriptions = 0;         ///< now, shared ones included
  std::int64_t shared_subscriptions = 0;  ///< now
  std::int64_t packets_received = 0;
  std::int64_t publish_received = 0;        ///< from clients
  std::int64_t publish_bytes_received = 0;  ///< payloads
  std::int64_t publish_from_mesh = 0;
  std::int64_t publish_sent = 0;  ///< copies to subscribers, repeats not counted
  std::int64_t publish_bytes_sent = 0;
  std::int64_t dropped_qos0 = 0;        ///< reader congested, or packet larger than it accepts
  std::int64_t dropped_queue_full = 0;  ///< QoS 1 and 2 for an absent client
  std::int64_t dropped_too_large = 0;   ///< QoS 1 and 2, larger than the client accepts
  std::int64_t dropped_expired = 0;     ///< expired while waiting
  std::int64_t denied_publish = 0;      ///< by the access rules
  std::int64_t denied_receive = 0;
  std::int64_t publishers_withheld = 0;  ///< acknowledgements that had to wait for a full queue
  std::int64_t readers_stalled = 0;      ///< readers disconnected because of their full queue
  std::int64_t retained_refused = 0;     ///< not kept: retained_messages_max
};

}  // namespace starling
