#include "src/config/toml_file.hpp"

#include "src/config/mosquitto_conf.hpp"
#include "src/config/toml_reader.hpp"

namespace starling::config {
namespace {

/// `[mosquitto] import = FILE`.
void read_import(TomlReader& reader, ConfigFiles& files, Settings& settings,
                 std::vector<Diagnostic>& trouble) {
  const toml::node* node = reader.find_outside("mosquitto", "import");
  if (!node) return;
  if (const auto* path = node->as_string())
    read_mosquitto_conf_file(path->get(), files, settings, trouble);
  else
    reader.report(*node, "mosquitto.import must be a string: the path of a mosquitto.conf");
}

void read_parsed(const std::string& name, std::string_view text, bool has_lines, ConfigFiles& files,
                 Settings& settings, std::vector<Diagnostic>& trouble) {
  const TomlSource source(name, text, has_lines);
  try {
    const toml::table document = toml::parse(text);
    TomlReader reader(document, source, settings.origins, trouble);
    read_import(reader, files, settings, trouble);
    visit_settings(reader, settings);
    reader.finish();
  } catch (const toml::parse_error& error) {
    source.report(trouble, error.source(), std::string(error.description()));
  }
}

void complain(const std::string& source, std::string message, std::vector<Diagnostic>& trouble) {
  Diagnostic diagnostic;
  diagnostic.source = source;
  diagnostic.message = std::move(message);
  report(trouble, std::move(diagnostic));
}

}  // namespace

void read_toml(const std::string& name, std::string_view text, ConfigFiles& files,
               Settings& settings, std::vector<Diagnostic>& trouble) {
  read_parsed(name, text, true, files, settings, trouble);
}

void read_toml_file(const std::string& path, ConfigFiles& files, Settings& settings,
                    std::vector<Diagnostic>& trouble) {
  const auto text = files.read(path);
  if (!text) return complain(path, text.error().what, trouble);
  read_toml(path, *text, files, settings, trouble);
}

void read_toml_folder(const std::string& folder, ConfigFiles& files, Settings& settings,
                      std::vector<Diagnostic>& trouble) {
  const auto names = files.list(folder);
  if (!names) {
    if (names.error().code == Errc::not_found) return;
    return complain(folder, names.error().what, trouble);
  }
  for (const std::string& name : *names)
    if (name.ends_with(".toml")) read_toml_file(folder + "/" + name, files, settings, trouble);
}

void apply_override(std::string_view assignment, ConfigFiles& files, Settings& settings,
                    std::vector<Diagnostic>& trouble) {
  const std::string name = "--set " + std::string(assignment);
  const std::size_t equals = assignment.find('=');
  if (equals == std::string_view::npos || equals == 0)
    return complain(name, "expected section.key=value", trouble);
  const std::string key(assignment.substr(0, equals));
  const std::string value(assignment.substr(equals + 1));
  std::string text = key + " = " + value;
  try {
    (void)toml::parse(text);
  } catch (const toml::parse_error&) {
    // A bare word: node.name=attic. Quoted as a literal string, it cannot hold a quote itself.
    text = key + " = '''" + value + "'''";
  }
  read_parsed(name, text, false, files, settings, trouble);
}

}  // namespace starling::config
