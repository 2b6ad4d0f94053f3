#include "src/config/mosquitto_listener_options.hpp"

#include <algorithm>
#include <array>

#include "starling/topic.hpp"

namespace starling::config::mosquitto {

// --- Addresses and TLS

TlsSettings& tls(Option& option) {
  TlsSettings& tls = option.listener().tls;
  if (tls.origin.text.empty()) tls.origin = option.origin();
  return tls;
}

void certificate_text(Option& option, std::string_view key, std::string& into) {
  if (!tls(option).psk_hint.empty())
    return option.fail_option(
        "a listener has certificates or pre-shared keys (psk_hint), not both");
  listener_text(option, key, into);
}

void user_from_certificate(Option& option, CertificateUser user) {
  const auto value = option.flag();
  if (!value) return;
  CertificateUser& from = tls(option).user_from;
  if (!*value) {
    if (from == user) from = CertificateUser::none;
  } else if (from != CertificateUser::common_name) {  // which wins if both are written
    from = user;
  }
  option.set_in_listener("tls.user_from");
}

void read_listener(Option& option) {
  const auto port = option.number(0, 65'535);
  if (!port) return;
  const auto address = option.optional_word();
  if (*port == 0 && !address)
    return option.fail("a listener with port 0 needs the path of a Unix socket after it");
  if (option.draft().listeners.size() == limits::listeners_max)
    return option.fail_option("more than " + std::to_string(limits::listeners_max) + " listeners");
  MosquittoListener& listener = option.draft().listeners.emplace_back();
  option.file().listener = &listener;
  listener.settings.origin = option.origin();
  listener.settings.port = static_cast<std::uint16_t>(*port);
  listener.settings.bind.clear();
  option.set_in_listener("port");
  if (!address) return;
  (*port == 0 ? listener.settings.unix_socket : listener.settings.bind) = *address;
  option.set_in_listener(*port == 0 ? "unix_socket" : "bind");
}

void read_port(Option& option) {
  const auto port = option.number(1, 65'535);
  if (!port) return;
  MosquittoListener& listener = option.draft().default_listener;
  if (listener.has_port) option.notice("port is written more than once; the last one counts");
  listener.has_port = true;
  listener.settings.port = static_cast<std::uint16_t>(*port);
  listener.settings.origin = option.origin();
  listener.origins["port"] = option.origin();
}

void read_bind_address(Option& option) {
  MosquittoListener& listener = option.draft().default_listener;
  if (auto address = option.text_once(listener.written)) {
    listener.settings.bind = std::move(*address);
    listener.settings.origin = option.origin();
    listener.origins["bind"] = option.origin();
  }
}

void read_protocol(Option& option) {
  static constexpr std::array<std::string_view, 3> protocols = {"mqtt", "websockets", "http_api"};
  const auto protocol = option.choice(protocols);
  if (!protocol) return;
  if (*protocol == "http_api") return option.fail("the HTTP API is not supported yet");
  option.listener().settings.protocol =
      *protocol == "mqtt" ? ListenerProtocol::mqtt : ListenerProtocol::websockets;
  option.set_in_listener("protocol");
}

void read_socket_domain(Option& option) {
  static constexpr std::array<std::string_view, 2> domains = {"ipv4", "ipv6"};
  const auto domain = option.choice(domains);
  if (!domain) return;
  option.listener().settings.domain = *domain == "ipv4" ? SocketDomain::ipv4 : SocketDomain::ipv6;
  option.set_in_listener("domain");
}

void read_protocol_versions(Option& option) {
  if (!option.needs_listener()) return;
  const auto list = option.text();
  if (!list) return;
  std::vector<std::uint8_t> versions;
  for (const char c : *list) {
    if (c == ',' || c == ' ' || c == '\t') continue;
    if (c < '3' || c > '5') return option.fail("protocol versions are 3, 4 and 5");
    const auto version = static_cast<std::uint8_t>(c - '0');
    if (std::find(versions.begin(), versions.end(), version) == versions.end())
      versions.push_back(version);
  }
  if (versions.empty()) return option.fail("protocol versions are 3, 4 and 5");
  option.listener().settings.protocol_versions = std::move(versions);
  option.set_in_listener("protocol_versions");
}

void read_mount_point(Option& option) {
  if (option.draft().listeners.empty())
    return option.fail_option("a mount_point needs a listener line before it");
  auto value = option.text_once(option.listener().written);
  if (!value) return;
  if (!TopicName::parse(*value))
    return option.fail("a mount_point is the beginning of topics, so it cannot hold a wildcard");
  option.listener().settings.mount_point = std::move(*value);
  option.set_in_listener("mount_point");
}

void read_max_connections(Option& option) {
  if (const auto value = option.number(int_min, int_max)) {
    option.listener().settings.connections_max =
        *value <= 0 ? 0 : static_cast<std::uint32_t>(*value);
    option.set_in_listener("max_connections");
  }
}

void read_max_qos(Option& option) {
  if (const auto value = option.number(0, 2)) {
    option.listener().settings.qos_max = static_cast<std::uint8_t>(*value);
    option.set_in_listener("max_qos");
  }
}

void read_websockets_origin(Option& option) {
  if (auto value = option.text()) {
    option.listener().settings.websocket_origins.push_back(std::move(*value));
    option.set_in_listener("websocket_origins");
  }
}

void read_tls_version(Option& option) {
  static constexpr std::array<std::string_view, 3> versions = {"tlsv1.3", "tlsv1.2", "tlsv1.1"};
  const auto least = option.choice(versions);
  if (!least) return;
  tls(option).versions = *least == "tlsv1.3" ? std::string(*least) : std::string();
  option.set_in_listener("tls.version");
  if (*least == "tlsv1.1") option.notice("TLS 1.1 is not spoken any more; the least is TLS 1.2");
}

void read_enable_proxy(Option& option) {
  if (!option.needs_listener() || !option.number(1, 2)) return;
  option.listener().settings.proxy_protocol = true;  // both versions are recognised
  option.set_in_listener("proxy_protocol");
}

void read_proxy(Option& option) {
  static constexpr std::array<std::string_view, 5> words = {"true", "false", "0", "1", "2"};
  const auto value = option.choice(words);
  if (!value) return;
  option.listener().settings.proxy_protocol = *value != "false" && *value != "0";
  option.set_in_listener("proxy_protocol");
}

// --- Security: of the node, or with per_listener_settings of the listener

static bool per_listener(Option& option) {
  option.draft().security_written = true;
  return option.settings().per_listener_security;
}

void security_flag(Option& option, std::string_view key, std::optional<bool>& of_listener,
                   const std::function<void(bool)>& of_node) {
  const bool in_listener = per_listener(option);
  const auto value = option.flag();
  if (!value) return;
  if (in_listener) {
    of_listener = *value;
    option.set_in_listener(key);
  } else {
    of_node(*value);
    option.set("auth." + std::string(key));
  }
}

void security_text(Option& option, std::string_view key, std::optional<std::string>& of_listener,
                   std::string& of_node) {
  const bool in_listener = per_listener(option);
  auto value = option.text_once(in_listener ? option.listener().written : option.draft().written);
  if (!value) return;
  if (in_listener) {
    of_listener = std::move(*value);
    option.set_in_listener(key);
  } else {
    of_node = std::move(*value);
    option.set("auth." + std::string(key));
  }
}

void read_password_file(Option& option) {
  security_text(option, "password_file", option.listener().settings.password_file,
                option.settings().security.password_file);
}

void read_acl_file(Option& option) {
  security_text(option, "acl_file", option.listener().settings.acl_file,
                option.settings().security.acl_file);
}

void read_psk_file(Option& option) {
  const bool in_listener = per_listener(option);
  if (!in_listener) return node_text(option, "auth.psk_file", option.settings().security.psk_file);
  listener_text(option, "tls.psk_file", option.listener().psk_file);
}

void read_per_listener(Option& option) {
  const auto value = option.flag();
  if (!value || option.settings().per_listener_security) return;  // once on, it stays on
  if (*value && option.draft().security_written)
    return option.fail_option(
        "per_listener_settings must stand before all other security settings");
  option.settings().per_listener_security = *value;
  option.set("auth.per_listener");
}

constexpr std::string_view password_plugin = "mosquitto_password_file.so";
constexpr std::string_view acl_plugin = "mosquitto_acl_file.so";

void read_plugin(Option& option) {
  option.draft().security_written = true;
  const auto path = option.text();
  if (!path) return;
  const std::size_t slash = path->rfind('/');
  option.file().plugin = path->substr(slash == std::string::npos ? 0 : slash + 1);
  const std::string& name = option.file().plugin;
  if (name == password_plugin || name == acl_plugin) return;
  option.fail("the plugin " + printable(name)
              + " cannot be loaded; without it clients would be judged differently. Password and "
                "ACL files are built in (password_file, acl_file)");
}

void read_plugin_option(Option& option, std::string_view key) {
  const std::string& plugin = option.file().plugin;
  if (plugin.empty())
    return option.fail_option("\"" + printable(option.name()) + "\" needs a plugin line before it");
  if (key.size() < 3) return option.fail_option("a plugin option needs a name of three letters");
  if (plugin == password_plugin && key == "password_file") return read_password_file(option);
  if (plugin == acl_plugin && key == "acl_file") return read_acl_file(option);
  if (plugin == password_plugin || plugin == acl_plugin)
    return option.fail_option("the plugin " + plugin + " has no option \"" + printable(key) + "\"");
  (void)option.text();  // of a plugin that is refused already
}

void read_deny_special(Option& option) {
  if (option.file().plugin.empty())
    return option.fail_option("auth_plugin_deny_special_chars needs a plugin line before it");
  // '+' and '#' in names are denied wherever patterns are; '/' is judged by the patterns themselves.
  if (option.flag()) option.draft().ignored.insert(std::string(option.name()));
}

}  // namespace starling::config::mosquitto
