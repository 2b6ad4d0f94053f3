#include "src/app/daemon.hpp"

#include <algorithm>
#include <csignal>
#include <optional>
#include <stdexcept>

#include "starling/version.hpp"

#include "src/app/client_listeners.hpp"
#include "src/app/control_desk.hpp"
#include "src/app/identity.hpp"
#include "src/app/local_network.hpp"
#include "src/app/mesh_adapters.hpp"
#include "src/app/process.hpp"
#include "src/app/reachability.hpp"
#include "src/app/reloading.hpp"
#include "src/app/sd_notify.hpp"
#include "src/app/storage.hpp"
#include "src/config/state_dir.hpp"
#include "src/crypto/system_entropy.hpp"
#include "src/log/metric_registry.hpp"
#include "src/node/bootstrap.hpp"
#include "src/node/log_topics.hpp"
#include "src/node/node.hpp"
#include "src/node/system_topics.hpp"
#include "src/store/state_directory.hpp"
#include "src/uv/process_memory.hpp"
#include "src/uv/uv_listener.hpp"
#include "src/uv/uv_loop.hpp"
#include "src/uv/uv_scheduler.hpp"
#include "src/uv/uv_signals.hpp"
#include "src/uv/uv_worker.hpp"

namespace starling {
namespace {

using namespace std::chrono_literals;

constexpr auto farewell_max = 500ms;  // for the last bytes to clients and peers
constexpr auto farewell_poll = 10ms;

NodeConfiguration node_configuration(const Plan& plan, const config::ClientLimits& clients,
                                     const std::vector<NumberedListener>& listeners,
                                     bool store_keeps_anything) {
  NodeConfiguration node;
  node.broker = plan.broker;
  node.broker.store_keeps_anything = store_keeps_anything;
  node.mesh_rules = plan.mesh_rules;
  node.connections_max = clients.connections_max;
  node.connections_per_address_max = clients.connections_per_address_max;
  node.memory_max = clients.memory_max;
  node.connect_timeout = std::chrono::seconds{clients.connect_timeout_s};
  node.rates = {clients.messages_per_s, clients.bytes_per_s};
  node.failed_logins_per_minute = clients.failed_logins_per_minute;
  for (const NumberedListener& listener : listeners) {
    node.listeners.push_back(listener.plan.policy);
    node.keys.push_back(listener.plan.keys);
    node.doors.push_back(door_for(listener.plan.settings, listener.plan.channels));
  }
  return node;
}

/// As Mosquitto, whose configuration need not name a user: "nobody" where there is no "mosquitto".
UnixUser user_to_become(const std::string& name) {
  auto user = find_user(name);
  if (!user && name == "mosquitto") user = find_user("nobody");
  if (!user) throw std::runtime_error("there is no user \"" + name + "\" to run as");
  return *user;
}

}  // namespace

class Daemon::Impl {
 public:
  Impl(Configuration configuration, Reread reread, NodeLog& log)
      : now_(std::move(configuration)),
        log_(log),
        state_(state_dir(), log),
        identity_(load_or_create_identity(state_, entropy_)),
        worker_(loop_),
        clients_(loop_, log, traffic_,
                 [this](ListenerIndex listener, std::unique_ptr<ByteStream> stream) {
                   const ConnectionInfo info{stream->peer_endpoint(), listener};
                   node_->add_client(std::move(stream), info);
                 }),
        signals_(
            loop_, [this](int signal) { on_signal(signal); }, UvSignals::all()) {
    log_.info("starlingd_started", {{"version", version},
                                    {"node", identity_.key.node_id().to_text()},
                                    {"identity", identity_.created ? "created" : "loaded"},
                                    {"state_dir", state_.path().string()}});
    tell_what_was_read(log_, now_);
    open_storage();
    // The mesh port first: what cannot be bound must be said before a client is served.
    std::optional<BoundPort> mesh_port;
    if (now_.settings.wants_dht())
      mesh_port = bind_port(now_.plan.mesh_listen, PortUse::tcp_and_udp);
    listeners_ = number_listeners({}, now_.plan.listeners);
    make_node(mesh_port);
    clients_.open(listeners_);
    if (mesh_port) listen_for_peers(*mesh_port);
    reloading_.emplace(loop_, reloading_parts(), std::move(reread));
    drop_rights();
    open_control_desk(mesh_port);
  }

  ~Impl() {
    log_.set_topic_output(nullptr);
    control_desk_.reset();
    // Whatever the node still commits while it ends is taken; then the store ends.
    reloading_.reset();
    system_topics_.reset();
    log_topics_.reset();
    bootstrap_.reset();
    local_network_.reset();
    reachability_.reset();
    node_.reset();
    if (storage_) storage_->close();
  }

