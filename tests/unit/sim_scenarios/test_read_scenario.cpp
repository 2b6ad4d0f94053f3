// The reader of scenarios: each mistake is told with its place, its key and how to mend it.
#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "simulations/scenarios/read_scenario.hpp"
#include "simulations/scenarios/stories.hpp"
#include "simulations/scenarios/table_reader.hpp"

namespace starling::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view good = R"(lasts = "10min"
[[nodes]]
name = "homes"
count = 10
[[clients]]
at = "homes"
subscribe = "a/#"
)";

/// What is wrong with the good scenario when `more` follows it, a sentence a line.
std::string trouble_with(const std::string& more, std::string_view before = good) {
  std::vector<config::Diagnostic> trouble;
  read_scenario(std::string(before) + more, "test.toml", trouble);
  std::string text;
  for (const config::Diagnostic& each : trouble) {
    text += each.source + ":" + std::to_string(each.line) + ":" + std::to_string(each.column) + ": "
            + each.message;
    if (!each.suggestion.empty()) text += " [" + each.suggestion + "]";
    text += "\n";
  }
  return text;
}

Scenario read(const std::string& text) {
  std::vector<config::Diagnostic> trouble;
  Scenario scenario = read_scenario(text, "test.toml", trouble);
  for (const config::Diagnostic& each : trouble) BOOST_ERROR(each.to_text());
  return scenario;
}

BOOST_AUTO_TEST_SUITE(sim_scenario_reader)

