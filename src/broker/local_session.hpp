// LocalSession and Connection: what the broker keeps for each client beyond the machine of its
// session, and for each network connection. They point at each other while the client is there.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "starling/ids.hpp"
#include "starling/port/scheduler.hpp"
#include "starling/port/store.hpp"
#include "starling/topic.hpp"

#include "src/access/access_rules.hpp"
#include "src/broker/broker_host.hpp"
#include "src/broker/connect_request.hpp"
#include "src/broker/retained.hpp"
#include "src/session/fifo.hpp"
#include "src/session/server_session.hpp"
#include "src/session/will.hpp"
#include "src/topic/subscription_tree.hpp"

namespace starling {

struct LocalSession;

/// A session that never expires by itself [MQTT5 3.1.2.11.2].
inline constexpr std::uint32_t expiry_never = std::numeric_limits<std::uint32_t>::max();

/// The greatest subscription identifier there is (3.8.2.1.2).
inline constexpr std::uint32_t subscription_identifier_max = 268'435'455;

/// What belongs to one subscription (3.8.3.1); four bytes, as there may be millions.
struct SubscriptionOptions {
  std::uint32_t identifier : 28 = 0;  ///< 0: none; at most subscription_identifier_max
  QoS qos : 2 = QoS::at_most_once;    ///< granted
  bool no_local : 1 = false;
  bool retain_as_published : 1 = false;

  friend bool operator==(const SubscriptionOptions&, const SubscriptionOptions&) = default;
};

/// A subscription as its owner knows it: two with different share groups are different.
struct SubscriptionId {
  TopicFilter filter;
  std::string share_group;
  friend auto operator<=>(const SubscriptionId&, const SubscriptionId&) = default;
};

/// What a session is subscribed to; the rest is in Subscriptions, which alone changes this.
struct SessionSubscriptions {
  std::vector<FilterNumber> filters;
  std::vector<SubscriberKey> groups;  ///< shared ones

  [[nodiscard]] std::size_t size() const { return filters.size() + groups.size(); }
};

/// An acknowledgement of a PUBLISH that waits, behind those before it, until `hold` is over.
struct OwedAcknowledgement {
  Acknowledgement what;
  std::uint64_t hold = 0;  ///< see WithheldPublishers; 0: waits only for its turn
};

/// Of a client that authenticates by a method of its own (4.12).
struct EnhancedAuthentication {
  std::string method;         ///< of CONNECT; holds for the whole connection [MQTT5-4.12.0-5]
  bool is_under_way = false;  ///< the host has an exchange for it
};

struct Connection {
  /// How far its CONNECT has come. Up to `contested` it has a request, from `admitted` on a session.
  enum class Stage : std::uint8_t {
    opened,      ///< CONNECT has not come
    checking,    ///< the host looks at the credentials
    exchanging,  ///< AUTH goes back and forth
    contested,   ///< authenticated; waits, as its client id changes hands too quickly
    admitted
  };

  ConnectionId id;
  ConnectionPort* port = nullptr;
  ConnectionInfo info;
  mqtt::ProtocolVersion version = mqtt::ProtocolVersion::v3_1_1;
  Stage stage = Stage::opened;
  bool clean_start = false;      ///< as CONNECT said
  bool explains = false;         ///< wants reason strings: Request Problem Information 1
  bool retain_available = true;  ///< as it was told
  std::uint8_t qos_max = 2;      ///< as it was told
  LocalSession* session = nullptr;
  std::unique_ptr<ConnectRequest> request;  ///< until CONNACK has been written
  std::unique_ptr<EnhancedAuthentication> enhanced;
  WakeId request_wake;  ///< ends an exchange that takes too long; asks again for a contested id
  WakeId replay_wake;   ///< goes on with the replay of retained messages in the next turn
  std::uint32_t expiry_asked_s = 0;  ///< Session Expiry Interval of CONNECT
  WakeId keep_alive_wake;
  std::uint32_t promised = 0;      ///< acknowledgements that wait for a commit
  std::uint32_t pings_owed = 0;    ///< PINGRESPs behind them
  std::uint32_t subacks_owed = 0;  ///< counted since CONNECT, as are those that have left:
  std::uint32_t subacks_sent = 0;  ///< a replay begins behind its SUBACK
  Fifo<OwedAcknowledgement> owed;
};

struct LocalSession {
  LocalSession(std::string client_id, OutboundQos::Pool& queues, ServerSession::Traffic& sent)
      : machine(std::move(client_id), queues, sent) {}

  ServerSession machine;
  SubscriberKey key = 0;
  Connection* connection = nullptr;  ///< null: the client is away
  std::uint32_t expiry_s = 0;        ///< after the connection ends; expiry_never
  SessionNumber stored = 0;          ///< by which the store knows it; 0: it does not
  std::optional<std::string> user;
  ListenerIndex listener = 0;  ///< by which it came last
  ClientAccess access;
  std::shared_ptr<const Author> author;  ///< as whom it publishes; made when it retains something
  std::unique_ptr<Will> will;
  SessionSubscriptions subscriptions;
  Fifo<RetainedReplay> replays;  ///< in the order they were asked for
  bool queue_is_next = false;    ///< they take turns with what waits

  // While the client is away:
  TimePoint will_due{};
  TimePoint ends_at{};  ///< meaningless if expiry_s is expiry_never
  WakeId away_wake;

  // While its queue is full:
  TimePoint purge_again_at{};  ///< expired messages were looked for until then
  Fifo<std::uint64_t> holds;   ///< publishers that wait for room here
  WakeId stalled_wake;

  // Of the fan-out that is running:
  std::uint64_t fan_out_number = 0;
  std::size_t fan_out_index = 0;

  [[nodiscard]] const std::string& client_id() const { return machine.client_id(); }
  /// It outlives its connection, so what is owed to it must survive.
  [[nodiscard]] bool is_durable() const { return expiry_s > 0; }
};

}  // namespace starling
