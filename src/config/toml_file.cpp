#include "src/config/toml_file.hpp"

#include <array>

#include "src/config/text_file.hpp"
#include "src/config/toml_reader.hpp"

namespace starling::config {
namespace {

constexpr std::string_view later = "is not supported in this version";

void read_listener(TomlReader& table, Settings& settings) {
  ListenerSettings listener;
  listener.origin = table.origin();
  table.read("bind", listener.bind);
  table.read("port", listener.port);
  table.read("allow_anonymous", listener.allow_anonymous);
  static constexpr std::array<std::string_view, 1> protocols = {"mqtt"};
  table.read_choice("protocol", protocols, [](std::size_t) {});
  table.refuse("tls", later);
  if (!listener.allow_anonymous)
    table.report(
        "allow_anonymous",
        "allow_anonymous = false would lock everybody out: this version has no password file");
  settings.listeners.push_back(std::move(listener));
}

void read_share(TomlReader& table, MeshSettings& mesh) {
  ShareSettings share;
  share.origin = table.origin();
  table.read("filter", share.filter);
  static constexpr std::array<std::string_view, 3> directions = {"in", "out", "both"};
  table.read_choice("direction", directions,
                    [&](std::size_t i) { share.direction = directions[i]; });
  table.read("local_prefix", share.local_prefix);
  table.read("mesh_prefix", share.mesh_prefix);
  if (share.filter.empty()) table.report("filter", "a share rule needs a filter");
  mesh.shares.push_back(std::move(share));
}

void read_mesh(TomlReader& table, Settings& settings) {
  MeshSettings mesh;
  mesh.origin = table.origin();
  table.read("name", mesh.name);
  table.read("secret_file", mesh.secret_file);
  table.read_tables("share", [&](TomlReader& share) { read_share(share, mesh); });
  if (mesh.name.empty()) table.report("name", "a mesh needs a name");
  settings.meshes.push_back(std::move(mesh));
}

void read_dht(TomlReader& table, Settings& settings) {
  settings.dht.origin = table.origin();
  table.read("bootstrap", settings.dht.bootstrap);
  table.read("listen", settings.dht.listen);
  table.read("network", settings.dht.network);
  static constexpr std::array<std::string_view, 1> nat = {"off"};
  table.read_choice("nat", nat, [](std::size_t) {});
  static constexpr std::array<std::string_view, 1> relay = {"off"};
  table.read_choice("relay", relay, [](std::size_t) {});
}

void read_limits(TomlReader& table, Settings& settings) {
  ClientLimits& clients = settings.clients;
  table.read("max_packet_size", clients.packet_size_max, 20U,
             static_cast<std::uint32_t>(limits::packet_size_max));
  table.read("max_inflight", clients.inflight_max, std::uint16_t{1});
  table.read("receive_maximum", clients.receive_maximum, std::uint16_t{1});
  table.read("max_queued_messages", clients.queued_messages_max, 1U);
  table.read("max_queued_bytes", clients.queued_bytes_max, 1U);
  table.read("max_connections", clients.connections_max, 1U);
  table.read_table("mesh", [&](TomlReader& mesh) {
    mesh.read("max_peers", settings.peers.peers_max, 1U,
              static_cast<std::uint32_t>(limits::links_max));
    mesh.read("messages_per_s", settings.peers.messages_per_s, 1U);
    mesh.read("max_retained", settings.peers.retained_max);
  });
}

void read_store(TomlReader& table, Settings& settings) {
  static constexpr std::array<std::string_view, 1> durability = {"none"};
  table.read_choice("durability", durability, [](std::size_t) {});
  table.read("path", settings.state_dir);
}

void read_document(TomlReader& root, Settings& settings) {
  root.read_table("node", [&](TomlReader& node) { node.read("name", settings.node_name); });
  root.read_tables("listener", [&](TomlReader& table) { read_listener(table, settings); });
  root.read_table("auth", [&](TomlReader& auth) {
    auth.read("acl_file", settings.acl_file);
    auth.refuse("password_file", later);
  });
  root.read_table("dht", [&](TomlReader& table) { read_dht(table, settings); });
  root.read_tables("mesh", [&](TomlReader& table) { read_mesh(table, settings); });
  root.read_table("limits", [&](TomlReader& table) { read_limits(table, settings); });
  root.read_table("store", [&](TomlReader& table) { read_store(table, settings); });
  root.read_table("log", [&](TomlReader& log) {
    static constexpr std::array<std::string_view, 4> levels = {"debug", "info", "warn", "error"};
    log.read_choice("level", levels,
                    [&](std::size_t i) { settings.log_level = static_cast<LogLevel>(i); });
  });
  root.refuse("admin", later);
  root.refuse("mosquitto", later);
  root.finish();
}

void read_parsed(std::string name, std::string_view text, bool has_lines, Settings& settings,
                 std::vector<Diagnostic>& trouble) {
  const TomlSource source(std::move(name), text, has_lines);
  try {
    const toml::table document = toml::parse(text);
    TomlReader root(document, source, trouble);
    read_document(root, settings);
  } catch (const toml::parse_error& error) {
    source.report(trouble, error.source(), std::string(error.description()));
  }
}

}  // namespace

void read_toml(std::string name, std::string_view text, Settings& settings,
               std::vector<Diagnostic>& trouble) {
  read_parsed(std::move(name), text, true, settings, trouble);
}

void read_toml_file(const std::string& path, Settings& settings, std::vector<Diagnostic>& trouble) {
  const auto text = read_text_file(path);
  if (text) return read_toml(path, *text, settings, trouble);
  Diagnostic diagnostic;
  diagnostic.source = path;
  diagnostic.message = text.error().what;
  trouble.push_back(std::move(diagnostic));
}

void apply_override(std::string_view assignment, Settings& settings,
                    std::vector<Diagnostic>& trouble) {
  const std::string name = "--set " + std::string(assignment);
  const std::size_t equals = assignment.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    Diagnostic diagnostic;
    diagnostic.source = name;
    diagnostic.message = "expected section.key=value";
    trouble.push_back(std::move(diagnostic));
    return;
  }
  const std::string key(assignment.substr(0, equals));
  const std::string value(assignment.substr(equals + 1));
  std::string text = key + " = " + value;
  try {
    (void)toml::parse(text);
  } catch (const toml::parse_error&) {
    // A bare word: node.name=attic. Quoted as a literal string, it cannot hold a quote itself.
    text = key + " = '''" + value + "'''";
  }
  read_parsed(name, text, false, settings, trouble);
}

}  // namespace starling::config
