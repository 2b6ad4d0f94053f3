#include "src/config/complete.hpp"

#include <limits>
#include <map>
#include <optional>
#include <string>

namespace starling::config {
namespace {

void complain(std::vector<Diagnostic>& trouble, const Origin& origin, std::string message) {
  Diagnostic diagnostic;
  diagnostic.source = origin.text.empty() ? "configuration" : origin.text;
  diagnostic.message = std::move(message);
  report(trouble, std::move(diagnostic));
}

/// What a listener opens, for comparing and for messages.
std::string address_of(const ListenerSettings& listener) {
  if (!listener.unix_socket.empty()) return listener.unix_socket;
  return (listener.bind.empty() ? "*" : listener.bind) + " port " + std::to_string(listener.port);
}

void check_tls(const TlsSettings& tls, std::vector<Diagnostic>& trouble) {
  for (const CertificatePair& pair : tls.certificates)
    if (pair.cert.empty() || pair.key.empty())
      complain(trouble, tls.origin,
               pair.cert.empty() ? "the key " + pair.key + " has no certificate beside it"
                                 : "the certificate " + pair.cert + " has no key beside it");
  if (tls.certificates.empty() && tls.psk_file.empty())
    complain(trouble, tls.origin, "TLS needs a certificate and its key, or a psk_file");
  if (tls.require_client_cert && tls.certificates.empty())
    complain(trouble, tls.origin,
             "client certificates cannot be required by a listener without a certificate");
}

void check_addresses(const Settings& settings, std::vector<Diagnostic>& trouble) {
  std::map<std::string, const ListenerSettings*> seen;
  for (const ListenerSettings& listener : settings.listeners) {
    if (listener.unix_socket.empty() && listener.port == 0) continue;  // any free one
    std::string address = address_of(listener);
    if (!listener.bind_interface.empty()) address += " on " + listener.bind_interface;
    if (listener.domain != SocketDomain::any)
      address += listener.domain == SocketDomain::ipv4 ? " (IPv4)" : " (IPv6)";
    const auto [first, fresh] = seen.emplace(address, &listener);
    if (!fresh)
      complain(
          trouble, listener.origin,
          "there is a listener for " + address + " already"
              + (first->second->origin.text.empty() ? "" : ", at " + first->second->origin.text));
  }
}

template <class T>
void inherit(std::optional<T>& of_listener, const std::optional<T>& of_node) {
  if (!of_listener) of_listener = of_node;
}

void inherit_security(ListenerSettings& listener, const SecuritySettings& security) {
  inherit(listener.allow_anonymous, security.allow_anonymous);
  inherit(listener.password_file, std::optional(security.password_file));
  inherit(listener.acl_file, std::optional(security.acl_file));
  inherit(listener.allow_zero_length_client_id,
          std::optional(security.allow_zero_length_client_id));
  inherit(listener.auto_id_prefix, std::optional(security.auto_id_prefix));
}

/// What waits on disk may be more than what waits in memory.
void bound_queues(Settings& settings) {
  const bool has_disk = settings.durability != Durability::none;
  const auto is_set = [&](const char* path) {
    return settings.origins.find(path) != settings.origins.end();
  };
  if (!is_set("limits.max_queued_messages"))
    settings.clients.queued_messages_max = static_cast<std::uint32_t>(
        has_disk ? limits::stored_messages_max : limits::queued_messages_max);
  // Who wants no bound for messages wants none: that of the bytes would drop them just the same.
  constexpr auto unbounded = std::numeric_limits<std::uint32_t>::max();
  const bool is_unbounded = settings.clients.queued_messages_max == unbounded;
  if (!is_set("limits.max_queued_bytes"))
    settings.clients.queued_bytes_max =
        is_unbounded ? unbounded
                     : static_cast<std::uint32_t>(has_disk ? limits::stored_bytes_max
                                                           : limits::queued_bytes_max);
}

}  // namespace

void complete(Settings& settings, std::vector<Diagnostic>& trouble) {
  for (ListenerSettings& listener : settings.listeners) {
    if (!settings.per_listener_security) inherit_security(listener, settings.security);
    if (!listener.tls) continue;
    TlsSettings& tls = *listener.tls;
    if (!tls.psk_hint.empty() && tls.psk_file.empty()) tls.psk_file = settings.security.psk_file;
    check_tls(tls, trouble);
  }
  check_addresses(settings, trouble);
  bound_queues(settings);
}

Settings without_inherited(Settings settings) {
  for (std::size_t i = 0; i < settings.listeners.size(); ++i) {
    ListenerSettings& listener = settings.listeners[i];
    const std::string path = "listener[" + std::to_string(i) + "].";
    const auto is_inherited = [&](const char* key) {
      return settings.origins.find(path + key) == settings.origins.end();
    };
    if (!settings.per_listener_security) {
      if (is_inherited("allow_anonymous")) listener.allow_anonymous.reset();
      if (is_inherited("password_file")) listener.password_file.reset();
      if (is_inherited("acl_file")) listener.acl_file.reset();
      if (is_inherited("allow_zero_length_client_id")) listener.allow_zero_length_client_id.reset();
      if (is_inherited("auto_id_prefix")) listener.auto_id_prefix.reset();
    }
    if (listener.tls && is_inherited("tls.psk_file")) listener.tls->psk_file.clear();
  }
  return settings;
}

}  // namespace starling::config
