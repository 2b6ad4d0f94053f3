// starling-sim: runs scenarios. `starling sim` executes it.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fmt/format.h>
#include <fstream>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

#include "simulations/program/arguments.hpp"
#include "simulations/report/report.hpp"
#include "simulations/scenarios/read_scenario.hpp"
#include "simulations/scenarios/run_scenario.hpp"
#include "simulations/scenarios/stories.hpp"
#include "simulations/world/trace_file.hpp"
#include "simulations/world/world.hpp"
#include "src/config/text_file.hpp"

namespace {

using namespace starling;
using namespace starling::sim;

int status(SimExit value) {
  return static_cast<int>(value);
}

int tell_trouble(const std::vector<config::Diagnostic>& trouble) {
  for (const config::Diagnostic& each : trouble) fmt::print(stderr, "{}\n", each.to_text());
  return status(SimExit::bad_scenario);
}

int list_stories() {
  for (const Story& story : all_stories()) {
    std::vector<config::Diagnostic> trouble;
    const Scenario scenario = read_scenario(story.text, std::string(story.name), trouble);
    if (!trouble.empty()) return tell_trouble(trouble);
    fmt::print("{:<22} {:>5} nodes  {}\n", story.name, scenario.node_count(), scenario.claim);
  }
  return status(SimExit::good);
}

/// The text of a file, or else of a story of this name.
Result<std::string> text_of(const std::string& scenario) {
  auto text = config::read_text_file(scenario);
  if (text) return text;
  if (const Story* story = find_story(scenario)) return std::string(story->text);
  const bool is_name = scenario.find_first_of("./") == std::string::npos;
  return Error{text.error().code,
               is_name ? "there is no such file, and no story of this name (see: starling sim list)"
                       : text.error().what};
}

void show_progress(const RunProgress& progress) {
  fmt::print(stderr,
             "\r{:3.0f} %  {:6.0f} s of virtual time  {:5.0f} times as fast as real time  {} "
             "messages \x1b[K",
             progress.share * 100, progress.virtual_s,
             progress.virtual_s / std::max(progress.wall_s, 1e-3), progress.messages);
  std::fflush(stderr);
}

void show_log(const World& world, NodeNumber node, LogLevel level, std::string_view event,
              std::initializer_list<LogField> fields) {
  static constexpr std::string_view levels[] = {"debug", "info", "warn", "error"};
  std::string line = fmt::format("{:10.3f} s  node {:<4} {:<5} {}",
                                 std::chrono::duration<double>(world.passed()).count(), node,
                                 levels[static_cast<std::size_t>(level)], event);
  for (const LogField& field : fields) line += fmt::format(" {}={}", field.name, field.value);
  fmt::print(stderr, "{}\n", line);
}

bool write_file(const std::string& path, const std::string& text) {
  if (path == "-") return std::fputs(text.c_str(), stdout) >= 0;
  std::ofstream out(path);
  out << text;
  out.close();
  if (!out) fmt::print(stderr, "starling sim: cannot write {}\n", path);
  return static_cast<bool>(out);
}

int run(const SimArguments& arguments) {
  const auto text = text_of(arguments.scenario);
  if (!text) {
    fmt::print(stderr, "starling sim: {}: {}\n", arguments.scenario, text.error().what);
    return status(SimExit::bad_scenario);
  }
  std::vector<config::Diagnostic> trouble;
  Scenario scenario = read_scenario(*text, arguments.scenario, trouble);
  if (!trouble.empty()) return tell_trouble(trouble);
  if (scenario.name.empty()) scenario.name = arguments.scenario;
  if (arguments.seed) scenario.seed = *arguments.seed;
  if (arguments.nodes) scenario.set_node_count(*arguments.nodes);
  if (arguments.models_dht && !scenario.hostiles.empty()) {
    fmt::print(stderr, "starling sim: {}: hostile nodes need the real DHT: leave --model out\n",
               arguments.scenario);
    return status(SimExit::bad_scenario);
  }
  scenario.models_dht = scenario.models_dht || arguments.models_dht;

  RunOptions options;
  options.replay = fmt::format("starling sim replay {}", arguments.scenario);
  if (arguments.nodes) options.replay += fmt::format(" --nodes {}", *arguments.nodes);
  if (arguments.models_dht) options.replay += " --model";
  options.checks = arguments.checks;
  const bool shows_progress =
      !arguments.quiet && !arguments.tells_log && isatty(STDERR_FILENO) != 0;
  if (shows_progress) options.on_progress = show_progress;
  std::unique_ptr<TraceFile> trace;
  if (!arguments.trace.empty()) {
    trace = std::make_unique<TraceFile>(arguments.trace, Agenda::beginning);
    options.observer = trace.get();
  }
  if (arguments.tells_log)
    options.on_world = [](World& world) {
      world.set_on_log([&world](NodeNumber node, LogLevel level, std::string_view event,
                                std::initializer_list<LogField> fields) {
        show_log(world, node, level, event, fields);
      });
    };
  const Report report = run_scenario(scenario, options);
  trace.reset();
  if (shows_progress) fmt::print(stderr, "\r\x1b[K");
  if (!arguments.quiet)
    std::fputs(write_text(report).c_str(), arguments.json == "-" ? stderr : stdout);
  bool written = arguments.json.empty() || write_file(arguments.json, write_json(report));
  written = (arguments.html.empty() || write_file(arguments.html, write_html(report))) && written;
  if (!report.is_good() && arguments.quiet)
    fmt::print(stderr, "broken; to see it again: {}\n", report.replay);
  return status(report.is_good() && written ? SimExit::good : SimExit::broken);
}

/// Thousands of nodes are a large heap in which every event touches another corner. In huge pages, and
/// with freed pieces kept by their sizes, a run of 100 nodes takes 5.5 s of a busy machine in place of 9.
/// The C library reads this once, when a program begins: so the program begins again. Under a tool that
/// does not follow (valgrind) the variable is to be set beforehand, to whatever.
void take_fitting_heap(char** argv) {
  static constexpr char name[] = "GLIBC_TUNABLES";
  if (std::getenv(name) != nullptr) return;
  setenv(name,
         "glibc.malloc.hugetlb=1:glibc.malloc.tcache_count=65535:glibc.malloc.top_pad=16777216", 0);
  execv("/proc/self/exe", argv);  // if it does not, it goes without
}

}  // namespace

int main(int argc, char** argv) {
  take_fitting_heap(argv);
  try {
    const SimArguments arguments = parse_sim_arguments({argv + 1, argv + argc});
    switch (arguments.action) {
      case SimArguments::Action::print:
        std::fputs(arguments.text.c_str(), arguments.text_is_error ? stderr : stdout);
        return status(arguments.text_is_error ? SimExit::usage : SimExit::good);
      case SimArguments::Action::list:
        return list_stories();
      case SimArguments::Action::run:
        return run(arguments);
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "starling sim: %s\n", error.what());
  }
  return status(SimExit::usage);
}
