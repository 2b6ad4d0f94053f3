#include "src/cli/status_command.hpp"

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <thread>
#include <unistd.h>

#include "src/cli/control_client.hpp"
#include "src/cli/defaults.hpp"
#include "src/cli/node_place.hpp"
#include "src/control/status_table.hpp"

namespace starling::cli {
namespace {

constexpr auto watch_every = std::chrono::seconds{2};

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
    "  starling status --watch\n"
    "  starling status --state-dir ./second --json | python3 -m json.tool";

enum class Form : std::uint8_t { page, line, json };

int complain(const std::string& what, int status) {
  std::fprintf(stderr, "starling status: %s\n", what.c_str());
  return status;
}

Result<std::string, AskError> ask_for_text(const NodePlace& place, Form form) {
  auto answer = ask(place.sockets, {control::RequestKind::status, {}});
  if (!answer) return answer;
  if (form == Form::json) return *answer + "\n";
  auto text = form == Form::line ? control::status_line(*answer) : control::status_text(*answer);
  if (!text) return AskError{AskFailure::no_answer, text.error().what};
  return std::move(text).value();
}

int tell_once(const NodePlace& place, Form form) {
  const auto text = ask_for_text(place, form);
  if (!text) return complain(text.error().what, text.error().exit_status());
  std::fputs(text->c_str(), stdout);
  return 0;
}

/// Until it is interrupted, or nobody reads any more. A daemon that is away may come back.
int tell_again_and_again(const NodePlace& place, Form form) {
  const bool terminal = ::isatty(STDOUT_FILENO) == 1 && form == Form::page;
  while (true) {
    const auto text = ask_for_text(place, form);
    if (terminal) std::fputs("\x1b[H\x1b[J", stdout);  // to the first line, and nothing below
    std::fputs(text.ok() ? text->c_str() : (text.error().what + "\n").c_str(),
               text.ok() || terminal ? stdout : stderr);
    if (!terminal && form == Form::page) std::fputs("\n", stdout);
    if (std::fflush(stdout) != 0) return exit_failed;
    std::this_thread::sleep_for(watch_every);
  }
}

}  // namespace

int run_status(const std::vector<std::string>& words) {
  NodeWords node;
  bool json = false;
  bool brief = false;
  bool watch = false;
  CLI::App app(description, "starling status");
  app.footer(footer);
  declare_node_words(app, node);
  app.add_flag("--json", json, "One line of JSON: \"schema\":1, names that are there stay");
  app.add_flag("--short", brief, "One line")->excludes("--json");
  app.add_flag("--watch", watch, "Again every two seconds, until it is interrupted");
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
  const Form form = json ? Form::json : brief ? Form::line : Form::page;
  return watch ? tell_again_and_again(place, form) : tell_once(place, form);
}

}  // namespace starling::cli
