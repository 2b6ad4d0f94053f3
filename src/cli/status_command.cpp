#include "src/cli/status_command.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "src/cli/control_client.hpp"
#include "src/cli/defaults.hpp"
#include "src/cli/node_place.hpp"
#include "src/control/status_table.hpp"

namespace starling::cli {
namespace {

constexpr const char* description =
    "starling status - what the daemon on this host is doing\n\n"
    "Health first, then the node, its peers and the path to each, its own addresses and what is\n"
    "known about them. PATH is the best way that works, from the best to the last:\n"
    "  direct ADDRESS      this node has dialled it\n"
    "  dialled us ADDRESS  it has dialled this node\n"
    "  dialled back        it was asked to dial this node, which cannot reach it\n"
    "  simultaneous open   both dialled at one moment, through both routers\n"
    "  relay via NODE      through another member, encrypted end to end\n"
    "The line below says why none better holds.\n";
constexpr const char* footer =
    "Exit status: 0 told, 2 wrong usage, 69 the daemon is not running, 75 it does not answer,\n"
    "77 its socket is another user's.\n\n"
    "Examples:\n"
    "  starling status\n"
    "  starling status --short\n"
    "  starling status --state-dir ./second --json | python3 -m json.tool";

int complain(const std::string& what, int status) {
  std::fprintf(stderr, "starling status: %s\n", what.c_str());
  return status;
}

}  // namespace

int run_status(const std::vector<std::string>& words) {
  NodeWords node;
  bool json = false;
  bool brief = false;
  CLI::App app(description, "starling status");
  app.footer(footer);
  declare_node_words(app, node);
  app.add_flag("--json", json, "One line of JSON: \"schema\":1, names that are there stay");
  app.add_flag("--short", brief, "One line")->excludes("--json");
  std::vector<std::string> reversed(words.rbegin(), words.rend());  // as CLI11 wants them
  try {
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    std::printf("%s\n", app.help().c_str());
    return 0;
  } catch (const CLI::ParseError& error) {
    return complain(std::string(error.what()) + "\nTry: starling status --help", exit_usage);
  }
  const NodePlace place = find_node(node, default_config_file);
  const auto answer = ask(place.sockets, {control::RequestKind::status, {}});
  if (!answer) return complain(answer.error().what, answer.error().exit_status());
  if (json) {
    std::printf("%s\n", answer->c_str());
    return 0;
  }
  const auto text = brief ? control::status_line(*answer) : control::status_text(*answer);
  if (!text) return complain(text.error().what, exit_failed);
  std::fputs(text->c_str(), stdout);
  return 0;
}

}  // namespace starling::cli
