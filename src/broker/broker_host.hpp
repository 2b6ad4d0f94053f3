// What the broker needs from the node around it: the output of each client, message ids, the way to
// the mesh, and the batch of changes of this turn with the acknowledgements that wait for it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "starling/endpoint.hpp"
#include "starling/ids.hpp"
#include "starling/interest.hpp"
#include "starling/port/store.hpp"
#include "starling/publication.hpp"

#include "src/broker/listener_policy.hpp"
#include "src/mqtt/reason_code.hpp"
#include "src/session/packet_outlet.hpp"

namespace starling {

/// Where packets to one client go. Implemented by the node's connection; good from
/// Broker::on_connection_opened until the broker calls close() or on_connection_closed() returns.
class ConnectionPort : public PacketOutlet {
 public:
  /// Sends what is left, then closes. The broker has forgotten the connection already, and calls
  /// nothing of this port afterwards.
  virtual void close() = 0;
};

/// What is known of a connection before its CONNECT.
struct ConnectionInfo {
  Endpoint peer;               ///< behind a proxy: whom the proxy named
  ListenerIndex listener = 0;  ///< whose ListenerPolicy holds
  /// The listener takes user names from certificates or pre-shared keys, whatever CONNECT says, and
  /// asks for no password then.
  bool user_from_tls = false;
  std::string tls_user = {};  ///< the name that was proved; empty: none
};

/// What a client shows to prove who it is (3.1.3.5, 3.1.3.6). Good during the call only.
struct Credentials {
  std::string_view client_id;  ///< empty: it brought none
  std::optional<std::string_view> user_name;
  std::optional<ByteView> password;  ///< never to be logged
};

struct AuthVerdict {
  mqtt::ReasonCode reason = mqtt::ReasonCode::success;
  std::string why;  ///< for the log, when refused: "unknown user"; never told to the client
};

/// One step of an enhanced authentication (4.12).
struct AuthStep {
  enum class Kind : std::uint8_t { go_on, accepted, refused };
  Kind kind = Kind::refused;
  Bytes data;             ///< Authentication Data for the client's next step, or of the last word
  std::string user = {};  ///< accepted: who it is
  mqtt::ReasonCode reason = mqtt::ReasonCode::not_authorized;  ///< refused: why
  std::string why = {};                                        ///< refused: for the log
};

/// A packet that promises something to a client, or builds on something that must not be forgotten:
/// it leaves when the changes it rests on are safe.
struct Acknowledgement {
  enum class Kind : std::uint8_t { connack, puback, pubrec, pubrel, pubcomp, suback, unsuback };

  Kind kind = Kind::puback;
  std::uint8_t reason = 0;  ///< MQTT 5 reason code; told to 3.1.1 clients as far as they know it
  std::uint16_t packet_id = 0;             ///< none for CONNACK
  bool session_present = false;            ///< CONNACK only
  std::vector<std::uint8_t> reasons = {};  ///< SUBACK and UNSUBACK: one per filter, in their order
};

inline Acknowledgement acknowledgement(Acknowledgement::Kind kind, std::uint16_t packet_id,
                                       mqtt::ReasonCode reason = mqtt::ReasonCode::success) {
  Acknowledgement what;
  what.kind = kind;
  what.packet_id = packet_id;
  what.reason = static_cast<std::uint8_t>(reason);
  return what;
}

/// The node, as the broker sees it. The broker may call any of these from inside any of its own
/// verbs.
class BrokerHost {
 public:
  virtual ~BrokerHost() = default;

  /// The next number of this boot epoch.
  virtual MessageId next_message_id() = 0;

  /// A client of ours has published (or its will has fired), and all local subscribers have been
  /// served: the mesh's turn. Never called for what came from the mesh.
  virtual void on_local_publication(const SharedPublication& message) = 0;

  /// Might subscribers elsewhere want this topic? Only asked to find out whether a publisher is to
  /// be told that nobody does; a doubt is a yes.
  [[nodiscard]] virtual bool may_be_wanted_elsewhere(const TopicName& /*topic*/) const {
    return false;
  }

  /// The first subscriber of (filter, share group) came, its greatest QoS or durability changed, or
  /// the last one left.
  virtual void on_interest_change(const InterestChange& change) = 0;

  /// The changes of this turn; touched only if BrokerSettings::store_keeps_anything.
  virtual StoreBatch& batch() = 0;

  /// The next number of a message or a session in the store, greater than all that are in use. Asked
  /// only if BrokerSettings::store_keeps_anything, as the two below.
  virtual std::uint64_t next_message_number() = 0;
  virtual SessionNumber next_session_number() = 0;
  /// Broker::on_queue_read() follows, never from inside; it sees this turn's changes too.
  virtual void read_queue(const QueueRead& what) = 0;
  /// Broker::on_queue_safe(session, position) follows when this turn's batch is safe.
  virtual void tell_when_safe(SessionNumber session, std::uint64_t position) = 0;
  /// Bytes of changes that are not safe yet.
  [[nodiscard]] virtual std::size_t store_backlog() const { return 0; }

  /// The node calls Broker::release(to, what) once this turn's batch is safe, in the order of these
  /// calls; at once from inside if nothing needs to be waited for.
  virtual void acknowledge_after_commit(ConnectionId to, const Acknowledgement& what) = 0;

  /// Are these credentials good at the connection's listener? Asked only for clients that bring a
  /// user name. nullopt: Broker::on_credentials_checked() will follow, never from inside. Until
  /// something has been written to the client, or its port is closed, no packet of it may be handed
  /// to the broker: those behind CONNECT wait for its answer. The connection may end meanwhile.
  virtual std::optional<AuthVerdict> check_credentials(ConnectionId id,
                                                       const Credentials& credentials) = 0;
  /// CONNECT named an authentication method, or AUTH began to authenticate anew. A method that is
  /// not known is refused with bad_authentication_method.
  virtual AuthStep begin_exchange(ConnectionId id, std::string_view method, ByteView data) = 0;
  virtual AuthStep continue_exchange(ConnectionId id, ByteView data) = 0;
  /// The exchange that was begun is over or given up. Also called when there is none.
  virtual void end_exchange(ConnectionId id) = 0;

  /// The settings were read again: may a client that came in as `user` stay? Asked only for those
  /// who were let in by a password or an exchange.
  virtual bool may_stay(ConnectionId /*id*/, std::string_view /*user*/) { return true; }

  /// Answers an earlier Broker::deliver_from_mesh that returned MeshPlacement::waiting: every
  /// subscriber's queue has room again, or its reader was given up.
  virtual void on_mesh_message_placed(const MessageId& id) = 0;
};

}  // namespace starling
