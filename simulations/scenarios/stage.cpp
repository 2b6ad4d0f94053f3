#include "simulations/scenarios/stage.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "starling/check.hpp"

#include "simulations/scenarios/hostile_nodes.hpp"
#include "src/crypto/mesh_keys.hpp"

namespace starling::sim {
namespace {

std::string with(std::string text, std::string_view brace, std::uint32_t number) {
  for (std::size_t at = text.find(brace); at != std::string::npos; at = text.find(brace, at))
    text.replace(at, brace.size(), std::to_string(number));
  return text;
}

}  // namespace

Stage::Stage(const Scenario& scenario, World& world)
    : scenario_(scenario), world_(world), dice_(world.seed(), 0x7374616765) {
  for (const ScenarioPath& path : scenario.paths)
    world.network().set_path(world.network().region(path.a), world.network().region(path.b),
                             path.quality);
  add_meshes();
  // Those who are told to others come first.
  for (const ScenarioNodes& kind : scenario.nodes)
    if (kind.bootstrap > 0) add_nodes(kind);
  for (const ScenarioNodes& kind : scenario.nodes)
    if (kind.bootstrap == 0) add_nodes(kind);
  schedule_starts();
  for (const ScenarioClients& kind : scenario.clients) add_clients(kind);
  for (const ScenarioNodes& kind : scenario.nodes) schedule_churn(kind);
  for (const ScenarioFault& fault : scenario.faults) schedule(fault);
  hostiles_ = std::make_unique<HostileNodes>(world, scenario, meshes_, bootstrap_);
}

Stage::~Stage() = default;

void Stage::add_meshes() {
  for (const ScenarioMesh& mesh : scenario_.meshes) {
    meshes_[mesh.name] =
        crypto::is_open_mesh(mesh.name)
            ? open_mesh(mesh.name, mesh.shares)
            : private_mesh(mesh.name, mix(world_.seed(), meshes_.size()), mesh.shares);
    MeshSharing sharing;
    sharing.mesh = mesh.name;
    for (const std::string& share : mesh.shares) {
      const auto text = ShareRuleText::parse(share);
      const ShareDirection direction = text->direction.value_or(ShareDirection::both);
      if (direction != ShareDirection::in) sharing.out.push_back(text->filter);
      if (direction != ShareDirection::out) sharing.in.push_back(text->filter);
    }
    mesh_sharings_[mesh.name] = std::move(sharing);
  }
}

void Stage::add_nodes(const ScenarioNodes& kind) {
  Network& network = world_.network();
  SiteNumber carrier = internet;
  for (std::uint32_t i = 0; i < kind.count; ++i) {
    NodeConfig config;
    config.group = kind.name;
    config.region = kind.region;
    config.line = kind.line;
    config.commit_time = kind.commit_time;
    config.relay = kind.relay;
    config.clock.steady_origin = dice_.between({}, std::chrono::hours{1'000});
    config.clock.unix_error = dice_.between(-kind.clock_error, kind.clock_error);
    config.clock.drift = kind.clock_drift * (2 * dice_.share() - 1);
    config.bootstrap = bootstrap_;
    NodeSharing sharing;
    for (const std::string& mesh : kind.meshes) {
      config.meshes.push_back(meshes_.at(mesh));
      sharing.push_back(mesh_sharings_.at(mesh));
    }
    SiteNumber home = internet;
    if (kind.router) {
      if (kind.router->carrier && i % std::max(kind.router->homes_per_carrier, 1U) == 0)
        carrier = network.add_site(internet, *kind.router->carrier);
      home = network.add_site(carrier, kind.router->nat);
      config.site = home;
    }
    const NodeNumber node = world_.add_node(std::move(config));
    nodes_[kind.name].push_back(node);
    kinds_.push_back(kind.name);
    regions_.push_back(kind.region);
    sharings_.push_back(std::move(sharing));
    homes_.push_back(home);
    if (i < kind.bootstrap) {
      const Endpoint at = world_.node(node).endpoint();
      bootstrap_.push_back({at.address_text(), at.port});
    }
  }
}

void Stage::schedule_starts() {
  for (const ScenarioNodes& kind : scenario_.nodes) {
    const std::vector<NodeNumber>& nodes = nodes_[kind.name];
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const Duration offset = kind.within * static_cast<Duration::rep>(i)
                              / static_cast<Duration::rep>(std::max<std::size_t>(nodes.size(), 1));
      world_.at(kind.starts + offset, [this, node = nodes[i]] { world_.boot(node); });
    }
  }
}

// --- Clients

void Stage::add_clients(const ScenarioClients& kind) {
  const std::vector<NodeNumber>& nodes = nodes_.at(kind.at);
  std::uint32_t index = 0;
  if (kind.each > 0) {
    for (const NodeNumber node : nodes)
      for (std::uint32_t i = 0; i < kind.each; ++i) add_client(kind, node, index++);
    return;
  }
  for (std::uint32_t i = 0; i < kind.count; ++i) {
    const std::size_t at = static_cast<std::size_t>(i) * nodes.size() / kind.count;
    add_client(kind, nodes[at], index++);
  }
}

void Stage::add_client(const ScenarioClients& kind, NodeNumber node, std::uint32_t index) {
  const std::vector<NodeNumber>& nodes = nodes_.at(kind.at);
  const auto here = static_cast<std::uint32_t>(node - nodes.front());
  auto peer = static_cast<std::uint32_t>(dice_.below(nodes.size()));
  if (peer == here && nodes.size() > 1)
    peer = (peer + 1) % static_cast<std::uint32_t>(nodes.size());
  const auto filled = [&](const std::string& text) {
    return with(with(with(with(text, "{node}", here), "{peer}", peer), "{client}", index), "{area}",
                here / 10);
  };
  ClientConfig config = kind.config;
  config.name = kind.name + "-" + std::to_string(index);
  config.node = node;
  for (ClientFilter& filter : config.filters) filter.filter = filled(filter.filter);
  if (config.will) config.will->topic = filled(config.will->topic);
  for (ClientHabit& habit : config.habits) {
    for (std::string& topic : habit.topics) topic = filled(topic);
    habit.ends = std::min(habit.ends, scenario_.lasts);
  }
  world_.add_client(std::move(config));
}

// --- Churn

void Stage::schedule_churn(const ScenarioNodes& kind) {
  if (kind.life == Duration::zero()) return;
  const std::vector<NodeNumber>& nodes = nodes_.at(kind.name);
  for (std::size_t i = kind.bootstrap; i < nodes.size(); ++i)
    world_.at(kind.starts + kind.within,
              [this, &kind, node = nodes[i]] { live_and_die(kind, node); });
}

void Stage::live_and_die(const ScenarioNodes& kind, NodeNumber node) {
  const Duration dies = world_.passed() + dice_.waiting_time(kind.life);
  const Duration returns = dies + dice_.waiting_time(kind.away);
  if (returns >= scenario_.lasts) return;
  world_.at(dies, [this, &kind, node] { world_.end(node, kind.dies); });
  world_.at(returns, [this, &kind, node] {
    world_.boot(node);
    live_and_die(kind, node);
  });
}

// --- Faults

std::vector<NodeNumber> Stage::all_of(const std::string& choice) const {
  if (const auto kind = nodes_.find(choice); kind != nodes_.end()) return kind->second;
  std::vector<NodeNumber> found;
  for (NodeNumber node = 0; node < kinds_.size(); ++node)
    if (choice.empty() || "region:" + regions_[node] == choice) found.push_back(node);
  return found;
}

std::vector<NodeNumber> Stage::choose(const ScenarioFault& fault) {
  std::vector<NodeNumber> nodes = all_of(fault.nodes);
  std::size_t count = fault.count;
  if (count == 0)
    count =
        static_cast<std::size_t>(fault.share_of_nodes * static_cast<double>(nodes.size()) + 0.5);
  count = std::min(count, nodes.size());
  if (!fault.first_ones)
    for (std::size_t i = 0; i < count; ++i)
      std::swap(nodes[i], nodes[i + dice_.below(nodes.size() - i)]);
  nodes.resize(count);
  std::sort(nodes.begin(), nodes.end());
  return nodes;
}

void Stage::schedule(const ScenarioFault& fault) {
  world_.at(fault.at, [this, &fault] { begin(fault); });
}

void Stage::begin(const ScenarioFault& fault) {
  using Kind = ScenarioFault::Kind;
  const std::vector<NodeNumber> nodes = choose(fault);
  switch (fault.kind) {
    case Kind::partition: {
      std::vector<NodeNumber> rest = fault.from.empty() ? world_.others(nodes) : all_of(fault.from);
      const Partition made = fault.one_way ? world_.part_one_way(nodes, rest, fault.what)
                                           : world_.part(nodes, rest, fault.what);
      world_.at(fault.at + fault.lasts, [this, made] { world_.mend(made); });
      return;
    }
    case Kind::kill:
      return end_nodes(nodes, NodeEnd::killed, fault);
    case Kind::unplug:
      return end_nodes(nodes, NodeEnd::unplugged, fault);
    case Kind::stop:
      return end_nodes(nodes, NodeEnd::stopped, fault);
    case Kind::pause:
      return set_for(nodes, fault, &Stage::set_pause);
    case Kind::slow:
      return set_for(nodes, fault, &Stage::set_slow);
    case Kind::loss:
      return set_for(nodes, fault, &Stage::set_loss);
    case Kind::line:
      return set_for(nodes, fault, &Stage::set_line);
    case Kind::renumber:
      world_.fault_begins(fault.what);
      renumber(nodes);
      return world_.fault_ends(fault.what);
  }
}

void Stage::end_nodes(const std::vector<NodeNumber>& nodes, NodeEnd how,
                      const ScenarioFault& fault) {
  world_.fault_begins(fault.what);
  for (const NodeNumber node : nodes) world_.end(node, how);
  if (fault.lasts == Duration::zero()) return world_.fault_ends(fault.what);
  world_.at(fault.at + fault.lasts, [this, nodes, &fault] {
    for (const NodeNumber node : nodes) world_.boot(node);
    world_.fault_ends(fault.what);
  });
}

void Stage::set_for(const std::vector<NodeNumber>& nodes, const ScenarioFault& fault,
                    void (Stage::*set)(NodeNumber, const ScenarioFault&, bool)) {
  world_.fault_begins(fault.what);
  for (const NodeNumber node : nodes) (this->*set)(node, fault, true);
  world_.at(fault.at + fault.lasts, [this, nodes, &fault, set] {
    for (const NodeNumber node : nodes) (this->*set)(node, fault, false);
    world_.fault_ends(fault.what);
  });
}

void Stage::set_loss(NodeNumber node, const ScenarioFault& fault, bool on) {
  world_.network().set_loss(world_.node(node).host(), on ? fault.share : 0);
}
void Stage::set_line(NodeNumber node, const ScenarioFault& fault, bool on) {
  const SimNode& home = world_.node(node);
  world_.network().set_line(home.host(), on ? fault.line : home.config().line);
}
void Stage::set_pause(NodeNumber node, const ScenarioFault&, bool on) {
  if (on)
    world_.agenda().pause(world_.node(node).host());
  else
    world_.agenda().resume(world_.node(node).host());
}
void Stage::set_slow(NodeNumber node, const ScenarioFault& fault, bool on) {
  world_.agenda().set_task_time(world_.node(node).host(), on ? fault.task_time : Duration{});
}

void Stage::renumber(const std::vector<NodeNumber>& nodes) {
  std::set<SiteNumber> moved;
  for (const NodeNumber node : nodes) {
    if (homes_[node] == internet)
      world_.network().renumber_host(world_.node(node).host());
    else if (moved.insert(homes_[node]).second)
      world_.network().renumber(homes_[node]);
  }
}

Stage::Paths Stage::paths() const {
  Paths paths;
  for (const NodeNumber node : world_.nodes_up()) {
    const NodeState state = world_.node(node).state();
    paths.links += state.links;
    paths.relayed += state.relayed_links;
    paths.carried_most = std::max(paths.carried_most, state.carried_links);
  }
  return paths;
}

// --- For checkers

std::vector<NodeLoad> Stage::loads() const {
  std::set<NodeId> up;
  std::vector<bool> has_absent_client(world_.node_count());
  for (const NodeNumber node : world_.nodes_up()) up.insert(world_.node(node).id());
  for (ClientNumber client = 0; client < world_.client_count(); ++client)
    if (!world_.client(client).is_connected())
      has_absent_client[world_.client(client).node()] = true;
  std::vector<NodeLoad> loads;
  for (const NodeNumber node : world_.nodes_up()) {
    const NodeState state = world_.node(node).state();
    NodeLoad load;
    load.node = node;
    load.links = state.links;
    load.parked_messages = state.parked_messages;
    load.outbox_messages = state.outbox_messages;
    load.outbox_bytes = state.outbox_bytes;
    for (const auto& [peer, messages] : state.outboxes)
      if (!up.contains(peer)) load.outbox_messages_for_absent += messages;
    load.queued_messages = state.queued_messages;
    load.queued_bytes = state.queued_bytes;
    if (has_absent_client[node]) load.queued_messages_for_absent = state.queued_messages;
    load.inflight = state.inflight_messages;
    loads.push_back(load);
  }
  return loads;
}

}  // namespace starling::sim
