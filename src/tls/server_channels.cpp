#include "src/tls/server_channels.hpp"

#include <utility>

#include "src/tls/cipher_list.hpp"
#include "src/tls/gnutls_channel.hpp"
#include "src/tls/server_credentials.hpp"
#include "src/tls/server_profile.hpp"

namespace starling {
namespace {

Result<TlsVersions> parse_versions(const std::string& text) {
  if (text.empty()) return TlsVersions{};
  if (text == "tlsv1.2") return TlsVersions{.v1_2 = true, .v1_3 = false};
  if (text == "tlsv1.3") return TlsVersions{.v1_2 = false, .v1_3 = true};
  return Error{Errc::unsupported,
               "the TLS version \"" + text + "\" is neither \"tlsv1.2\" nor \"tlsv1.3\""};
}

}  // namespace

/// All that was read at one time.
struct GnutlsServerChannels::Loaded {
  std::shared_ptr<const ServerProfile> profile;
  std::vector<std::string> warnings;
  std::optional<std::int64_t> expiry;

  /// `before`: what is used now; its tickets may stay good.
  static Result<std::shared_ptr<const Loaded>> from(const TlsServerSettings& settings,
                                                    const Loaded* before) {
    const auto versions = parse_versions(settings.versions);
    if (!versions.ok()) return versions.error();
    auto credentials = load_server_credentials(settings);
    if (!credentials.ok()) return credentials.error();
    const KeyExchanges exchanges{.certificate = !settings.certificates.empty(),
                                 .psk = settings.psk_keys.has_value()};
    const CipherChoice ciphers =
        choose_ciphers(settings.ciphers, settings.ciphers_tls13, *versions, exchanges);

    auto loaded = std::make_shared<Loaded>();
    loaded->warnings = std::move(credentials->warnings);
    loaded->warnings.insert(loaded->warnings.end(), ciphers.warnings.begin(),
                            ciphers.warnings.end());
    loaded->expiry = credentials->expiry;
    const bool same_trust = before != nullptr && before->profile->trust() == credentials->trust;
    auto ticket_key = same_trust ? before->profile->ticket_key() : make_ticket_key();
    loaded->profile = std::make_shared<ServerProfile>(settings, std::move(credentials).value(),
                                                      ciphers, *versions, std::move(ticket_key));
    return std::shared_ptr<const Loaded>(std::move(loaded));
  }
};

Result<std::unique_ptr<GnutlsServerChannels>> GnutlsServerChannels::open(
    TlsServerSettings settings) {
  auto loaded = Loaded::from(settings, nullptr);
  if (!loaded.ok()) return loaded.error();
  return std::unique_ptr<GnutlsServerChannels>(
      new GnutlsServerChannels(std::move(settings), std::move(loaded).value()));
}

GnutlsServerChannels::GnutlsServerChannels(TlsServerSettings settings,
                                           std::shared_ptr<const Loaded> loaded)
    : settings_(std::move(settings)), loaded_(std::move(loaded)) {}

GnutlsServerChannels::~GnutlsServerChannels() = default;

std::unique_ptr<SecureChannel> GnutlsServerChannels::make_server() {
  return std::make_unique<GnutlsChannel>(loaded_->profile, TlsRole::server, ByteView{});
}

Result<void> GnutlsServerChannels::reread() {
  return reread(settings_);
}

Result<void> GnutlsServerChannels::reread(TlsServerSettings settings) {
  auto loaded = Loaded::from(settings, loaded_.get());
  if (!loaded.ok()) return loaded.error();
  settings_ = std::move(settings);
  loaded_ = std::move(loaded).value();
  return {};
}

std::vector<std::string> GnutlsServerChannels::files() const {
  std::vector<std::string> paths;
  const auto add = [&](const std::string& path) {
    if (!path.empty()) paths.push_back(path);
  };
  for (const auto& pair : settings_.certificates) {
    add(pair.cert);
    add(pair.key);
  }
  add(settings_.client_ca);
  add(settings_.client_ca_dir);
  add(settings_.crl);
  return paths;
}

const std::vector<std::string>& GnutlsServerChannels::warnings() const {
  return loaded_->warnings;
}

std::optional<std::int64_t> GnutlsServerChannels::certificate_expiry() const {
  return loaded_->expiry;
}

}  // namespace starling
