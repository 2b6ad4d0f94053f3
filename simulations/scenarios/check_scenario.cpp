#include "simulations/scenarios/check_scenario.hpp"

#include <algorithm>
#include <set>

#include "starling/topic.hpp"

#include "bridge/sharing/share_rule.hpp"
#include "src/crypto/mesh_keys.hpp"

namespace starling::sim {
namespace {

class Check {
 public:
  Check(Scenario& scenario, const std::string& source, std::vector<config::Diagnostic>& trouble)
      : scenario_(scenario), source_(source), trouble_(trouble) {}

  void run() {
    complete();
    check_meshes();
    check_nodes();
    for (const ScenarioClients& clients : scenario_.clients) check_clients(clients);
    for (const ScenarioFault& fault : scenario_.faults) check_fault(fault);
    for (const ScenarioHostile& hostile : scenario_.hostiles) check_hostile(hostile);
  }

 private:
  void wrong(const std::string& message) {
    config::Diagnostic diagnostic;
    diagnostic.source = source_;
    diagnostic.message = message;
    config::report(trouble_, std::move(diagnostic));
  }

  void complete() {
    if (scenario_.meshes.empty()) scenario_.meshes.push_back({});
    for (ScenarioNodes& nodes : scenario_.nodes)
      if (nodes.meshes.empty()) nodes.meshes.push_back(scenario_.meshes.front().name);
    const bool has_bootstrap = std::any_of(scenario_.nodes.begin(), scenario_.nodes.end(),
                                           [](const ScenarioNodes& each) { return each.bootstrap > 0; });
    // Somebody must be known: the first three of the first kind that can be reached.
    for (ScenarioNodes& nodes : scenario_.nodes) {
      if (has_bootstrap || nodes.router) continue;
      nodes.bootstrap = std::min(nodes.count, 3U);
      break;
    }
    for (ScenarioFault& fault : scenario_.faults)
      if (fault.what.empty()) fault.what = describe(fault);
  }

  static std::string describe(const ScenarioFault& fault) {
    static constexpr std::string_view names[] = {"partition", "kill", "unplug", "stop",    "pause",
                                                 "slow",      "loss", "line",   "renumber"};
    std::string text(names[static_cast<std::size_t>(fault.kind)]);
    if (!fault.nodes.empty()) text += ": " + fault.nodes;
    if (!fault.from.empty()) text += " | " + fault.from;
    return text;
  }

  void check_meshes() {
    std::set<std::string> names;
    for (const ScenarioMesh& mesh : scenario_.meshes) {
      if (!names.insert(mesh.name).second) wrong("there are two meshes called \"" + mesh.name + "\"");
      const bool open = crypto::is_open_mesh(mesh.name);
      for (const std::string& share : mesh.shares) {
        const auto text = ShareRuleText::parse(share);
        if (!text) {
          wrong("mesh \"" + mesh.name + "\": share \"" + share + "\": " + text.error().what);
          continue;
        }
        const auto rule = ShareRule::make(*text, open);
        if (!rule) wrong("mesh \"" + mesh.name + "\": share \"" + share + "\": " + rule.error().what);
        if (!text->local_prefix.empty() || !text->mesh_prefix.empty())
          wrong("mesh \"" + mesh.name + "\": prefixes are not simulated");
      }
    }
  }

  void check_nodes() {
    if (scenario_.nodes.empty()) return wrong("there are no [[nodes]]");
    std::set<std::string> names;
    for (const ScenarioNodes& nodes : scenario_.nodes) {
      if (!names.insert(nodes.name).second) wrong("there are two kinds of nodes called \"" + nodes.name + "\"");
      if (nodes.count == 0) wrong("nodes \"" + nodes.name + "\" have no count");
      if (nodes.bootstrap > nodes.count) wrong("nodes \"" + nodes.name + "\": more bootstrap nodes than nodes");
      if (nodes.bootstrap > 0 && nodes.router)
        wrong("nodes \"" + nodes.name + "\": a bootstrap node cannot stand behind a router");
      for (const std::string& mesh : nodes.meshes)
        if (std::none_of(scenario_.meshes.begin(), scenario_.meshes.end(),
                         [&](const ScenarioMesh& each) { return each.name == mesh; }))
          wrong("nodes \"" + nodes.name + "\" belong to a mesh \"" + mesh + "\" that is not there");
    }
  }

  [[nodiscard]] bool is_kind(const std::string& name) const {
    return std::any_of(scenario_.nodes.begin(), scenario_.nodes.end(),
                       [&](const ScenarioNodes& each) { return each.name == name; });
  }
  [[nodiscard]] bool is_choice(const std::string& name) const {
    if (name.empty() || is_kind(name)) return true;
    return name.starts_with("region:")
           && std::any_of(scenario_.nodes.begin(), scenario_.nodes.end(),
                          [&](const ScenarioNodes& each) { return "region:" + each.region == name; });
  }

