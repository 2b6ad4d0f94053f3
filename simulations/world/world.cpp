#include "simulations/world/world.hpp"

#include <algorithm>
#include <utility>

#include "starling/check.hpp"

#include "dht/records/envelope.hpp"
#include "src/crypto/mesh_keys.hpp"

namespace starling::sim {

using namespace std::chrono_literals;

/// Hands on to all observers, the digest first.
class World::Everybody final : public Observer {
 public:
  explicit Everybody(World& world) : world_(world) {}

  void on_node_started(TimePoint at, NodeNumber n) override {
    each([&](Observer& o) { o.on_node_started(at, n); });
  }
  void on_node_ended(TimePoint at, NodeNumber n, NodeEnd how) override {
    each([&](Observer& o) { o.on_node_ended(at, n, how); });
  }
  void on_link_up(TimePoint at, NodeNumber a, NodeNumber b) override {
    each([&](Observer& o) { o.on_link_up(at, a, b); });
  }
  void on_link_down(TimePoint at, NodeNumber a, NodeNumber b) override {
    each([&](Observer& o) { o.on_link_down(at, a, b); });
  }
  void on_link_bytes(TimePoint at, NodeNumber a, NodeNumber b, std::size_t size) override {
    each([&](Observer& o) { o.on_link_bytes(at, a, b, size); });
  }
  void on_datagram(TimePoint at, NodeNumber a, NodeNumber b, ByteView bytes) override {
    each([&](Observer& o) { o.on_datagram(at, a, b, bytes); });
  }
  void on_lookup(TimePoint at, NodeNumber node, const Lookup& lookup) override {
    each([&](Observer& o) { o.on_lookup(at, node, lookup); });
  }
  void on_client_connected(TimePoint at, const ClientConnected& what) override {
    each([&](Observer& o) { o.on_client_connected(at, what); });
  }
  void on_client_ended(TimePoint at, ClientNumber client, bool in_order) override {
    each([&](Observer& o) { o.on_client_ended(at, client, in_order); });
  }
  void on_subscribing(TimePoint at, const Subscribed& what) override {
    each([&](Observer& o) { o.on_subscribing(at, what); });
  }
  void on_subscribed(TimePoint at, const Subscribed& what) override {
    each([&](Observer& o) { o.on_subscribed(at, what); });
  }
  void on_unsubscribing(TimePoint at, ClientNumber client, std::string_view filter) override {
    each([&](Observer& o) { o.on_unsubscribing(at, client, filter); });
  }
  void on_unsubscribed(TimePoint at, ClientNumber client, std::string_view filter) override {
    each([&](Observer& o) { o.on_unsubscribed(at, client, filter); });
  }
  void on_published(TimePoint at, const Published& what) override {
    each([&](Observer& o) { o.on_published(at, what); });
  }
  void on_acknowledged(TimePoint at, MessageNumber number) override {
    each([&](Observer& o) { o.on_acknowledged(at, number); });
  }
  void on_completed(TimePoint at, MessageNumber number) override {
    each([&](Observer& o) { o.on_completed(at, number); });
  }
  void on_received(TimePoint at, const Received& what) override {
    each([&](Observer& o) { o.on_received(at, what); });
  }
  void on_fault_begins(TimePoint at, std::string_view what) override {
    each([&](Observer& o) { o.on_fault_begins(at, what); });
  }
  void on_fault_ends(TimePoint at, std::string_view what) override {
    each([&](Observer& o) { o.on_fault_ends(at, what); });
  }
  void on_second(TimePoint at, const World& world) override {
    each([&](Observer& o) { o.on_second(at, world); });
  }

