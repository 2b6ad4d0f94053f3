#include "src/node/node.hpp"

#include <utility>

#include "starling/check.hpp"

namespace starling {

Node::Node(NodeSettings settings, AccessRules rules, const NodePorts& ports)
    : id_(settings.id),
      epoch_(settings.epoch),
      packet_size_max_(settings.broker.packet_size_max),
      connections_max_(settings.connections_max),
      rules_(std::move(rules)),
      ports_(ports),
      acceptance_(ports.store, ports.scheduler),
      broker_(settings.broker, *this, ports.scheduler, ports.entropy, ports.log, rules_) {
  if (settings.mesh) {
    STARLING_CHECK(ports.dialer && ports.channels && ports.rendezvous);
    peers_ = std::make_unique<PeerConnections>(*ports.dialer, *ports.channels, ports.scheduler,
                                               ports.log);
    mesh_ = std::make_unique<Mesh>(std::move(*settings.mesh), static_cast<MeshHost&>(*this),
                                   *ports.rendezvous, ports.scheduler, ports.entropy, ports.files,
                                   ports.log, ports.metrics);
    peers_->set_mesh(mesh_.get());
  }
  acceptance_.set_handlers(
      [this](ConnectionId to, const Acknowledgement& what) { broker_.release(to, what); },
      [this](BatchNumber number) {
        if (mesh_ && !stopped_) mesh_->on_batch_sealed(number);
      },
      [this](BatchNumber last) {
        if (mesh_ && !stopped_) mesh_->on_committed(last);
      });
}

Node::~Node() = default;

void Node::start() {
  if (mesh_) mesh_->start();
}

void Node::stop() {
  if (closed_) return;
  closed_ = true;
  broker_.stop();  // its last wills still go to the mesh
  ports_.scheduler.at_turn_commit([this] {
    if (mesh_) mesh_->stop();
    stopped_ = true;
  });
}

bool Node::has_drained() const {
  return stopped_ && clients_.empty() && (!peers_ || peers_->size() == 0);
}

void Node::add_client(std::unique_ptr<ByteStream> stream, ConnectionInfo info) {
  if (closed_) return;
  if (clients_.size() >= connections_max_) {
    if (!std::exchange(is_full_, true))
      ports_.log.warn("clients_refused",
                      {{"why", "max_connections is reached"}, {"max", connections_max_}});
    return;  // dropping the stream closes it
  }
  is_full_ = false;
  const ConnectionId id{++last_connection_};
  clients_[id] = std::make_unique<ClientConnection>(
      id, std::move(stream), nullptr, broker_, ports_.scheduler, std::move(info), packet_size_max_,
      [this](ConnectionId ended) { clients_.erase(ended); });
}

void Node::add_peer(std::unique_ptr<ByteStream> stream) {
  if (!mesh_ || closed_) return;
  peers_->accept(mesh_->next_link_id(), std::move(stream));
}

// --- From the broker

MessageId Node::next_message_id() {
  return {id_, epoch_, ++sequence_};
}

void Node::on_local_publication(const SharedPublication& message) {
  if (!mesh_ || stopped_) return;
  if (leaving_.empty()) ports_.scheduler.at_turn_end([this] { forward_to_mesh(); });
  leaving_.push_back(message);
}

void Node::forward_to_mesh() {
  std::vector<SharedPublication> leaving;
  leaving.swap(leaving_);
  if (stopped_) return;
  for (const SharedPublication& message : leaving) mesh_->publish(message);
}

void Node::on_interest_change(const InterestChange& change) {
  if (mesh_ && !stopped_) mesh_->on_interest_change(change);
}

StoreBatch& Node::batch() {
  return acceptance_.batch();
}

void Node::acknowledge_after_commit(ConnectionId to, const Acknowledgement& what) {
  acceptance_.release_after_commit(to, what);
}

// --- From the mesh

void Node::dial(LinkId link, const Endpoint& to, const NodeId& expected) {
  peers_->dial(link, to, expected);
}
OutputBuffer& Node::link_output(LinkId link) {
  return peers_->output(link);
}
void Node::flush_link(LinkId link) {
  peers_->flush(link);
}
bool Node::link_is_congested(LinkId link) const {
  return peers_->is_congested(link);
}
void Node::close_link(LinkId link) {
  peers_->close(link);
}

MeshDelivery Node::deliver_from_mesh(std::string_view mesh, const NodeId& from,
                                 const SharedPublication& message) {
  // Also what is refused is acknowledged to the peer: its duty is done, and it must not send it
  // again.
  acceptance_.commit_this_turn();
  const std::string user = "mesh:" + std::string(mesh);
  const std::string client_id = from.to_text();
  if (!rules_.allows(Principal{user, client_id}, Action::publish, message->topic)) {
    ports_.metrics.metric("starling_acl_denied_total{access=\"mesh\"}").add();
    ports_.log.debug("mesh_publication_denied", {{"peer", from}, {"mesh", mesh}});
    return MeshDelivery::taken;
  }
  const bool waits = broker_.deliver_from_mesh(message) == MeshPlacement::waiting;
  return waits ? MeshDelivery::waiting : MeshDelivery::taken;
}

void Node::on_mesh_message_placed(const MessageId& id) {
  if (mesh_ && !stopped_) mesh_->on_message_placed(id);
}

}  // namespace starling
