// One struct of everything that can be set. Files, flags and --set fill it; nobody else parses
// text. The native format (TOML) and Mosquitto's dialect end here both.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "starling/limits.hpp"
#include "starling/link_limits.hpp"
#include "starling/port/log.hpp"

namespace starling::config {

/// Where a value was written, for messages: "file:line:column" or the flag ("--share"). Empty: a
/// default.
struct Origin {
  std::string text;
};

enum class ListenerProtocol : std::uint8_t { mqtt, websockets };
enum class SocketDomain : std::uint8_t { any, ipv4, ipv6 };
/// What a client certificate makes of the user name.
enum class CertificateUser : std::uint8_t {
  none,
  common_name,  ///< use_identity_as_username: the CN, or the PSK identity
  subject       ///< use_subject_as_username: the whole subject, as RFC 2253 writes it
};

struct CertificatePair {
  std::string cert;  ///< PEM file, the server's certificate first, then its issuers
  std::string key;   ///< PEM file
};

struct TlsSettings {
  std::vector<CertificatePair> certificates;  ///< one per kind of key (RSA, ECDSA)
  std::string client_ca;                      ///< PEM file of issuers of client certificates
  std::string client_ca_dir;                  ///< directory of such files
  std::string crl;                            ///< PEM file of revocations
  bool require_client_cert = false;
  CertificateUser user_from = CertificateUser::none;
  std::string versions;  ///< "tlsv1.2", "tlsv1.3": that one only; empty: both. (Mosquitto's
                         ///< tls_version names the least one: "tlsv1.2" becomes "" here.)
  std::string ciphers;   ///< OpenSSL's names of TLS 1.2 suites, or a GnuTLS priority string; empty:
                         ///< the default
  std::string ciphers_tls13;  ///< OpenSSL's names of TLS 1.3 suites; empty: the default
  std::string psk_file;       ///< lines "identity:hex key"; not empty: PSK is offered
  std::string psk_hint;
  Origin origin;
};

/// Who may come in. There is one for the node, and with per-listener settings one per listener.
struct SecuritySettings {
  std::optional<bool> allow_anonymous;  ///< unset: as Mosquitto 2, no, unless in local-only mode
  std::string password_file;
  std::string acl_file;  ///< empty: everything is allowed
  std::string psk_file;  ///< for listeners with a PSK hint and no file of their own, to whose
                         ///< TlsSettings complete() copies it
  bool allow_zero_length_client_id = true;
  std::string auto_id_prefix = "auto-";
};

struct ListenerSettings {
  std::string bind = "localhost";  ///< an address literal, or a host name; empty: every interface
  std::uint16_t port = 1883;       ///< 0: any free one
  std::string unix_socket;         ///< path; not empty: instead of bind and port
  std::uint32_t unix_socket_mode = 0660;
  std::string bind_interface;  ///< name of a network interface; empty: any
  SocketDomain domain = SocketDomain::any;
  ListenerProtocol protocol = ListenerProtocol::mqtt;
  bool also_mqtt = false;  ///< protocol websockets: plain MQTT is recognised on the same port too
  std::vector<std::string> websocket_origins;  ///< accepted Origin headers; empty: all
  bool proxy_protocol = false;  ///< every connection opens with a PROXY header, v1 or v2
  std::optional<TlsSettings> tls;

  /// Unset members of `security` fall back to the node's (Settings::security).
  std::optional<bool> allow_anonymous;
  std::optional<std::string> password_file;
  std::optional<std::string> acl_file;
  std::optional<bool> allow_zero_length_client_id;
  std::optional<std::string> auto_id_prefix;

