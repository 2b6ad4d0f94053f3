// starlingd. Reads its settings, says everything that is wrong with them, or serves until told to
// end.
#include <cstdio>
#include <exception>
#include <optional>

#include "src/app/arguments.hpp"
#include "src/app/daemon.hpp"
#include "src/app/log_options.hpp"
#include "src/app/plan.hpp"
#include "src/app/process.hpp"
#include "src/config/print_settings.hpp"
#include "src/portmap/ask_router.hpp"
#include "src/store/open_store.hpp"
#include "src/uv/process_memory.hpp"

namespace {

using starling::Arguments;
using starling::ExitStatus;
using starling::config::Diagnostic;

constexpr const char* default_config_file = "/etc/starling/starling.toml";

int status(ExitStatus value) {
  return static_cast<int>(value);
}

void say(const std::string& sentence) {
  std::fprintf(stderr, "%s\n", sentence.c_str());
}

std::string print_configuration(const Arguments& arguments) {
  return arguments.print_as_json ? starling::config::print_json(arguments.settings)
                                 : starling::config::print_toml(arguments.settings);
}

/// What `words` and the files they name say; what is wrong is appended to `trouble`.
starling::Daemon::Configuration read_again(const std::vector<std::string>& words,
                                           std::vector<Diagnostic>& trouble) {
  Arguments arguments = starling::parse_arguments(words, default_config_file);
  starling::Plan plan = starling::make_plan(arguments.settings, arguments.trouble);
  trouble = std::move(arguments.trouble);
  return {std::move(arguments.config_file), std::move(arguments.settings), std::move(plan),
          arguments.set_aside_store};
}

int serve(const std::vector<std::string>& words, Arguments arguments, starling::Plan plan) {
  const starling::config::Settings& settings = arguments.settings;
  std::optional<starling::Background> background;
  if (settings.daemonize) background.emplace();
  std::optional<starling::PidFile> pid_file;
  if (!settings.pid_file.empty()) pid_file.emplace(settings.pid_file);
  starling::raise_descriptor_limit();
  starling::keep_freed_memory();
  starling::NodeLog log(starling::log_options(settings.log));
  starling::Daemon daemon(
      {std::move(arguments.config_file), std::move(arguments.settings), std::move(plan),
       arguments.set_aside_store},
      [&words](std::vector<Diagnostic>& trouble) { return read_again(words, trouble); }, log);
  if (background) background->report_ready();
  daemon.run();
  return status(ExitStatus::ok);
}

int run(const std::vector<std::string>& words) {
  Arguments arguments = starling::parse_arguments(words, default_config_file);
  if (arguments.action == Arguments::Action::print) {
    std::fputs(arguments.text.c_str(), arguments.text_is_error ? stderr : stdout);
    return status(arguments.text_is_error ? ExitStatus::usage : ExitStatus::ok);
  }
  starling::Plan plan = starling::make_plan(arguments.settings, arguments.trouble);
  starling::open_channels(plan, arguments.trouble);
  for (const Diagnostic& diagnostic : arguments.trouble) say(diagnostic.to_text());
  if (!arguments.trouble.empty()) return status(ExitStatus::bad_config);
  switch (arguments.action) {
    case Arguments::Action::print_config:
      std::fputs(print_configuration(arguments).c_str(), stdout);
      return status(ExitStatus::ok);
    case Arguments::Action::test_config:
      for (const std::string& notice : arguments.settings.notices) say("notice: " + notice);
      for (const std::string& warning : plan.warnings) say("warning: " + warning);
      return status(ExitStatus::ok);
    default:
      return serve(words, std::move(arguments), std::move(plan));
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (!words.empty() && words.front() == starling::ask_router_word)
      return starling::ask_router({words.begin() + 1, words.end()});
    return run(words);
  } catch (const starling::StoreFromLaterVersion& error) {
    // Starting again will not help: as with a configuration that is wrong.
    std::fprintf(stderr, "starlingd: %s\n", error.what());
    return status(ExitStatus::bad_config);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "starlingd: %s\n", error.what());
    return status(ExitStatus::failed);
  }
}
