// starlingd. Reads its settings, says everything that is wrong with them, or serves until told to
// end.
#include <cstdio>
#include <exception>

#include "src/app/arguments.hpp"
#include "src/app/daemon.hpp"
#include "src/app/plan.hpp"
#include "src/log/stderr_log.hpp"

namespace {

using starling::ExitStatus;

int status(ExitStatus value) {
  return static_cast<int>(value);
}

int report(const std::vector<starling::config::Diagnostic>& trouble) {
  for (const auto& diagnostic : trouble) std::fprintf(stderr, "%s\n", diagnostic.to_text().c_str());
  return status(ExitStatus::bad_config);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    starling::Arguments arguments =
        starling::parse_arguments({argv + 1, argv + argc}, "/etc/starling/starling.toml");
    if (arguments.action == starling::Arguments::Action::print) {
      std::fputs(arguments.text.c_str(), arguments.text_is_error ? stderr : stdout);
      return status(arguments.text_is_error ? ExitStatus::usage : ExitStatus::ok);
    }
    starling::Plan plan = starling::make_plan(arguments.settings, arguments.trouble);
    if (!arguments.trouble.empty()) return report(arguments.trouble);
    if (arguments.action == starling::Arguments::Action::test_config) return status(ExitStatus::ok);

    starling::StderrLog log(arguments.settings.log_level);
    starling::Daemon daemon(arguments.settings, std::move(plan), log);
    daemon.run();
    return status(ExitStatus::ok);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "starlingd: %s\n", error.what());
    return status(ExitStatus::failed);
  }
}
