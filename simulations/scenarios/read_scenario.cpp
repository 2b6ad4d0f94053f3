#include "simulations/scenarios/read_scenario.hpp"

#include <algorithm>
#include <utility>

#include "simulations/scenarios/check_scenario.hpp"
#include "simulations/scenarios/table_reader.hpp"

namespace starling::sim {
namespace {

template <class Value>
using Words = std::vector<std::pair<std::string_view, Value>>;

/// Reads one of `words`.
template <class Value>
void read_one_of(TableReader& reader, std::string_view key, Value& out, const Words<Value>& words) {
  std::string wanted;
  for (const auto& [word, value] : words)
    wanted += (wanted.empty() ? "\"" : ", \"") + std::string(word) + "\"";
  reader.read_word<Value>(
      key, out,
      [&](std::string_view text) -> std::optional<Value> {
        for (const auto& [word, value] : words)
          if (word == text) return value;
        return std::nullopt;
      },
      "one of " + wanted);
}

const Words<RelayUse> relay_uses = {
    {"off", RelayUse::off}, {"use", RelayUse::use}, {"offer", RelayUse::offer}};
const Words<NodeEnd> node_ends = {
    {"killed", NodeEnd::killed}, {"unplugged", NodeEnd::unplugged}, {"stopped", NodeEnd::stopped}};

void read_latency(TableReader& reader, PathQuality& out) {
  std::vector<std::string> both;
  reader.read("latency", both);
  if (both.empty()) return;
  const auto least = parse_duration(both.front());
  const auto most = parse_duration(both.back());
  if (!least || !most || both.size() > 2 || *most < *least)
    return reader.wrong("latency",
                        "must be a time, or a least and a greatest one: [\"20ms\", \"80ms\"]");
  out.latency_min = *least;
  out.latency_max = *most;
}

void read_path(TableReader& reader, PathQuality& out) {
  read_latency(reader, out);
  reader.read("jitter", out.jitter);
  reader.read_share("loss", out.loss);
  reader.read_share("reordered", out.reordered);
  reader.read_share("duplicated", out.duplicated);
  auto mtu = static_cast<std::uint32_t>(out.mtu);
  reader.read_count("mtu", mtu, 65'535);
  if (mtu < 576) reader.wrong("mtu", "must be 576 or more");
  out.mtu = mtu;
}

void read_line(TableReader& reader, Line& out) {
  reader.read_rate("up", out.up_bytes_per_s);
  reader.read_rate("down", out.down_bytes_per_s);
  reader.read("queue", out.queue_max);
}

void read_nat(TableReader& reader, NatSettings& out) {
  reader.read_word<NatKind>(
      "kind", out.kind, nat_kind_of,
      "one of \"full-cone\", \"restricted\", \"port-restricted\", \"symmetric\"");
  reader.read("hairpin", out.hairpin);
  reader.read("udp_timeout", out.udp_timeout);
  reader.read("tcp_timeout", out.tcp_timeout);
}

ScenarioNodes read_nodes(TableReader& reader) {
  ScenarioNodes nodes;
  reader.read("name", nodes.name);
  reader.read_count("count", nodes.count, 200'000);
  reader.read("scaled", nodes.is_scaled);
  reader.read("mesh", nodes.meshes);
  reader.read("region", nodes.region);
  reader.read("starts", nodes.starts);
  reader.read("within", nodes.within);
  reader.read_count("bootstrap", nodes.bootstrap, 100);
  reader.table("nat", [&](TableReader& nat) {
    nodes.router.emplace();
    read_nat(nat, nodes.router->nat);
    nat.table("carrier", [&](TableReader& carrier) {
      nodes.router->carrier.emplace();
      read_nat(carrier, *nodes.router->carrier);
      carrier.read_count("homes", nodes.router->homes_per_carrier, 10'000);
    });
  });
  read_one_of(reader, "relay", nodes.relay, relay_uses);
  reader.table("line", [&](TableReader& line) { read_line(line, nodes.line); });
  reader.table("clock", [&](TableReader& clock) {
    clock.read("error", nodes.clock_error);
    double ppm = 0;
    clock.read_number("drift_ppm", ppm, 0, 10'000);
    nodes.clock_drift = ppm * 1e-6;
  });
  reader.read("commit_time", nodes.commit_time);
  reader.read("life", nodes.life);
  reader.read("away", nodes.away);
  read_one_of(reader, "dies", nodes.dies, node_ends);
  return nodes;
}

void read_qos(TableReader& reader, std::string_view key, QoS& out) {
  auto qos = static_cast<std::uint32_t>(out);
  reader.read_count(key, qos, 2);
  out = static_cast<QoS>(qos);
}

ClientHabit read_habit(TableReader& reader) {
  ClientHabit habit;
  reader.read("topic", habit.topics);
  if (habit.topics.empty()) reader.wrong("", "has no topic");
  reader.read_count("numbers", habit.numbers, 1'000'000);
  read_qos(reader, "qos", habit.qos);
  reader.read("retain", habit.retain);
  reader.read_share("empty", habit.empty);
  reader.read("every", habit.every);
  if (habit.every <= Duration::zero()) reader.wrong("every", "must be more than no time");
  reader.read("even", habit.is_even);
  auto size = static_cast<std::uint32_t>(habit.payload_size);
  reader.read_count("size", size, 16U << 20U);
  habit.payload_size = size;
  reader.read("begins", habit.begins);
  reader.read("ends", habit.ends);
  reader.read_count("times", habit.count_max);
  return habit;
}

ScenarioClients read_clients(TableReader& reader) {
  ScenarioClients clients;
  ClientConfig& config = clients.config;
  reader.read("name", clients.name);
  reader.read("at", clients.at);
  if (reader.has("count")) {
    clients.each = 0;
    if (reader.has("each")) reader.wrong("each", "and count: say one of them");
  }
  reader.read_count("each", clients.each, 1'000);
  reader.read_count("count", clients.count, 1'000'000);
  std::uint32_t version = 5;
  reader.read_count("version", version, 5);
  if (version < 3) reader.wrong("version", "must be 3, 4 (MQTT 3.1.1) or 5");
  config.version = static_cast<mqtt::ProtocolVersion>(std::max(version, 3U));
  reader.read("keeps_session", config.keeps_session);
  std::uint32_t keep_alive = config.keep_alive_s;
  reader.read_count("keep_alive_s", keep_alive, 65'535);
  config.keep_alive_s = static_cast<std::uint16_t>(keep_alive);
  std::vector<std::string> filters;
  reader.read("subscribe", filters);
  QoS qos = QoS::at_least_once;
  read_qos(reader, "qos", qos);
  for (const std::string& filter : filters) config.filters.push_back({filter, qos});
  reader.tables("subscription", [&](TableReader& each) {
    ClientFilter filter;
    each.read("filter", filter.filter);
    if (filter.filter.empty()) each.wrong("", "has no filter");
    read_qos(each, "qos", filter.qos);
    config.filters.push_back(filter);
  });
  reader.table("will", [&](TableReader& will) {
    config.will.emplace();
    will.read("topic", config.will->topic);
    if (config.will->topic.empty()) will.wrong("", "has no topic");
    read_qos(will, "qos", config.will->qos);
    will.read("retain", config.will->retain);
    will.read_count("delay_s", config.will->delay_s, 1'000'000);
  });
  reader.tables("publish", [&](TableReader& habit) { config.habits.push_back(read_habit(habit)); });
  reader.read("connects", config.connects_at);
  reader.read("online", config.online);
  reader.read("offline", config.offline);
  reader.read("answer_time", config.answer_time);
  std::uint32_t receive_maximum = config.receive_maximum;
  reader.read_count("receive_maximum", receive_maximum, 65'535);
  if (receive_maximum == 0) reader.wrong("receive_maximum", "must be 1 or more");
  config.receive_maximum = static_cast<std::uint16_t>(receive_maximum);
  return clients;
}

/// A key that says nothing to a fault of this kind is a mistake.
void only_for(TableReader& reader, std::string_view key, bool is_for_it, std::string_view kind) {
  if (!is_for_it && reader.has(key))
    reader.wrong(key, "belongs to a fault of kind \"" + std::string(kind) + "\"");
}

ScenarioFault read_fault(TableReader& reader) {
  using Kind = ScenarioFault::Kind;
  ScenarioFault fault;
  read_one_of(reader, "kind", fault.kind,
              Words<Kind>{{"partition", Kind::partition},
                          {"kill", Kind::kill},
                          {"unplug", Kind::unplug},
                          {"stop", Kind::stop},
                          {"pause", Kind::pause},
                          {"slow", Kind::slow},
                          {"loss", Kind::loss},
                          {"line", Kind::line},
                          {"renumber", Kind::renumber}});
  if (!reader.has("kind")) reader.wrong("", "has no kind");
  reader.read("at", fault.at);
  reader.read("lasts", fault.lasts);
  reader.read("nodes", fault.nodes);
  reader.read_share("share", fault.share_of_nodes);
  reader.read_count("count", fault.count, 200'000);
  reader.read("first", fault.first_ones);
  reader.read("from", fault.from);
  reader.read("one_way", fault.one_way);
  reader.read_share("loss", fault.share);
  reader.read("task_time", fault.task_time);
  reader.table("line", [&](TableReader& line) { read_line(line, fault.line); });
  reader.read("what", fault.what);
  only_for(reader, "from", fault.kind == Kind::partition, "partition");
  only_for(reader, "one_way", fault.kind == Kind::partition, "partition");
  only_for(reader, "loss", fault.kind == Kind::loss, "loss");
  only_for(reader, "task_time", fault.kind == Kind::slow, "slow");
  only_for(reader, "line", fault.kind == Kind::line, "line");
  return fault;
}

ScenarioHostile read_hostile(TableReader& reader) {
  using Kind = ScenarioHostile::Kind;
  ScenarioHostile hostile;
  read_one_of(reader, "kind", hostile.kind,
              Words<Kind>{{"eclipse", Kind::eclipse},
                          {"flood records", Kind::flood_records},
                          {"forge records", Kind::forge_records},
                          {"replay", Kind::replay},
                          {"drop datagrams", Kind::drop_datagrams}});
  if (!reader.has("kind")) reader.wrong("", "has no kind");
  reader.read_count("count", hostile.count, 1'000);
  reader.read("at", hostile.at);
  reader.read("topic", hostile.topic);
  reader.read_number("per_s", hostile.per_s, 0.001, 1'000);
  return hostile;
}

void read_root(TableReader& reader, Scenario& scenario) {
  reader.read("name", scenario.name);
  reader.read("story", scenario.story);
  reader.read("claim", scenario.claim);
  reader.read_count("seed", scenario.seed);
  reader.read("lasts", scenario.lasts);
  reader.read("heals", scenario.heals);
  reader.read("settles", scenario.settles);
  read_one_of(reader, "dht", scenario.models_dht, Words<bool>{{"real", false}, {"model", true}});
  reader.table("network", [&](TableReader& network) { read_path(network, scenario.path); });
  reader.tables("path", [&](TableReader& each) {
    ScenarioPath path;
    path.quality = scenario.path;
    std::vector<std::string> between;
    each.read("between", between);
    if (between.size() != 2)
      each.wrong("between", "must name two regions: [\"north\", \"south\"]");
    else
      path.a = between[0], path.b = between[1];
    read_path(each, path.quality);
    scenario.paths.push_back(std::move(path));
  });
  reader.tables("mesh", [&](TableReader& each) {
    ScenarioMesh mesh;
    each.read("name", mesh.name);
    each.read("share", mesh.shares);
    scenario.meshes.push_back(std::move(mesh));
  });
  reader.tables("nodes", [&](TableReader& each) { scenario.nodes.push_back(read_nodes(each)); });
  reader.tables("clients",
                [&](TableReader& each) { scenario.clients.push_back(read_clients(each)); });
  reader.tables("fault", [&](TableReader& each) { scenario.faults.push_back(read_fault(each)); });
  reader.tables("hostile",
                [&](TableReader& each) { scenario.hostiles.push_back(read_hostile(each)); });
  std::vector<std::string> claims;
  reader.read("claims", claims);
  for (const std::string& text : claims) {
    auto claim = parse_claim(text);
    if (claim)
      scenario.claims.push_back(std::move(claim).value());
    else
      reader.wrong_text("claims", text,
                        "holds \"" + config::printable(text) + "\": " + claim.error().what);
  }
  reader.finish();
}

}  // namespace

Scenario read_scenario(std::string_view text, const std::string& source,
                       std::vector<config::Diagnostic>& trouble) {
  Scenario scenario;
  const config::TomlSource place(source, text, true);
  try {
    const toml::table document = toml::parse(text, source);
    TableReader reader(document, place, "", trouble);
    read_root(reader, scenario);
    if (trouble.empty()) check_scenario(scenario, document, place, trouble);
  } catch (const toml::parse_error& error) {
    place.report(trouble, error.source(), std::string(error.description()));
  }
  return scenario;
}

}  // namespace starling::sim