 private:
  template <class Tell>
  void each(Tell tell) {
    tell(world_.digest_);
    for (Observer* observer : world_.observers_) tell(*observer);
  }
  World& world_;
};

namespace {

// Records that are alive at a time, of many nodes: some five a node, renewed every six minutes.
constexpr std::size_t signatures_kept = 1U << 21U;

ShareRules rules_of(const std::vector<std::string>& shares, bool open) {
  ShareRules rules;
  for (const std::string& share : shares) {
    const auto text = ShareRuleText::parse(share);
    STARLING_CHECK(text.ok());
    auto rule = ShareRule::make(*text, open);
    STARLING_CHECK(rule.ok());
    rules.add(std::move(rule).value());
  }
  return rules;
}

}  // namespace

MeshConfig private_mesh(const std::string& name, std::uint64_t secret,
                        const std::vector<std::string>& shares) {
  crypto::MeshSecret bytes{};
  Random(secret, 0x6D657368).fill(bytes);
  return {name, false, crypto::derive_mesh_keys(bytes), rules_of(shares, false)};
}

MeshConfig open_mesh(const std::string& name, const std::vector<std::string>& shares) {
  const auto secret = crypto::open_mesh_secret(name);
  STARLING_CHECK(secret.has_value());  // "public" or "public/..."
  return {name, true, crypto::derive_mesh_keys(*secret), rules_of(shares, true)};
}

World::World(const WorldSettings& settings)
    : settings_(settings),
      agenda_(settings.seed),
      network_(agenda_, settings.seed),
      streams_(network_),
      signatures_(std::make_shared<SignatureCache>(signatures_kept)),
      dice_(settings.seed, 0x776F726C64),
      everybody_(std::make_unique<Everybody>(*this)) {
  if (settings.models_dht) model_.emplace(network_, settings.seed);
  network_.set_default_path(settings.path);
  devices_ = network_.add_host(internet, network_.region("devices"), {}, {});
  node_of_host_.push_back(no_node);
  clients_process_ = agenda_.begin_process(devices_);
  network_.set_on_sent([this](HostNumber from, std::optional<HostNumber> to, ByteView bytes) {
    everybody_->on_datagram(now(), node_of_host(from), to ? node_of_host(*to) : no_node, bytes);
  });
  streams_.set_on_sent([this](HostNumber from, HostNumber to, std::size_t size) {
    everybody_->on_link_bytes(now(), node_of_host(from), node_of_host(to), size);
  });
  agenda_.add(now() + 1s, 0, [this] { on_second(); });
}

World::~World() {
  clients_.clear();
  nodes_.clear();
}

// --- Who there is

NodeNumber World::add_node(NodeConfig config) {
  const auto number = static_cast<NodeNumber>(nodes_.size());
  SimNode::Surroundings around{
      streams_,
      settings_.seed,
      model_ ? &*model_ : nullptr,
      signatures_,
      [this](NodeNumber node, LogLevel level, std::string_view event,
             std::initializer_list<LogField> fields) { on_log(node, level, event, fields); },
      std::min(settings_.log_level, LogLevel::info),
      [this](NodeNumber node, const Lookup& lookup) {
        everybody_->on_lookup(now(), node, lookup);
      }};
  nodes_.push_back(std::make_unique<SimNode>(number, std::move(config), std::move(around)));
  const SimNode& added = *nodes_.back();
  node_of_host_.resize(network_.host_count(), no_node);
  node_of_host_[added.host()] = number;
  by_short_id_[added.id().to_short_text()] = number;
  return number;
}

std::vector<NodeNumber> World::add_homes(std::size_t count, Duration within) {
  std::vector<NodeNumber> homes;
  std::vector<HostPort> bootstrap;
  for (std::size_t i = 0; i < count; ++i) {
    NodeConfig config;
    config.meshes.push_back(private_mesh());
    config.bootstrap = bootstrap;
    homes.push_back(add_node(std::move(config)));
    if (bootstrap.size() < 3) {
      const Endpoint at = node(homes.back()).endpoint();
      bootstrap.push_back({at.address_text(), at.port});
    }
    this->at(passed() + within * static_cast<Duration::rep>(i) / static_cast<Duration::rep>(count),
             [this, home = homes.back()] { boot(home); });
  }
  return homes;
}

SimClient& World::add_client(ClientConfig config) {
  const auto number = static_cast<ClientNumber>(clients_.size());
  SimClient::Surroundings around{streams_,
                                 clients_process_,
                                 [this](NodeNumber home) { return node(home).host(); },
                                 *everybody_,
                                 [this] { return ++last_message_; },
                                 settings_.seed};
  clients_.push_back(std::make_unique<SimClient>(number, std::move(config), std::move(around)));
  clients_.back()->start();
  return *clients_.back();
}

void World::boot(NodeNumber number) {
  if (node(number).is_up()) return;
  everybody_->on_node_started(now(), number);
  node(number).boot();
}

void World::end(NodeNumber number, NodeEnd how) {
  if (!node(number).is_up()) return;
  node(number).end(how);
  auto mine = link_ends_.lower_bound({number, 0});
  while (mine != link_ends_.end() && mine->first.first == number) mine = link_ends_.erase(mine);
  everybody_->on_node_ended(now(), number, how);
}

std::vector<NodeNumber> World::nodes_up() const {
  std::vector<NodeNumber> up;
  for (const auto& each : nodes_)
    if (each->is_up()) up.push_back(each->number());
  return up;
}

bool World::are_linked(NodeNumber a, NodeNumber b) const {
  return link_ends_.contains({a, b}) && link_ends_.contains({b, a});
}

NodeNumber World::node_of_host(HostNumber host) const {
  return host < node_of_host_.size() ? node_of_host_[host] : no_node;
}

HostNumber World::add_stranger(const std::string& region) {
  const HostNumber host = network_.add_host(internet, network_.region(region), {}, {});
  node_of_host_.resize(network_.host_count(), no_node);
  return host;
}

/// Links are told by the nodes' own log.
void World::on_log(NodeNumber number, LogLevel level, std::string_view event,
                   std::initializer_list<LogField> fields) {
  const bool linked = event == "mesh_peer_linked";
  if (linked || event == "mesh_peer_lost") {
    for (const LogField& field : fields) {
      if (field.name != "peer") continue;
      const auto peer = by_short_id_.find(field.value);
      if (peer == by_short_id_.end()) break;
      const std::pair end{number, peer->second};
      if (linked && link_ends_.emplace(end, true).second)
        everybody_->on_link_up(now(), number, peer->second);
      if (!linked && link_ends_.erase(end) > 0)
        everybody_->on_link_down(now(), number, peer->second);
      break;
    }
  }
  if (on_log_ && level >= settings_.log_level) on_log_(number, level, event, fields);
}

// --- Time

void World::at(Duration since_beginning, std::function<void()> act) {
  agenda_.add(Agenda::beginning + since_beginning, 0, std::move(act));
}

void World::run_for(Duration span) {
  const TimePoint until = now() + span;
  agenda_.end_turn();
  while (agenda_.run_next(until)) {
  }
}

bool World::run_until(const std::function<bool()>& condition, Duration patience) {
  const TimePoint until = now() + patience;
  while (!condition()) {
    if (now() >= until) return false;
    run_for(std::min<Duration>(10ms, until - now()));
  }
  return true;
}

void World::on_second() {
  everybody_->on_second(now(), *this);
  agenda_.add(now() + 1s, 0, [this] { on_second(); });
}

// --- Trouble

std::vector<HostNumber> World::hosts_of(const std::vector<NodeNumber>& nodes) const {
  std::vector<HostNumber> hosts;
  hosts.reserve(nodes.size());
  for (const NodeNumber number : nodes) hosts.push_back(node(number).host());
  return hosts;
}

std::vector<NodeNumber> World::others(const std::vector<NodeNumber>& than) const {
  std::vector<bool> is_named(nodes_.size());
  for (const NodeNumber number : than) is_named.at(number) = true;
  std::vector<NodeNumber> rest;
  for (NodeNumber number = 0; number < nodes_.size(); ++number)
    if (!is_named[number]) rest.push_back(number);
  return rest;
}

Partition World::part(const std::vector<NodeNumber>& a, const std::vector<NodeNumber>& b,
                      const std::string& what) {
  Partition made{{network_.cut(hosts_of(a), hosts_of(b)), network_.cut(hosts_of(b), hosts_of(a))},
                 what};
  fault_begins(what);
  return made;
}

Partition World::part_one_way(const std::vector<NodeNumber>& from,
                              const std::vector<NodeNumber>& to, const std::string& what) {
  Partition made{{network_.cut(hosts_of(from), hosts_of(to))}, what};
  fault_begins(what);
  return made;
}

void World::mend(const Partition& partition) {
  for (const CutId cut : partition.cuts) network_.mend(cut);
  fault_ends(partition.what);
}

void World::fault_begins(const std::string& what) {
  everybody_->on_fault_begins(now(), what);
}
void World::fault_ends(const std::string& what) {
  everybody_->on_fault_ends(now(), what);
}

}  // namespace starling::sim
