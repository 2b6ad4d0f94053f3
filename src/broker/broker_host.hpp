// What the broker needs from the node around it: the output of each client, message ids, the way to
// the mesh, and the batch of changes of this turn with the acknowledgements that wait for it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "starling/endpoint.hpp"
#include "starling/ids.hpp"
#include "starling/interest.hpp"
#include "starling/port/store.hpp"
#include "starling/publication.hpp"

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
  Endpoint peer;
  std::string listener;          ///< its name in the configuration, for the log
  bool allow_anonymous = false;  ///< clients without proven credentials may connect here
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

  /// The first subscriber of (filter, share group) came, its greatest QoS or durability changed, or
  /// the last one left.
  virtual void on_interest_change(const InterestChange& change) = 0;

  /// The changes of this turn; touched only if BrokerSettings::store_keeps_anything.
  virtual StoreBatch& batch() = 0;

  /// The node calls Broker::release(to, what) once this turn's batch is safe, in the order of these
  /// calls; at once from inside if nothing needs to be waited for.
  virtual void acknowledge_after_commit(ConnectionId to, const Acknowledgement& what) = 0;

  /// Answers an earlier Broker::deliver_from_mesh that returned MeshPlacement::waiting: every
  /// subscriber's queue has room again, or its reader was given up.
  virtual void on_mesh_message_placed(const MessageId& id) = 0;
};

}  // namespace starling
