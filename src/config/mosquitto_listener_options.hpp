// What options of mosquitto.conf say about listeners: addresses, TLS, security, plugins. Each reads
// its values from the option and puts them where they belong.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "src/config/mosquitto_values.hpp"

namespace starling::config::mosquitto {

/// The TLS settings of the option's listener, which have their origin from now on.
TlsSettings& tls(Option& option);

/// A file of certificates: refused after a PSK hint, as Mosquitto does.
void certificate_text(Option& option, std::string_view key, std::string& into);
void user_from_certificate(Option& option, CertificateUser user);

void read_listener(Option& option);
void read_port(Option& option);
void read_bind_address(Option& option);
void read_protocol(Option& option);
void read_socket_domain(Option& option);
void read_protocol_versions(Option& option);
void read_mount_point(Option& option);
void read_max_connections(Option& option);
void read_max_qos(Option& option);
void read_websockets_origin(Option& option);
void read_tls_version(Option& option);
void read_enable_proxy(Option& option);
void read_proxy(Option& option);

/// A value of the node, or with per_listener_settings of the option's listener. `key`: the same in
/// [auth] and in [[listener]].
void security_flag(Option& option, std::string_view key, std::optional<bool>& of_listener,
                   const std::function<void(bool)>& of_node);
void security_text(Option& option, std::string_view key, std::optional<std::string>& of_listener,
                   std::string& of_node);

void read_password_file(Option& option);
void read_acl_file(Option& option);
void read_psk_file(Option& option);
void read_per_listener(Option& option);
void read_plugin(Option& option);
/// plugin_opt_<key>, auth_opt_<key>.
void read_plugin_option(Option& option, std::string_view key);
void read_deny_special(Option& option);

}  // namespace starling::config::mosquitto
