#include "src/app/mesh_adapters.hpp"

#include "starling/version.hpp"

#include "src/crypto/hash.hpp"
#include "src/uv/interface_addresses.hpp"
#include "src/uv/uv_loop.hpp"
#include "src/uv/uv_scheduler.hpp"

namespace starling {
namespace {

DhtSettings dht_settings(const config::Settings& settings) {
  DhtSettings dht;
  if (!settings.dht.network.empty()) {
    const auto digest = crypto::sha256(as_bytes(settings.dht.network));
    dht.network = ByteReader(digest).read_u32();
  }
  return dht;
}

}  // namespace

std::vector<Endpoint> reachable_at(const Endpoint& bound, std::uint16_t port) {
  if (bound.is_unspecified()) {
    auto all = interface_endpoints(port);
    if (bound.is_v4())
      std::erase_if(all, [](const Endpoint& endpoint) { return !endpoint.is_v4(); });
    return all;
  }
  Endpoint exact = bound;
  exact.port = port;
  return {exact};
}

MeshAdapters::MeshAdapters(UvLoop& loop, BoundPort& port, const config::Settings& settings,
                           const crypto::SigningKey& key, LogSink& log)
    : datagram(loop, std::move(port.udp)),
      engine(dht_settings(settings), datagram, loop.scheduler(), log),
      dialer(loop),
      resolver(loop),
      channels(key) {}

MeshSettings mesh_settings(const config::Settings& settings, const Plan& plan,
                           const crypto::SigningKey& key, std::uint64_t epoch, std::uint16_t port) {
  MeshSettings mesh{key, epoch};
  mesh.software = std::string("starling ") + version;
  mesh.meshes = plan.meshes;
  mesh.mesh_port = port;
  mesh.local_endpoints = reachable_at(plan.mesh_listen, port);
  switch (settings.dht.relay) {
    case config::RelayChoice::off:
      mesh.relay = RelayUse::off;
      break;
    case config::RelayChoice::use:
      mesh.relay = RelayUse::use;
      break;
    case config::RelayChoice::offer:
      mesh.relay = RelayUse::offer;
      break;
  }
  mesh.links_max = settings.peers.peers_max;
  mesh.peer_messages_per_s = settings.peers.messages_per_s;
  mesh.open_messages_per_s = settings.peers.open_messages_per_s;
  mesh.peer_retained_max = settings.peers.retained_max;
  return mesh;
}

}  // namespace starling
