#include "simulations/world/sim_node.hpp"

#include <utility>

#include "dht/opendht/dht_engine.hpp"
#include "simulations/world/sim_channel.hpp"
#include "simulations/world/sim_rendezvous.hpp"
#include "simulations/world/watched_rendezvous.hpp"
#include "src/node/bootstrap.hpp"
#include "src/node/node.hpp"

namespace starling::sim {
namespace {

class NodeLogSink final : public LogSink {
 public:
  NodeLogSink(NodeNumber node, const SimNode::Surroundings& around)
      : node_(node), around_(around) {}
  [[nodiscard]] bool wants(LogLevel level) const override { return level >= around_.log_level; }
  void write(LogLevel level, std::string_view event,
             std::initializer_list<LogField> fields) override {
    if (around_.on_log) around_.on_log(node_, level, event, fields);
  }

 private:
  NodeNumber node_;
  const SimNode::Surroundings& around_;
};

class PlainMetrics final : public Metrics {
 public:
  Metric& metric(std::string_view name) override {
    const auto found = metrics_.find(name);
    return found != metrics_.end() ? found->second
                                   : metrics_.emplace(std::string(name), Metric{}).first->second;
  }

 private:
  std::map<std::string, Metric, std::less<>> metrics_;
};

/// Addresses only: simulated networks have no names.
class LiteralResolver final : public Resolver {
 public:
  explicit LiteralResolver(Scheduler& scheduler) : scheduler_(scheduler) {}
  void resolve(const HostPort& host, OnResolved done) override {
    auto found = Endpoint::parse(host.to_text());
    scheduler_.at_turn_end([found, host = host.to_text(), done = std::move(done)] {
      if (found) return done(std::vector<Endpoint>{*found});
      done(Error{Errc::not_found, "there are no names in a simulated network: " + host});
    });
  }

 private:
  Scheduler& scheduler_;
};

crypto::SigningKey key_of(std::uint64_t seed, NodeNumber number) {
  Random random(seed, 0x6B6579'0000'0000U | number);
  return crypto::SigningKey::generate(random);
}

}  // namespace

// Members die in the opposite order: first what uses the others.
struct SimNode::Process {
  explicit Process(SimNode& of);
  /// Both from inside the process, under the host's clocks.
  void start();
  void shut_down();
  void watch(std::unique_ptr<Rendezvous> made) {
    rendezvous = std::make_unique<WatchedRendezvous>(
        std::move(made), scheduler,
        [this](const Lookup& lookup) { home.around_.on_lookup(home.number_, lookup); });
  }