BOOST_AUTO_TEST_CASE(each_mistake_has_its_place_its_key_and_a_way_to_mend_it) {
  struct Row {
    std::string text;  // from line 8 on
    std::string wanted;
  };
  const Row rows[] = {
      // The text itself.
      {"[[nodes]\n", ":8:"},
      // Keys.
      {"nmae = \"x\"", ":8:8: unknown key \"nmae\" in clients [name]"},
      {"[[node]]\ncount = 3", "unknown key \"node\" [nodes]"},
      {"[[fault]]\nkind = \"kill\"\natt = \"1min\"", ":10:7: unknown key \"att\" in fault [at]"},
      // Types and ranges.
      {"each = \"many\"", ":8:8: clients.each must be a whole number from 0 to 1000"},
      {"qos = 3", ":8:7: clients.qos must be a whole number from 0 to 2"},
      {"name = 7", ":8:8: clients.name must be a text in quotes"},
      {"keeps_session = \"yes\"", ":8:17: clients.keeps_session must be true or false"},
      {"online = \"3 minutes\"", ":8:10: clients.online must be a time such as \"150ms\""},
      {"online = \"nan s\"", ":8:10: clients.online must be a time such as"},
      {"online = 3", ":8:10: clients.online must be a time such as"},
      {"publish = [{ topic = \"a\", every = \"0s\" }]", "publish.every must be more than no time"},
      {"publish = [{ every = \"1s\" }]", "publish has no topic"},
      {"receive_maximum = 0", ":8:19: clients.receive_maximum must be 1 or more"},
      {"version = 2", ":8:11: clients.version must be 3, 4 (MQTT 3.1.1) or 5"},
      {"each = 1\ncount = 2", ":8:8: clients.each and count: say one of them"},
      {"[network]\nlatency = [\"80ms\", \"20ms\"]",
       ":9:11: network.latency must be a time, or a least and a greatest one"},
      {"[network]\nloss = 1.5", ":9:8: network.loss must be a number from 0 to 1"},
      {"[network]\nmtu = 100", ":9:7: network.mtu must be 576 or more"},
      {"[nodes]\nx = 1", ":8:"},  // a table where a list of tables is
      {"[[nodes]]\nname = \"b\"\ncount = 1\nline = { up = \"fast\" }",
       ":11:15: line.up must be a rate such as \"10 Mbit/s\""},
      {"[[nodes]]\nname = \"b\"\ncount = 1\nnat = { kind = \"cone\" }",
       ":11:16: nat.kind must be one of \"full-cone\", \"restricted\", \"port-restricted\", "
       "\"symmetric\", not \"cone\""},
      // Names of nothing.
      {"[[clients]]\nname = \"b\"\nat = \"hoems\"",
       ":10:6: clients.at: there are no [[nodes]] called \"hoems\" [homes]"},
      {"[[fault]]\nkind = \"kill\"\nnodes = \"hoems\"",
       ":10:9: fault.nodes: \"hoems\": there are no [[nodes]] of that name (or write region:NAME) "
       "[homes]"},
      {"[[fault]]\nkind = \"kill\"\nnodes = \"region:mars\"",
       ":10:9: fault.nodes: \"region:mars\": no nodes are in that region"},
      {"[[nodes]]\nname = \"b\"\ncount = 1\nmesh = [\"hmoe\"]",
       ":11:9: nodes.mesh: there is no [[mesh]] called \"hmoe\" [home]"},
      {"[[path]]\nbetween = [\"world\", \"mars\"]",
       ":9:21: path.between: no nodes are in the region \"mars\""},
      // Two of one name.
      {"[[nodes]]\nname = \"homes\"\ncount = 1",
       ":9:8: there are two [[nodes]] called \"homes\": give each a name of its own"},
      {"[[clients]]\nat = \"homes\"",
       "there are two [[clients]] called \"clients\": give each a name of its own"},
      {"[[mesh]]\nname = \"a\"\n[[mesh]]\nname = \"a\"",
       ":11:8: there are two [[mesh]] called \"a\""},
      // Nodes.
      {"[[nodes]]\nname = \"b\"", ":8:1: nodes.count is missing or 0: say how many there are"},
      {"[[nodes]]\nname = \"b\"\ncount = 2\nbootstrap = 3",
       ":11:13: nodes.bootstrap must be at most nodes.count, 2"},
      {"[[nodes]]\nname = \"b\"\ncount = 2\nbootstrap = 1\nnat = { kind = \"symmetric\" }",
       ":11:13: nodes.bootstrap: nobody can join by a node behind a router"},
      {"[[nodes]]\nname = \"b\"\ncount = 2\nstarts = \"10min\"",
       ":11:10: nodes.starts is beyond the end (lasts)"},
      // Filters, topics, share rules.
      {"[[clients]]\nname = \"b\"\nsubscribe = [\"a\", \"b/#/c\"]",
       ":10:19: clients.subscribe: \"b/#/c\": "},
      {"[[clients]]\nname = \"b\"\nsubscription = [{ filter = \"b#\" }]",
       ":10:28: clients.subscribe: \"b#\": "},
      {"[[clients]]\nname = \"b\"\nsubscribe = \"$share/g\"",
       ":10:13: clients.subscribe: \"$share/g\": must be $share/GROUP/FILTER"},
      {"[[clients]]\nname = \"b\"\nsubscribe = \"a/{n}\"",
       ":10:13: clients.subscribe: \"a/{n}\": {n} means nothing here; known are {node}, {client}, "
       "{peer}"},
      {"publish = [{ topic = \"a/+\" }]", ":8:22: clients.publish: \"a/+\": "},
      {"publish = [{ topic = \"a/{nods}\" }]",
       ":8:22: clients.publish: \"a/{nods}\": {nods} means nothing here"},
      {"publish = [{ topic = \"a\", begins = \"11min\" }]",
       "clients.publish begins beyond the end (lasts)"},
      {"will = { topic = \"a/#\" }", ":8:18: clients.will: \"a/#\": "},
      {"[[mesh]]\nshare = [\"both:a/#\", \"sideways:#\"]", ":9:22: mesh.share: \"sideways:#\": "},
      // Faults.
      {"[[fault]]\nat = \"1min\"", ":8:1: fault has no kind"},
      {"[[fault]]\nkind = \"erase\"", ":9:8: fault.kind must be one of \"partition\", \"kill\""},
      {"[[fault]]\nkind = \"\"", ":9:8: fault.kind must be one of \"partition\", \"kill\""},
      {"[[fault]]\nkind = \"kill\"\nat = \"10min\"",
       ":10:6: fault.at is beyond the end of the fault phase (lasts)"},
      {"[[fault]]\nkind = \"kill\"\nat = \"9min\"\nlasts = \"2min\"",
       ":11:9: fault.lasts goes beyond the end of the fault phase (lasts)"},
      {"[[fault]]\nkind = \"partition\"\nnodes = \"homes\"",
       ":8:1: fault.lasts is missing: say how long"},
      {"[[fault]]\nkind = \"partition\"\nlasts = \"1min\"",
       ":8:1: fault.nodes is missing: say which nodes are cut off"},
      {"[[fault]]\nkind = \"loss\"\nlasts = \"1min\"",
       ":8:1: fault.loss is missing: say how much is lost"},
      {"[[fault]]\nkind = \"slow\"\nlasts = \"1min\"", ":8:1: fault.task_time is missing"},
      {"[[fault]]\nkind = \"line\"\nlasts = \"1min\"", ":8:1: fault.line is missing"},
      {"[[fault]]\nkind = \"kill\"\nloss = 0.5",
       ":10:8: fault.loss belongs to a fault of kind \"loss\""},
      // Hostile nodes.
      {"[[hostile]]\nkind = \"eclipse\"",
       ":8:1: hostile.topic is missing: say whose key in the DHT is attacked"},
      {"[[hostile]]\nkind = \"replay\"\ntopic = \"a/#\"", ":10:9: hostile.topic: \"a/#\": "},
      {"[[hostile]]\nkind = \"rude\"", ":9:8: hostile.kind must be one of \"eclipse\""},
  };
  for (const Row& row : rows) {
    const std::string told = trouble_with(row.text);
    BOOST_TEST(told.find(row.wanted) != std::string::npos,
               row.text << "\n  gives: " << told << "  not: " << row.wanted);
    BOOST_TEST(told.starts_with("test.toml:"), told);
    BOOST_TEST(told.find(":0:") == std::string::npos, told);  // everything has a place
  }
}

