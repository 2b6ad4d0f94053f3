#include "src/app/daemon.hpp"

#include <csignal>
#include <filesystem>

#include "starling/version.hpp"

#include "dht/opendht/dht_engine.hpp"
#include "src/app/identity.hpp"
#include "src/crypto/system_entropy.hpp"
#include "src/log/metric_registry.hpp"
#include "src/node/bootstrap.hpp"
#include "src/node/node.hpp"
#include "src/store/memory_store.hpp"
#include "src/store/state_directory.hpp"
#include "src/tls/link_channels.hpp"
#include "src/uv/bound_port.hpp"
#include "src/uv/interface_addresses.hpp"
#include "src/uv/uv_datagram.hpp"
#include "src/uv/uv_dialer.hpp"
#include "src/uv/uv_listener.hpp"
#include "src/uv/uv_loop.hpp"
#include "src/uv/uv_resolver.hpp"
#include "src/uv/uv_scheduler.hpp"
#include "src/uv/uv_signals.hpp"

namespace starling {
namespace {

using namespace std::chrono_literals;

constexpr auto farewell_max = 500ms;  // for the last bytes to clients and peers
constexpr auto farewell_poll = 10ms;

/// What only a node with a mesh has.
struct MeshAdapters {
  MeshAdapters(UvLoop& loop, BoundPort& port, const DhtSettings& dht, const crypto::SigningKey& key,
               LogSink& log)
      : datagram(loop, std::move(port.udp)),
        engine(dht, datagram, loop.scheduler(), log),
        dialer(loop),
        resolver(loop),
        channels(key) {}

  UvDatagram datagram;
  DhtEngine engine;
  UvDialer dialer;
  UvResolver resolver;
  GnutlsLinkChannels channels;
};

DhtSettings dht_settings(const config::Settings& settings) {
  DhtSettings dht;
  if (!settings.dht.network.empty()) {
    const auto digest = crypto::sha256(as_bytes(settings.dht.network));
    dht.network = ByteReader(digest).read_u32();
  }
  return dht;
}

/// The addresses that reach what listens at `bound`: itself, or every interface's when it means
/// all.
std::vector<Endpoint> reachable_at(const Endpoint& bound, std::uint16_t port) {
  if (bound.is_unspecified()) {
    auto all = interface_endpoints(port);
    if (bound.is_v4())
      std::erase_if(all, [](const Endpoint& endpoint) { return !endpoint.is_v4(); });
    return all;
  }
  Endpoint exact = bound;
  exact.port = port;
  return {exact};
}

}  // namespace

class Daemon::Impl {
 public:
  Impl(const config::Settings& settings, Plan plan, LogSink& log)
      : settings_(settings),
        plan_(std::move(plan)),
        log_(log),
        state_(settings.state_dir.empty() ? default_state_dir() : settings.state_dir, log),
        identity_(load_or_create_identity(state_, entropy_)),
        signals_(loop_, [this](int signal) { on_signal(signal); }) {
    log_.info("starlingd_started", {{"version", version},
                                    {"node", identity_.key.node_id().to_text()},
                                    {"identity", identity_.created ? "created" : "loaded"},
                                    {"state_dir", state_.path().string()}});
    // The mesh port first: what cannot be bound must be said before a client is served.
    std::optional<BoundPort> mesh_port;
    if (settings_.wants_dht()) mesh_port = bind_port(plan_.mesh_listen, PortUse::tcp_and_udp);
    make_node(mesh_port);
    for (const ListenerPlan& listener : plan_.listeners) listen_for_clients(listener);
    if (mesh_port) listen_for_peers(*mesh_port);
  }

  void run() {
    node_->start();
    if (bootstrap_) bootstrap_->start();
    log_.info("ready");
    loop_.run();
  }

