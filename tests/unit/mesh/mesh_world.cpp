// The little world in which meshes are tested.
#include "mesh_world.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "starling/check.hpp"

namespace starling::test {

// --- Time

UnixSeconds VirtualScheduler::unix_now() const {
  return 1'800'000'000
         + std::chrono::duration_cast<std::chrono::seconds>(now_.time_since_epoch()).count();
}

WakeId VirtualScheduler::wake_at(TimePoint when, Task task) {
  const std::uint64_t id = next_id_++;
  when = std::max(when, now_);
  agenda_.emplace(Place{when, id}, std::move(task));
  places_.emplace(id, when);
  return WakeId{id};
}

void VirtualScheduler::cancel(WakeId id) {
  const auto found = places_.find(id.value);
  if (found == places_.end()) return;
  agenda_.erase(Place{found->second, id.value});
  places_.erase(found);
}

void VirtualScheduler::end_turn() {
  while (!turn_end_.empty()) {
    Task task = std::move(turn_end_.front());
    turn_end_.pop_front();
    task();
  }
}

bool VirtualScheduler::run_next(TimePoint until) {
  end_turn();
  if (agenda_.empty() || agenda_.begin()->first.first > until) return false;
  const auto first = agenda_.begin();
  now_ = first->first.first;
  Task task = std::move(first->second);
  places_.erase(first->first.second);
  agenda_.erase(first);
  ++turns_;
  task();
  end_turn();
  return true;
}

void VirtualScheduler::run_for(Duration span) {
  const TimePoint until = now_ + span;
  while (run_next(until)) {
  }
  now_ = until;
}

bool VirtualScheduler::run_until(const std::function<bool()>& done, Duration at_most) {
  const TimePoint until = now_ + at_most;
  end_turn();
  while (!done()) {
    if (!run_next(until)) {
      now_ = until;
      return done();
    }
  }
  return true;
}

void SeededEntropy::fill(std::span<std::uint8_t> out) {
  for (std::uint8_t& byte : out) {  // splitmix64, a byte at a time
    state_ += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    byte = static_cast<std::uint8_t>((z ^ (z >> 31U)) & 0xFFU);
  }
}

// --- Rendezvous

void RendezvousTable::put(const DhtKey& key, std::uint64_t value_id, Bytes value) {
  values[key][value_id] = value;
  for (const auto& [handle, listener] : listeners) {
    if (listener.key != key) continue;
    scheduler_.wake_at(scheduler_.now() + TableRendezvous::latency, [this, handle = handle, value] {
      const auto found = listeners.find(handle);
      if (found == listeners.end() || found->second.owner->deaf) return;
      found->second.on_value(value, false);
    });
  }
}

TableRendezvous::~TableRendezvous() {
  *alive_ = false;
  std::erase_if(table_.listeners, [this](const auto& e) { return e.second.owner == this; });
}

Rendezvous::Handle TableRendezvous::announce(const DhtKey& key, std::uint64_t value_id,
                                             Bytes value) {
  table_.scheduler().wake_at(table_.scheduler().now() + latency,
                             [this, key, value_id, value = std::move(value), alive = alive_] {
                               if (*alive) table_.put(key, value_id, value);
                             });
  return Handle{table_.next_handle++};
}

void TableRendezvous::get(const DhtKey& key, OnValue on_value, OnDone on_done) {
  ++gets[key];
  table_.scheduler().wake_at(
      table_.scheduler().now() + 2 * latency,
      [this, key, on_value = std::move(on_value), on_done = std::move(on_done), alive = alive_] {
        if (!*alive) return;
        const auto found = table_.values.find(key);
        if (found != table_.values.end() && !deaf) {
          const auto values = found->second;
          for (const auto& [id, value] : values) {
            if (on_value && !on_value(value, false)) break;
          }
        }
        if (on_done) on_done(true);
      });
}

Rendezvous::Handle TableRendezvous::listen(const DhtKey& key, OnValue on_value) {
  const std::uint64_t handle = table_.next_handle++;
  table_.listeners.emplace(handle, RendezvousTable::Listener{key, std::move(on_value), this});
  table_.scheduler().wake_at(table_.scheduler().now() + 2 * latency,
                             [this, key, handle, alive = alive_] {
                               if (!*alive || deaf || !table_.listeners.contains(handle)) return;
                               const auto values = table_.values[key];
                               for (const auto& [id, value] : values) {
                                 const auto listener = table_.listeners.find(handle);
                                 if (listener == table_.listeners.end()) return;
                                 listener->second.on_value(value, false);
                               }
                             });
  return Handle{handle};
}

// --- Small ports

std::optional<Bytes> MemoryFiles::load(std::string_view name) {
  const auto found = files.find(name);
  if (found == files.end()) return std::nullopt;
  return found->second;
}

Result<void> MemoryFiles::save(std::string_view name, ByteView content) {
  files[std::string{name}] = Bytes{content.begin(), content.end()};
  return {};
}

void CollectingLog::write(LogLevel level, std::string_view event,
                          std::initializer_list<LogField> fields) {
  std::string text;
  for (const LogField& field : fields) {
    text += std::string{field.name} + "=" + field.value + " ";
  }
  if (lines.size() < 100'000) lines.push_back(Line{level, std::string{event}, text});
}

std::size_t CollectingLog::count(std::string_view event) const {
  return static_cast<std::size_t>(std::count_if(
      lines.begin(), lines.end(), [&](const Line& line) { return line.event == event; }));
}

// --- Nodes

namespace {

crypto::SigningKey key_of(std::uint8_t number) {
  crypto::Seed seed{};
  seed.fill(number);
  return crypto::SigningKey::from_seed(seed);
}

}  // namespace

WorldNode::WorldNode(MeshWorld& world, std::uint8_t number, Options options)
    : id(key_of(number).node_id()),
      endpoint(Endpoint::v4({127, 0, 0, 1}, static_cast<std::uint16_t>(20'000 + number))),
      dialable(options.dialable),
      world_(world),
      options_(std::move(options)),
      key_(key_of(number)) {}

WorldNode::~WorldNode() {
  mesh_.reset();
}

void WorldNode::boot() {
  STARLING_CHECK(mesh_ == nullptr);
  ++epoch_;
  sequence_ = 0;
  entropy_ = std::make_unique<SeededEntropy>(world_.entropy.next_u64());
  rendezvous_ = std::make_unique<TableRendezvous>(world_.table);
  MeshSettings settings{key_};
  settings.epoch = epoch_;
  settings.meshes = options_.meshes;
  settings.mesh_port = endpoint.port;
  settings.local_endpoints = {endpoint};
  settings.bootstrap_endpoints = options_.bootstrap;
  settings.outbox = options_.outbox;
  settings.peer_messages_per_s = options_.messages_per_s;
  settings.open_messages_per_s = options_.open_messages_per_s;
  settings.peer_retained_max = options_.retained_max;
  if (!dialable) settings.local_endpoints.clear();
  mesh_ = std::make_unique<Mesh>(std::move(settings), *this, *rendezvous_, world_.scheduler,
                                 *entropy_, files, log, metrics_);
  mesh_->start();
  for (const auto& [key, interest] : subscriptions_) mesh_->on_interest_change({interest, true});
  world_.scheduler.end_turn();
}

void WorldNode::kill() {
  mesh_.reset();
  rendezvous_.reset();
  dialling_.clear();
  subscriptions_.clear();  // the sessions of this broker live in memory
  std::vector<std::uint64_t> connections;
  for (const auto& [link, side] : links_) connections.push_back(side.connection);
  for (const std::uint64_t connection : connections) world_.end(connection, "reset by peer");
  links_.clear();
}

void WorldNode::stop() {
  mesh_->stop();
  after_turn();
  mesh_.reset();
  rendezvous_.reset();
  dialling_.clear();
  subscriptions_.clear();
}

void WorldNode::subscribe(const std::string& filter, QoS qos, bool durable,
                          const std::string& group) {
  const Interest interest{TopicFilter::parse(filter).value(), group, qos, durable};
  subscriptions_.insert_or_assign({filter, group}, interest);
  if (mesh_) mesh_->on_interest_change({interest, true});
  world_.scheduler.end_turn();
}

void WorldNode::unsubscribe(const std::string& filter, const std::string& group) {
  const auto found = subscriptions_.find({filter, group});
  STARLING_CHECK(found != subscriptions_.end());
  const Interest interest = found->second;
  subscriptions_.erase(found);
  if (mesh_) mesh_->on_interest_change({interest, false});
  world_.scheduler.end_turn();
}

MessageId WorldNode::publish(const std::string& topic, const std::string& payload, QoS qos,
                             bool retain) {
  return publish(Publication{TopicName::parse(topic).value(), SharedBytes{as_bytes(payload)}, qos,
                             retain, std::nullopt, nullptr, MessageId{}});
}

MessageId WorldNode::publish(Publication publication) {
  publication.id = MessageId{id, epoch_, ++sequence_};
  mesh_->publish(std::make_shared<const Publication>(publication));
  world_.scheduler.end_turn();
  return publication.id;
}

std::vector<std::string> WorldNode::payloads(const std::string& topic) const {
  std::vector<std::string> list;
  for (const Arrival& arrival : arrivals) {
    if (topic.empty() || arrival.message->topic.text() == topic) {
      list.emplace_back(as_text(arrival.message->payload.view()));
    }
  }
  return list;
}

std::optional<PeerStatus> WorldNode::peer(const WorldNode& other) const {
  if (!mesh_) return std::nullopt;
  for (PeerStatus& peer : mesh_->status().peers) {
    if (peer.id == other.id) return peer;
  }
  return std::nullopt;
}

bool WorldNode::is_linked_to(const WorldNode& other) const {
  const auto status = peer(other);
  return status && status->state == PeerState::linked;
}

std::size_t WorldNode::links() const {
  return mesh_ ? mesh_->status().links : 0;
}

void WorldNode::writable() {
  std::vector<LinkId> all;
  for (const auto& [link, side] : links_) all.push_back(link);
  for (const LinkId link : all) mesh_->on_link_writable(link);
  world_.scheduler.end_turn();
}

void WorldNode::dial(LinkId link, const Endpoint& to, const std::optional<NodeId>& expected,
                     const DialWay&) {
  if (expected) ++dials;  // who dials where it joins expects nobody in particular
  dialling_.insert(link);
  world_.scheduler.wake_at(world_.scheduler.now() + world_.latency, [this, link, to, expected] {
    if (mesh_ && dialling_.erase(link) > 0) world_.connect(*this, link, to, expected);
  });
}

void WorldNode::open_over(LinkId link, std::unique_ptr<ByteStream>, const NodeId&, bool) {
  mesh_->on_dial_failed(link, {Errc::unreachable, "no relays in this world"});
}

OutputBuffer& WorldNode::link_output(LinkId link) {
  const auto found = links_.find(link);
  STARLING_CHECK(found != links_.end());
  return found->second.output;
}

void WorldNode::flush_link(LinkId link) {
  const auto found = links_.find(link);
  STARLING_CHECK(found != links_.end());
  found->second.flush_asked = true;
  ask_for_after_turn();
}

bool WorldNode::link_is_congested(LinkId) const {
  return congested;
}

void WorldNode::close_link(LinkId link) {
  if (dialling_.erase(link) > 0) return;
  const auto found = links_.find(link);
  if (found == links_.end()) return;
  flush(link);
  if (RawPeer* raw = found->second.raw) {
    raw->is_closed = true;
    links_.erase(found);
    return;
  }
  const std::uint64_t connection = found->second.connection;
  const bool is_client = found->second.is_client;
  links_.erase(found);
  world_.scheduler.wake_at(world_.scheduler.now() + world_.latency, [this, connection, is_client] {
    world_.end_side(connection, !is_client, "");
  });
}

bool WorldNode::mesh_may_publish(std::string_view, const NodeId&, const TopicName& topic) const {
  ++access_questions;
  return topic.text() != forbidden_topic;
}

MeshDelivery WorldNode::deliver_from_mesh(std::string_view mesh, const NodeId& from,
                                          Publication&& message) {
  arrivals.push_back(Arrival{std::string{mesh}, from,
                             std::make_shared<const Publication>(std::move(message)),
                             world_.scheduler.now()});
  return reader_is_full ? MeshDelivery::waiting : MeshDelivery::taken;
}

void WorldNode::ask_for_after_turn() {
  if (turn_end_asked_) return;
  turn_end_asked_ = true;
  world_.scheduler.at_turn_end([this] { after_turn(); });
}

void WorldNode::after_turn() {
  turn_end_asked_ = false;
  if (mesh_ && std::exchange(seal_asked_, false)) {
    const BatchNumber number = next_batch_++;
    mesh_->on_batch_sealed(number);
    if (commit_delay == Duration::zero()) {
      mesh_->on_committed(number);
    } else {
      world_.scheduler.wake_at(world_.scheduler.now() + commit_delay,
                               [this, number, of = mesh_.get()] {
                                 if (mesh_.get() == of) mesh_->on_committed(number);
                               });
    }
  }
  std::vector<LinkId> asked;
  for (const auto& [link, side] : links_) {
    if (side.flush_asked) asked.push_back(link);
  }
  for (const LinkId link : asked) flush(link);
}

void WorldNode::flush(LinkId link) {
  Side& side = links_.at(link);
  side.flush_asked = false;
  Bytes bytes;
  while (!side.output.empty()) {
    std::array<ByteView, 16> views;
    const std::size_t count = side.output.gather(views);
    std::size_t size = 0;
    for (std::size_t i = 0; i < count; ++i) {
      append(bytes, views[i]);
      size += views[i].size();
    }
    side.output.consume(size);
  }
  if (bytes.empty()) return;
  bytes_sent += bytes.size();
  if (side.raw != nullptr) {
    world_.scheduler.wake_at(world_.scheduler.now(),
                             [raw = side.raw, bytes = std::move(bytes)] { raw->on_bytes(bytes); });
    return;
  }
  world_.carry(side.connection, side.is_client, std::move(bytes));
}

namespace {

MeshConfig configure(const std::string& name, bool open, const crypto::MeshKeys& keys,
                     const std::vector<std::string>& shares) {
  MeshConfig config;
  config.name = name;
  config.open = open;
  config.keys = keys;
  for (const std::string& share : shares) {
    config.rules.add(ShareRule::make(ShareRuleText::parse(share).value(), open).value());
  }
  return config;
}

}  // namespace

MeshConfig MeshWorld::private_mesh(const std::string& name, std::uint8_t secret,
                                   const std::vector<std::string>& shares) {
  crypto::MeshSecret bytes{};
  bytes.fill(secret);
  return configure(name, false, crypto::derive_mesh_keys(bytes), shares);
}

MeshConfig MeshWorld::open_mesh(const std::string& name, const std::vector<std::string>& shares) {
  return configure(name, true, crypto::derive_mesh_keys(*crypto::open_mesh_secret(name)), shares);
}

// --- The rude one

RawPeer::RawPeer(MeshWorld& world, WorldNode& node, std::uint8_t number,
                 const std::vector<MeshConfig>& meshes, std::uint64_t ordinal)
    : id(key_of(number).node_id()), world_(world), node_(node), link_(node.mesh().next_link_id()) {
  settings_.self = id;
  for (const MeshConfig& mesh : meshes) settings_.meshes.push_back(mesh.keys.member);
  LinkOpening opening;
  opening.ordinal = ordinal;
  opening.peer = node.id;
  opening.expected = node.id;
  world.entropy.fill(opening.secret);
  opening.role = LinkRole::dialler;
  opening.remote = node.endpoint;
  machine_ = std::make_unique<PeerLink>(settings_, opening, world.scheduler.now());
  node.links_[link_].raw = this;
  const Bytes exporter{opening.secret.begin(), opening.secret.end()};
  node.mesh().on_link_open(link_,
                           LinkFacts{id, exporter, Endpoint::v4({127, 0, 0, 1}, 50'000), true});
  machine_->start(events, out_);
  flush();
  world.run_for(10ms);
}

RawPeer::~RawPeer() {
  if (!is_closed && node_.links_.erase(link_) > 0) node_.mesh().on_link_closed(link_, "gone");
}

SendOutcome RawPeer::send(const Publication& message, std::uint8_t hops) {
  const OutgoingPublication outgoing{
      .message = message, .topic = message.topic, .mesh = 0, .qos = message.qos, .hops = hops};
  return machine_->send(outgoing, out_).outcome;
}

void RawPeer::flush() {
  machine_->flush(out_);
  while (!out_.empty()) {
    std::array<ByteView, 16> views;
    const std::size_t count = out_.gather(views);
    Bytes bytes;
    for (std::size_t i = 0; i < count; ++i) append(bytes, views[i]);
    out_.consume(bytes.size());
    if (!is_closed) node_.mesh().on_link_bytes(link_, bytes);
    world_.scheduler.end_turn();
  }
}

void RawPeer::on_bytes(ByteView bytes) {
  machine_->on_bytes(bytes, world_.scheduler.now(), events, out_);
  flush();
}

std::uint64_t RawPeer::acknowledged() const {
  std::uint64_t up_to = 0;
  for (const LinkEvent& event : events) {
    if (const auto* e = std::get_if<Acknowledged>(&event)) up_to = e->up_to;
  }
  return up_to;
}

std::vector<std::string> RawPeer::payloads() const {
  std::vector<std::string> list;
  for (const LinkEvent& event : events) {
    const auto* arrived = std::get_if<PublicationsArrived>(&event);
    if (arrived == nullptr) continue;
    for (const ArrivedPublication& one : arrived->publications) {
      list.emplace_back(as_text(one.message.payload.view()));
    }
  }
  return list;
}

std::set<NodeId> RawPeer::told() const {
  std::set<NodeId> named;
  for (const LinkEvent& event : events) {
    const auto* told = std::get_if<PeersTold>(&event);
    if (told == nullptr) continue;
    for (const wire::Peers::Entry& entry : told->peers) named.insert(entry.node);
  }
  return named;
}

void RawPeer::want(std::size_t mesh, const std::vector<Interest>& interests) {
  machine_->send_interests(mesh, interests, out_);
  flush();
  world_.run_for(10ms);
}

// --- The world

MeshWorld::MeshWorld(std::uint64_t seed) : entropy(seed), table(scheduler) {}

MeshWorld::~MeshWorld() {
  for (auto& node : nodes) {
    node->mesh_.reset();
    node->rendezvous_.reset();
  }
}

WorldNode& MeshWorld::add_node(WorldNode::Options options) {
  nodes.push_back(std::make_unique<WorldNode>(*this, static_cast<std::uint8_t>(nodes.size() + 1),
                                              std::move(options)));
  return *nodes.back();
}

WorldNode& MeshWorld::add_node() {
  WorldNode::Options options;
  options.meshes = {private_mesh()};
  WorldNode& node = add_node(std::move(options));
  node.boot();
  return node;
}

bool MeshWorld::all_linked() const {
  for (const auto& a : nodes) {
    for (const auto& b : nodes) {
      if (a != b && a->is_up() && b->is_up() && !a->is_linked_to(*b)) return false;
    }
  }
  return true;
}

bool MeshWorld::are_apart(const WorldNode& a, const WorldNode& b) const {
  return apart_.contains({a.id, b.id});
}

void MeshWorld::partition(const WorldNode& a, const WorldNode& b, bool apart) {
  for (const auto& pair : {std::pair{a.id, b.id}, std::pair{b.id, a.id}}) {
    if (apart) {
      apart_.insert(pair);
    } else {
      apart_.erase(pair);
    }
  }
}

void MeshWorld::connect(WorldNode& client, LinkId client_link, const Endpoint& to,
                        const std::optional<NodeId>& expected) {
  WorldNode* server = nullptr;
  for (const auto& node : nodes) {
    if (node->endpoint == to && node->is_up() && node->dialable && !are_apart(client, *node)) {
      server = node.get();
    }
  }
  if (server == nullptr) {
    client.mesh_->on_dial_failed(client_link, Error{Errc::unreachable, "connection refused"});
    return;
  }
  if (expected && server->id != *expected) {
    client.mesh_->on_dial_failed(client_link, Error{Errc::bad_identity, "another node answered"});
    return;
  }
  const std::uint64_t connection = next_connection_++;
  const LinkId server_link = server->mesh_->next_link_id();
  connections_.emplace(connection, Connection{&client, server, client_link, server_link});
  Bytes exporter(32);
  entropy.fill(exporter);
  client.links_[client_link].connection = connection;
  client.links_[client_link].is_client = true;
  server->links_[server_link].connection = connection;
  client.mesh_->on_link_open(client_link, LinkFacts{server->id, exporter, to, false});
  server->mesh_->on_link_open(
      server_link, LinkFacts{client.id, exporter,
                             Endpoint::v4({127, 0, 0, 1},
                                          static_cast<std::uint16_t>(40'000 + connection % 10'000)),
                             true});
}

void MeshWorld::carry(std::uint64_t connection, bool from_client, Bytes bytes) {
  scheduler.wake_at(scheduler.now() + latency,
                    [this, connection, from_client, bytes = std::move(bytes)] {
                      const auto found = connections_.find(connection);
                      if (found == connections_.end()) return;
                      const Connection c = found->second;
                      if (are_apart(*c.client, *c.server)) return;
                      WorldNode& to = from_client ? *c.server : *c.client;
                      const LinkId link = from_client ? c.server_link : c.client_link;
                      if (to.mesh_ && to.links_.contains(link))
                        to.mesh_->on_link_bytes(link, bytes);
                    });
}

void MeshWorld::end(std::uint64_t connection, const std::string& why) {
  end_side(connection, true, why);
  end_side(connection, false, why);
  connections_.erase(connection);
}

void MeshWorld::end_side(std::uint64_t connection, bool client_side, const std::string& why) {
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return;
  WorldNode& node = client_side ? *found->second.client : *found->second.server;
  const LinkId link = client_side ? found->second.client_link : found->second.server_link;
  if (node.links_.erase(link) > 0 && node.mesh_) node.mesh_->on_link_closed(link, why);
}

void MeshWorld::cut_all_between(const WorldNode& a, const WorldNode& b) {
  std::vector<std::uint64_t> found;
  for (const auto& [number, c] : connections_) {
    if ((c.client == &a && c.server == &b) || (c.client == &b && c.server == &a))
      found.push_back(number);
  }
  for (const std::uint64_t number : found) end(number, "cut");
  scheduler.end_turn();
}

bool MeshWorld::cut_one(std::uint64_t choice) {
  if (connections_.empty()) return false;
  auto chosen = connections_.begin();
  std::advance(chosen, static_cast<std::ptrdiff_t>(choice % connections_.size()));
  end(chosen->first, "cut");
  scheduler.end_turn();
  return true;
}

}  // namespace starling::test
