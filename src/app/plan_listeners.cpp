#include "src/app/plan_listeners.hpp"

#include <algorithm>

namespace starling {
namespace {

using config::ListenerSettings;
using config::Settings;

/// Only this host can come in here.
bool is_local(const ListenerSettings& listener) {
  if (!listener.unix_socket.empty() || listener.bind == "localhost") return true;
  const bool v6 = listener.bind.find(':') != std::string::npos;
  const auto at = Endpoint::parse((v6 ? "[" + listener.bind + "]" : listener.bind) + ":1");
  return at && at->is_loopback();
}

/// Unless somebody said otherwise, anonymous clients are taken where only this host can come in and
/// nobody has gone to the trouble of a password file.
bool takes_anonymous(const ListenerSettings& listener) {
  return listener.allow_anonymous.value_or(is_local(listener)
                                           && listener.password_file.value_or("").empty());
}

bool accepts(const ListenerSettings& listener, std::uint8_t level) {
  return std::ranges::find(listener.protocol_versions, level) != listener.protocol_versions.end();
}

ListenerPolicy policy_of(const ListenerSettings& listener) {
  ListenerPolicy policy;
  policy.allow_anonymous = takes_anonymous(listener);
  policy.allow_zero_length_client_id = listener.allow_zero_length_client_id.value_or(true);
  if (listener.auto_id_prefix) policy.auto_id_prefix = *listener.auto_id_prefix;
  policy.use_user_name_as_client_id = listener.use_user_name_as_client_id;
  policy.accepts_v3_1 = accepts(listener, 3);
  policy.accepts_v3_1_1 = accepts(listener, 4);
  policy.accepts_v5 = accepts(listener, 5);
  policy.qos_max = listener.qos_max;
  if (listener.topic_alias_max) policy.topic_alias_max = *listener.topic_alias_max;
  if (listener.topic_alias_max_broker)
    policy.topic_alias_out_max = *listener.topic_alias_max_broker;
  policy.mount_point = listener.mount_point;
  return policy;
}

TlsServerSettings tls_of(const ListenerSettings& listener, const config::TlsSettings& written,
                         SecurityFiles& files) {
  TlsServerSettings tls;
  for (const auto& pair : written.certificates) tls.certificates.push_back({pair.cert, pair.key});
  tls.client_ca = written.client_ca;
  tls.client_ca_dir = written.client_ca_dir;
  tls.crl = written.crl;
  tls.require_client_cert = written.require_client_cert;
  tls.versions = written.versions;
  tls.ciphers = written.ciphers;
  tls.ciphers_tls13 = written.ciphers_tls13;
  tls.psk_hint = written.psk_hint;
  if (!written.psk_file.empty()) {
    TlsServerSettings::PskKeys keys;
    for (const auto& entry : files.psk(written.psk_file, written.origin)) keys.insert(entry);
    tls.psk_keys = std::move(keys);
  }
  if (listener.protocol == config::ListenerProtocol::websockets) {
    tls.alpn = {"http/1.1"};
    if (listener.also_mqtt) tls.alpn.emplace_back("mqtt");
  }
  return tls;
}

/// Where the settings say something about a key of a listener; else where the listener begins.
config::Origin origin_of(const Settings& settings, std::size_t number, const char* key,
                         const ListenerSettings& listener) {
  for (const std::string& path :
       {"listener[" + std::to_string(number) + "]." + key, "auth." + std::string(key)}) {
    const auto known = settings.origins.find(path);
    if (known != settings.origins.end()) return known->second;
  }
  return listener.origin;
}

}  // namespace

std::string ListenerPlan::place() const {
  if (!settings.unix_socket.empty()) return settings.unix_socket;
  std::string host = settings.bind.empty() ? "*" : settings.bind;
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  if (!settings.bind_interface.empty()) host += "%" + settings.bind_interface;
  return host + ":" + std::to_string(settings.port);
}

void plan_listeners(const Settings& settings, SecurityFiles& files, Plan& plan) {
  std::vector<ListenerSettings> listeners = settings.listeners;
  plan.local_only = listeners.empty();
  if (listeners.empty()) {
    listeners.emplace_back();
    listeners.front().allow_anonymous = settings.security.allow_anonymous;
    listeners.front().password_file = settings.security.password_file;
    listeners.front().acl_file = settings.security.acl_file;
    listeners.front().allow_zero_length_client_id = settings.security.allow_zero_length_client_id;
    listeners.front().auto_id_prefix = settings.security.auto_id_prefix;
  }
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    ListenerPlan one;
    one.settings = std::move(listeners[i]);
    const ListenerSettings& listener = one.settings;
    one.policy = policy_of(listener);
    one.policy.name =
        listener.unix_socket.empty() ? std::to_string(listener.port) : listener.unix_socket;
    one.policy.rules =
        files.rules(listener.acl_file.value_or(""), origin_of(settings, i, "acl_file", listener));
    one.keys.passwords = files.passwords(listener.password_file.value_or(""),
                                         origin_of(settings, i, "password_file", listener));
    one.no_delay = settings.clients.tcp_nodelay;
    one.keys.allow_anonymous = one.policy.allow_anonymous;
    if (listener.tls) one.tls = tls_of(listener, *listener.tls, files);
    plan.listeners.push_back(std::move(one));
  }
  plan.mesh_rules =
      files.rules(settings.security.acl_file,
                  origin_of(settings, 0, "acl_file", plan.listeners.front().settings));
}

void open_channels(Plan& plan, std::vector<config::Diagnostic>& trouble) {
  for (ListenerPlan& listener : plan.listeners) {
    if (!listener.tls || listener.channels) continue;
    auto opened = GnutlsServerChannels::open(*listener.tls);
    if (opened) {
      listener.channels = *std::move(opened);
      for (const std::string& warning : listener.channels->warnings())
        plan.warnings.push_back(warning);
      continue;
    }
    config::Diagnostic diagnostic;
    diagnostic.source = listener.settings.tls->origin.text;
    diagnostic.message = opened.error().what;
    trouble.push_back(std::move(diagnostic));
  }
}

BrokerSettings plan_broker(const config::ClientLimits& limits) {
  BrokerSettings broker;
  broker.packet_size_max = limits.packet_size_max;
  broker.payload_size_max = limits.payload_size_max;
  broker.inflight_max = limits.inflight_max;
  broker.inflight_bytes_max = limits.inflight_bytes_max;
  broker.receive_maximum = limits.receive_maximum;
  broker.queued_messages_max = limits.queued_messages_max;
  broker.queued_bytes_max = limits.queued_bytes_max;
  broker.queue_qos0 = limits.queue_qos0;
  broker.upgrade_outgoing_qos = limits.upgrade_outgoing_qos;
  broker.retained_messages_max = limits.retained_max;
  broker.sessions_max = limits.sessions_max;
  broker.subscriptions_max = limits.subscriptions_max;
  broker.topic_levels_max = limits.topic_levels_max;
  broker.keep_alive_max_s = limits.keep_alive_max_s;
  broker.retain_available = limits.retain_available;
  broker.check_retain_source = limits.check_retain_source;
  broker.retain_expiry_s = limits.retain_expiry_s;
  broker.session_expiry_max_s = limits.session_expiry_max_s;
  broker.client_id_prefixes = limits.client_id_prefixes;
  return broker;
}

}  // namespace starling
