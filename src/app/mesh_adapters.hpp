// MeshAdapters: what only a node with a mesh has, and its mesh's settings. Inside this room only.
#pragma once

#include <cstdint>
#include <vector>

#include "bridge/mesh/mesh_settings.hpp"
#include "dht/opendht/dht_engine.hpp"
#include "src/app/plan.hpp"
#include "src/tls/link_channels.hpp"
#include "src/uv/bound_port.hpp"
#include "src/uv/uv_datagram.hpp"
#include "src/uv/uv_dialer.hpp"
#include "src/uv/uv_resolver.hpp"

namespace starling {

class UvLoop;

struct MeshAdapters {
  /// Takes the UDP sockets of `port`.
  MeshAdapters(UvLoop& loop, BoundPort& port, const config::Settings& settings,
               const crypto::SigningKey& key, LogSink& log);

  UvDatagram datagram;
  DhtEngine engine;
  UvDialer dialer;
  UvResolver resolver;
  GnutlsLinkChannels channels;
};

/// The addresses that reach what listens at `bound` on `port`: itself, or every interface's when it
/// means all.
std::vector<Endpoint> reachable_at(const Endpoint& bound, std::uint16_t port);

/// `port`: the one that was really bound.
MeshSettings mesh_settings(const config::Settings& settings, const Plan& plan,
                           const crypto::SigningKey& key, std::uint64_t epoch, std::uint16_t port);

}  // namespace starling