  SimNode& home;
  SimScheduler scheduler;
  NodeLogSink log;
  PlainMetrics metrics;
  SimFiles files;
  SimStore store;
  SimLinkChannels channels;
  SimDialer dialer;
  LiteralResolver resolver;
  std::optional<SimDatagram> datagram;
  std::unique_ptr<WatchedRendezvous> rendezvous;
  DhtEngine* engine = nullptr;
  std::unique_ptr<Node> node;
  std::unique_ptr<Bootstrap> bootstrap;
};

SimNode::Process::Process(SimNode& of)
    : home(of),
      scheduler(of.around_.streams.network().agenda(), of.host_),
      log(of.number_, of.around_),
      files(of.disk_),
      store(of.disk_, scheduler, of.config_.commit_time),
      channels(of.id_, of.random_),
      dialer(of.around_.streams, of.host_, scheduler.process()),
      resolver(scheduler) {}

void SimNode::Process::start() {
  const NodeConfig& config = home.config_;
  Network& network = home.around_.streams.network();
  NodeSettings settings;
  settings.id = home.id_;
  settings.epoch = home.epoch_;
  settings.broker = config.broker;
  settings.broker.store_keeps_anything = true;
  ListenerPolicy listener;
  listener.name = "1883";
  listener.allow_anonymous = true;
  settings.listeners.push_back(listener);
  settings.mesh_rules = AccessRules{};
  NodePorts ports{scheduler, home.random_, log, metrics, store, files};
  if (!config.meshes.empty()) {
    if (home.around_.model != nullptr) {
      watch(home.around_.model->join(home.host_, scheduler.process(), home.endpoint()));
    } else {
      datagram.emplace(network, home.host_, mesh_port, scheduler.process());
      DhtSettings dht;
      dht.rare_refresh = config.dht_rare_refresh;
      dht.signatures = home.around_.signatures;
      auto made = std::make_unique<DhtEngine>(dht, *datagram, scheduler, log);
      engine = made.get();
      watch(std::move(made));
    }
    ports.dialer = &dialer;
    ports.channels = &channels;
    ports.rendezvous = rendezvous.get();
    MeshSettings mesh{home.key_, home.epoch_};
    mesh.software = "starling simulated";
    mesh.meshes = config.meshes;
    mesh.mesh_port = mesh_port;
    mesh.local_endpoints = {home.endpoint()};
    mesh.links_max = config.links_max;
    mesh.relay = config.relay;
    mesh.outbox = config.outbox;
    mesh.signatures = home.around_.signatures;
    settings.mesh = std::move(mesh);
  }
  node = std::make_unique<Node>(std::move(settings), ports);
  if (rendezvous)
    bootstrap =
        std::make_unique<Bootstrap>(config.bootstrap, *rendezvous, resolver, files, scheduler, log,
                                    [this](const std::vector<Endpoint>& found) {
                                      node->mesh()->set_bootstrap_endpoints(found);
                                    });
  StreamNetwork& streams = home.around_.streams;
  streams.listen(home.host_, client_port, scheduler.process(),
                 [this](std::unique_ptr<ByteStream> stream) {
                   const ConnectionInfo info{stream->peer_endpoint(), 0};
                   node->add_client(std::move(stream), info);
                 });
  if (rendezvous)
    streams.listen(
        home.host_, mesh_port, scheduler.process(),
        [this](std::unique_ptr<ByteStream> stream) { node->add_peer(std::move(stream)); });
  node->start();
  if (bootstrap) bootstrap->start();
}

void SimNode::Process::shut_down() {
  home.around_.streams.stop_listening(home.host_, client_port);
  home.around_.streams.stop_listening(home.host_, mesh_port);
  bootstrap.reset();
  node.reset();
  engine = nullptr;
  rendezvous.reset();
}

SimNode::SimNode(NodeNumber number, NodeConfig config, Surroundings around)
    : number_(number),
      config_(std::move(config)),
      around_(std::move(around)),
      host_(around_.streams.network().add_host(config_.site,
                                               around_.streams.network().region(config_.region),
                                               config_.clock, config_.line)),
      random_(around_.seed, 0x6E6F6465'0000'0000U | number),
      key_(key_of(around_.seed, number)),
      id_(key_.node_id()) {}

SimNode::~SimNode() {
  end(NodeEnd::killed);
}

Endpoint SimNode::endpoint() const {
  Endpoint here = around_.streams.network().address(host_);
  here.port = mesh_port;
  return here;
}

void SimNode::boot() {
  if (process_) return;
  Agenda& agenda = around_.streams.network().agenda();
  around_.streams.network().set_power(host_, true);
  ++epoch_;
  process_ = std::make_unique<Process>(*this);
  inside([this] { process_->start(); });
  agenda.end_turn();
}

void SimNode::end(NodeEnd how) {
  if (!process_) return;
  Network& network = around_.streams.network();
  Agenda& agenda = network.agenda();
  if (how == NodeEnd::unplugged) network.set_power(host_, false);
  if (how == NodeEnd::stopped) {
    agenda.inside(process_->scheduler.process(), [&] {
      if (process_->bootstrap) process_->bootstrap->remember();
      process_->node->stop();
    });
    agenda.end_turn();
    process_->store.finish();
  } else {
    process_->store.tear(random_);
  }
  inside([this] { process_->shut_down(); });
  process_.reset();
}

NodeState SimNode::state() const {
  NodeState state;
  if (!process_) return state;
  const BrokerCounters& counters = process_->node->broker().counters();
  state.queued_messages = static_cast<std::size_t>(counters.queued_messages);
  state.queued_bytes = static_cast<std::size_t>(counters.queued_bytes);
  state.inflight_messages = static_cast<std::size_t>(counters.inflight_messages);
  state.retained_messages = static_cast<std::size_t>(counters.retained_messages);
  if (process_->rendezvous) {
    state.announcements = process_->rendezvous->announcements();
    state.listens = process_->rendezvous->listens();
  }
  if (const Mesh* mesh = process_->node->mesh()) {
    MeshLoad load = mesh->load();
    state.links = load.links;
    state.relayed_links = load.relayed_links;
    state.carried_links = load.carried_links;
    state.members_known = load.peers_known;
    state.parked_messages = load.parked_messages;
    state.outbox_messages = load.outbox_messages;
    state.outbox_bytes = load.outbox_bytes;
    state.outboxes = std::move(load.outboxes);
  }
  return state;
}

Node* SimNode::node() const {
  return process_ ? process_->node.get() : nullptr;
}
DhtEngine* SimNode::engine() const {
  return process_ ? process_->engine : nullptr;
}
Rendezvous* SimNode::rendezvous() const {
  return process_ ? process_->rendezvous.get() : nullptr;
}

void SimNode::inside(const std::function<void()>& act) {
  if (process_)
    around_.streams.network().agenda().inside(process_->scheduler.process(), [&] { act(); });
}

}  // namespace starling::sim
