// Observer: whoever watches a world. Everything that somebody outside the nodes can see is told here,
// at the instant it happens and in the order it happens: what clients say and hear, what becomes of
// nodes and links, every datagram of the DHT, every fault. Checkers, traces and reports are
// observers; they change nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "starling/bytes.hpp"
#include "starling/endpoint.hpp"
#include "starling/publication.hpp"
#include "starling/time.hpp"

namespace starling::sim {

class World;

/// From 0, in the order they were added to the world.
using NodeNumber = std::uint32_t;
using ClientNumber = std::uint32_t;
/// From 1 in the order of publishing; it is in the payload. 0: of a stranger's message, and of one
/// received with an empty payload (its publisher has a number for it all the same).
using MessageNumber = std::uint64_t;

inline constexpr NodeNumber no_node = ~NodeNumber{0};

enum class NodeEnd : std::uint8_t {
  stopped,   ///< in order, as by SIGTERM
  killed,    ///< as by SIGKILL: nothing is said; the kernel closes its sockets
  unplugged  ///< the whole machine: nobody is told anything
};

/// A client hands a message to its node. Told once; a repetition of it with DUP is not told again.
struct Published {
  MessageNumber number = 0;
  ClientNumber client = 0;
  NodeNumber node = 0;
  std::string_view topic = {};
  QoS qos = QoS::at_most_once;
  bool retain = false;
  bool is_empty = false;  ///< no payload: with `retain` it deletes
  bool is_will = false;   ///< told when it is set: with CONNECT. Nobody need ever publish it
  std::size_t payload_size = 0;
};

/// A PUBLISH has come to a client.
struct Received {
  MessageNumber number = 0;
  ClientNumber client = 0;
  NodeNumber node = 0;  ///< where the client is connected
  // As the payload tells; of number 0: nobody knows.
  NodeNumber published_at_node = no_node;
  TimePoint published_at = {};
  std::string_view topic = {};
  QoS qos = QoS::at_most_once;
  bool retain = false;
  bool dup = false;
  /// QoS 2: a repetition that the client does not take, as its packet id is still open.
  bool is_repeated_packet = false;
  /// Identifiers of the subscriptions that it was sent for; empty from a client of before MQTT 5.
  std::vector<std::uint32_t> subscriptions = {};
};

struct Subscribed {
  ClientNumber client = 0;
  NodeNumber node = 0;
  std::string_view filter = {};  ///< as written, "$share/..." included
  QoS qos = QoS::at_most_once;
  std::uint32_t identifier = 0;
};

struct ClientConnected {
  ClientNumber client = 0;
  NodeNumber node = 0;
  bool session_present = false;
  bool clean_start = false;  ///< it asked to begin anew: no session can have been there
  /// What it asked for: whether its session outlives the connection.
  bool keeps_session = false;
};

/// A node has looked a key up in the DHT.
struct Lookup {
  Duration took{};                        ///< until it ended
  std::optional<Duration> first_value{};  ///< nullopt: there was none
  std::size_t values = 0;
  bool ok = true;        ///< some node answered
  bool is_told = false;  ///< no news any more
};

class Observer {
 public:
  virtual ~Observer() = default;

  virtual void on_node_started(TimePoint, NodeNumber) {}
  virtual void on_node_ended(TimePoint, NodeNumber, NodeEnd) {}
  /// A node says of its own end of a link that messages flow, or that they do not any more. A node
  /// that ends says nothing.
  virtual void on_link_up(TimePoint, NodeNumber /*node*/, NodeNumber /*peer*/) {}
  virtual void on_link_down(TimePoint, NodeNumber /*node*/, NodeNumber /*peer*/) {}
  /// Bytes of a link on the wire, either way, as they are sent.
  virtual void on_link_bytes(TimePoint, NodeNumber /*from*/, NodeNumber /*to*/, std::size_t) {}
  /// As it is sent, whether or not it arrives. Strangers have no number (no_node).
  virtual void on_datagram(TimePoint, NodeNumber /*from*/, NodeNumber /*to*/, ByteView) {}

  virtual void on_lookup(TimePoint, NodeNumber, const Lookup&) {}

  virtual void on_client_connected(TimePoint, const ClientConnected&) {}
  /// `in_order`: it said DISCONNECT (and so its will is void).
  virtual void on_client_ended(TimePoint, ClientNumber, bool /*in_order*/) {}
  /// SUBSCRIBE leaves. Deliveries may begin.
  virtual void on_subscribing(TimePoint, const Subscribed&) {}
  /// SUBACK has come and grants `qos`.
  virtual void on_subscribed(TimePoint, const Subscribed&) {}
  /// UNSUBSCRIBE leaves.
  virtual void on_unsubscribing(TimePoint, ClientNumber, std::string_view /*filter*/) {}
  /// UNSUBACK has come. Deliveries must have ended.
  virtual void on_unsubscribed(TimePoint, ClientNumber, std::string_view /*filter*/) {}
  virtual void on_published(TimePoint, const Published&) {}
  /// PUBACK (QoS 1) or PUBREC (QoS 2) with success: the node has taken the duty.
  virtual void on_acknowledged(TimePoint, MessageNumber) {}
  /// PUBCOMP (QoS 2): the publisher has done its part too. Without it the message may rest with
  /// the publisher's session.
  virtual void on_completed(TimePoint, MessageNumber) {}
  virtual void on_received(TimePoint, const Received&) {}

  /// Something was done to the world, for people: "partition: north | south".
  virtual void on_fault_begins(TimePoint, std::string_view /*what*/) {}
  virtual void on_fault_ends(TimePoint, std::string_view /*what*/) {}
  /// Every virtual second, for those who look into nodes. Not from inside any node.
  virtual void on_second(TimePoint, const World&) {}
};

}  // namespace starling::sim
