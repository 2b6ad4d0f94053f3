// Node: one broker and, if it belongs to any mesh, one mesh, wired together. Here a PUBLISH of a
// local client turns towards its local subscribers, the mesh and its acknowledgement; and what
// comes from the mesh turns towards the local clients, through a door that does not lead back.
//
// It knows ports only: whoever owns it hands it streams that were accepted on its listeners.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "starling/port/stream.hpp"
#include "starling/port/worker.hpp"

#include "bridge/mesh/mesh.hpp"
#include "src/access/access_rules.hpp"
#include "src/auth/authenticator.hpp"
#include "src/broker/broker.hpp"
#include "src/node/acceptance.hpp"
#include "src/node/client_connection.hpp"
#include "src/node/client_gate.hpp"
#include "src/node/door.hpp"
#include "src/node/heavy_work.hpp"
#include "src/node/peer_connections.hpp"
#include "src/node/refusal_log.hpp"

namespace starling {

/// What may be read anew while the node runs. Tables by ListenerIndex: a listener keeps its place,
/// also when it is no longer listened at.
struct NodeConfiguration {
  BrokerSettings broker;
  std::vector<ListenerPolicy> listeners;  ///< at least one
  std::vector<Door> doors;                ///< of the listeners; where there is none it is open
  std::vector<DoorKeys> keys;  ///< of the listeners; where there are none: no passwords, and the
                               ///< policy's word about anonymous clients
  AccessRules mesh_rules;      ///< what peers may publish here, as user "mesh:<name>"
  std::size_t connections_max = limits::connections_max;  ///< of clients, at a time
  std::size_t connections_per_address_max = 0;            ///< 0: no bound
  std::uint64_t memory_max = 0;  ///< bytes of the heap; new clients are refused above; 0: no bound
  Duration connect_timeout = limits::connect_timeout;  ///< from accept to CONNECT
  ClientRates rates;                                   ///< of each client
  std::uint32_t failed_logins_per_minute = 0;          ///< per address; 0: no bound
};

struct NodeSettings : NodeConfiguration {
  NodeId id;
  std::uint64_t epoch = 1;           ///< boot counter, greater than ever before
  std::optional<MeshSettings> mesh;  ///< nullopt: a broker alone
};

/// Since the start.
struct NodeCounters {
  std::int64_t clients_accepted = 0;   ///< connections to listeners, whatever became of them
  std::int64_t clients_refused = 0;    ///< of these, for want of room or memory
  std::int64_t handshakes_failed = 0;  ///< of these, in TLS, WebSocket or the PROXY header
};

/// The world as the node sees it. All outlive the node.
struct NodePorts {
  Scheduler& scheduler;
  Entropy& entropy;
  LogSink& log;
  Metrics& metrics;
  Store& store;
  StateFiles& files;
  /// For slow password hashes. Null: passwords are not checked, and who brings a name is treated
  /// like who brings none.
  Worker* worker = nullptr;
  /// Bytes of the heap in use. Empty: memory_max is not watched.
  std::function<std::uint64_t()> heap_bytes = nullptr;
  // Only for a node with a mesh:
  Dialer* dialer = nullptr;
  LinkChannels* channels = nullptr;
  Rendezvous* rendezvous = nullptr;
};

class Node final : private BrokerHost, private MeshHost, private ClientConnection::Owner {
 public:
  Node(NodeSettings settings, const NodePorts& ports);
  ~Node() override;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// What the store kept is there already. Opens the mesh. Clients may come before.
  void start();
  /// Tells clients and peers good-bye and closes their connections; nobody may be added afterwards.
  void stop();
  /// Every connection has gone after stop().
  [[nodiscard]] bool has_drained() const;

  /// A client has connected to a listener. `info`: peer and listener; the rest its door finds out.
  void add_client(std::unique_ptr<ByteStream> stream, const ConnectionInfo& info);
  /// A peer has connected to the mesh port.
  void add_peer(std::unique_ptr<ByteStream> stream);

  /// The configuration was read again. Connections stay: policies, access rules and passwords hold
  /// at once, doors, rates and bounds for clients to come. No table may have become shorter.
  void reload(NodeConfiguration configuration);

