#include "src/app/restart_needs.hpp"

#include <algorithm>

namespace starling {
namespace {

bool same_share(const config::ShareSettings& a, const config::ShareSettings& b) {
  return a.filter == b.filter && a.direction == b.direction && a.local_prefix == b.local_prefix
         && a.mesh_prefix == b.mesh_prefix;
}

bool same_mesh(const config::MeshSettings& a, const config::MeshSettings& b) {
  return a.name == b.name && a.secret_file == b.secret_file
         && std::ranges::equal(a.shares, b.shares, same_share);
}

bool same_dht(const config::DhtSettings& a, const config::DhtSettings& b) {
  return a.bootstrap == b.bootstrap && a.listen == b.listen && a.nat == b.nat && a.relay == b.relay
         && a.lan == b.lan && a.network == b.network;
}

bool same_peers(const config::PeerLimits& a, const config::PeerLimits& b) {
  return a.peers_max == b.peers_max && a.messages_per_s == b.messages_per_s
         && a.open_messages_per_s == b.open_messages_per_s && a.retained_max == b.retained_max;
}

}  // namespace

std::vector<std::string> needs_restart(const config::Settings& running,
                                       const config::Settings& fresh) {
  std::vector<std::string> needs;
  const auto look = [&needs](bool same, const char* what) {
    if (!same) needs.emplace_back(what);
  };
  look(running.node_name == fresh.node_name, "node.name");
  look(same_dht(running.dht, fresh.dht), "dht");
  look(std::ranges::equal(running.meshes, fresh.meshes, same_mesh), "mesh");
  look(same_peers(running.peers, fresh.peers), "limits.mesh");
  look(running.state_dir == fresh.state_dir, "store.path");
  look(running.durability == fresh.durability, "store.durability");
  look(running.user == fresh.user, "user");
  look(running.pid_file == fresh.pid_file, "pid_file");
  look(running.clients.sessions_max == fresh.clients.sessions_max, "limits.max_sessions");
  look(running.clients.retained_max == fresh.clients.retained_max, "limits.max_retained");
  return needs;
}

}  // namespace starling
