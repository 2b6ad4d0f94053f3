// The options of mosquitto.conf, one row each: what is honoured, what is a bridge's, what has no
// effect here, and what is refused because going on without it would be worse.
#include <algorithm>
#include <array>

#include "src/config/mosquitto_conf.hpp"
#include "src/config/mosquitto_listener_options.hpp"

namespace starling::config {
namespace mosquitto {
namespace {

constexpr auto unbounded = std::numeric_limits<std::uint32_t>::max();

// --- Logging

constexpr std::array<std::string_view, 9> log_categories = {
    "error",     "warning",     "notice",     "information", "debug",
    "subscribe", "unsubscribe", "websockets", "internal"};

void read_log_dest(Option& option) {
  static constexpr std::array<std::string_view, 7> words = {"none",  "syslog", "stdout", "stderr",
                                                            "topic", "dlt",    "file"};
  const auto where = option.choice(words);
  if (!where) return;
  LogSettings& log = option.settings().log;
  if (!option.draft().log_dest_written || *where == "none")
    log.to_stderr = log.to_stdout = log.to_syslog = log.to_topic = false;
  option.draft().log_dest_written = true;
  option.set("log.stderr");
  if (*where == "stderr") log.to_stderr = true;
  if (*where == "stdout") log.to_stdout = true;
  if (*where == "syslog") log.to_syslog = true;
  if (*where == "topic") log.to_topic = true;
  if (*where == "stdout" || *where == "syslog" || *where == "topic")
    option.set("log." + std::string(*where));
  if (*where == "none") log.file.clear();
  if (*where == "dlt") option.notice("log_dest dlt has no effect here");
  if (*where == "file") node_text(option, "log.file", log.file);
}

void read_log_type(Option& option) {
  std::array<std::string_view, log_categories.size() + 2> words;
  std::copy(log_categories.begin(), log_categories.end(), words.begin());
  words[log_categories.size()] = "none";
  words[log_categories.size() + 1] = "all";
  const auto type = option.choice(words);
  if (!type) return;
  std::vector<std::string>& types = option.settings().log.types;
  if (!option.draft().log_type_written) types.clear();
  option.draft().log_type_written = true;
  option.set("log.types");
  if (*type == "none") {
    types = {"none"};
  } else if (*type == "all") {
    types.assign(log_categories.begin(), log_categories.end());
  } else {
    std::erase(types, "none");
    if (std::find(types.begin(), types.end(), *type) == types.end()) types.emplace_back(*type);
  }
}

void read_log_facility(Option& option) {
  constexpr int local0 = 16;
  if (const auto value = option.number(0, 7)) {
    option.settings().log.syslog_facility = local0 + static_cast<int>(*value);
    option.set("log.syslog_facility");
  }
}

// --- Limits

void read_max_packet_size(Option& option) {
  if (const auto value = option.number(20, int_max)) {
    option.settings().clients.packet_size_max = static_cast<std::uint32_t>(
        std::min<std::int64_t>(*value, std::int64_t{limits::packet_size_max}));
    option.set("limits.max_packet_size");
  }
}

void read_max_inflight(Option& option) {
  if (const auto value = option.number(int_min, 65'535)) {
    const auto bound = static_cast<std::uint16_t>(*value <= 0 ? 65'535 : *value);
    option.settings().clients.inflight_max = bound;
    option.set("limits.max_inflight");
    option.settings().clients.receive_maximum = bound;  // one word for both ways
    option.set("limits.receive_maximum");
  }
}

void read_max_keepalive(Option& option) {
  if (const auto value = option.number(0, 65'535)) {
    option.settings().clients.keep_alive_max_s =
        static_cast<std::uint16_t>(*value == 0 ? 65'535 : *value);
    option.set("limits.max_keepalive");
  }
}

void read_retain_expiry(Option& option) {
  constexpr std::int64_t minutes_max = 10'000'000;  // Mosquitto's own bound, 19 years
  if (const auto value = option.number(1, int_max)) {
    option.settings().clients.retain_expiry_s =
        static_cast<std::uint32_t>(std::min(*value, minutes_max) * 60);
    option.set("limits.retain_expiry");
  }
}

/// "14d": a whole number and one of s, h, d, w, m, y.
void read_client_expiration(Option& option) {
  const auto text = option.word();
  if (!text) return;
  constexpr std::int64_t day = 86'400;
  const std::array<std::pair<char, std::int64_t>, 6> units = {
      {{'s', 1}, {'h', 3'600}, {'d', day}, {'w', 7 * day}, {'m', 30 * day}, {'y', 365 * day}}};
  const auto unit = std::find_if(units.begin(), units.end(),
                                 [&](const auto& one) { return one.first == text->back(); });
  std::int64_t count = 0;
  for (const char c : text->substr(0, text->size() - 1))
    count = c >= '0' && c <= '9' && count >= 0 && count < int_max ? count * 10 + (c - '0') : -1;
  if (unit == units.end() || count <= 0)
    return option.fail("a duration is a whole number and one of h, d, w, m, y, such as \"14d\"");
  option.settings().clients.session_expiry_max_s = static_cast<std::uint32_t>(
      std::min<std::int64_t>(count * unit->second, std::int64_t{unbounded} - 1));
  option.set("limits.max_session_expiry");
}

// --- Persistence

void read_persistence(Option& option) {
  if (const auto value = option.flag()) {
    option.draft().persistence = *value;
    option.set("store.durability");
  }
}

// --- What is not honoured

void read_connection(Option& option) {
  const auto name = option.word();
  if (!name) return;
  option.file().bridge = *name;
  if (!option.draft().bridges.insert(std::string(*name)).second)
    return option.fail("there is a bridge \"" + printable(*name) + "\" already");
  option.fail("bridge '" + printable(*name) + "' (line " + std::to_string(option.line_number())
              + ") is not supported yet; if the far side is another starling node, make both "
                "members of one mesh");
}

/// The bridge itself is refused where it begins; its options are told only if they have none.
void of_bridge(Option& option) {
  if (option.file().bridge.empty())
    option.fail_option("\"" + std::string(option.name())
                       + "\" belongs to a bridge, and there is no connection line before it");
}

void ignore(Option& option) {
  option.draft().ignored.insert(std::string(option.name()));
}
void ignore_flag(Option& option) {
  if (option.flag()) ignore(option);
}
void ignore_number(Option& option) {
  if (option.number(int_min, int_max)) ignore(option);
}
void ignore_size(Option& option) {
  if (option.number(0, 65'535)) ignore(option);
}
void ignore_text(Option& option) {
  if (option.text()) ignore(option);
}

void refuse_engine(Option& option) {
  option.fail_option("\"" + std::string(option.name())
                     + "\" needs OpenSSL's engines, which are not here; keys are PEM files");
}

void read_keyform(Option& option) {
  static constexpr std::array<std::string_view, 2> forms = {"pem", "engine"};
  const auto form = option.choice(forms);
  if (form && *form == "engine") refuse_engine(option);
}

void read_date_checks(Option& option) {
  const auto value = option.flag();
  if (value && *value)
    option.fail_option("client certificates that have expired are never accepted");
}

void read_proxy_tls(Option& option) {
  const auto value = option.flag();
  if (value && *value)
    option.fail_option(
        "what a proxy says of the client's TLS is not checked here, so it cannot be "
        "required");
}

void refuse_plugin_load(Option& option) {
  option.fail_option(
      "plugins cannot be loaded; password and ACL files are built in "
      "(password_file, acl_file)");
}

// --- The table

struct Row {
  std::string_view name;
  void (*read)(Option&);  ///< null: read_mosquitto_conf does it
};

// In the order of the alphabet; a test looks after that.
constexpr Row rows[] = {
    {"accept_protocol_versions", read_protocol_versions},
    {"acl_file", read_acl_file},
    {"address", of_bridge},
    {"addresses", of_bridge},
    {"allow_anonymous",
     [](Option& o) {
       security_flag(o, "allow_anonymous", o.listener().settings.allow_anonymous,
                     [&](bool value) { o.settings().security.allow_anonymous = value; });
     }},
    {"allow_duplicate_messages", ignore_flag},
    {"allow_zero_length_clientid",
     [](Option& o) {
       security_flag(
           o, "allow_zero_length_client_id", o.listener().settings.allow_zero_length_client_id,
           [&](bool value) { o.settings().security.allow_zero_length_client_id = value; });
     }},
    {"auth_plugin", read_plugin},
    {"auth_plugin_deny_special_chars", read_deny_special},
    {"auto_id_prefix",
     [](Option& o) {
       security_text(o, "auto_id_prefix", o.listener().settings.auto_id_prefix,
                     o.settings().security.auto_id_prefix);
     }},
    {"autosave_interval", ignore_number},
    {"autosave_on_changes", ignore_flag},
    {"bind_address", read_bind_address},
    {"bind_interface",
     [](Option& o) { listener_text(o, "bind_interface", o.listener().settings.bind_interface); }},
    {"bridge_alpn", of_bridge},
    {"bridge_attempt_unsubscribe", of_bridge},
    {"bridge_bind_address", of_bridge},
    {"bridge_cafile", of_bridge},
    {"bridge_capath", of_bridge},
    {"bridge_certfile", of_bridge},
    {"bridge_ciphers", of_bridge},
    {"bridge_ciphers_tls1.3", of_bridge},
    {"bridge_identity", of_bridge},
    {"bridge_insecure", of_bridge},
    {"bridge_keyfile", of_bridge},
    {"bridge_max_packet_size", of_bridge},
    {"bridge_max_topic_alias", of_bridge},
    {"bridge_outgoing_retain", of_bridge},
    {"bridge_protocol_version", of_bridge},
    {"bridge_psk", of_bridge},
    {"bridge_receive_maximum", of_bridge},
    {"bridge_reload_type", of_bridge},
    {"bridge_require_ocsp", of_bridge},
    {"bridge_session_expiry_interval", of_bridge},
    {"bridge_tcp_keepalive", of_bridge},
    {"bridge_tcp_user_timeout", of_bridge},
    {"bridge_tls_use_os_certs", of_bridge},
    {"bridge_tls_version", of_bridge},
    {"cafile", [](Option& o) { certificate_text(o, "tls.client_ca", tls(o).client_ca); }},
    {"capath", [](Option& o) { listener_text(o, "tls.client_ca_dir", tls(o).client_ca_dir); }},
    {"certfile",
     [](Option& o) { certificate_text(o, "tls.cert", (tls(o), o.listener().certfile)); }},
    {"check_retain_source",
     [](Option& o) {
       node_flag(o, "limits.check_retain_source", o.settings().clients.check_retain_source);
     }},
    {"ciphers", [](Option& o) { listener_text(o, "tls.ciphers", tls(o).ciphers); }},
    {"ciphers_tls1.3",
     [](Option& o) { listener_text(o, "tls.ciphers_tls13", tls(o).ciphers_tls13); }},
    {"cleansession", of_bridge},
    {"clientid", of_bridge},
    {"clientid_prefixes",
     [](Option& o) {
       node_text(o, "limits.client_id_prefixes", o.settings().clients.client_id_prefixes);
     }},
    {"connection", read_connection},
    {"connection_messages",
     [](Option& o) {
       node_flag(o, "log.connection_messages", o.settings().log.connection_messages);
     }},
    {"crlfile", [](Option& o) { listener_text(o, "tls.crl", tls(o).crl); }},
    {"dhparamfile", ignore_text},
    {"disable_client_cert_date_checks", read_date_checks},
    {"enable_control_api", ignore_flag},
    {"enable_proxy_protocol", read_enable_proxy},
    {"global_max_clients",
     [](Option& o) {
       node_bound(o, "limits.max_sessions", o.settings().clients.sessions_max,
                  static_cast<std::uint32_t>(limits::sessions_max));
     }},
    {"global_max_connections",
     [](Option& o) {
       node_bound(o, "limits.max_connections", o.settings().clients.connections_max,
                  static_cast<std::uint32_t>(limits::connections_max));
     }},
    {"global_plugin", read_plugin},
    {"http_dir", ignore_text},
    {"idle_timeout", of_bridge},
    {"include_dir", nullptr},
    {"keepalive_interval", of_bridge},
    {"keyfile", [](Option& o) { listener_text(o, "tls.key", (tls(o), o.listener().keyfile)); }},
    {"listener", read_listener},
    {"listener_allow_anonymous",
     [](Option& o) {
       if (!o.needs_listener()) return;
       if (const auto value = o.flag()) {
         o.listener().settings.allow_anonymous = *value;
         o.set_in_listener("allow_anonymous");
       }
     }},
    {"listener_auto_id_prefix",
     [](Option& o) {
       constexpr std::size_t prefix_size_max = 50;  // bytes; Mosquitto's bound
       if (!o.needs_listener()) return;
       auto value = o.text_once(o.listener().written);
       if (!value) return;
       if (value->size() > prefix_size_max) return o.fail("a prefix has at most 50 bytes");
       o.listener().settings.auto_id_prefix = std::move(*value);
       o.set_in_listener("auto_id_prefix");
     }},
    {"local_cleansession", of_bridge},
    {"local_clientid", of_bridge},
    {"local_password", of_bridge},
    {"local_username", of_bridge},
    {"log_dest", read_log_dest},
    {"log_facility", read_log_facility},
    {"log_timestamp", [](Option& o) { node_flag(o, "log.timestamp", o.settings().log.timestamp); }},
    {"log_timestamp_format",
     [](Option& o) { node_text(o, "log.timestamp_format", o.settings().log.timestamp_format); }},
    {"log_type", read_log_type},
    {"max_connections", read_max_connections},
    {"max_inflight_bytes",
     [](Option& o) {
       node_bound(o, "limits.max_inflight_bytes", o.settings().clients.inflight_bytes_max, 0U);
     }},
    {"max_inflight_messages", read_max_inflight},
    {"max_keepalive", read_max_keepalive},
    {"max_packet_size", read_max_packet_size},
    {"max_qos", read_max_qos},
    {"max_queued_bytes",
     [](Option& o) {
       node_bound(o, "limits.max_queued_bytes", o.settings().clients.queued_bytes_max, unbounded);
     }},
    {"max_queued_messages",
     [](Option& o) {
       node_bound(o, "limits.max_queued_messages", o.settings().clients.queued_messages_max,
                  unbounded);
     }},
    {"max_topic_alias",
     [](Option& o) {
       listener_alias(o, "max_topic_alias", o.listener().settings.topic_alias_max);
     }},
    {"max_topic_alias_broker",
     [](Option& o) {
       listener_alias(o, "max_topic_alias_broker", o.listener().settings.topic_alias_max_broker);
     }},
    {"maximum_qos", read_max_qos},
    {"memory_limit",
     [](Option& o) {
       node_number(o, "limits.max_memory", o.settings().clients.memory_max, 0,
                   std::numeric_limits<std::int64_t>::max());
     }},
    {"message_size_limit",
     [](Option& o) {
       constexpr std::int64_t payload_max = 268'435'455;  // of MQTT
       node_number(o, "limits.max_payload_size", o.settings().clients.payload_size_max, 0,
                   payload_max);
     }},
    {"mount_point", read_mount_point},
    {"notification_topic", of_bridge},
    {"notifications", of_bridge},
    {"notifications_local_only", of_bridge},
    {"packet_buffer_size", ignore_size},
    {"password", of_bridge},
    {"password_file", read_password_file},
    {"per_listener_settings", read_per_listener},
    {"persistence", read_persistence},
    {"persistence_file",
     [](Option& o) {
       if (auto value = o.text_once(o.draft().written))
         o.draft().persistence_file = std::move(*value);
     }},
    {"persistence_location",
     [](Option& o) {
       node_text(o, "store.path", o.settings().state_dir);
       o.draft().persistence_location = o.settings().state_dir;
     }},
    {"persistent_client_expiration", read_client_expiration},
    {"pid_file", [](Option& o) { node_text(o, "node.pid_file", o.settings().pid_file); }},
    {"plugin", read_plugin},
    {"plugin_load", refuse_plugin_load},
    {"plugin_use", refuse_plugin_load},
    {"port", read_port},
    {"protocol", read_protocol},
    {"proxy_protocol", read_proxy},
    {"proxy_protocol_v2_require_tls", read_proxy_tls},
    {"psk_file", read_psk_file},
    {"psk_hint", [](Option& o) { listener_text(o, "tls.psk_hint", tls(o).psk_hint); }},
    {"queue_qos0_messages",
     [](Option& o) { node_flag(o, "limits.queue_qos0", o.settings().clients.queue_qos0); }},
    {"remote_clientid", of_bridge},
    {"remote_password", of_bridge},
    {"remote_username", of_bridge},
    {"require_certificate",
     [](Option& o) { listener_flag(o, "tls.require_client_cert", tls(o).require_client_cert); }},
    {"restart_timeout", of_bridge},
    {"retain_available",
     [](Option& o) {
       node_flag(o, "limits.retain_available", o.settings().clients.retain_available);
     }},
    {"retain_expiry_interval", read_retain_expiry},
    {"retained_persistence", read_persistence},
    {"retry_interval", ignore},
    {"round_robin", of_bridge},
    {"set_tcp_nodelay",
     [](Option& o) { node_flag(o, "limits.tcp_nodelay", o.settings().clients.tcp_nodelay); }},
    {"socket_domain", read_socket_domain},
    {"start_type", of_bridge},
    {"sys_interval",
     [](Option& o) {
       node_number(o, "node.sys_interval", o.settings().sys_interval_s, 0, 65'535);
     }},
    {"threshold", of_bridge},
    {"tls_engine", refuse_engine},
    {"tls_engine_kpass_sha1", refuse_engine},
    {"tls_keyform", read_keyform},
    {"tls_version", read_tls_version},
    {"topic", of_bridge},
    {"try_private", of_bridge},
    {"upgrade_outgoing_qos",
     [](Option& o) {
       node_flag(o, "limits.upgrade_outgoing_qos", o.settings().clients.upgrade_outgoing_qos);
     }},
    {"use_identity_as_username",
     [](Option& o) { user_from_certificate(o, CertificateUser::common_name); }},
    {"use_subject_as_username",
     [](Option& o) { user_from_certificate(o, CertificateUser::subject); }},
    {"use_username_as_clientid",
     [](Option& o) {
       listener_flag(o, "use_user_name_as_client_id",
                     o.listener().settings.use_user_name_as_client_id);
     }},
    {"user",
     [](Option& o) {
       if (auto value = o.text()) {
         o.settings().user = std::move(*value);
         o.set("node.user");
       }
     }},
    {"username", of_bridge},
    {"websockets_headers_size", ignore_size},
    {"websockets_log_level", ignore_number},
    {"websockets_origin", read_websockets_origin},
};

}  // namespace
}  // namespace mosquitto

std::vector<std::string_view> mosquitto_option_names() {
  std::vector<std::string_view> names;
  for (const mosquitto::Row& row : mosquitto::rows) names.push_back(row.name);
  return names;
}

void read_mosquitto_option(MosquittoOption& option) {
  const std::string_view name = option.name();
  const auto* row = std::find_if(std::begin(mosquitto::rows), std::end(mosquitto::rows),
                                 [&](const mosquitto::Row& one) { return one.name == name; });
  if (row != std::end(mosquitto::rows)) {
    if (row->read) row->read(option);
    return;
  }
  for (const std::string_view prefix : {"plugin_opt_", "auth_opt_"})
    if (name.starts_with(prefix))
      return mosquitto::read_plugin_option(option, name.substr(prefix.size()));
  if (name.starts_with('#'))
    return option.fail_option("a comment begins in the first column of its line");
  const std::vector<std::string_view> names = mosquitto_option_names();
  if (const std::size_t tab = name.find('\t'); tab != std::string_view::npos)
    return option.fail_option("after \"" + printable(name.substr(0, tab))
                              + "\" there is a tab; options and values are separated by spaces");
  option.fail_option("unknown configuration variable \"" + printable(name) + "\"",
                     did_you_mean(name, names));
}

}  // namespace starling::config
