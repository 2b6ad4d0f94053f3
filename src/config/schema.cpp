#include "src/config/schema.hpp"

#include <algorithm>
#include <array>
#include <concepts>
#include <utility>

namespace starling::config {
namespace {

constexpr std::string_view later = "is not supported in this version";

/// Turns places in the settings into fields: one call, one key.
class Schema {
 public:
  explicit Schema(SchemaVisitor& visitor) : visitor_(visitor) {}

  void flag(std::string_view key, bool& into) {
    Field field = plain(key, Kind::flag, into);
    field.set = [&into](Value value) { into = std::get<bool>(value); };
    visitor_.field(field);
  }
  void flag(std::string_view key, std::optional<bool>& into) {
    Field field = optional(key, Kind::flag, into);
    field.set = [&into](Value value) { into = std::get<bool>(value); };
    visitor_.field(field);
  }
  void text(std::string_view key, std::string& into) {
    Field field = plain(key, Kind::text, into);
    field.set = [&into](Value value) { into = std::get<std::string>(std::move(value)); };
    visitor_.field(field);
  }
  void text(std::string_view key, std::optional<std::string>& into) {
    Field field = optional(key, Kind::text, into);
    field.set = [&into](Value value) { into = std::get<std::string>(std::move(value)); };
    visitor_.field(field);
  }
  void texts(std::string_view key, std::vector<std::string>& into) {
    Field field = plain(key, Kind::texts, into);
    field.set = [&into](Value value) {
      into = std::get<std::vector<std::string>>(std::move(value));
    };
    visitor_.field(field);
  }

  /// `unit` and the range are those of the place, unless they are narrower.
  template <std::unsigned_integral T>
  void number(std::string_view key, T& into, Unit unit = Unit::none, std::uint64_t least = 0,
              std::uint64_t most = most_of<T>()) {
    Field field = ranged(key, Kind::number, unit, least, most);
    field.get = [&into] { return Value{std::uint64_t{into}}; };
    field.set = [&into](Value value) { into = static_cast<T>(std::get<std::uint64_t>(value)); };
    visitor_.field(field);
  }
  template <std::unsigned_integral T>
  void number(std::string_view key, std::optional<T>& into) {
    Field field = ranged(key, Kind::number, Unit::none, 0, most_of<T>());
    field.get = [&into]() -> std::optional<Value> {
      if (!into) return std::nullopt;
      return Value{std::uint64_t{*into}};
    };
    field.set = [&into](Value value) { into = static_cast<T>(std::get<std::uint64_t>(value)); };
    visitor_.field(field);
  }
  void numbers(std::string_view key, std::vector<std::uint8_t>& into, std::uint64_t least,
               std::uint64_t most) {
    Field field = ranged(key, Kind::numbers, Unit::none, least, most);
    field.get = [&into] { return Value{std::vector<std::uint64_t>(into.begin(), into.end())}; };
    field.set = [&into](Value value) {
      into.clear();
      for (const std::uint64_t number : std::get<std::vector<std::uint64_t>>(value))
        into.push_back(static_cast<std::uint8_t>(number));
    };
    visitor_.field(field);
  }
  void mode(std::string_view key, std::uint32_t& into) {
    Field field = ranged(key, Kind::mode, Unit::none, 0, 0777);
    field.get = [&into] { return Value{std::uint64_t{into}}; };
    field.set = [&into](Value value) {
      into = static_cast<std::uint32_t>(std::get<std::uint64_t>(value));
    };
    visitor_.field(field);
  }

  /// `words` in the order of the enumerators, the first of which is `first`.
  template <class E>
  void choice(std::string_view key, std::span<const std::string_view> words, E& into, E first) {
    choice(
        key, words,
        [&into, words, first] {
          return std::string(
              words[static_cast<std::size_t>(into) - static_cast<std::size_t>(first)]);
        },
        [&into, first](std::size_t index) {
          into = static_cast<E>(index + static_cast<std::size_t>(first));
        });
  }
  /// A text that may only be one of `words`; an empty one, if there is none among them, is not set.
  void choice(std::string_view key, std::span<const std::string_view> words, std::string& into) {
    Field field;
    field.key = key;
    field.kind = Kind::choice;
    field.words = words;
    field.get = [&into, words]() -> std::optional<Value> {
      if (std::find(words.begin(), words.end(), into) == words.end()) return std::nullopt;
      return Value{into};
    };
    field.set = [&into](Value value) { into = std::get<std::string>(std::move(value)); };
    visitor_.field(field);
  }
  void choice(std::string_view key, std::span<const std::string_view> words,
              const std::function<std::string()>& chosen,
              const std::function<void(std::size_t)>& choose) {
    Field field;
    field.key = key;
    field.kind = Kind::choice;
    field.words = words;
    field.get = [&chosen] { return Value{chosen()}; };
    field.set = [&choose, words](Value value) {
      const auto at = std::find(words.begin(), words.end(), std::get<std::string>(value));
      choose(static_cast<std::size_t>(at - words.begin()));
    };
    visitor_.field(field);
  }
  /// A choice that has only one answer yet.
  void only(std::string_view key, std::span<const std::string_view> words) {
    choice(
        key, words, [words] { return std::string(words.front()); }, [](std::size_t) {});
  }
  void field(const Field& field) { visitor_.field(field); }

