#include "src/cli/node_place.hpp"

#include <CLI/CLI.hpp>
#include <filesystem>

#include "src/config/complete.hpp"
#include "src/config/config_files.hpp"
#include "src/config/mosquitto_conf.hpp"
#include "src/config/state_dir.hpp"
#include "src/config/toml_file.hpp"
#include "src/control/control_limits.hpp"

namespace starling::cli {
namespace {

void read_configuration(const std::string& file, bool is_default, NodePlace& place) {
  config::SystemConfigFiles files;
  std::error_code error;
  if (is_default && !std::filesystem::exists(file, error)) return;
  place.config_file = file;
  if (std::filesystem::path(file).extension() == ".toml")
    config::read_toml_file(file, files, place.settings, place.trouble);
  else
    config::read_mosquitto_conf_file(file, files, place.settings, place.trouble);
  if (is_default)
    config::read_toml_folder((std::filesystem::path(file).parent_path() / "conf.d").string(), files,
                             place.settings, place.trouble);
  config::complete(place.settings, place.trouble);
}

std::string socket_in(const std::string& state_dir) {
  return (std::filesystem::path(state_dir) / control::socket_file).string();
}

}  // namespace

void declare_node_words(CLI::App& app, NodeWords& words) {
  app.add_option("--state-dir", words.state_dir, "The state directory of the daemon that is meant")
      ->type_name("DIR");
  app.add_option("--socket", words.socket, "Its control socket, if that lies elsewhere")
      ->type_name("PATH");
  app.add_option("-c,--config", words.config_file,
                 "Its configuration, which may name the directory")
      ->type_name("FILE");
}

NodePlace find_node(const NodeWords& words, const std::string& default_config_file) {
  NodePlace place;
  const bool is_default = words.config_file.empty();
  read_configuration(is_default ? default_config_file : words.config_file, is_default, place);
  const bool says_where = !words.state_dir.empty() || !place.settings.state_dir.empty();
  place.state_dir = !words.state_dir.empty() ? words.state_dir : place.settings.state_dir;
  if (!says_where) place.state_dir = config::default_state_dir();
  if (!words.socket.empty()) {
    place.sockets = {words.socket};
    return place;
  }
  place.sockets = {socket_in(place.state_dir)};
  if (!says_where && place.state_dir != config::system_state_dir)
    place.sockets.push_back(socket_in(config::system_state_dir));
  return place;
}

}  // namespace starling::cli