BOOST_AUTO_TEST_CASE(mistakes_of_the_whole_file_have_a_place_too) {
  const std::string claim = trouble_with(
      "claims = [\"lookups >= 1\", \"delivery p49 <= 1 s\"]\n" + std::string(good), "");
  BOOST_TEST(claim.starts_with("test.toml:1:27: claims holds \"delivery p49 <= 1 s\": nothing "
                               "measures \"delivery p49\"; "
                               "what can be claimed: delivery p50"),
             claim);
  BOOST_TEST(trouble_with("lasts = \"1min\"", "").find("there are no nodes: write [[nodes]]")
             != std::string::npos);
  BOOST_TEST(
      trouble_with("dht = \"fake\"\n" + std::string(good), "")
          .starts_with("test.toml:1:7: dht must be one of \"real\", \"model\", not \"fake\""));
  BOOST_TEST(
      trouble_with(
          "dht = \"model\"\n" + std::string(good) + "[[hostile]]\nkind = \"drop datagrams\"\n", "")
          .find(":9:1: hostile nodes need the real DHT: leave dht = \"model\" out")
      != std::string::npos);
}

BOOST_AUTO_TEST_CASE(all_mistakes_are_told_at_once) {
  const std::string told = trouble_with("x = 1\ny = 2\nqos = 9\n");
  BOOST_TEST(std::count(told.begin(), told.end(), '\n') == 3, told);
}

BOOST_AUTO_TEST_CASE(what_is_left_out_is_completed) {
  const Scenario scenario = read(std::string(good));
  BOOST_TEST(scenario.node_count() == 10);
  BOOST_REQUIRE(scenario.meshes.size() == 1);
  BOOST_TEST(scenario.meshes[0].name == "home");
  BOOST_TEST(scenario.nodes[0].meshes == std::vector<std::string>{"home"},
             boost::test_tools::per_element());
  BOOST_TEST(scenario.nodes[0].bootstrap == 3);
  BOOST_TEST((scenario.lasts == 10min && scenario.heals == 2min && scenario.settles == 30s));
  BOOST_TEST(scenario.clients[0].each == 1);
  BOOST_TEST((scenario.clients[0].config.filters[0].qos == QoS::at_least_once));
}

