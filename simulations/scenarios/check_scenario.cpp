#include "simulations/scenarios/check_scenario.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <string>
#include <string_view>

#include "starling/topic.hpp"

#include "bridge/sharing/share_rule.hpp"
#include "simulations/scenarios/table_reader.hpp"
#include "src/crypto/mesh_keys.hpp"

namespace starling::sim {
namespace {

/// Where something stands in the document: an element of [[list]], a key in it, a text below that.
struct Spot {
  std::string_view list;
  std::size_t index = 0;
  std::string_view key = {};
  std::string_view text = {};
};

class Check {
 public:
  Check(Scenario& scenario, const toml::table& document, const config::TomlSource& source,
        std::vector<config::Diagnostic>& trouble)
      : scenario_(scenario), document_(document), source_(source), trouble_(trouble) {}

  void run() {
    complete();
    check_meshes();
    check_nodes();
    check_paths();
    check_clients();
    check_faults();
    check_hostiles();
  }

 private:
  // --- Saying what is wrong

  [[nodiscard]] toml::source_region place_of(const Spot& spot) const {
    const toml::array* list = document_[spot.list].as_array();
    const toml::node* found = list == nullptr ? nullptr : list->get(spot.index);
    if (found == nullptr) return document_.source();
    if (const toml::node* value = spot.key.empty() ? nullptr : found->as_table()->get(spot.key))
      found = value;
    if (!spot.text.empty())
      if (const toml::node* text = find_text(*found, spot.text)) found = text;
    return found->source();
  }

  void wrong(const Spot& spot, const std::string& message, const std::string& suggestion = {}) {
    source_.report(trouble_, place_of(spot), message, suggestion);
  }

  template <class Element>
  static std::string nearest(std::string_view word, const std::vector<Element>& among) {
    std::vector<std::string_view> known;
    for (const Element& each : among) known.push_back(each.name);
    return config::did_you_mean(word, known);
  }

  template <class Element>
  static bool is_name_of(std::string_view word, const std::vector<Element>& among) {
    return std::any_of(among.begin(), among.end(),
                       [&](const Element& each) { return each.name == word; });
  }

  template <class Element>
  void check_names(std::string_view list, const std::vector<Element>& all) {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < all.size(); ++i)
      if (!names.insert(all[i].name).second)
        wrong({list, i, "name"},
              fmt::format("there are two [[{}]] called \"{}\": give each a name of its own", list,
                          config::printable(all[i].name)));
  }

  // --- What may be left out