  /// With something in place of the braces.
  static std::string filled(std::string text) {
    for (std::size_t at = text.find('{'); at != std::string::npos; at = text.find('{', at)) {
      const std::size_t end = text.find('}', at);
      if (end == std::string::npos) break;
      const std::string name = text.substr(at + 1, end - at - 1);
      if (name != "n" && name != "node" && name != "client" && name != "peer") return {};
      text.replace(at, end - at + 1, "1");
    }
    return text;
  }

  void check_topic(const std::string& whose, const std::string& topic) {
    const std::string text = filled(topic);
    if (text.empty()) return wrong(whose + ": \"" + topic + "\" holds other braces than {n}, {node}, {peer} or {client}");
    const auto name = TopicName::parse(text);
    if (!name) wrong(whose + ": \"" + topic + "\": " + name.error().what);
  }

  void check_clients(const ScenarioClients& clients) {
    const std::string whose = "clients \"" + clients.name + "\"";
    if (!is_kind(clients.at)) wrong(whose + " are at nodes \"" + clients.at + "\", which are not there");
    if (clients.each == 0 && clients.count == 0) wrong(whose + " are none: give each or count");
    for (const ClientFilter& filter : clients.config.filters) {
      std::string text = filled(filter.filter);
      if (text.starts_with("$share/")) {
        const std::size_t at = text.find('/', 7);
        text = at == std::string::npos ? std::string{} : text.substr(at + 1);
      }
      const auto parsed = TopicFilter::parse(text);
      if (text.empty() || !parsed)
        wrong(whose + ": \"" + filter.filter + "\": " + (parsed ? "no filter" : parsed.error().what));
    }
    for (const ClientHabit& habit : clients.config.habits)
      for (const std::string& topic : habit.topics) check_topic(whose, topic);
    if (clients.config.will) check_topic(whose + " will", clients.config.will->topic);
  }

  void check_fault(const ScenarioFault& fault) {
    using Kind = ScenarioFault::Kind;
    const std::string whose = "fault \"" + fault.what + "\"";
    if (!is_choice(fault.nodes)) wrong(whose + ": there are no nodes \"" + fault.nodes + "\"");
    if (!is_choice(fault.from)) wrong(whose + ": there are no nodes \"" + fault.from + "\"");
    if (fault.at + fault.lasts > scenario_.lasts) wrong(whose + " ends after the fault phase (lasts)");
    const bool needs_time = fault.kind != Kind::kill && fault.kind != Kind::unplug && fault.kind != Kind::stop
                            && fault.kind != Kind::renumber;
    if (needs_time && fault.lasts == Duration::zero()) wrong(whose + " says not how long it lasts");
    if (fault.kind == Kind::partition && fault.nodes.empty()) wrong(whose + " says not which nodes are cut off");
    if (fault.kind == Kind::loss && fault.share == 0) wrong(whose + " says not how much loss");
    if (fault.kind == Kind::slow && fault.task_time == Duration::zero()) wrong(whose + " has no task_time");
  }

  void check_hostile(const ScenarioHostile& hostile) {
    if (scenario_.models_dht) wrong("hostile nodes need the real DHT");
    if (hostile.kind == ScenarioHostile::Kind::drop_datagrams) return;
    check_topic("hostile", hostile.topic);
  }

  Scenario& scenario_;
  const std::string& source_;
  std::vector<config::Diagnostic>& trouble_;
};

}  // namespace

void check_scenario(Scenario& scenario, const std::string& source,
                    std::vector<config::Diagnostic>& trouble) {
  Check(scenario, source, trouble).run();
}

void Scenario::set_node_count(std::uint32_t wanted) {
  std::uint32_t fixed = 0;
  std::uint32_t scaled = 0;
  for (const ScenarioNodes& each : nodes) (each.is_scaled ? scaled : fixed) += each.count;
  if (scaled == 0) return;
  const std::uint32_t rest = wanted > fixed ? wanted - fixed : 0;
  for (ScenarioNodes& each : nodes) {
    if (!each.is_scaled) continue;
    const auto share = static_cast<std::uint64_t>(each.count) * rest / scaled;
    each.count = std::max<std::uint32_t>(static_cast<std::uint32_t>(share), 1);
    each.bootstrap = std::min(each.bootstrap, each.count);
  }
}

std::uint32_t Scenario::node_count() const {
  std::uint32_t all = 0;
  for (const ScenarioNodes& each : nodes) all += each.count;
  return all;
}

}  // namespace starling::sim
