#include "simulations/scenarios/run_scenario.hpp"

#include <ctime>
#include <fmt/format.h>
#include <sys/resource.h>

#include "simulations/checkers/checkers.hpp"
#include "simulations/scenarios/run_recorder.hpp"
#include "simulations/scenarios/stage.hpp"
#include "simulations/world/world.hpp"

namespace starling::sim {
namespace {

using namespace std::chrono_literals;

/// The real one: the standard clocks show the world's time.
double wall_now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

double seconds(Duration span) {
  return std::chrono::duration<double>(span).count();
}

CheckerSettings checker_settings(const Scenario& scenario, const Stage& stage) {
  CheckerSettings settings;
  settings.start = Agenda::beginning;
  settings.settle = scenario.settles;
  settings.nodes = stage.sharings();
  settings.payload_marker = std::string(payload_mark);
  settings.look = [&stage](const World&) { return stage.loads(); };
  return settings;
}

void tell_promises(const Checkers& checkers, Report& report) {
  for (const Checker* checker : checkers.all()) {
    PromiseOutcome outcome;
    outcome.name = std::string(checker->name());
    outcome.promise = std::string(checker->promise());
    outcome.not_promised = std::string(checker->not_promised());
    outcome.seen = checker->seen();
    outcome.broken = checker->violation_count();
    outcome.kind = !checker->is_kept()    ? PromiseOutcome::Kind::broken
                   : checker->seen() == 0 ? PromiseOutcome::Kind::not_seen
                                          : PromiseOutcome::Kind::kept;
    for (const Violation& violation : checker->violations())
      outcome.examples.emplace_back(seconds(violation.at - Agenda::beginning), violation.what);
    report.promises.push_back(std::move(outcome));
  }
}

}  // namespace

Report run_scenario(const Scenario& scenario, const RunOptions& options) {
  const double began = wall_now();
  const Duration length = scenario.lasts + scenario.heals;
  Report report;
  report.scenario = scenario.name;
  report.story = scenario.story;
  report.seed = scenario.seed;
  report.nodes = scenario.node_count();
  report.replay = fmt::format("{} --seed {}", options.replay, scenario.seed);
  report.fault_phase_ends_s = seconds(scenario.lasts);

  WorldSettings settings;
  settings.seed = scenario.seed;
  settings.models_dht = scenario.models_dht;
  settings.path = scenario.path;
  RunRecorder recorder(Agenda::beginning, length);
  // Observers outlive the world.
  std::optional<Checkers> checkers;
  World world(settings);
  Stage stage(scenario, world);
  if (options.checks) {
    checkers.emplace(checker_settings(scenario, stage));
    world.add_observer(*checkers);
  }
  world.add_observer(recorder);
  if (options.observer != nullptr) world.add_observer(*options.observer);
  if (options.on_world) options.on_world(world);
  report.clients = static_cast<std::uint32_t>(world.client_count());

  double told = began;
  while (world.passed() < length) {
    world.run_for(std::min<Duration>(250ms, length - world.passed()));
    const double now = wall_now();
    if (!options.on_progress || now - told < 0.1) continue;
    told = now;
    options.on_progress({seconds(world.passed()) / seconds(length), seconds(world.passed()),
                         now - began, recorder.published()});
  }
  if (checkers) {
    checkers->finish(world.now(), world);
    tell_promises(*checkers, report);
  }

  recorder.fill(report, report.nodes);
  const Stage::Paths paths = stage.paths();
  report.totals.emplace_back(
      "relayed links",
      paths.links == 0 ? 0 : static_cast<double>(paths.relayed) / static_cast<double>(paths.links));
  report.totals.emplace_back("links carried by one relay", static_cast<double>(paths.carried_most));
  report.digest = world.trace().text();
  for (NodeNumber node = 0; node < world.node_count(); ++node)
    report.graph_nodes.push_back({node, stage.kind_of(node), world.node(node).is_up(), 0});
  for (ClientNumber client = 0; client < world.client_count(); ++client)
    ++report.graph_nodes[world.client(client).node()].clients;
  for (const Claim& claim : scenario.claims) report.claims.push_back(check_claim(claim, report));
  report.wall_s = wall_now() - began;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  report.peak_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1'024;
  return report;
}

}  // namespace starling::sim
