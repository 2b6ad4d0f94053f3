// starling: the program beside the daemon.
#include <array>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "starling/version.hpp"

#include "src/bench/run.hpp"
#include "src/cli/bench_arguments.hpp"
#include "src/cli/doctor_command.hpp"
#include "src/cli/run_simulator.hpp"
#include "src/cli/status_command.hpp"
#include "src/config/diagnostics.hpp"

namespace {

using starling::bench::ExitStatus;

constexpr const char* help =
    "starling - what is done with brokers from the command line\n\n"
    "Usage: starling COMMAND [options]\n\n"
    "  status   what the daemon on this host is doing: clients, peers, paths, addresses\n"
    "  doctor   examine the daemon and what is around it; says why and what to do\n"
    "  bench    put load on any MQTT broker and measure it (starling bench --help)\n"
    "  sim      simulate a whole mesh on virtual time (starling sim --help)\n\n"
    "  --version, --help\n";

int status(ExitStatus value) {
  return static_cast<int>(value);
}

int run_bench(const std::vector<std::string>& words) {
  const auto arguments = starling::cli::parse_bench_arguments(words);
  if (!arguments.text.empty()) {
    std::fputs(arguments.text.c_str(), arguments.text_is_error ? stderr : stdout);
    return status(arguments.text_is_error ? ExitStatus::usage : ExitStatus::ok);
  }
  return status(starling::bench::run(arguments.options));
}

/// A hint at the command that was meant; empty: none is near.
std::string near_command(const std::string& word) {
  constexpr std::array<std::string_view, 4> commands{"status", "doctor", "bench", "sim"};
  const std::string meant = starling::config::did_you_mean(word, commands);
  return meant.empty() ? meant : " - did you mean \"" + meant + "\"?";
}

int run(const std::vector<std::string>& words) {
  const std::string command = words.empty() ? "" : words.front();
  const auto rest = [&] { return std::vector<std::string>(words.begin() + 1, words.end()); };
  if (command == "status") return starling::cli::run_status(rest());
  if (command == "doctor") return starling::cli::run_doctor(rest());
  if (command == "bench") return run_bench(rest());
  if (command == "sim") return starling::cli::run_simulator(rest());
  if (command == "--version") {
    std::printf("starling %s\n", starling::version);
    return status(ExitStatus::ok);
  }
  if (command == "--help" || command == "-h" || command == "help") {
    std::fputs(help, stdout);
    return status(ExitStatus::ok);
  }
  if (command.empty())
    std::fputs(help, stderr);
  else
    std::fprintf(stderr, "starling: there is no command \"%s\"%s\nTry: starling --help\n",
                 command.c_str(), near_command(command).c_str());
  return status(ExitStatus::usage);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "starling: %s\n", error.what());
    return status(ExitStatus::failed);
  }
}
