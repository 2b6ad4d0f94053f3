// Any bytes as a configuration file: no crash, and each refusal names a line that exists.
#include <algorithm>

#include "starling/bytes.hpp"
#include "starling/check.hpp"

#include "src/config/toml_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = starling::as_text({data, size});
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  starling::config::Settings settings;
  std::vector<starling::config::Diagnostic> trouble;
  starling::config::read_toml("fuzz.toml", text, settings, trouble);
  for (const auto& diagnostic : trouble) {
    STARLING_CHECK(diagnostic.line >= 1 && diagnostic.line <= lines);
    STARLING_CHECK(!diagnostic.to_text().empty());
  }
  return 0;
}