  template <class T, class Visit>
  void tables(std::string_view key, std::vector<T>& into, std::size_t most, const Visit& visit) {
    TableList list;
    list.size = into.size();
    list.size_max = most;
    list.append = [&into] {
      into.emplace_back();
      return into.size() - 1;
    };
    list.visit = [&](std::size_t index) { visit(*this, into[index]); };
    visitor_.tables(key, list);
  }
  void table(std::string_view key, const std::function<void()>& inside, bool present = true) {
    visitor_.table(key, present, inside);
  }
  void refused(std::string_view key, std::string_view why) { visitor_.refused(key, why); }
  void place(Origin& origin) { visitor_.place(origin); }
  void trouble(std::string_view key, std::string message) {
    visitor_.trouble(key, std::move(message));
  }

 private:
  template <std::unsigned_integral T>
  static constexpr std::uint64_t most_of() {
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    return std::min<std::uint64_t>(std::numeric_limits<T>::max(), most);  // TOML's whole numbers
  }
  template <class T>
  static Field plain(std::string_view key, Kind kind, T& into) {
    Field field;
    field.key = key;
    field.kind = kind;
    field.get = [&into] { return Value{into}; };
    return field;
  }
  template <class T>
  static Field optional(std::string_view key, Kind kind, std::optional<T>& into) {
    Field field;
    field.key = key;
    field.kind = kind;
    field.get = [&into]() -> std::optional<Value> {
      if (!into) return std::nullopt;
      return Value{*into};
    };
    return field;
  }
  static Field ranged(std::string_view key, Kind kind, Unit unit, std::uint64_t least,
                      std::uint64_t most) {
    Field field;
    field.key = key;
    field.kind = kind;
    field.unit = unit;
    field.least = least;
    field.most = most;
    return field;
  }

