#include "src/app/arguments.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <map>

#include "starling/version.hpp"

#include "src/config/complete.hpp"
#include "src/config/mosquitto_conf.hpp"
#include "src/config/toml_file.hpp"

namespace starling {
namespace {

using config::Diagnostic;
using config::Settings;

constexpr const char* description =
    "starlingd - an MQTT broker that meshes with its peers\n"
    "Without options: MQTT on port 1883 of this host alone, no mesh, nothing shared.";
constexpr const char* footer =
    "--mesh-secret and --share belong to the --mesh before them. The meshes \"public\" and "
    "\"public/<name>\"\n"
    "are open to everybody; any other name needs its secret. A share rule without a direction "
    "means both\n"
    "ways; in an open mesh the direction must be written.\n\n"
    "With a mosquitto.conf, -p counts only if that configures no listener, as Mosquitto does.\n\n"
    "Examples:\n"
    "  starlingd -c /etc/mosquitto/mosquitto.conf\n"
    "  starlingd --bootstrap mesh.example.org --mesh public --share both:chat/#\n"
    "  starlingd -p 1884 --bootstrap 192.0.2.7:21883 --mesh family --mesh-secret family.secret "
    "--share home/#";

/// What the flags said, before anything is applied.
struct Flags {
  std::string config_file;
  std::vector<std::uint16_t> ports;
  std::uint32_t mesh_port = 0;
  std::string state_dir, print_config;
  std::vector<std::string> bootstrap, meshes, secrets, shares, overrides;
  bool verbose = false, daemonize = false, test_config = false, version = false;
  bool set_aside_store = false;
};

/// The options whose order matters, with what they fill.
struct OrderedOptions {
  CLI::Option* mesh;
  CLI::Option* secret;
  CLI::Option* share;
};

OrderedOptions declare(CLI::App& app, Flags& flags) {
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.add_option("-c,--config,--config-file", flags.config_file,
                 "Configuration file: TOML if it ends in .toml, else a mosquitto.conf")
      ->type_name("FILE")
      ->take_last();
  app.add_option("-p,--port", flags.ports, "MQTT port on loopback (default 1883; repeatable)")
      ->type_name("PORT")
      ->allow_extra_args(false)
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
  app.add_flag("-v,--verbose", flags.verbose, "Log at debug level, whatever the file says");
  app.add_flag("-d,--daemon", flags.daemonize, "Go on in the background");
  app.add_flag("--set-aside-store", flags.set_aside_store,
               "Rename a store that a later version has written, and begin with an empty one");
  app.add_flag("--test-config", flags.test_config, "Check the configuration and exit");
  app.add_flag("--print-config{toml}", flags.print_config,
               "Print the effective configuration with the origin of each value, as toml or json")
      ->take_last()
      ->check(CLI::IsMember({"toml", "json"}));
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
      result.settings
          .origins["mesh[" + std::to_string(result.settings.meshes.size()) + "].name"] = {"--mesh"};
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

/// A default file that is there and cannot be read is a trouble, one that is not there is none.
bool exists(const std::string& path, config::ConfigFiles& files) {
  const auto text = files.read(path);
  return text.ok() || text.error().code != Errc::not_found;
}

/// The file named by -c, or the default one; and what lies in "conf.d" beside the default one.
void apply_config_file(const Flags& flags, const std::string& default_file,
                       config::ConfigFiles& files, Arguments& result) {
  const std::string& file = flags.config_file;
  const bool is_default = file.empty() || file == default_file;
  if (!file.empty() && std::filesystem::path(file).extension() != ".toml") {
    result.config_file = file;
    return config::read_mosquitto_conf_file(file, files, result.settings, result.trouble);
  }
  if (!file.empty() || exists(default_file, files)) {
    result.config_file = file.empty() ? default_file : file;
    config::read_toml_file(result.config_file, files, result.settings, result.trouble);
  }
  if (is_default)
    config::read_toml_folder(
        (std::filesystem::path(default_file).parent_path() / "conf.d").string(), files,
        result.settings, result.trouble);
}

config::ListenerSettings listener_of_flag(std::uint16_t port) {
  config::ListenerSettings listener;
  listener.port = port;
  listener.origin = {"--port"};
  return listener;
}

/// Without listeners in the configuration each port is one on loopback. With some, the first port
/// takes the place of the first listener's and further ones are added; but Mosquitto ignores ports
/// beside a configuration that has listeners, and so does its dialect here.
void apply_ports(const Flags& flags, Arguments& result) {
  Settings& settings = result.settings;
  if (flags.ports.empty()) return;
  const bool is_mosquitto = !result.config_file.empty()
                            && std::filesystem::path(result.config_file).extension() != ".toml";
  if (is_mosquitto && !settings.listeners.empty()) {
    settings.notices.emplace_back("--port has no effect beside the listeners of "
                                  + result.config_file);
    return;
  }
  for (std::size_t i = 0; i < flags.ports.size(); ++i) {
    std::size_t index = 0;
    if (i == 0 && !settings.listeners.empty()) {
      settings.listeners.front().port = flags.ports[i];
      settings.listeners.front().origin = {"--port"};
    } else {
      index = settings.listeners.size();
      settings.listeners.push_back(listener_of_flag(flags.ports[i]));
    }
    settings.origins["listener[" + std::to_string(index) + "].port"] = {"--port"};
  }
}

void apply_flags(const CLI::App& app, const Flags& flags, Arguments& result) {
  Settings& settings = result.settings;
  apply_ports(flags, result);
  if (app.count("--mesh-port") > 0) {
    const std::size_t colon = settings.dht.listen.rfind(':');
    settings.dht.listen =
        settings.dht.listen.substr(0, colon) + ":" + std::to_string(flags.mesh_port);
    settings.dht.origin = {"--mesh-port"};
    settings.origins["dht.listen"] = {"--mesh-port"};
  }
  for (const std::string& host : flags.bootstrap) {
    settings.dht.bootstrap.push_back(host);
    settings.origins["dht.bootstrap"] = {"--bootstrap"};
  }
  if (!flags.state_dir.empty()) {
    settings.state_dir = flags.state_dir;
    settings.origins["store.path"] = {"--state-dir"};
  }
  if (flags.verbose) {
    settings.log.level = LogLevel::debug;
    settings.log.types.clear();
    settings.origins["log.level"] = settings.origins["log.types"] = {"--verbose"};
  }
  if (flags.daemonize) {
    settings.daemonize = true;
    settings.origins["node.daemonize"] = {"--daemon"};
  }
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

std::string unknown_argument(const CLI::App& app, const std::string& word) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  const std::vector<std::string_view> known(names.begin(), names.end());
  const std::string meant = config::did_you_mean(word.substr(0, word.find('=')), known);
  return "unknown argument \"" + word + "\""
         + (meant.empty() ? "" : " - did you mean \"" + meant + "\"?");
}

}  // namespace

Arguments parse_arguments(const std::vector<std::string>& words,
                          const std::string& default_config_file) {
  config::SystemConfigFiles files;
  return parse_arguments(words, default_config_file, files);
}

Arguments parse_arguments(const std::vector<std::string>& words,
                          const std::string& default_config_file, config::ConfigFiles& files) {
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
  if (!app.remaining().empty()) return usage_error(unknown_argument(app, app.remaining().front()));
  if (flags.version) return print(std::string("starlingd ") + version + "\n");

  Arguments result;
  result.set_aside_store = flags.set_aside_store;
  result.action = flags.test_config ? Arguments::Action::test_config : Arguments::Action::run;
  apply_config_file(flags, default_config_file, files, result);
  for (const std::string& assignment : flags.overrides)
    config::apply_override(assignment, files, result.settings, result.trouble);
  apply_flags(app, flags, result);
  apply_meshes(app, ordered, flags, result);
  config::complete(result.settings, result.trouble);
  if (!flags.print_config.empty()) {
    result.action = Arguments::Action::print_config;
    result.print_as_json = flags.print_config == "json";
  }
  return result;
}

}  // namespace starling