BOOST_AUTO_TEST_CASE(every_key_arrives_where_it_should) {
  const Scenario scenario = read(R"(
name = "n"
story = "s"
claim = "c"
seed = 7
lasts = "1h"
heals = "3min"
settles = "1min"
dht = "real"
claims = ["delivery p90 <= 1.5 s"]
[network]
latency = ["5ms", "9ms"]
jitter = "1ms"
loss = 0.1
reordered = 0.2
duplicated = 0.3
mtu = 1400
[[path]]
between = ["here", "there"]
latency = "200ms"
[[mesh]]
name = "m"
share = ["out:a/#", "in:b/#"]
[[nodes]]
name = "a"
count = 4
scaled = false
mesh = "m"
region = "here"
starts = "1s"
within = "2s"
bootstrap = 2
line = { up = "8 Mbit/s", down = "500 kB/s", queue = "1s" }
clock = { error = "10s", drift_ppm = 50 }
commit_time = "9ms"
life = "20min"
away = "1min"
dies = "unplugged"
[[nodes]]
name = "b"
count = 6
region = "there"
[nodes.nat]
kind = "symmetric"
hairpin = true
udp_timeout = "30s"
tcp_timeout = "1h"
carrier = { kind = "full-cone", homes = 3 }
[[clients]]
name = "k"
at = "b"
count = 5
version = 4
keeps_session = true
keep_alive_s = 30
subscribe = ["x/{node}", "$share/g/y/{peer}/#"]
qos = 2
subscription = [{ filter = "z", qos = 0 }]
will = { topic = "w/{client}", qos = 1, retain = true, delay_s = 4 }
publish = [{ topic = ["p/{n}", "q"], numbers = 3, qos = 2, retain = true, empty = 0.5, every = "3s", even = true, size = 100, begins = "4s", ends = "50s", times = 6 }]
connects = "5s"
online = "6s"
offline = "7s"
answer_time = "8ms"
receive_maximum = 9
[[fault]]
kind = "partition"
at = "10min"
lasts = "1min"
nodes = "region:here"
share = 0.5
count = 2
first = true
from = "b"
one_way = true
what = "w"
[[fault]]
kind = "slow"
lasts = "1min"
task_time = "5ms"
[[hostile]]
kind = "flood records"
count = 2
at = "1min"
topic = "x/1"
per_s = 3.5
)");
  BOOST_TEST((scenario.name == "n" && scenario.story == "s" && scenario.claim == "c"
              && scenario.seed == 7));
  BOOST_TEST((scenario.lasts == 1h && scenario.heals == 3min && scenario.settles == 1min
              && !scenario.models_dht));
  BOOST_TEST(scenario.claims.size() == 1);
  const PathQuality& path = scenario.path;
  BOOST_TEST((path.latency_min == 5ms && path.latency_max == 9ms && path.jitter == 1ms
              && path.mtu == 1'400));
  BOOST_TEST((path.loss == 0.1 && path.reordered == 0.2 && path.duplicated == 0.3));
  const ScenarioPath& between = scenario.paths.at(0);
  BOOST_TEST((between.a == "here" && between.b == "there" && between.quality.latency_min == 200ms));
  BOOST_TEST((between.quality.latency_max == 200ms
              && between.quality.loss == 0.1));  // the rest as the network's
  BOOST_TEST(scenario.meshes.at(0).shares.size() == 2);
  const ScenarioNodes& a = scenario.nodes.at(0);
  BOOST_TEST((a.count == 4 && !a.is_scaled && a.meshes.at(0) == "m" && a.region == "here"
              && a.bootstrap == 2));
  BOOST_TEST((a.starts == 1s && a.within == 2s && a.line.up_bytes_per_s == 1e6
              && a.line.down_bytes_per_s == 5e5));
  BOOST_TEST((a.line.queue_max == 1s && a.clock_error == 10s && a.commit_time == 9ms));
  BOOST_TEST(a.clock_drift == 50e-6, boost::test_tools::tolerance(1e-9));
  BOOST_TEST((a.life == 20min && a.away == 1min && a.dies == NodeEnd::unplugged && !a.router));
  const ScenarioRouter& router = scenario.nodes.at(1).router.value();
  BOOST_TEST((router.nat.kind == NatKind::symmetric && router.nat.hairpin
              && router.nat.udp_timeout == 30s));
  BOOST_TEST((router.nat.tcp_timeout == 1h && router.carrier->kind == NatKind::full_cone
              && router.homes_per_carrier == 3));
  BOOST_TEST(scenario.nodes.at(1).bootstrap == 0);
  const ScenarioClients& clients = scenario.clients.at(0);
  const ClientConfig& config = clients.config;
  BOOST_TEST((clients.name == "k" && clients.at == "b" && clients.each == 0 && clients.count == 5));
  BOOST_TEST((config.version == mqtt::ProtocolVersion::v3_1_1 && config.keeps_session
              && config.keep_alive_s == 30));
  BOOST_REQUIRE(config.filters.size() == 3);
  BOOST_TEST((config.filters[1].filter == "$share/g/y/{peer}/#"
              && config.filters[1].qos == QoS::exactly_once));
  BOOST_TEST((config.filters[2].filter == "z" && config.filters[2].qos == QoS::at_most_once));
  BOOST_TEST((config.will->topic == "w/{client}" && config.will->qos == QoS::at_least_once
              && config.will->retain));
  BOOST_TEST(config.will->delay_s == 4);
  const ClientHabit& habit = config.habits.at(0);
  BOOST_TEST((habit.topics.size() == 2 && habit.numbers == 3 && habit.qos == QoS::exactly_once
              && habit.retain));
  BOOST_TEST(
      (habit.empty == 0.5 && habit.every == 3s && habit.is_even && habit.payload_size == 100));
  BOOST_TEST((habit.begins == 4s && habit.ends == 50s && habit.count_max == 6));
  BOOST_TEST((config.connects_at == 5s && config.online == 6s && config.offline == 7s));
  BOOST_TEST((config.answer_time == 8ms && config.receive_maximum == 9));
  const ScenarioFault& fault = scenario.faults.at(0);
  BOOST_TEST(
      (fault.kind == ScenarioFault::Kind::partition && fault.at == 10min && fault.lasts == 1min));
  BOOST_TEST((fault.nodes == "region:here" && fault.share_of_nodes == 0.5 && fault.count == 2
              && fault.first_ones));
  BOOST_TEST((fault.from == "b" && fault.one_way && fault.what == "w"));
  BOOST_TEST((scenario.faults.at(1).task_time == 5ms && scenario.faults.at(1).what == "slow"));
  const ScenarioHostile& hostile = scenario.hostiles.at(0);
  BOOST_TEST((hostile.kind == ScenarioHostile::Kind::flood_records && hostile.count == 2
              && hostile.at == 1min));
  BOOST_TEST((hostile.topic == "x/1" && hostile.per_s == 3.5));
}

BOOST_AUTO_TEST_CASE(all_stories_are_good_and_say_what_they_show) {
  BOOST_TEST(!all_stories().empty());
  for (const Story& story : all_stories()) {
    const Scenario scenario = read(std::string(story.text));
    BOOST_TEST(scenario.name == story.name);
    BOOST_TEST(!scenario.story.empty(), story.name);
    BOOST_TEST(!scenario.claim.empty(), story.name);
    BOOST_TEST(find_story(story.name) == &story);
  }
  BOOST_TEST(find_story("no such story") == nullptr);
}

BOOST_AUTO_TEST_CASE(the_number_of_nodes_is_what_was_asked_for) {
  Scenario scenario;
  for (const std::uint32_t count : {15, 15, 7}) {
    scenario.nodes.emplace_back();
    scenario.nodes.back().count = count;
    scenario.nodes.back().bootstrap = 5;
  }
  scenario.nodes.emplace_back();
  scenario.nodes.back().count = 4;
  scenario.nodes.back().is_scaled = false;
  for (const std::uint32_t wanted : {41U, 7U, 8U, 10U, 100U, 101U, 1'003U, 99'999U}) {
    Scenario scaled = scenario;
    scaled.set_node_count(wanted);
    BOOST_TEST(scaled.node_count() == wanted);
    BOOST_TEST(scaled.nodes[3].count == 4);
    for (const ScenarioNodes& each : scaled.nodes) {
      BOOST_TEST(each.count >= 1);
      BOOST_TEST(each.bootstrap <= each.count);
    }
    BOOST_TEST(scaled.nodes[0].count >= scaled.nodes[2].count);
  }
  scenario.set_node_count(1);  // at least one of each
  BOOST_TEST(scenario.node_count() == 7);
}

BOOST_AUTO_TEST_CASE(times_and_rates) {
  BOOST_TEST((parse_duration("150ms") == 150ms));
  BOOST_TEST((parse_duration("2.5 s") == 2500ms));
  BOOST_TEST((parse_duration("1us") == 1us));
  BOOST_TEST((parse_duration("2h") == 2h));
  BOOST_TEST((parse_duration("3d") == 72h));
  BOOST_TEST((parse_duration("0") == Duration{}));
  for (const std::string_view bad :
       {"", "5", "s", "-1s", "1 week", "101d", "inf s", "nan s", "1e400s", "1s1"})
    BOOST_TEST(!parse_duration(bad).has_value(), bad);
  BOOST_TEST((parse_rate("10 Mbit/s") == 1.25e6));
  BOOST_TEST((parse_rate("500kB/s") == 5e5));
  for (const std::string_view bad : {"", "5", "0 kB/s", "-1 B/s", "1 kb/s", "inf MB/s"})
    BOOST_TEST(!parse_rate(bad).has_value(), bad);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace starling::sim