  void run() {
    node_->start();
    system_topics_->start();
    if (bootstrap_) bootstrap_->start();
    if (reachability_) reachability_->start();
    if (local_network_) local_network_->start();
    log_.info("ready");
    systemd_.ready();
    keep_systemd_quiet();
    loop_.run();
  }

 private:
  [[nodiscard]] std::string state_dir() const {
    const std::string& written = now_.settings.state_dir;
    return written.empty() ? config::default_state_dir() : written;
  }

  // --- The start

  /// Before a socket is opened: what is wrong with the store must be said before a client is served.
  void open_storage() {
    storage_.emplace(now_.settings, now_.plan, state_, Storage::World{loop_, log_, metrics_},
                     now_.set_aside_newer_store);
  }

  [[nodiscard]] NodeConfiguration configuration() {
    return node_configuration(now_.plan, now_.settings.clients, listeners_,
                              storage_->store().keeps_anything());
  }

  void make_node(std::optional<BoundPort>& mesh_port) {
    NodeSettings node;
    static_cast<NodeConfiguration&>(node) = configuration();
    node.id = identity_.key.node_id();
    node.epoch = next_boot_epoch(state_, static_cast<std::uint64_t>(loop_.scheduler().unix_now()));
    NodePorts ports{loop_.scheduler(), entropy_, log_, metrics_, storage_->store(), state_};
    ports.worker = &worker_;
    ports.heap_bytes = heap_bytes_in_use;
    if (mesh_port) {
      adapters_.emplace(loop_, *mesh_port, now_.settings, identity_.key, log_);
      ports.dialer = &adapters_->dialer;
      ports.channels = &adapters_->channels;
      ports.rendezvous = &adapters_->engine;
      node.mesh =
          mesh_settings(now_.settings, now_.plan, identity_.key, node.epoch, mesh_port->port);
    }
    node_.emplace(std::move(node), ports);
    loop_.forget_now();  // what the store kept was read meanwhile
    if (mesh_port)
      reachability_.emplace(
          Reachability::Parts{loop_, *node_->mesh(), entropy_, log_},
          Surroundings{now_.settings.dht.nat, now_.plan.mesh_listen, !now_.plan.bootstrap.empty()},
          mesh_port->port);
    if (mesh_port && now_.settings.dht.lan && !now_.plan.meshes.empty()) {
      Endpoint at = now_.plan.mesh_listen;
      at.port = mesh_port->port;
      local_network_.emplace(LocalNetwork::Parts{loop_, *node_->mesh(), entropy_, log_},
                             identity_.key.node_id(), at, now_.plan.meshes);
    }
    if (adapters_)
      bootstrap_.emplace(now_.plan.bootstrap, adapters_->engine, adapters_->resolver, state_,
                         loop_.scheduler(), log_, [this](const std::vector<Endpoint>& addresses) {
                           node_->mesh()->set_bootstrap_endpoints(addresses);
                           reachability_->on_bootstrap(addresses);
                         });
    log_topics_.emplace(loop_.scheduler(), node_->broker());
    log_.set_topic_output(
        [this](std::string_view topic, std::string_view line) { log_topics_->add(topic, line); });
    system_topics_.emplace(loop_.scheduler(), node_->broker(), now_.settings.sys_interval_s,
                           [this] { return readings(); });
  }

  void listen_for_peers(BoundPort& port) {
    Endpoint at = now_.plan.mesh_listen;
    at.port = port.port;
    share_with_dialler(port.tcp);
    peer_listener_ = std::make_unique<UvListener>(
        loop_, std::move(port.tcp),
        [this](std::unique_ptr<ByteStream> stream) { node_->add_peer(std::move(stream)); }, &log_);
    log_.info("listening", {{"for", "mesh"}, {"addr", at.to_text()}});
  }

  Reloading::Parts reloading_parts() {
    return {now_,     listeners_, *node_, *system_topics_,
            clients_, systemd_,   log_,   [this] { return configuration(); }};
  }

  void drop_rights() {
    if (now_.settings.user.empty() || !runs_as_root()) return;
    const UnixUser user = user_to_become(now_.settings.user);
    state_.hand_over_to(user.user, user.group);
    log_.hand_over_to(user.user, user.group);
    become_user(user);
  }

  /// With the rights that are left: the socket belongs to the user the daemon runs as.
  void open_control_desk(const std::optional<BoundPort>& mesh_port) {
    control_desk_.emplace(ControlDesk::Parts{
        .loop = loop_,
        .worker = worker_,
        .log = log_,
        .now = now_,
        .node = *node_,
        .clients = clients_,
        .dht = adapters_ ? &adapters_->engine : nullptr,
        .reachability = reachability_ ? &*reachability_ : nullptr,
        .id = identity_.key.node_id(),
        .state_dir = state_.path(),
        .keeps_state = storage_->store().keeps_anything(),
        .mesh_port = mesh_port ? mesh_port->port : std::uint16_t{0},
    });
  }

