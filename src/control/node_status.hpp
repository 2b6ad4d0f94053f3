// NodeStatus: everything a node tells about itself at one moment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "starling/endpoint.hpp"
#include "starling/ids.hpp"
#include "starling/time.hpp"

#include "bridge/mesh/mesh_status.hpp"

namespace starling::control {

/// Where clients come in.
struct OpenListener {
  std::string at;                   ///< "127.0.0.1:1883", "/run/mqtt.sock"
  std::string protocol;             ///< "mqtt", "mqtts", "ws", "wss"
  bool for_this_host_only = false;  ///< a loopback address, or a Unix socket
  bool without_password = false;    ///< whoever connects may come in
};

struct TrafficStatus {
  std::uint64_t messages_in = 0;  ///< PUBLISH of clients since the start
  std::uint64_t messages_out = 0;
  std::uint64_t bytes_in = 0;  ///< MQTT, both directions since the start
  std::uint64_t bytes_out = 0;
  double messages_in_per_s = 0;  ///< over `rate_span`
  double messages_out_per_s = 0;
  Duration rate_span{};  ///< what the rates are averaged over; zero: they are not known yet
};

struct ClientStatus {
  std::uint64_t connected = 0;
  std::uint64_t sessions = 0;  ///< present and away
  std::uint64_t subscriptions = 0;
  std::uint64_t retained = 0;            ///< messages
  std::uint64_t queued = 0;              ///< copies that wait for their clients
  std::uint64_t connections_wanted = 0;  ///< max_connections, if somebody has written it; else 0
};

struct DhtNodeStatus {
  std::size_t good_nodes = 0;
  std::size_t dubious_nodes = 0;
  std::vector<Endpoint> observed;      ///< where its nodes see us; their ports say nothing
  std::vector<std::string> bootstrap;  ///< addresses to join by, as configured
  std::uint64_t records_stored = 0;    ///< kept for others
};

/// What is known about a port of the router in front of us.
struct PortMappingStatus {
  bool asked = false;                ///< a router is asked for a mapping
  std::optional<Endpoint> external;  ///< what it has given
  std::string said;                  ///< a sentence: what it gave, or why it gives nothing
};

struct NodeStatus {
  NodeId id;
  std::string name;
  std::string version;
  std::uint64_t process = 0;
  Duration uptime{};
  std::string state_dir;
  std::string config_file;                   ///< that was read; empty: none
  std::vector<std::string> config_warnings;  ///< what is unwise in it, one sentence each
  bool keeps_state = true;                   ///< false: durability "none"
  std::vector<OpenListener> listeners;
  ClientStatus clients;
  TrafficStatus traffic;
  std::uint16_t mesh_port = 0;       ///< TCP and UDP; 0: closed, without mesh and bootstrap address
  std::optional<DhtNodeStatus> dht;  ///< nullopt: it is in no DHT
  std::vector<std::string> meshes;   ///< it is a member of
  std::optional<MeshStatus> mesh;
  std::optional<PortMappingStatus> port_mapping;
};

}  // namespace starling::control
