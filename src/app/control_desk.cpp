#include "src/app/control_desk.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <unistd.h>
#include <utility>

#include "starling/version.hpp"

#include "src/app/reachability.hpp"
#include "src/control/control_limits.hpp"
#include "src/control/host_checks.hpp"
#include "src/control/node_checks.hpp"
#include "src/control/status_document.hpp"
#include "src/uv/uv_loop.hpp"
#include "src/uv/uv_scheduler.hpp"

namespace starling {
namespace {

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "this host";
  return name.data();
}

std::uint64_t count_of(std::int64_t counter) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(counter, 0));
}

}  // namespace

ControlDesk::ControlDesk(Parts parts)
    : parts_(std::move(parts)),
      started_at_(parts_.loop.scheduler().now()),
      alive_(std::make_shared<bool>(true)),
      server_(parts_.loop.scheduler(),
              [this](const control::ControlRequest& request, control::ControlServer::Reply reply) {
                answer(request, std::move(reply));
              }) {
  parts_.state_dir = std::filesystem::absolute(parts_.state_dir);
  for (const auto& mesh : parts_.now.settings.meshes) meshes_.push_back(mesh.name);
  bootstrap_ = parts_.now.settings.dht.bootstrap;
  sample();
  open();
}

ControlDesk::~ControlDesk() {
  parts_.loop.scheduler().cancel(wake_);
}

void ControlDesk::open() {
  const std::string path = (parts_.state_dir / control::socket_file).string();
  try {
    listener_ = std::make_unique<UvUnixListener>(
        parts_.loop, path, control::socket_mode,
        [this](std::unique_ptr<ByteStream> stream) { server_.add(std::move(stream)); },
        &parts_.log);
  } catch (const std::runtime_error& error) {
    parts_.log.warn("control_socket_missing",
                    {{"why", error.what()}, {"text", "starling status and doctor cannot ask"}});
  }
}

void ControlDesk::answer(const control::ControlRequest& request,
                         control::ControlServer::Reply reply) {
  if (request.kind == control::RequestKind::doctor)
    return examine({request.checks, std::move(reply)});
  const control::NodeStatus now = status();
  reply(control::write_status(now, control::check_health(now)));
}

// --- The doctor

/// One look at the host serves all who ask while it lasts: they are bounded, and so is the disk's
/// work.
void ControlDesk::examine(Patient patient) {
  patients_.push_back(std::move(patient));
  if (patients_.size() > 1) return;
  const auto facts = std::make_shared<control::HostFacts>();
  parts_.worker.run(
      [facts, directory = parts_.state_dir] { *facts = control::look_at_host(directory); },
      [this, facts, alive = std::weak_ptr(alive_)] {
        if (!alive.expired()) tell_patients(*facts);
      });
}

void ControlDesk::tell_patients(const control::HostFacts& host) {
  const control::NodeStatus now = status();
  std::vector<control::Finding> all = control::check_node(now);
  all.push_back(control::check_version(now.version, host.program_replaced));
  all.push_back(control::check_identity(host.identity, true));
  all.push_back(control::check_clock(host.clock, host.identity.written_at));
  all.push_back(control::check_storage(host.storage, now.keeps_state));
  all.push_back(control::check_limits(host.limits, now.clients.connections_wanted));
  control::sort_findings(all);
  for (const Patient& patient : std::exchange(patients_, {})) {
    std::vector<control::Finding> findings = all;
    std::erase_if(findings, [&](const control::Finding& finding) {
      return !patient.checks.empty()
             && std::ranges::find(patient.checks, finding.check) == patient.checks.end();
    });
    patient.reply(control::write_findings(findings, version));
  }
}

// --- The status

control::Rates::Counters ControlDesk::counters() const {
  const BrokerCounters& broker = parts_.node.broker().counters();
  return {count_of(broker.publish_received), count_of(broker.publish_sent)};
}

void ControlDesk::sample() {
  Scheduler& scheduler = parts_.loop.scheduler();
  rates_.sample(scheduler.now(), counters());
  wake_ = scheduler.wake_at(scheduler.now() + control::Rates::sample_every, [this] { sample(); });
}

control::NodeStatus ControlDesk::status() const {
  const config::Settings& settings = parts_.now.settings;
  control::NodeStatus status;
  status.id = parts_.id;
  status.name = settings.node_name.empty() ? host_name() : settings.node_name;
  status.version = version;
  status.process = static_cast<std::uint64_t>(::getpid());
  status.uptime = parts_.loop.scheduler().now() - started_at_;
  status.state_dir = parts_.state_dir.string();
  status.config_file = parts_.now.file;
  status.config_warnings = parts_.now.plan.warnings;
  status.keeps_state = parts_.keeps_state;
  status.listeners = parts_.clients.places();
  fill_clients(status);
  fill_mesh(status);
  return status;
}

void ControlDesk::fill_clients(control::NodeStatus& status) const {
  const BrokerCounters& broker = parts_.node.broker().counters();
  status.clients.connected = count_of(broker.clients_connected);
  status.clients.sessions = count_of(broker.sessions);
  status.clients.subscriptions = count_of(broker.subscriptions);
  status.clients.retained = count_of(broker.retained_messages);
  status.clients.queued = count_of(broker.queued_messages);
  if (parts_.now.settings.origins.contains("limits.max_connections"))
    status.clients.connections_wanted = parts_.now.settings.clients.connections_max;
  status.traffic.messages_in = count_of(broker.publish_received);
  status.traffic.messages_out = count_of(broker.publish_sent);
  status.traffic.bytes_in = count_of(broker.bytes_received);
  status.traffic.bytes_out = count_of(broker.bytes_sent);
  const auto rates = rates_.rates(parts_.loop.scheduler().now(), counters());
  status.traffic.messages_in_per_s = rates.in;
  status.traffic.messages_out_per_s = rates.out;
  status.traffic.rate_span = rates.span;
}

void ControlDesk::fill_mesh(control::NodeStatus& status) const {
  status.mesh_port = parts_.mesh_port;
  if (parts_.dht != nullptr) {
    const Rendezvous::Status now = parts_.dht->status();
    control::DhtNodeStatus& dht = status.dht.emplace();
    dht.good_nodes = now.good_nodes;
    dht.dubious_nodes = now.dubious_nodes;
    dht.observed = parts_.dht->observed_addresses();
    dht.bootstrap = bootstrap_;
    dht.records_stored = parts_.dht->counters().records_stored;
  }
  if (parts_.reachability != nullptr) status.port_mapping = parts_.reachability->port_mapping();
  status.meshes = meshes_;
  // A node that only serves the DHT has the machine of a mesh, and no mesh.
  if (const Mesh* mesh = parts_.node.mesh(); mesh != nullptr && !status.meshes.empty())
    status.mesh = mesh->status();
}

}  // namespace starling