  SystemReadings readings() {
    SystemReadings readings;
    readings.heap_bytes = static_cast<std::int64_t>(heap_bytes_in_use());
    readings.sockets_accepted = node_->counters().clients_accepted;
    readings.output_bytes = static_cast<std::int64_t>(node_->output_waiting());
    readings.more = {{"clients/refused_at_the_door", node_->counters().clients_refused},
                     {"clients/handshakes_failed", node_->counters().handshakes_failed},
                     {"wire/bytes/received", traffic_.received},
                     {"wire/bytes/sent", traffic_.sent}};
    if (const Mesh* mesh = node_->mesh()) {
      const MeshStatus status = mesh->status();
      readings.more.emplace_back("mesh/links", status.links);
      readings.more.emplace_back("mesh/members_known", status.members_known);
    }
    if (local_network_) {
      readings.more.emplace_back("mesh/lan/neighbours", local_network_->neighbours());
      readings.more.emplace_back("mesh/lan/ignored", local_network_->ignored());
    }
    return readings;
  }

  void keep_systemd_quiet() {
    const auto interval = systemd_.alive_interval();
    if (!interval) return;
    systemd_.alive();
    loop_.scheduler().wake_at(loop_.scheduler().now() + *interval,
                              [this] { keep_systemd_quiet(); });
  }

  // --- Changes while it runs

  void on_signal(int signal) {
    if (signal == SIGHUP) return stopping_ ? void() : reloading_->reload();
    if (signal == SIGRTMIN) return log_.reopen();
    if (signal == SIGUSR1) return tell_nothing_to_write();
    if (signal == SIGUSR2) return tell_counts();
    if (stopping_) return;
    stopping_ = true;
    log_.info("stopping", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
    systemd_.stopping();
    control_desk_.reset();
    clients_.close();
    peer_listener_ = nullptr;
    if (bootstrap_) bootstrap_->remember();
    local_network_.reset();
    node_->stop();
    if (reachability_) {
      is_released_ = false;
      reachability_->release([this] { is_released_ = true; });
    }
    wait_for_farewell(loop_.scheduler().now() + farewell_max);
  }

  /// Mosquitto writes its database at this signal.
  void tell_nothing_to_write() {
    log_.info("nothing_to_write",
              {{"signal", "SIGUSR1"},
               {"text", storage_->store().keeps_anything()
                            ? "what was acknowledged is on disk already"
                            : "this node keeps everything in memory (store.durability)"}});
  }

  void tell_counts() {
    const BrokerCounters& counters = node_->broker().counters();
    log_.info("counts", {{"clients", counters.clients_connected},
                         {"sessions", counters.sessions},
                         {"subscriptions", counters.subscriptions},
                         {"retained", node_->broker().retained_count()}});
  }

  void wait_for_farewell(TimePoint latest) {
    // The router is waited for as long as Reachability allows it.
    if ((node_->has_drained() || loop_.scheduler().now() >= latest) && is_released_)
      return loop_.stop();
    loop_.scheduler().wake_at(loop_.scheduler().now() + farewell_poll,
                              [this, latest] { wait_for_farewell(latest); });
  }

  Configuration now_;
  NodeLog& log_;
  StreamTraffic traffic_;  // of clients; streams that flush may outlive the node
  UvLoop loop_;
  crypto::SystemEntropy entropy_;
  MetricRegistry metrics_;
  StateDirectory state_;
  Identity identity_;
  UvWorker worker_;
  std::optional<Storage> storage_;
  std::optional<MeshAdapters> adapters_;
  std::optional<Node> node_;
  std::optional<Reachability> reachability_;
  std::optional<LocalNetwork> local_network_;
  std::optional<Bootstrap> bootstrap_;
  std::optional<LogTopics> log_topics_;
  std::optional<SystemTopics> system_topics_;
  std::vector<NumberedListener> listeners_;
  ClientListeners clients_;
  std::unique_ptr<UvListener> peer_listener_;
  SystemdNotifier systemd_;
  std::optional<Reloading> reloading_;
  std::optional<ControlDesk> control_desk_;
  UvSignals signals_;
  bool stopping_ = false;
  bool is_released_ = true;  // nothing is left in the router's hands
};

Daemon::Daemon(Configuration configuration, Reread reread, NodeLog& log)
    : impl_(std::make_unique<Impl>(std::move(configuration), std::move(reread), log)) {}
Daemon::~Daemon() = default;
void Daemon::run() {
  impl_->run();
}

}  // namespace starling
