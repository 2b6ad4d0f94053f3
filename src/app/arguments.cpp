#include "src/app/arguments.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <map>

#include "starling/endpoint.hpp"
#include "starling/version.hpp"

#include "src/config/toml_file.hpp"

namespace starling {
namespace {

using config::Diagnostic;
using config::Settings;

constexpr const char* description =
    "starlingd - an MQTT broker that meshes with its peers\n"
    "Without options: MQTT on 127.0.0.1:1883, no mesh, nothing shared.";
constexpr const char* footer =
    "--mesh-secret and --share belong to the --mesh before them. The meshes \"public\" and "
    "\"public/<name>\"\n"
    "are open to everybody; any other name needs its secret. A share rule without a direction "
    "means both\n"
    "ways; in an open mesh the direction must be written.\n\n"
    "Examples:\n"
    "  starlingd --bootstrap mesh.example.org --mesh public --share both:chat/#\n"
    "  starlingd -p 1884 --bootstrap 192.0.2.7:21883 --mesh family --mesh-secret family.secret "
    "--share home/#";

/// What the flags said, before anything is applied.
struct Flags {
  std::string config_file;
  std::uint16_t port = 0;
  std::uint32_t mesh_port = 0;
  std::string state_dir;
  std::vector<std::string> bootstrap, meshes, secrets, shares, overrides;
  bool verbose = false, test_config = false, version = false;
};

/// The options whose order matters, with what they fill.
struct OrderedOptions {
  CLI::Option* mesh;
  CLI::Option* secret;
  CLI::Option* share;
};

OrderedOptions declare(CLI::App& app, Flags& flags) {
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.add_option("-c,--config", flags.config_file, "Configuration file (TOML)")
      ->type_name("FILE")
      ->take_last();
  app.add_option("-p,--port", flags.port, "MQTT port (default 1883)")
      ->type_name("PORT")
      ->take_last()
      ->check(CLI::Range(0, 65'535));
  app.add_option("--bootstrap", flags.bootstrap, "A node to join through (repeatable)")
      ->type_name("HOST[:PORT]")
      ->allow_extra_args(false);
  app.add_option("--mesh-port", flags.mesh_port,
                 "TCP and UDP port of the mesh (default 21883; 0: any free pair)")
      ->type_name("PORT")
      ->take_last()
      ->check(CLI::Range(0, 65'535));
  app.add_option("--state-dir", flags.state_dir, "Where identity and state are kept")
      ->type_name("DIR")
      ->take_last();
  OrderedOptions ordered{};
  ordered.mesh = app.add_option("--mesh", flags.meshes, "A mesh to be a member of (repeatable)")
                     ->type_name("NAME")
                     ->allow_extra_args(false);
  ordered.secret =
      app.add_option("--mesh-secret", flags.secrets, "The mesh's secret: 64 hexadecimal digits")
          ->type_name("FILE")
          ->allow_extra_args(false);
  ordered.share =
      app.add_option("--share", flags.shares, "Topics shared with the mesh (repeatable)")
          ->type_name("[in:|out:|both:]FILTER")
          ->allow_extra_args(false);
  app.add_option("--set", flags.overrides, "Set any key of the configuration (repeatable)")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  app.add_flag("-v,--verbose", flags.verbose, "Log at debug level");
  app.add_flag("--test-config", flags.test_config, "Check the configuration and exit");
  app.add_flag("--version", flags.version, "Print the version and exit");
  return ordered;
}

void complain(std::vector<Diagnostic>& trouble, std::string flag, std::string message) {
  Diagnostic diagnostic;
  diagnostic.source = std::move(flag);
  diagnostic.message = std::move(message);
  trouble.push_back(std::move(diagnostic));
}

config::ShareSettings parse_share(const std::string& text) {
  config::ShareSettings share;
  share.origin = {"--share " + text};
  share.filter = text;
  for (const std::string_view direction : {"in", "out", "both"}) {
    const std::string prefix = std::string(direction) + ":";
    if (text.compare(0, prefix.size(), prefix) != 0) continue;
    share.direction = direction;
    share.filter = text.substr(prefix.size());
  }
  return share;
}

/// Walks the mesh flags in the order they were written, so that each belongs to the --mesh before
/// it.
void apply_meshes(const CLI::App& app, const OrderedOptions& ordered, const Flags& flags,
                  Arguments& result) {
  std::map<const CLI::Option*, std::size_t> next;
  config::MeshSettings* mesh = nullptr;
  for (const CLI::Option* option : app.parse_order()) {
    const std::size_t index = next[option]++;
    if (option == ordered.mesh) {
      config::MeshSettings fresh;
      fresh.name = flags.meshes[index];
      fresh.origin = {"--mesh " + fresh.name};
      result.settings.meshes.push_back(std::move(fresh));
      mesh = &result.settings.meshes.back();
    } else if (option == ordered.secret || option == ordered.share) {
      if (!mesh) {
        complain(result.trouble, option->get_name(), "must follow the --mesh it belongs to");
        return;
      }
      if (option == ordered.secret)
        mesh->secret_file = flags.secrets[index];
      else
        mesh->shares.push_back(parse_share(flags.shares[index]));
    }
  }
}

void apply_config_file(const Flags& flags, const std::string& default_file, Arguments& result) {
  result.config_file = flags.config_file;
  std::error_code ignored;
  if (result.config_file.empty() && std::filesystem::exists(default_file, ignored))
    result.config_file = default_file;
  if (result.config_file.empty()) return;
  if (std::filesystem::path(result.config_file).extension() != ".toml")
    return complain(result.trouble, result.config_file,
                    "only TOML files (*.toml) are read by this version");
  config::read_toml_file(result.config_file, result.settings, result.trouble);
}

void apply_flags(const CLI::App& app, const Flags& flags, Arguments& result) {
  Settings& settings = result.settings;
  if (app.count("--port") > 0) {
    if (settings.listeners.empty()) settings.listeners.emplace_back();
    settings.listeners.front().port = flags.port;
    settings.listeners.front().origin = {"--port"};
  }
  if (app.count("--mesh-port") > 0) {
    const std::size_t colon = settings.dht.listen.rfind(':');
    settings.dht.listen =
        settings.dht.listen.substr(0, colon) + ":" + std::to_string(flags.mesh_port);
    settings.dht.origin = {"--mesh-port"};
  }
  for (const std::string& host : flags.bootstrap) settings.dht.bootstrap.push_back(host);
  if (!flags.state_dir.empty()) settings.state_dir = flags.state_dir;
  if (flags.verbose) settings.log_level = LogLevel::debug;
}

Arguments usage_error(const std::string& message) {
  Arguments result;
  result.action = Arguments::Action::print;
  result.text = "starlingd: " + message + "\nTry: starlingd --help\n";
  result.text_is_error = true;
  return result;
}

Arguments print(std::string text) {
  Arguments result;
  result.action = Arguments::Action::print;
  result.text = std::move(text);
  return result;
}

std::string unknown_argument(const std::string& word) {
  static constexpr std::array<std::string_view, 13> known = {
      "--config", "--port",        "--bootstrap", "--mesh-port", "--state-dir",
      "--mesh",   "--mesh-secret", "--share",     "--set",       "--verbose",
      "--help",   "--test-config", "--version"};
  const std::string name = word.substr(0, word.find('='));
  const std::string meant = config::did_you_mean(name, known);
  return "unknown argument \"" + word + "\""
         + (meant.empty() ? "" : " - did you mean \"" + meant + "\"?");
}

}  // namespace

Arguments parse_arguments(const std::vector<std::string>& words,
                          const std::string& default_config_file) {
  CLI::App app(description, "starlingd");
  app.footer(footer);
  app.allow_extras();
  Flags flags;
  const OrderedOptions ordered = declare(app, flags);
  try {
    std::vector<std::string> reversed(words.rbegin(),
                                      words.rend());  // CLI11 takes them from the back
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    return print(app.help());
  } catch (const CLI::ParseError& error) {
    return usage_error(error.what());
  }
  if (!app.remaining().empty()) return usage_error(unknown_argument(app.remaining().front()));
  if (flags.version) return print(std::string("starlingd ") + version + "\n");

  Arguments result;
  result.action = flags.test_config ? Arguments::Action::test_config : Arguments::Action::run;
  apply_config_file(flags, default_config_file, result);
  for (const std::string& assignment : flags.overrides)
    config::apply_override(assignment, result.settings, result.trouble);
  apply_flags(app, flags, result);
  apply_meshes(app, ordered, flags, result);
  return result;
}

}  // namespace starling
