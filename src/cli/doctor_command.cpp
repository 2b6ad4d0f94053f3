#include "src/cli/doctor_command.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

#include "starling/version.hpp"

#include "src/cli/control_client.hpp"
#include "src/cli/defaults.hpp"
#include "src/cli/local_checks.hpp"
#include "src/cli/node_place.hpp"
#include "src/config/diagnostics.hpp"
#include "src/control/finding.hpp"

namespace starling::cli {
namespace {

using control::Finding;
using control::Verdict;

constexpr const char* description =
    "starling doctor - examines the daemon on this host and what is around it\n\n"
    "Each check says what it saw, and where something is wrong, why and what to do:\n"
    "  daemon       does it run, since when\n"
    "  version      is what runs what is installed\n"
    "  config       is the configuration free of mistakes\n"
    "  listeners    where clients come in; who else holds the port\n"
    "  auth         who comes in without a password\n"
    "  identity     is the node's key its owner's alone\n"
    "  clock        does a time service keep it\n"
    "  nat-mapping  what the router in front does\n"
    "  port-open    have peers dialled this node\n"
    "  ipv6         the same over IPv6\n"
    "  dht          does anybody answer there\n"
    "  mesh         who is linked, and how\n"
    "  storage      how fast and how full the disk is\n"
    "  limits       descriptors, of which each client takes one\n";
constexpr const char* footer =
    "Exit status: 0 all is well, 1 a problem, 2 wrong usage, 4 only warnings, 69 the daemon is "
    "not\n"
    "running (what can be examined without it has been), 75 it does not answer, 77 its socket is\n"
    "another user's.\n\n"
    "Examples:\n"
    "  starling doctor\n"
    "  starling doctor port-open nat-mapping\n"
    "  starling doctor -c /etc/mosquitto/mosquitto.conf --json";

struct Asked {
  NodeWords node;
  bool json = false;
  std::vector<std::string> checks;

  [[nodiscard]] bool wants(std::string_view check) const {
    return checks.empty() || std::ranges::find(checks, check) != checks.end();
  }
};

int complain(const std::string& what, int status) {
  std::fprintf(stderr, "starling doctor: %s\n", what.c_str());
  return status;
}

/// What is wrong with the names of checks; empty: nothing.
std::string unknown_check(const std::vector<std::string>& checks) {
  const auto names = control::check_names();
  for (const std::string& check : checks) {
    if (std::ranges::find(names, check) != names.end()) continue;
    const std::string meant = config::did_you_mean(check, names);
    return "there is no check \"" + config::printable(check) + "\""
           + (meant.empty() ? "" : " - did you mean \"" + meant + "\"?");
  }
  return {};
}

/// The daemon's findings, and what this program adds to them.
Result<std::vector<Finding>> complete(const Asked& asked, const NodePlace& place,
                                      std::string_view answer) {
  auto findings = control::read_findings(answer);
  if (!findings) return findings;
  // Of the file that was named; the daemon has told of the one it has read.
  if (!asked.node.config_file.empty()) findings->insert(findings->begin(), check_config(place));
  const std::string running = control::version_of(answer);
  for (Finding& finding : *findings)
    if (finding.check == "version" && running != version)
      finding = {"version",
                 Verdict::warning,
                 "starlingd " + running + " runs, this program is " + version,
                 {},
                 "restart the daemon, so that both are the same"};
  control::sort_findings(*findings);
  return findings;
}

int tell(const Asked& asked, std::vector<Finding> findings, int status) {
  // That there is no daemon is told whatever was asked for.
  std::erase_if(findings, [&](const Finding& finding) {
    return !asked.wants(finding.check)
           && (finding.check != "daemon" || finding.verdict != Verdict::problem);
  });
  if (asked.json) {
    std::printf("%s\n", control::write_findings(findings, version).c_str());
  } else {
    const bool colour = ::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
    std::fputs(control::findings_text(findings, colour).c_str(), stdout);
  }
  return status != 0 ? status : control::exit_status_of(findings);
}

int examine(const Asked& asked) {
  const NodePlace place = find_node(asked.node, default_config_file);
  const auto answer = ask(place.sockets, {control::RequestKind::doctor, asked.checks});
  if (answer) {
    auto findings = complete(asked, place, *answer);
    if (!findings) return complain(findings.error().what, exit_failed);
    return tell(asked, std::move(*findings), 0);
  }
  const int status = answer.error().exit_status();
  if (answer.error().failure != AskFailure::not_running)
    return complain(answer.error().what, status);
  return tell(asked, check_without_daemon(place, answer.error().what), status);
}

}  // namespace

int run_doctor(const std::vector<std::string>& words) {
  Asked asked;
  CLI::App app(description, "starling doctor");
  app.footer(footer);
  declare_node_words(app, asked.node);
  app.add_flag("--json", asked.json, "One line of JSON: \"schema\":1, names that are there stay");
  app.add_option("CHECK", asked.checks, "Only these checks");
  std::vector<std::string> reversed(words.rbegin(), words.rend());  // as CLI11 wants them
  try {
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    std::printf("%s\n", app.help().c_str());
    return 0;
  } catch (const CLI::ParseError& error) {
    return complain(std::string(error.what()) + "\nTry: starling doctor --help", exit_usage);
  }
  if (const std::string unknown = unknown_check(asked.checks); !unknown.empty())
    return complain(unknown + "\nTry: starling doctor --help", exit_usage);
  return examine(asked);
}

}  // namespace starling::cli