  SchemaVisitor& visitor_;
};

/// `cert` and `key` of all pairs: one file, or as many as there are kinds of key.
void visit_pair_files(Schema& schema, std::string_view key, std::vector<CertificatePair>& pairs,
                      std::string CertificatePair::*file) {
  Field field;
  field.key = key;
  field.kind = Kind::texts;
  field.one_or_many = true;
  field.get = [&pairs, file]() -> std::optional<Value> {
    if (pairs.empty()) return std::nullopt;
    std::vector<std::string> files;
    for (const CertificatePair& pair : pairs) files.push_back(pair.*file);
    return Value{std::move(files)};
  };
  field.set = [&pairs, file](Value value) {
    auto files = std::get<std::vector<std::string>>(std::move(value));
    pairs.resize(std::max(pairs.size(), files.size()));
    for (std::size_t i = 0; i < pairs.size(); ++i)
      pairs[i].*file = i < files.size() ? files[i] : std::string();
  };
  schema.field(field);
}

void visit_tls(Schema& schema, TlsSettings& tls) {
  static constexpr std::array<std::string_view, 3> users = {"none", "common_name", "subject"};
  static constexpr std::array<std::string_view, 3> versions = {"", "tlsv1.2", "tlsv1.3"};
  schema.place(tls.origin);
  visit_pair_files(schema, "cert", tls.certificates, &CertificatePair::cert);
  visit_pair_files(schema, "key", tls.certificates, &CertificatePair::key);
  std::erase_if(tls.certificates,
                [](const CertificatePair& pair) { return pair.cert.empty() && pair.key.empty(); });
  schema.text("client_ca", tls.client_ca);
  schema.text("client_ca_dir", tls.client_ca_dir);
  schema.text("crl", tls.crl);
  schema.flag("require_client_cert", tls.require_client_cert);
  schema.choice("user_from", users, tls.user_from, CertificateUser::none);
  schema.choice("version", versions, tls.versions);
  schema.text("ciphers", tls.ciphers);
  schema.text("ciphers_tls13", tls.ciphers_tls13);
  schema.text("psk_file", tls.psk_file);
  schema.text("psk_hint", tls.psk_hint);
}

void visit_listener(Schema& schema, ListenerSettings& listener) {
  static constexpr std::array<std::string_view, 3> domains = {"any", "ipv4", "ipv6"};
  static constexpr std::array<std::string_view, 2> protocols = {"mqtt", "websockets"};
  schema.place(listener.origin);
  schema.number("port", listener.port);
  schema.text("bind", listener.bind);
  schema.text("bind_interface", listener.bind_interface);
  schema.choice("domain", domains, listener.domain, SocketDomain::any);
  schema.text("unix_socket", listener.unix_socket);
  schema.mode("mode", listener.unix_socket_mode);
  schema.choice("protocol", protocols, listener.protocol, ListenerProtocol::mqtt);
  schema.flag("also_mqtt", listener.also_mqtt);
  schema.texts("websocket_origins", listener.websocket_origins);
  schema.flag("proxy_protocol", listener.proxy_protocol);
  schema.flag("allow_anonymous", listener.allow_anonymous);
  schema.text("password_file", listener.password_file);
  schema.text("acl_file", listener.acl_file);
  schema.flag("allow_zero_length_client_id", listener.allow_zero_length_client_id);
  schema.text("auto_id_prefix", listener.auto_id_prefix);
  schema.numbers("protocol_versions", listener.protocol_versions, 3, 5);
  schema.number("max_connections", listener.connections_max);
  schema.number("max_qos", listener.qos_max, Unit::none, 0, 2);
  schema.number("max_topic_alias", listener.topic_alias_max);
  schema.number("max_topic_alias_broker", listener.topic_alias_max_broker);
  schema.text("mount_point", listener.mount_point);
  schema.flag("use_user_name_as_client_id", listener.use_user_name_as_client_id);
  schema.table(
      "tls",
      [&] {
        if (!listener.tls) listener.tls.emplace();
        visit_tls(schema, *listener.tls);
      },
      listener.tls.has_value());
}

void visit_share(Schema& schema, ShareSettings& share) {
  static constexpr std::array<std::string_view, 3> directions = {"in", "out", "both"};
  schema.place(share.origin);
  schema.text("filter", share.filter);
  schema.choice("direction", directions, share.direction);
  schema.text("local_prefix", share.local_prefix);
  schema.text("mesh_prefix", share.mesh_prefix);
  if (share.filter.empty()) schema.trouble("filter", "a share rule needs a filter");
}

void visit_mesh(Schema& schema, MeshSettings& mesh) {
  schema.place(mesh.origin);
  schema.text("name", mesh.name);
  schema.text("secret_file", mesh.secret_file);
  if (mesh.name.empty()) schema.trouble("name", "a mesh needs a name");
  schema.tables("share", mesh.shares, limits::shares_configured_max, visit_share);
}

void visit_node(Schema& schema, Settings& settings) {
  schema.text("name", settings.node_name);
  schema.text("user", settings.user);
  schema.text("pid_file", settings.pid_file);
  schema.flag("daemonize", settings.daemonize);
  schema.number("sys_interval", settings.sys_interval_s, Unit::seconds, 0, 65'535);
}

void visit_auth(Schema& schema, Settings& settings) {
  SecuritySettings& security = settings.security;
  schema.flag("allow_anonymous", security.allow_anonymous);
  schema.text("password_file", security.password_file);
  schema.text("acl_file", security.acl_file);
  schema.text("psk_file", security.psk_file);
  schema.flag("allow_zero_length_client_id", security.allow_zero_length_client_id);
  schema.text("auto_id_prefix", security.auto_id_prefix);
  schema.flag("per_listener", settings.per_listener_security);
}

void visit_dht(Schema& schema, DhtSettings& dht) {
  static constexpr std::array<std::string_view, 4> nats = {"auto", "off", "upnp", "natpmp"};
  static constexpr std::array<std::string_view, 3> relays = {"off", "use", "offer"};
  schema.place(dht.origin);
  schema.texts("bootstrap", dht.bootstrap);
  schema.text("listen", dht.listen);
  schema.text("network", dht.network);
  schema.choice("nat", nats, dht.nat, NatChoice::automatic);
  schema.choice("relay", relays, dht.relay, RelayChoice::off);
  schema.flag("lan", dht.lan);
}

void visit_client_limits(Schema& schema, ClientLimits& clients) {
  schema.number("max_packet_size", clients.packet_size_max, Unit::bytes, 20,
                limits::packet_size_max);
  schema.number("max_payload_size", clients.payload_size_max, Unit::bytes, 0,
                limits::packet_size_max);
  schema.number("max_inflight", clients.inflight_max, Unit::none, 1);
  schema.number("max_inflight_bytes", clients.inflight_bytes_max, Unit::bytes);
  schema.number("receive_maximum", clients.receive_maximum, Unit::none, 1);
  schema.number("max_queued_messages", clients.queued_messages_max, Unit::none, 1);
  schema.number("max_queued_bytes", clients.queued_bytes_max, Unit::bytes, 1);
  schema.flag("queue_qos0", clients.queue_qos0);
  schema.flag("upgrade_outgoing_qos", clients.upgrade_outgoing_qos);
  schema.number("max_connections", clients.connections_max, Unit::none, 1);
  schema.number("max_connections_per_address", clients.connections_per_address_max);
  schema.number("max_sessions", clients.sessions_max, Unit::none, 1);
  schema.number("max_subscriptions", clients.subscriptions_max, Unit::none, 1);
  schema.number("max_topic_levels", clients.topic_levels_max, Unit::none, 1);
  schema.number("messages_per_s", clients.messages_per_s);
  schema.number("bytes_per_s", clients.bytes_per_s, Unit::bytes_per_s);
  schema.number("connect_timeout", clients.connect_timeout_s, Unit::seconds, 1);
  schema.number("max_keepalive", clients.keep_alive_max_s, Unit::seconds, 1);
  schema.flag("retain_available", clients.retain_available);
  schema.flag("check_retain_source", clients.check_retain_source);
  schema.number("retain_expiry", clients.retain_expiry_s, Unit::seconds);
  schema.number("max_retained", clients.retained_max);
  schema.number("max_session_expiry", clients.session_expiry_max_s, Unit::seconds);
  schema.text("client_id_prefixes", clients.client_id_prefixes);
  schema.number("max_memory", clients.memory_max, Unit::bytes);
  schema.number("failed_logins_per_minute", clients.failed_logins_per_minute);
  schema.flag("tcp_nodelay", clients.tcp_nodelay);
}

void visit_peer_limits(Schema& schema, PeerLimits& peers) {
  schema.number("max_peers", peers.peers_max, Unit::none, 1, limits::links_max);
  schema.number("messages_per_s", peers.messages_per_s);
  schema.number("open_messages_per_s", peers.open_messages_per_s);
  schema.number("max_retained", peers.retained_max);
  schema.refused("bandwidth_out", later);
}

void visit_store(Schema& schema, Settings& settings) {
  static constexpr std::array<std::string_view, 3> durabilities = {"commit", "relaxed", "none"};
  schema.choice("durability", durabilities, settings.durability, Durability::commit);
  schema.text("path", settings.state_dir);
  schema.text("import_mosquitto_db", settings.mosquitto_db);
}

/// "daemon", or "local0" to "local7".
void visit_facility(Schema& schema, int& facility) {
  static constexpr std::array<std::string_view, 9> names = {
      "daemon", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"};
  constexpr int daemon = 3;
  constexpr int local0 = 16;
  schema.choice(
      "syslog_facility", names,
      [&facility] {
        const bool local = facility >= local0 && facility < local0 + 8;
        return std::string(names[local ? static_cast<std::size_t>(facility - local0 + 1) : 0]);
      },
      [&facility](std::size_t index) {
        facility = index == 0 ? daemon : local0 + static_cast<int>(index) - 1;
      });
}

void visit_log(Schema& schema, LogSettings& log) {
  static constexpr std::array<std::string_view, 4> levels = {"debug", "info", "warn", "error"};
  static constexpr std::array<std::string_view, 2> formats = {"logfmt", "mosquitto"};
  schema.choice("level", levels, log.level, LogLevel::debug);
  schema.choice("format", formats, log.format, LogFormat::logfmt);
  schema.flag("stderr", log.to_stderr);
  schema.flag("stdout", log.to_stdout);
  schema.flag("syslog", log.to_syslog);
  schema.flag("topic", log.to_topic);
  visit_facility(schema, log.syslog_facility);
  schema.text("file", log.file);
  schema.texts("types", log.types);
  schema.flag("timestamp", log.timestamp);
  schema.text("timestamp_format", log.timestamp_format);
  schema.flag("connection_messages", log.connection_messages);
}

}  // namespace

void visit_settings(SchemaVisitor& visitor, Settings& settings) {
  Schema schema(visitor);
  schema.table("node", [&] { visit_node(schema, settings); });
  schema.tables("listener", settings.listeners, limits::listeners_max, visit_listener);
  schema.table("auth", [&] { visit_auth(schema, settings); });
  schema.table("dht", [&] { visit_dht(schema, settings.dht); });
  schema.tables("mesh", settings.meshes, limits::meshes_configured_max, visit_mesh);
  schema.table("limits", [&] {
    visit_client_limits(schema, settings.clients);
    schema.table("mesh", [&] { visit_peer_limits(schema, settings.peers); });
  });
  schema.table("store", [&] { visit_store(schema, settings); });
  schema.table("log", [&] { visit_log(schema, settings.log); });
  schema.refused("admin", later);
}

}  // namespace starling::config
