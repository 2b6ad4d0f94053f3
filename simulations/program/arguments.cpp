#include "simulations/program/arguments.hpp"

#include <algorithm>
#include <sstream>

#include <CLI/CLI.hpp>

#include "starling/version.hpp"

namespace starling::sim {
namespace {

void add_run_options(CLI::App& command, SimArguments& arguments) {
  command.add_option("scenario", arguments.scenario, "a scenario file (.toml), or the name of a story (see list)")
      ->required();
  command.add_option("--seed,-s", arguments.seed, "other dice than the scenario's own");
  command.add_option("--nodes,-n", arguments.nodes, "so many nodes in all")
      ->check(CLI::Range(1U, 200'000U));
  command.add_flag("--model", arguments.models_dht, "a model of the DHT in place of OpenDHT: for very many nodes");
  command.add_flag("!--no-checks", arguments.checks, "do not watch the promises: faster");
  command.add_option("--report,-o", arguments.html, "write a page with plots to this file (.html)");
  command.add_option("--json", arguments.json, "write all numbers to this file; - is standard output");
  command.add_option("--trace", arguments.trace,
                     "write what happened to this file, for ui.perfetto.dev or chrome://tracing");
  command.add_flag("--quiet,-q", arguments.quiet, "no progress line and no summary");
}

}  // namespace

SimArguments parse_sim_arguments(std::vector<std::string> words) {
  SimArguments arguments;
  CLI::App app("Simulates meshes of Starling nodes on virtual time, from one seed.", "starling sim");
  app.set_version_flag("--version", std::string("starling-sim ") + version);
  app.require_subcommand(1);
  app.set_help_all_flag("--help-all", "help of all commands");
  CLI::App* run = app.add_subcommand("run", "run a scenario and watch whether all promises are kept");
  add_run_options(*run, arguments);
  CLI::App* replay = app.add_subcommand(
      "replay", "run it again and tell what the nodes log; with --seed, exactly the run that printed it");
  add_run_options(*replay, arguments);
  CLI::App* list = app.add_subcommand("list", "the stories that are built in");
  std::reverse(words.begin(), words.end());
  try {
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out;
    std::ostringstream trouble;
    const int status = app.exit(error, out, trouble);
    arguments.text = status == 0 ? out.str() : trouble.str();
    arguments.text_is_error = status != 0;
    return arguments;
  }
  arguments.action = *list ? SimArguments::Action::list : SimArguments::Action::run;
  arguments.tells_log = static_cast<bool>(*replay);
  return arguments;
}

}  // namespace starling::sim