 private:
  void make_node(std::optional<BoundPort>& mesh_port) {
    NodeSettings node;
    node.id = identity_.key.node_id();
    node.epoch = next_boot_epoch(state_, static_cast<std::uint64_t>(loop_.scheduler().unix_now()));
    node.broker.packet_size_max = settings_.clients.packet_size_max;
    node.broker.inflight_max = settings_.clients.inflight_max;
    node.broker.receive_maximum = settings_.clients.receive_maximum;
    node.broker.queued_messages_max = settings_.clients.queued_messages_max;
    node.broker.queued_bytes_max = settings_.clients.queued_bytes_max;
    node.connections_max = settings_.clients.connections_max;
    node.broker.store_keeps_anything = store_.keeps_anything();
    NodePorts ports{loop_.scheduler(), entropy_, log_, metrics_, store_, state_};
    if (mesh_port) {
      adapters_.emplace(loop_, *mesh_port, dht_settings(settings_), identity_.key, log_);
      ports.dialer = &adapters_->dialer;
      ports.channels = &adapters_->channels;
      ports.rendezvous = &adapters_->engine;
      node.mesh = mesh_settings(node.epoch, mesh_port->port);
    }
    node_.emplace(std::move(node), plan_.rules, ports);
    if (adapters_)
      bootstrap_.emplace(plan_.bootstrap, adapters_->engine, adapters_->resolver, state_,
                         loop_.scheduler(), log_, [this](const std::vector<Endpoint>& addresses) {
                           node_->mesh()->set_bootstrap_endpoints(addresses);
                         });
  }

  MeshSettings mesh_settings(std::uint64_t epoch, std::uint16_t port) {
    MeshSettings mesh{identity_.key, epoch};
    mesh.software = std::string("starling ") + version;
    mesh.meshes = plan_.meshes;
    mesh.mesh_port = port;
    mesh.local_endpoints = reachable_at(plan_.mesh_listen, port);
    mesh.links_max = settings_.peers.peers_max;
    mesh.peer_messages_per_s = settings_.peers.messages_per_s;
    mesh.peer_retained_max = settings_.peers.retained_max;
    return mesh;
  }

  void listen_for_clients(const ListenerPlan& plan) {
    ConnectionInfo info;
    info.allow_anonymous = plan.allow_anonymous;
    listeners_.push_back(std::make_unique<UvListener>(
        loop_, plan.at,
        [this, info](std::unique_ptr<ByteStream> stream) {
          ConnectionInfo this_one = info;
          this_one.peer = stream->peer_endpoint();
          node_->add_client(std::move(stream), this_one);
        },
        &log_));
    log_.info("listening",
              {{"for", "mqtt"}, {"addr", listeners_.back()->local_endpoint().to_text()}});
  }

  void listen_for_peers(BoundPort& port) {
    Endpoint at = plan_.mesh_listen;
    at.port = port.port;
    listeners_.push_back(std::make_unique<UvListener>(
        loop_, std::move(port.tcp),
        [this](std::unique_ptr<ByteStream> stream) { node_->add_peer(std::move(stream)); }, &log_));
    log_.info("listening", {{"for", "mesh"}, {"addr", at.to_text()}});
  }

  void on_signal(int signal) {
    if (signal == SIGHUP) {
      log_.warn("reload_not_supported", {{"signal", "SIGHUP"}});
      return;
    }
    if (stopping_) return;
    stopping_ = true;
    log_.info("stopping", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
    listeners_.clear();
    if (bootstrap_) bootstrap_->remember();
    node_->stop();
    wait_for_farewell(loop_.scheduler().now() + farewell_max);
  }

  void wait_for_farewell(TimePoint latest) {
    if (node_->has_drained() || loop_.scheduler().now() >= latest) return loop_.stop();
    loop_.scheduler().wake_at(loop_.scheduler().now() + farewell_poll,
                              [this, latest] { wait_for_farewell(latest); });
  }

  const config::Settings& settings_;
  Plan plan_;
  LogSink& log_;
  UvLoop loop_;
  crypto::SystemEntropy entropy_;
  MetricRegistry metrics_;
  MemoryStore store_;
  StateDirectory state_;
  Identity identity_;
  std::optional<MeshAdapters> adapters_;
  std::optional<Node> node_;
  std::optional<Bootstrap> bootstrap_;
  std::vector<std::unique_ptr<UvListener>> listeners_;
  UvSignals signals_;
  bool stopping_ = false;
};

Daemon::Daemon(const config::Settings& settings, Plan plan, LogSink& log)
    : impl_(std::make_unique<Impl>(settings, std::move(plan), log)) {}
Daemon::~Daemon() = default;
void Daemon::run() {
  impl_->run();
}

}  // namespace starling