  [[nodiscard]] Broker& broker() { return broker_; }
  [[nodiscard]] const NodeCounters& counters() const { return counters_; }
  /// Null without a worker.
  [[nodiscard]] const Authenticator* authenticator() const {
    return authenticator_ ? &*authenticator_ : nullptr;
  }
  /// Bytes written for clients that wait for slow sockets, as far as the node sees them. Looks at
  /// every client.
  [[nodiscard]] std::size_t output_waiting() const;
  /// Null without a mesh.
  [[nodiscard]] Mesh* mesh() { return mesh_.get(); }

 private:
  // --- BrokerHost
  MessageId next_message_id() override;
  void on_local_publication(const SharedPublication& message) override;
  void on_interest_change(const InterestChange& change) override;
  StoreBatch& batch() override;
  std::uint64_t next_message_number() override { return ++numbers_.message; }
  SessionNumber next_session_number() override { return ++numbers_.session; }
  void read_queue(const QueueRead& what) override;
  void tell_when_safe(SessionNumber session, std::uint64_t position) override;
  [[nodiscard]] std::size_t store_backlog() const override;
  void acknowledge_after_commit(ConnectionId to, const Acknowledgement& what) override;
  void on_mesh_message_placed(const MessageId& id) override;
  std::optional<AuthVerdict> check_credentials(ConnectionId id,
                                               const Credentials& credentials) override;
  AuthStep begin_exchange(ConnectionId id, std::string_view method, ByteView data) override;
  AuthStep continue_exchange(ConnectionId id, ByteView data) override;
  void end_exchange(ConnectionId id) override;
  bool may_stay(ConnectionId id, std::string_view user) override;

  // --- MeshHost
  void dial(LinkId link, const Endpoint& to, const std::optional<NodeId>& expected,
            const DialWay& way) override;
  void open_over(LinkId link, std::unique_ptr<ByteStream> stream, const NodeId& expected,
                 bool as_server) override;
  OutputBuffer& link_output(LinkId link) override;
  void flush_link(LinkId link) override;
  [[nodiscard]] bool link_is_congested(LinkId link) const override;
  void close_link(LinkId link) override;
  [[nodiscard]] bool mesh_may_publish(std::string_view mesh, const NodeId& from,
                                      const TopicName& topic) const override;
  MeshDelivery deliver_from_mesh(std::string_view mesh, const NodeId& from,
                                 Publication&& message) override;

  [[nodiscard]] bool may_be_wanted_elsewhere(const TopicName& topic) const override;

  // --- ClientConnection::Owner
  bool admits(const ClientConnection& client) override;
  void on_failed(const ClientConnection& client, std::string_view why) override;
  bool takes_heavy_work(ConnectionId id, std::size_t weight) override {
    return heavy_work_.take(id, weight);
  }
  ClientConnection* find(ConnectionId id) override;
  void on_ended(ConnectionId id) override;

  void wire_acceptance();
  void forward_to_mesh();
  void apply(const NodeConfiguration& configuration);
  void refuse(const GateRefusal& refusal, const Endpoint& peer, ListenerIndex listener);
  void watch_memory();
  [[nodiscard]] std::optional<LoginAttempt> attempt_of(ConnectionId id) const;
  [[nodiscard]] std::vector<ClientConnection*> clients_in_order() const;

  NodeId id_;
  std::uint64_t epoch_;
  std::uint64_t sequence_ = 0;
  NodePorts ports_;
  // By ListenerIndex:
  std::vector<std::shared_ptr<const Door>> doors_;
  std::vector<std::string> names_;  // for the log
  std::vector<bool> anonymous_;     // may come in without a password, where none are checked

  ClientTerms terms_;
  ClientGate gate_;
  RefusalLog refusals_;
  NodeCounters counters_;
  AccessRules mesh_rules_;
  WakeId memory_wake_;
  StoreNumbers numbers_;
  bool keeps_anything_;  // the store does
  Acceptance acceptance_;
  Broker broker_;
  std::optional<Authenticator> authenticator_;
  std::uint64_t last_connection_ = 0;
  std::unordered_map<ConnectionId, std::unique_ptr<ClientConnection>> clients_;
  std::unique_ptr<PeerConnections> peers_;
  std::unique_ptr<Mesh> mesh_;
  HeavyWork heavy_work_;
  // Local publications of this turn. They go to the mesh when the turn ends: a peer's interest may
  // lie unread in a socket of the same turn, told before the subscriber's SUBACK that made somebody
  // publish.
  std::vector<SharedPublication> leaving_;
  bool closed_ = false;   // stop() was called: nobody is added any more
  bool stopped_ = false;  // the mesh has said good-bye too
};

}  // namespace starling