  std::vector<std::uint8_t> protocol_versions = {3, 4, 5};  ///< protocol levels of CONNECT
  std::uint32_t connections_max = 0;                        ///< 0: only the node's bound
  std::uint8_t qos_max = 2;
  std::optional<std::uint16_t> topic_alias_max;         ///< unset: limits::topic_alias_max
  std::optional<std::uint16_t> topic_alias_max_broker;  ///< aliases we use towards clients
  std::string mount_point;                              ///< put before every topic of its clients
  bool use_user_name_as_client_id = false;
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

/// Which way the router in front of this host is asked to forward the mesh port.
enum class NatChoice : std::uint8_t {
  automatic,  ///< whichever answers, where it can matter
  off,
  upnp,
  nat_pmp
};

/// What this node does with relays, the last way to nodes behind routers.
enum class RelayChoice : std::uint8_t {
  off,    ///< its links never lead through others
  use,    ///< where no direct path is found, they do
  offer,  ///< and it carries links of others, if it can be dialled
};

struct DhtSettings {
  std::vector<std::string> bootstrap;  ///< "host" or "host:port"
  std::string listen = "[::]:21883";   ///< TCP (links) and UDP (DHT); port 0: any free pair
  NatChoice nat = NatChoice::automatic;
  RelayChoice relay = RelayChoice::use;
  bool lan = true;      ///< members in the same local network are looked for by multicast
  std::string network;  ///< keeps separate DHTs apart; empty: the common one
  Origin origin;
};

/// What one client may do and use.
struct ClientLimits {
  std::uint32_t packet_size_max = limits::packet_size_max;  ///< bytes
  std::uint32_t payload_size_max = 0;  ///< message_size_limit: bytes of a payload; 0: no bound
  std::uint16_t inflight_max = limits::inflight_max;
  std::uint32_t inflight_bytes_max = 0;  ///< bytes under way to one client; 0: no bound
  std::uint16_t receive_maximum = limits::receive_maximum;
  // Per session. Where nobody says otherwise, complete() gives the bounds of a node with a disk, or
  // of one without:
  std::uint32_t queued_messages_max = limits::stored_messages_max;
  std::uint32_t queued_bytes_max = limits::stored_bytes_max;
  bool queue_qos0 = false;            ///< QoS 0 for absent persistent sessions is queued too
  bool upgrade_outgoing_qos = false;  ///< the QoS of the subscription, never that of the message
  std::uint32_t connections_max = limits::connections_max;
  std::uint32_t connections_per_address_max = 0;      ///< 0: only connections_max
  std::uint32_t sessions_max = limits::sessions_max;  ///< clients present and remembered
  std::uint32_t subscriptions_max = limits::subscriptions_per_session_max;
  std::uint16_t topic_levels_max = limits::topic_levels_max;
  std::uint32_t messages_per_s = 0;  ///< PUBLISH of one client; 0: no bound
  std::uint32_t bytes_per_s = 0;     ///< read from one client; 0: no bound
  std::uint16_t connect_timeout_s = 10;
  std::uint16_t keep_alive_max_s = limits::keep_alive_max_s;  ///< 5.0 clients are told it; 0 in a
                                                              ///< CONNECT means it
  bool retain_available = true;
  bool check_retain_source = true;    ///< what its author may no longer publish is not replayed
  std::uint32_t retain_expiry_s = 0;  ///< retained messages without their own; 0: never
  std::uint32_t retained_max = limits::retained_messages_max;
  std::uint32_t session_expiry_max_s = 0;  ///< persistent_client_expiration; 0: no bound
  std::string client_id_prefixes;          ///< clientid_prefixes: ids must begin so; empty: any
  std::uint64_t memory_max = 0;  ///< bytes of the process's heap (memory_limit); 0: no bound
  std::uint32_t failed_logins_per_minute = 30;  ///< per address; then it must wait
  bool tcp_nodelay = true;
};

struct PeerLimits {
  std::uint32_t peers_max = limits::links_max;
  std::uint32_t messages_per_s = 0;  ///< of one peer into private meshes; 0: no bound
  std::uint32_t open_messages_per_s =
      static_cast<std::uint32_t>(limits::open_messages_per_s);  ///< into open ones; 0: no bound
  std::uint32_t retained_max = limits::peer_retained_max;       ///< topics one peer may create
};

/// When a client is told that something is kept.
enum class Durability : std::uint8_t {
  commit,   ///< when it is on disk
  relaxed,  ///< at once; on disk limits::relaxed_commit_max later
  none      ///< at once; the process's memory is all there is
};

enum class LogFormat : std::uint8_t {
  logfmt,    ///< "client connected client=tst addr=..."
  mosquitto  ///< "1795206987: New client connected from ... as tst (p2, c1, k60)."
};

struct LogSettings {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::logfmt;
  bool to_stderr = true;
  bool to_stdout = false;
  bool to_syslog = false;
  bool to_topic = false;    ///< $SYS/broker/log/{E,W,N,I,D}
  int syslog_facility = 3;  ///< the code of RFC 5424: 3 is daemon, 16-23 are local0-local7
  std::string file;         ///< appended to; opened again on SIGHUP and SIGRTMIN; empty: none
  /// Mosquitto's categories ("error", "subscribe", ...); empty: error, warning, notice,
  /// information (and all of them with level debug). "none" alone: nothing. `level` is never above
  /// what they ask for.
  std::vector<std::string> types;
  bool timestamp = true;
  std::string timestamp_format;     ///< strftime; empty: seconds since 1970 (mosquitto), ISO 8601
  bool connection_messages = true;  ///< clients that come and go are worth a line
};

struct Settings {
  std::string node_name;                    ///< empty: the host's name
  std::vector<ListenerSettings> listeners;  ///< empty: local-only mode, localhost:1883
  bool per_listener_security = false;       ///< per_listener_settings: no fall back to `security`
  SecuritySettings security;
  DhtSettings dht;
  std::vector<MeshSettings> meshes;  ///< in order of preference
  ClientLimits clients;
  PeerLimits peers;
  std::uint32_t sys_interval_s = 10;  ///< between publications of $SYS; 0: never
  std::string state_dir;              ///< empty: the system's or the user's default
  Durability durability = Durability::commit;
  std::string mosquitto_db;  ///< read in once, into a new store; empty: nothing is
  std::string pid_file;      ///< empty: none
  std::string user;          ///< whom to become when started as root; empty: nobody else.
                             ///< "mosquitto", if there is none: "nobody", as Mosquitto does
  bool daemonize = false;
  LogSettings log;

  /// What was read and understood, but has no effect here: said once at the start.
  std::vector<std::string> notices;
  /// Where each value that was set came from, by the path TOML gives it ("listener[0].port").
  std::map<std::string, Origin, std::less<>> origins;

  /// A mesh port is opened only then.
  [[nodiscard]] bool wants_dht() const { return !meshes.empty() || !dht.bootstrap.empty(); }
};

}  // namespace starling::config
