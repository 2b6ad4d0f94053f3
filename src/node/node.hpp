// Node: one broker and, if it belongs to any mesh, one mesh, wired together. Here a PUBLISH of a
// local client turns towards its local subscribers, the mesh and its acknowledgement; and what
// comes from the mesh turns towards the local clients, through a door that does not lead back.
//
// It knows ports only: whoever owns it hands it streams that were accepted on its listeners.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "starling/port/stream.hpp"

#include "bridge/mesh/mesh.hpp"
#include "src/access/access_rules.hpp"
#include "src/broker/broker.hpp"
#include "src/node/acceptance.hpp"
#include "src/node/client_connection.hpp"
#include "src/node/peer_connections.hpp"

namespace starling {

struct NodeSettings {
  NodeId id;
  std::uint64_t epoch = 1;  ///< boot counter, greater than ever before
  BrokerSettings broker;
  std::size_t connections_max = limits::connections_max;  ///< of clients, at a time
  std::optional<MeshSettings> mesh;                       ///< nullopt: a broker alone
};

/// The world as the node sees it. All outlive the node.
struct NodePorts {
  Scheduler& scheduler;
  Entropy& entropy;
  LogSink& log;
  Metrics& metrics;
  Store& store;
  StateFiles& files;
  // Only for a node with a mesh:
  Dialer* dialer = nullptr;
  LinkChannels* channels = nullptr;
  Rendezvous* rendezvous = nullptr;
};

class Node final : private BrokerHost, private MeshHost {
 public:
  Node(NodeSettings settings, AccessRules rules, const NodePorts& ports);
  ~Node() override;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Opens the mesh. Clients may come before.
  void start();
  /// Tells clients and peers good-bye and closes their connections; nobody may be added afterwards.
  void stop();
  /// Every connection has gone after stop().
  [[nodiscard]] bool has_drained() const;

  /// A client has connected to a listener.
  void add_client(std::unique_ptr<ByteStream> stream, ConnectionInfo info);
  /// A peer has connected to the mesh port.
  void add_peer(std::unique_ptr<ByteStream> stream);

  [[nodiscard]] Broker& broker() { return broker_; }
  /// Null without a mesh.
  [[nodiscard]] Mesh* mesh() { return mesh_.get(); }

 private:
  // --- BrokerHost
  MessageId next_message_id() override;
  void on_local_publication(const SharedPublication& message) override;
  void on_interest_change(const InterestChange& change) override;
  StoreBatch& batch() override;
  void acknowledge_after_commit(ConnectionId to, const Acknowledgement& what) override;
  void on_mesh_message_placed(const MessageId& id) override;

  // --- MeshHost
  void dial(LinkId link, const Endpoint& to, const NodeId& expected) override;
  OutputBuffer& link_output(LinkId link) override;
  void flush_link(LinkId link) override;
  [[nodiscard]] bool link_is_congested(LinkId link) const override;
  void close_link(LinkId link) override;
  MeshDelivery deliver_from_mesh(std::string_view mesh, const NodeId& from,
                                 const SharedPublication& message) override;

  void forward_to_mesh();

  NodeId id_;
  std::uint64_t epoch_;
  std::uint64_t sequence_ = 0;
  std::size_t packet_size_max_;
  std::size_t connections_max_;
  bool is_full_ = false;  // connections are being refused; said once
  AccessRules rules_;
  NodePorts ports_;
  Acceptance acceptance_;
  Broker broker_;
  std::uint64_t last_connection_ = 0;
  std::unordered_map<ConnectionId, std::unique_ptr<ClientConnection>> clients_;
  std::unique_ptr<PeerConnections> peers_;
  std::unique_ptr<Mesh> mesh_;
  // Local publications of this turn. They go to the mesh when the turn ends: a peer's interest may
  // lie unread in a socket of the same turn, told before the subscriber's SUBACK that made somebody
  // publish.
  std::vector<SharedPublication> leaving_;
  bool closed_ = false;   // stop() was called: nobody is added any more
  bool stopped_ = false;  // the mesh has said good-bye too
};

}  // namespace starling
