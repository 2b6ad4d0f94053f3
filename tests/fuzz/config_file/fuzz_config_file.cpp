// Any bytes as a configuration file, of either dialect: no crash, each refusal names a line that
// exists, and what is accepted is printed so that reading it back gives the same.
#include <algorithm>
#include <sstream>

#include "starling/bytes.hpp"
#include "starling/check.hpp"

#include "src/config/complete.hpp"
#include "src/config/mosquitto_conf.hpp"
#include "src/config/print_settings.hpp"
#include "src/config/toml_file.hpp"
#include "tests/support/memory_config_files.hpp"

namespace {

using namespace starling::config;

using Reader = void (*)(const std::string&, std::string_view, ConfigFiles&, Settings&,
                        std::vector<Diagnostic>&);

/// What is printed, without the comments, which name origins.
std::string without_comments(const Settings& settings) {
  std::istringstream lines(print_toml(settings));
  std::string bare;
  for (std::string line; std::getline(lines, line);)
    bare += line.substr(0, line.find(" # ")) + "\n";
  return bare;
}

void check(Reader read, std::string_view text) {
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  starling::MemoryConfigFiles files;
  files.files["d/a.conf"] = "listener 1 ::1\nmax_qos 1\n";
  files.files["d/b.conf"] = std::string(text);
  Settings settings;
  std::vector<Diagnostic> trouble;
  read("fuzz", text, files, settings, trouble);
  for (const Diagnostic& diagnostic : trouble) {
    STARLING_CHECK(diagnostic.line <= lines);
    STARLING_CHECK(!diagnostic.to_text().empty());
  }
  complete(settings, trouble);
  if (!trouble.empty()) return;
  const std::string printed = print_toml(settings);
  Settings again;
  read_toml("printed", printed, files, again, trouble);
  STARLING_CHECK(trouble.empty());
  complete(again, trouble);
  STARLING_CHECK(trouble.empty());
  STARLING_CHECK(without_comments(settings) == without_comments(again));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = starling::as_text({data, size});
  check(read_toml, text);
  check(read_mosquitto_conf, text);
  return 0;
}