  void complete() {
    if (scenario_.meshes.empty()) scenario_.meshes.push_back({});
    for (ScenarioNodes& nodes : scenario_.nodes)
      if (nodes.meshes.empty()) nodes.meshes.push_back(scenario_.meshes.front().name);
    const bool has_bootstrap =
        std::any_of(scenario_.nodes.begin(), scenario_.nodes.end(),
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

  // --- Meshes and nodes

  void check_meshes() {
    check_names("mesh", scenario_.meshes);
    for (std::size_t i = 0; i < scenario_.meshes.size(); ++i) {
      const ScenarioMesh& mesh = scenario_.meshes[i];
      const bool open = crypto::is_open_mesh(mesh.name);
      for (const std::string& share : mesh.shares) {
        const Spot spot{"mesh", i, "share", share};
        const std::string what = "mesh.share: \"" + config::printable(share) + "\": ";
        const auto text = ShareRuleText::parse(share);
        if (!text) {
          wrong(spot, what + text.error().what);
          continue;
        }
        const auto rule = ShareRule::make(*text, open);
        if (!rule) wrong(spot, what + rule.error().what);
        if (!text->local_prefix.empty() || !text->mesh_prefix.empty())
          wrong(spot, what + "prefixes are not simulated: leave them out");
      }
    }
  }

  void check_nodes() {
    if (scenario_.nodes.empty())
      return wrong({}, "there are no nodes: write [[nodes]] with a name and a count");
    check_names("nodes", scenario_.nodes);
    for (std::size_t i = 0; i < scenario_.nodes.size(); ++i) {
      const ScenarioNodes& nodes = scenario_.nodes[i];
      if (nodes.count == 0)
        wrong({"nodes", i, "count"}, "nodes.count is missing or 0: say how many there are");
      if (nodes.bootstrap > nodes.count)
        wrong({"nodes", i, "bootstrap"},
              fmt::format("nodes.bootstrap must be at most nodes.count, {}", nodes.count));
      if (nodes.bootstrap > 0 && nodes.router)
        wrong({"nodes", i, "bootstrap"},
              "nodes.bootstrap: nobody can join by a node behind a router; take nodes without "
              "[nodes.nat]");
      if (nodes.starts >= scenario_.lasts)
        wrong({"nodes", i, "starts"},
              "nodes.starts is beyond the end (lasts): such nodes never start");
      for (const std::string& mesh : nodes.meshes)
        if (!is_name_of(mesh, scenario_.meshes))
          wrong({"nodes", i, "mesh", mesh},
                "nodes.mesh: there is no [[mesh]] called \"" + config::printable(mesh) + "\"",
                nearest(mesh, scenario_.meshes));
    }
  }

  [[nodiscard]] bool is_region(std::string_view name) const {
    return std::any_of(scenario_.nodes.begin(), scenario_.nodes.end(),
                       [&](const ScenarioNodes& each) { return each.region == name; });
  }

  void check_paths() {
    std::vector<std::string_view> regions;
    for (const ScenarioNodes& each : scenario_.nodes) regions.push_back(each.region);
    for (std::size_t i = 0; i < scenario_.paths.size(); ++i)
      for (const std::string& region : {scenario_.paths[i].a, scenario_.paths[i].b})
        if (!is_region(region))
          wrong({"path", i, "between", region},
                "path.between: no nodes are in the region \"" + config::printable(region) + "\"",
                config::did_you_mean(region, regions));
  }

  // --- Clients

  /// With a number in place of each brace. Error: another brace than `known`.
  static Result<std::string> filled(std::string text, const std::vector<std::string_view>& known) {
    for (std::size_t at = text.find('{'); at != std::string::npos; at = text.find('{', at)) {
      const std::size_t end = text.find('}', at);
      if (end == std::string::npos) break;
      const std::string name = text.substr(at + 1, end - at - 1);
      if (std::find(known.begin(), known.end(), name) == known.end())
        return Error{Errc::malformed,
                     fmt::format("{{{}}} means nothing here; known are {{{}}}",
                                 config::printable(name), fmt::join(known, "}, {"))};
      text.replace(at, end - at + 1, "1");
    }
    return text;
  }

  void check_topic(const Spot& spot, const std::string& topic,
                   const std::vector<std::string_view>& braces) {
    const std::string what =
        fmt::format("{}.{}: \"{}\": ", spot.list, spot.key, config::printable(topic));
    const auto text = filled(topic, braces);
    if (!text) return wrong(spot, what + text.error().what);
    const auto name = TopicName::parse(*text);
    if (!name) wrong(spot, what + name.error().what);
  }

  void check_filter(std::size_t index, const std::string& filter) {
    // It stands in subscribe or in a [[clients.subscription]].
    const Spot spot{"clients", index, {}, filter};
    const std::string what = "clients.subscribe: \"" + config::printable(filter) + "\": ";
    auto text = filled(filter, {"node", "client", "peer", "area"});
    if (!text) return wrong(spot, what + text.error().what);
    std::string plain = *text;
    if (plain.starts_with("$share/")) {
      const std::size_t at = plain.find('/', 7);
      if (at == std::string::npos || at == 7)
        return wrong(spot, what + "must be $share/GROUP/FILTER");
      plain.erase(0, at + 1);
    }
    const auto parsed = TopicFilter::parse(plain);
    if (!parsed) wrong(spot, what + parsed.error().what);
  }

  void check_clients() {
    check_names("clients", scenario_.clients);
    for (std::size_t i = 0; i < scenario_.clients.size(); ++i) {
      const ScenarioClients& clients = scenario_.clients[i];
      if (!is_name_of(clients.at, scenario_.nodes))
        wrong({"clients", i, "at"},
              "clients.at: there are no [[nodes]] called \"" + config::printable(clients.at) + "\"",
              nearest(clients.at, scenario_.nodes));
      if (clients.each == 0 && clients.count == 0)
        wrong({"clients", i},
              "clients has no number: say each (at each node) or count (in all), more than 0");
      for (const ClientFilter& filter : clients.config.filters) check_filter(i, filter.filter);
      for (const ClientHabit& habit : clients.config.habits) {
        for (const std::string& topic : habit.topics)
          check_topic({"clients", i, "publish", topic}, topic,
                      {"n", "node", "client", "peer", "area"});
        if (habit.begins >= scenario_.lasts)
          wrong({"clients", i, "publish"},
                "clients.publish begins beyond the end (lasts): nothing is ever published");
      }
      if (clients.config.will)
        check_topic({"clients", i, "will", clients.config.will->topic}, clients.config.will->topic,
                    {"node", "client", "peer", "area"});
    }
  }

  // --- What goes wrong

  void check_choice(const Spot& spot, const std::string& name) {
    if (name.empty() || is_name_of(name, scenario_.nodes)) return;
    constexpr std::string_view region = "region:";
    const std::string what = fmt::format("fault.{}: \"{}\": ", spot.key, config::printable(name));
    if (name.starts_with(region)) {
      if (!is_region(name.substr(region.size()))) wrong(spot, what + "no nodes are in that region");
      return;
    }
    wrong(spot, what + "there are no [[nodes]] of that name (or write region:NAME)",
          nearest(name, scenario_.nodes));
  }

  void check_faults() {
    using Kind = ScenarioFault::Kind;
    for (std::size_t i = 0; i < scenario_.faults.size(); ++i) {
      const ScenarioFault& fault = scenario_.faults[i];
      check_choice({"fault", i, "nodes"}, fault.nodes);
      check_choice({"fault", i, "from"}, fault.from);
      if (fault.at >= scenario_.lasts)
        wrong({"fault", i, "at"},
              "fault.at is beyond the end of the fault phase (lasts): begin sooner, or let the "
              "scenario last longer");
      else if (fault.at + fault.lasts > scenario_.lasts)
        wrong({"fault", i, "lasts"},
              "fault.lasts goes beyond the end of the fault phase (lasts): end sooner, or let the "
              "scenario last longer");
      const bool needs_time = fault.kind != Kind::kill && fault.kind != Kind::unplug
                              && fault.kind != Kind::stop && fault.kind != Kind::renumber;
      if (needs_time && fault.lasts == Duration::zero())
        wrong({"fault", i, "lasts"}, "fault.lasts is missing: say how long, as in lasts = \"30s\"");
      if (fault.kind == Kind::partition && fault.nodes.empty())
        wrong({"fault", i, "nodes"}, "fault.nodes is missing: say which nodes are cut off");
      if (fault.kind == Kind::loss && fault.share == 0)
        wrong({"fault", i, "loss"},
              "fault.loss is missing: say how much is lost, as in loss = 0.2");
      if (fault.kind == Kind::slow && fault.task_time == Duration::zero())
        wrong(
            {"fault", i, "task_time"},
            "fault.task_time is missing: say how long each task takes, as in task_time = \"5ms\"");
      if (fault.kind == Kind::line && fault.line.up_bytes_per_s == 0
          && fault.line.down_bytes_per_s == 0)
        wrong({"fault", i, "line"},
              "fault.line is missing: say how fast it is, as in line = { up = \"1 Mbit/s\" }");
    }
  }

  void check_hostiles() {
    for (std::size_t i = 0; i < scenario_.hostiles.size(); ++i) {
      const ScenarioHostile& hostile = scenario_.hostiles[i];
      if (scenario_.models_dht)
        wrong({"hostile", i}, "hostile nodes need the real DHT: leave dht = \"model\" out");
      if (hostile.at >= scenario_.lasts + scenario_.heals)
        wrong({"hostile", i, "at"}, "hostile.at is beyond the end: such nodes never come");
      if (hostile.kind == ScenarioHostile::Kind::drop_datagrams) continue;
      if (hostile.topic.empty())
        wrong({"hostile", i, "topic"},
              "hostile.topic is missing: say whose key in the DHT is attacked");
      else
        check_topic({"hostile", i, "topic"}, hostile.topic, {});
    }
  }

  Scenario& scenario_;
  const toml::table& document_;
  const config::TomlSource& source_;
  std::vector<config::Diagnostic>& trouble_;
};

}  // namespace

void check_scenario(Scenario& scenario, const toml::table& document,
                    const config::TomlSource& source, std::vector<config::Diagnostic>& trouble) {
  Check(scenario, document, source, trouble).run();
}

void Scenario::set_node_count(std::uint32_t wanted) {
  std::uint32_t fixed = 0;
  std::uint64_t scaled = 0;
  for (const ScenarioNodes& each : nodes) {
    if (each.is_scaled)
      scaled += each.count;
    else
      fixed += each.count;
  }
  if (scaled == 0) return;
  const std::uint32_t rest = wanted > fixed ? wanted - fixed : 0;
  // Each kind's share of a whole that is cut where the kinds end, so that nothing is lost by rounding.
  std::uint64_t before = 0;
  std::uint64_t in_all = 0;
  for (ScenarioNodes& each : nodes) {
    if (!each.is_scaled) continue;
    const std::uint64_t from = before * rest / scaled;
    before += each.count;
    each.count =
        std::max<std::uint32_t>(static_cast<std::uint32_t>(before * rest / scaled - from), 1);
    in_all += each.count;
  }
  // Who was given one for nothing takes it from the largest.
  while (in_all > rest) {
    const auto largest =
        std::max_element(nodes.begin(), nodes.end(), [](const auto& a, const auto& b) {
          return (a.is_scaled ? a.count : 0) < (b.is_scaled ? b.count : 0);
        });
    if (largest->count <= 1) break;
    --largest->count;
    --in_all;
  }
  for (ScenarioNodes& each : nodes) each.bootstrap = std::min(each.bootstrap, each.count);
}

std::uint32_t Scenario::node_count() const {
  std::uint32_t all = 0;
  for (const ScenarioNodes& each : nodes) all += each.count;
  return all;
}

}  // namespace starling::sim
