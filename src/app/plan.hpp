// Plan: settings turned into what the rooms take, with everything checked that only they can check.
// All troubles are found before anything is opened, at a start as at a reload.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "starling/endpoint.hpp"

#include "bridge/mesh/mesh_settings.hpp"
#include "src/access/access_rules.hpp"
#include "src/auth/authenticator.hpp"
#include "src/broker/broker_settings.hpp"
#include "src/broker/listener_policy.hpp"
#include "src/config/diagnostics.hpp"
#include "src/config/settings.hpp"
#include "src/tls/server_channels.hpp"

namespace starling {

/// Where clients come in, and what is asked of them there.
struct ListenerPlan {
  config::ListenerSettings settings;
  ListenerPolicy policy;
  DoorKeys keys;
  std::optional<TlsServerSettings> tls;
  std::shared_ptr<GnutlsServerChannels> channels;  ///< made of `tls` by open_channels()
  bool no_delay = true;                            ///< TCP_NODELAY

  /// Where it listens, in words: "127.0.0.1:1883", "/run/mqtt.sock". A reload knows it again by this.
  [[nodiscard]] std::string place() const;
};

struct Plan {
  std::vector<ListenerPlan> listeners;
  bool local_only = false;  ///< nobody configured a listener
  BrokerSettings broker;
  Endpoint mesh_listen;  ///< only with Settings::wants_dht()
  std::vector<HostPort> bootstrap;
  std::vector<MeshConfig> meshes;
  AccessRules mesh_rules;  ///< what peers may publish here
  /// Said once when the plan is followed; nothing that forbids it.
  std::vector<std::string> warnings;
};

/// Appends what is wrong to `trouble`, each with the place it was written at; the plan is good only
/// if nothing was appended.
Plan make_plan(const config::Settings& settings, std::vector<config::Diagnostic>& trouble);

/// Reads the certificates and keys of the TLS listeners that have no channels yet. What is wrong is
/// appended to `trouble`.
void open_channels(Plan& plan, std::vector<config::Diagnostic>& trouble);

}  // namespace starling
