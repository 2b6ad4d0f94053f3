// One struct of everything that can be set. Files, flags and --set fill it; nobody else parses
// text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "starling/limits.hpp"
#include "starling/port/log.hpp"

namespace starling::config {

/// Where a value was written, for messages: "file:line:column" or the flag ("--share"). Empty: a
/// default.
struct Origin {
  std::string text;
};

struct ListenerSettings {
  std::string bind = "127.0.0.1";  ///< an address literal
  std::uint16_t port = 1883;       ///< 0: any free one
  bool allow_anonymous = true;
  Origin origin;
};

struct ShareSettings {
  std::string filter;
  std::string direction;     ///< "in", "out", "both"; empty: not written
  std::string local_prefix;  ///< local name = local_prefix + name
  std::string mesh_prefix;   ///< name in the mesh = mesh_prefix + name
  Origin origin;
};

struct MeshSettings {
  std::string name;
  std::string secret_file;  ///< empty: none; only the open meshes need none
  std::vector<ShareSettings> shares;
  Origin origin;
};

struct DhtSettings {
  std::vector<std::string> bootstrap;  ///< "host" or "host:port"
  std::string listen = "[::]:21883";   ///< TCP (links) and UDP (DHT); port 0: any free pair
  std::string network;                 ///< keeps separate DHTs apart; empty: the common one
  Origin origin;
};

struct ClientLimits {
  std::uint32_t packet_size_max = limits::packet_size_max;  ///< bytes
  std::uint16_t inflight_max = limits::inflight_max;
  std::uint16_t receive_maximum = limits::receive_maximum;
  std::uint32_t queued_messages_max = limits::queued_messages_max;
  std::uint32_t queued_bytes_max = limits::queued_bytes_max;
  std::uint32_t connections_max = limits::connections_max;
};

struct PeerLimits {
  std::uint32_t peers_max = limits::links_max;
  std::uint32_t messages_per_s = static_cast<std::uint32_t>(limits::peer_messages_per_s);
  std::uint32_t retained_max = limits::peer_retained_max;  ///< topics one peer may create
};

struct Settings {
  std::string node_name;                    ///< empty: the host's name
  std::vector<ListenerSettings> listeners;  ///< empty: local-only mode, 127.0.0.1:1883
  std::string acl_file;                     ///< empty: everything is allowed
  DhtSettings dht;
  std::vector<MeshSettings> meshes;  ///< in order of preference
  ClientLimits clients;
  PeerLimits peers;
  std::string state_dir;  ///< empty: the system's or the user's default
  LogLevel log_level = LogLevel::info;

  /// A mesh port is opened only then.
  [[nodiscard]] bool wants_dht() const { return !meshes.empty() || !dht.bootstrap.empty(); }
};

}  // namespace starling::config
