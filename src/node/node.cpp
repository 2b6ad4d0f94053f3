#include "src/node/node.hpp"

#include <algorithm>
#include <utility>

#include "starling/check.hpp"
#include "starling/limits.hpp"

namespace starling {
namespace {

AuthVerdict auth_verdict(const LoginVerdict& verdict) {
  using Kind = LoginVerdict::Kind;
  switch (verdict.kind) {
    case Kind::accepted:
      return {};
    case Kind::throttled:
      return {mqtt::ReasonCode::connection_rate_exceeded, verdict.why};
    case Kind::busy:
      return {mqtt::ReasonCode::server_busy, verdict.why};
    case Kind::refused:
      break;
  }
  return {mqtt::ReasonCode::not_authorized, verdict.why};
}

AuthStep auth_step(ExchangeStep from) {
  using Kind = ExchangeStep::Kind;
  AuthStep step;
  step.data = std::move(from.data);
  step.user = std::move(from.user);
  step.why = std::move(from.why);
  switch (from.kind) {
    case Kind::go_on:
      step.kind = AuthStep::Kind::go_on;
      break;
    case Kind::accepted:
      step.kind = AuthStep::Kind::accepted;
      break;
    case Kind::throttled:
      step.reason = mqtt::ReasonCode::connection_rate_exceeded;
      break;
    case Kind::unknown_method:
      step.reason = mqtt::ReasonCode::bad_authentication_method;
      break;
    case Kind::refused:
      break;
  }
  return step;
}

}  // namespace

Node::Node(NodeSettings settings, const NodePorts& ports)
    : id_(settings.id),
      epoch_(settings.epoch),
      ports_(ports),
      gate_({}),
      refusals_(ports.log),
      keeps_anything_(ports.store.keeps_anything()),
      acceptance_(ports.store, ports.scheduler),
      broker_(settings.broker, settings.listeners, *this, ports.scheduler, ports.entropy,
              ports.log),
      heavy_work_(ports.scheduler, [this](ConnectionId id) {
        if (ClientConnection* client = find(id)) client->on_heavy_turn();
      }) {
  if (ports.worker != nullptr)
    authenticator_.emplace(ports.scheduler, *ports.worker, ports.entropy,
                           [this](ConnectionId id, const LoginVerdict& verdict) {
                             broker_.on_credentials_checked(id, auth_verdict(verdict));
                           });
  apply(settings);
  if (settings.mesh) {
    STARLING_CHECK(ports.dialer && ports.channels && ports.rendezvous);
    peers_ = std::make_unique<PeerConnections>(*ports.dialer, *ports.channels, ports.scheduler,
                                               ports.log);
    mesh_ = std::make_unique<Mesh>(std::move(*settings.mesh), static_cast<MeshHost&>(*this),
                                   *ports.rendezvous, ports.scheduler, ports.entropy, ports.files,
                                   ports.log, ports.metrics);
    peers_->set_mesh(mesh_.get());
  }
  wire_acceptance();
  numbers_ = broker_.restore(ports.store);
}

void Node::wire_acceptance() {
  Acceptance::Handlers handlers;
  handlers.release = [this](ConnectionId to, const Acknowledgement& what) {
    broker_.release(to, what);
  };
  handlers.sealed = [this](BatchNumber number) {
    if (mesh_ && !stopped_) mesh_->on_batch_sealed(number);
  };
  handlers.committed = [this](BatchNumber last) {
    if (mesh_ && !stopped_) mesh_->on_committed(last);
  };
  handlers.queue_safe = [this](SessionNumber session, std::uint64_t position) {
    broker_.on_queue_safe(session, position);
  };
  handlers.queue_read = [this](SessionNumber session, std::vector<StoredDelivery> found) {
    broker_.on_queue_read(session, std::move(found));
  };
  handlers.answer = [this](ConnectionId to, const Acknowledgement& what) {
    return broker_.answer_waiting(to, what);
  };
  handlers.health = [this](StoreHealth health) { broker_.on_store_health(health); };
  handlers.expired = [this](const std::vector<ExpiredDelivery>& expired) {
    broker_.on_expired_in_store(expired);
  };
  acceptance_.set_handlers(std::move(handlers));
}

Node::~Node() {
  ports_.scheduler.cancel(memory_wake_);
}

void Node::apply(const NodeConfiguration& configuration) {
  STARLING_CHECK(configuration.listeners.size() >= doors_.size());
  doors_.clear();
  names_.clear();
  anonymous_.clear();
  std::vector<DoorKeys> keys = configuration.keys;
  for (std::size_t i = 0; i < configuration.listeners.size(); ++i) {
    const ListenerPolicy& policy = configuration.listeners[i];
    doors_.push_back(std::make_shared<const Door>(
        i < configuration.doors.size() ? configuration.doors[i] : Door{}));
    names_.push_back(policy.name);
    anonymous_.push_back(policy.allow_anonymous);
    if (i >= keys.size()) keys.push_back({nullptr, policy.allow_anonymous});
  }
  terms_.packet_size_max = configuration.broker.packet_size_max;
  terms_.connect_timeout = configuration.connect_timeout;
  terms_.rates = configuration.rates;
  mesh_rules_ = configuration.mesh_rules;

  const bool counted_addresses = gate_.counts_addresses();
  gate_.set_bounds({configuration.connections_max, configuration.connections_per_address_max,
                    configuration.memory_max});
  if (!counted_addresses)
    for (const ClientConnection* client : clients_in_order())
      if (client->peer_is_known()) gate_.enter_from(client->peer());
  watch_memory();
  if (authenticator_)
    authenticator_->configure(std::move(keys), configuration.failed_logins_per_minute);
}

void Node::reload(NodeConfiguration configuration) {
  apply(configuration);
  if (mesh_) mesh_->on_access_changed();
  broker_.configure(std::move(configuration.broker), std::move(configuration.listeners));
}

void Node::start() {
  if (mesh_) mesh_->start();
}

void Node::stop() {
  if (closed_) return;
  closed_ = true;
  for (ClientConnection* client : clients_in_order()) client->drop_unannounced();
  broker_.stop();  // its last wills still go to the mesh
  ports_.scheduler.at_turn_commit([this] {
    if (mesh_) mesh_->stop();
    stopped_ = true;
  });
}

bool Node::has_drained() const {
  return stopped_ && clients_.empty() && (!peers_ || peers_->size() == 0);
}

// --- Clients

void Node::add_client(std::unique_ptr<ByteStream> stream, const ConnectionInfo& info) {
  if (closed_) return;
  STARLING_CHECK(info.listener < doors_.size());
  ++counters_.clients_accepted;
  const std::shared_ptr<const Door>& door = doors_[info.listener];
  GateRefusal refusal = gate_.may_enter(info.listener, door->connections_max);
  if (!refusal && !door->proxy_header) refusal = gate_.may_enter_from(info.peer);
  if (refusal) return refuse(refusal, info.peer, info.listener);  // dropping the stream closes it

  gate_.enter(info.listener);
  if (!door->proxy_header) gate_.enter_from(info.peer);
  const ConnectionId id{++last_connection_};
  clients_[id] = std::make_unique<ClientConnection>(
      id, std::move(stream), door->is_open() ? nullptr : door, info, terms_, broker_,
      ports_.scheduler, static_cast<ClientConnection::Owner&>(*this));
}

void Node::refuse(const GateRefusal& refusal, const Endpoint& peer, ListenerIndex listener) {
  ++counters_.clients_refused;
  refusals_.note("clients_refused", refusal.kind, peer.to_text(), names_[listener], refusal.why,
                 ports_.scheduler.now(), limits::refusal_log_interval);
}

bool Node::admits(const ClientConnection& client) {
  if (client.peer_is_known()) return true;  // counted when it was accepted
  if (const GateRefusal refusal = gate_.may_enter_from(client.peer())) {
    refuse(refusal, client.peer(), client.listener());
    return false;
  }
  gate_.enter_from(client.peer());
  return true;
}

void Node::on_failed(const ClientConnection& client, std::string_view why) {
  if (why.empty()) return;  // somebody looked whether the port is open
  ++counters_.handshakes_failed;
  refusals_.note("client_handshake_failed", names_[client.listener()], client.peer().to_text(),
                 names_[client.listener()], why, ports_.scheduler.now(),
                 limits::denial_log_interval);
}

ClientConnection* Node::find(ConnectionId id) {
  const auto client = clients_.find(id);
  return client == clients_.end() ? nullptr : client->second.get();
}

void Node::on_ended(ConnectionId id) {
  const auto client = clients_.find(id);
  STARLING_CHECK(client != clients_.end());
  gate_.leave(client->second->listener());
  if (client->second->peer_is_known()) gate_.leave_from(client->second->peer());
  if (authenticator_) authenticator_->forget(id);
  clients_.erase(client);
}

/// The order of effects must not come from a hash table.
std::vector<ClientConnection*> Node::clients_in_order() const {
  std::vector<ClientConnection*> all;
  all.reserve(clients_.size());
  for (const auto& client : clients_) all.push_back(client.second.get());
  std::sort(all.begin(), all.end(),
            [](const ClientConnection* a, const ClientConnection* b) { return a->id() < b->id(); });
  return all;
}

std::size_t Node::output_waiting() const {
  std::size_t waiting = 0;
  for (const auto& client : clients_) waiting += client.second->output_waiting();
  return waiting;
}

void Node::watch_memory() {
  ports_.scheduler.cancel(std::exchange(memory_wake_, {}));
  if (gate_.bounds().memory_max == 0 || !ports_.heap_bytes) return;
  gate_.set_heap_bytes(ports_.heap_bytes());
  memory_wake_ =
      ports_.scheduler.wake_at(ports_.scheduler.now() + limits::memory_look_interval, [this] {
        memory_wake_ = {};
        watch_memory();
      });
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

void Node::read_queue(const QueueRead& what) {
  acceptance_.read_after_commit(what);
}

void Node::tell_when_safe(SessionNumber session, std::uint64_t position) {
  acceptance_.tell_when_safe(session, position);
}

std::size_t Node::store_backlog() const {
  return ports_.store.backlog_bytes();
}

void Node::acknowledge_after_commit(ConnectionId to, const Acknowledgement& what) {
  acceptance_.release_after_commit(to, what);
}

// A local answer would tell a publisher that nobody listens, though a peer might.
bool Node::may_be_wanted_elsewhere(const TopicName& /*topic*/) const {
  return mesh_ != nullptr && !stopped_;
}

// --- Who a client is

std::optional<LoginAttempt> Node::attempt_of(ConnectionId id) const {
  const auto client = clients_.find(id);
  if (client == clients_.end()) return std::nullopt;
  return LoginAttempt{id, client->second->listener(), client->second->peer()};
}

std::optional<AuthVerdict> Node::check_credentials(ConnectionId id,
                                                   const Credentials& credentials) {
  const auto attempt = attempt_of(id);
  if (!attempt) return AuthVerdict{mqtt::ReasonCode::not_authorized, "the connection is gone"};
  if (!authenticator_) {
    if (anonymous_[attempt->door]) return AuthVerdict{};
    return AuthVerdict{mqtt::ReasonCode::not_authorized, "there are no passwords here"};
  }
  const auto verdict = authenticator_->check(
      *attempt, credentials.user_name.value_or(std::string_view{}), credentials.password);
  if (!verdict) return std::nullopt;
  return auth_verdict(*verdict);
}

bool Node::may_stay(ConnectionId id, std::string_view user) {
  const auto attempt = attempt_of(id);
  return !attempt || !authenticator_ || !authenticator_->was_revoked(attempt->door, user);
}

AuthStep Node::begin_exchange(ConnectionId id, std::string_view method, ByteView data) {
  const auto attempt = attempt_of(id);
  if (authenticator_ && attempt)
    return auth_step(authenticator_->begin_exchange(*attempt, method, data));
  AuthStep step;
  step.reason = mqtt::ReasonCode::bad_authentication_method;
  step.why = "an authentication method we do not know";
  return step;
}

AuthStep Node::continue_exchange(ConnectionId id, ByteView data) {
  return authenticator_ ? auth_step(authenticator_->continue_exchange(id, data)) : AuthStep{};
}

void Node::end_exchange(ConnectionId id) {
  if (authenticator_) authenticator_->end_exchange(id);
}

// --- From the mesh

void Node::dial(LinkId link, const Endpoint& to, const std::optional<NodeId>& expected,
                const DialWay& way) {
  peers_->dial(link, to, expected, way);
}
void Node::open_over(LinkId link, std::unique_ptr<ByteStream> stream, const NodeId& expected,
                     bool as_server) {
  peers_->open_over(link, std::move(stream), expected, as_server);
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

bool Node::mesh_may_publish(std::string_view mesh, const NodeId& from,
                            const TopicName& topic) const {
  const std::string user = "mesh:" + std::string(mesh);
  const std::string client_id = from.to_text();
  return mesh_rules_.allows(Principal{user, client_id}, Action::publish, topic);
}

MeshDelivery Node::deliver_from_mesh(std::string_view /*mesh*/, const NodeId& /*from*/,
                                     Publication&& message) {
  if (keeps_anything_) message.number = next_message_number();
  const auto placement =
      broker_.deliver_from_mesh(std::make_shared<const Publication>(std::move(message)));
  return placement == MeshPlacement::waiting ? MeshDelivery::waiting : MeshDelivery::taken;
}

void Node::on_mesh_message_placed(const MessageId& id) {
  if (mesh_ && !stopped_) mesh_->on_message_placed(id);
}

}  // namespace starling
