// A node in the attic with a few peers, for the tests of its status and its checks.
#pragma once

#include "src/control/node_status.hpp"

namespace starling::test {

inline NodeId node_id(std::uint8_t number) {
  NodeId id;
  id.bytes.fill(number);
  return id;
}

inline PeerStatus linked_peer(std::uint8_t number, PathKind path, const char* remote = nullptr) {
  PeerStatus peer;
  peer.id = node_id(number);
  peer.state = PeerState::linked;
  peer.path = path;
  peer.meshes = {"family"};
  if (remote != nullptr) peer.remote = Endpoint::parse(remote);
  return peer;
}

inline AddressStatus address(const char* at, AddressSource source, Dialability dialability,
                             std::string why = {}) {
  return {*Endpoint::parse(at), source, dialability, dialability != Dialability::undialable,
          std::move(why)};
}

/// Up for three days, in the mesh "family", with a good DHT and nobody linked.
inline control::NodeStatus attic() {
  using namespace std::chrono_literals;
  control::NodeStatus node;
  node.id = node_id(1);
  node.name = "attic-pi";
  node.version = "0.1.0";
  node.process = 812;
  node.uptime = 76h;
  node.state_dir = "/var/lib/starling";
  node.listeners = {{"127.0.0.1:1883", "mqtt", true, false}, {"[::]:8883", "mqtts", false, false}};
  node.clients = {42, 50, 120, 7, 3, 0};
  node.traffic = {123'456, 456'789, 5'000'000, 20'000'000, 18.34, 61.0, 60s};
  node.mesh_port = 21883;
  node.dht =
      control::DhtNodeStatus{112, 3, {*Endpoint::parse("203.0.113.7:1")}, {"mesh.example.org"}, 9};
  node.meshes = {"family"};
  node.mesh.emplace();
  return node;
}

}  // namespace starling::test
