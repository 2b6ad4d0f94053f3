#include "src/config/mosquitto_conf.hpp"

#include <algorithm>

#include "src/config/mosquitto_option.hpp"

namespace starling::config {
namespace {

/// Mosquitto sorts the files of a folder by their letters, the upper case of each before the lower:
/// 00, A, a, B.
bool comes_before(const std::string& a, const std::string& b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  const auto less = [&](char x, char y) {
    return static_cast<unsigned char>(lower(x)) < static_cast<unsigned char>(lower(y));
  };
  if (std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), less)) return true;
  if (std::lexicographical_compare(b.begin(), b.end(), a.begin(), a.end(), less)) return false;
  return a < b;
}

/// Reads a configuration with all its files, then turns the draft into settings.
class Reading {
 public:
  Reading(ConfigFiles& files, Settings& settings, std::vector<Diagnostic>& trouble)
      : files_(files),
        trouble_(trouble),
        draft_(settings),
        listeners_before_(settings.listeners.size()) {
    draft_.default_listener.settings.bind.clear();
    settings.log.format = LogFormat::mosquitto;
    settings.user = "mosquitto";
  }

  void read_file(const std::string& path, bool is_main) {
    const auto text = files_.read(path);
    if (!text) return complain(path, text.error().what);
    read_text(path, *text, is_main);
  }

  void read_text(const std::string& name, std::string_view text, bool is_main) {
    MosquittoFile file;
    file.name = name;
    file.is_main = is_main;
    std::size_t number = 0;
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      std::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      ++number;
      while (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      if (line.starts_with('#') || line.find_first_not_of(' ') == std::string_view::npos) continue;
      MosquittoOption option(draft_, file, line, number, trouble_);
      if (option.name() == "include_dir")
        include(option);
      else
        read_mosquitto_option(option);
    }
  }

  void finish() {
    for (MosquittoListener& listener : draft_.listeners) finish_listener(listener);
    if (default_listener_is_wanted()) {
      MosquittoListener& listener = draft_.default_listener;
      if (!listener.has_port) listener.settings.port = 1883;
      if (listener.settings.origin.text.empty() && !listener.origins.empty())
        listener.settings.origin = listener.origins.begin()->second;
      if (!draft_.listeners.empty())
        notice(
            "options before the first listener line of a file belong to a listener of their own, "
            "on port "
            + std::to_string(listener.settings.port) + " (" + listener.settings.origin.text + ")");
      finish_listener(listener);
    }
    finish_anonymous();
    finish_log();
    finish_persistence();
    if (draft_.ignored.empty()) return;
    std::string list;
    for (const std::string& name : draft_.ignored) list += (list.empty() ? "" : ", ") + name;
    notice("without effect here: " + list);
  }

 private:
  void complain(const std::string& source, std::string message) {
    Diagnostic diagnostic;
    diagnostic.source = source;
    diagnostic.message = std::move(message);
    report(trouble_, std::move(diagnostic));
  }

  void notice(std::string text) { draft_.settings.notices.push_back(std::move(text)); }

  void include(MosquittoOption& option) {
    const auto folder = option.text();
    if (!folder) return;
    if (!option.file().is_main) return option.notice("include_dir counts only in the main file");
    auto names = files_.list(*folder);
    if (!names) return option.fail(printable(*folder) + " " + names.error().what);
    std::sort(names.value().begin(), names.value().end(), comes_before);
    constexpr std::string_view ending = ".conf";
    for (const std::string& name : *names)
      if (name.size() > ending.size() && name.ends_with(ending))
        read_file(*folder + (folder->ends_with('/') ? "" : "/") + name, false);
  }

  /// As Mosquitto decides it: by `port`, by `bind_address`, and by what would be lost otherwise.
  [[nodiscard]] bool default_listener_is_wanted() const {
    const MosquittoListener& listener = draft_.default_listener;
    const ListenerSettings& settings = listener.settings;
    const TlsSettings& tls = listener.tls;
    const bool has_tls = !listener.certfile.empty() || !listener.keyfile.empty()
                         || !tls.client_ca.empty() || !tls.client_ca_dir.empty() || !tls.crl.empty()
                         || !tls.ciphers.empty() || !tls.ciphers_tls13.empty()
                         || !tls.psk_hint.empty() || tls.require_client_cert
                         || tls.user_from != CertificateUser::none;
    const bool has_security = settings.password_file || !listener.psk_file.empty()
                              || !settings.allow_zero_length_client_id.value_or(true);
    return listener.has_port || !settings.bind.empty() || !settings.bind_interface.empty()
           || has_tls || has_security || settings.use_user_name_as_client_id
           || settings.connections_max != 0 || settings.qos_max != 2
           || !settings.mount_point.empty() || settings.protocol != ListenerProtocol::mqtt
           || settings.domain != SocketDomain::any;
  }

  void finish_listener(MosquittoListener& listener) {
    finish_tls(listener);
    std::vector<ListenerSettings>& listeners = draft_.settings.listeners;
    const std::string path = "listener[" + std::to_string(listeners.size()) + "].";
    for (const auto& [key, origin] : listener.origins) draft_.settings.origins[path + key] = origin;
    listeners.push_back(std::move(listener.settings));
  }

  /// With listeners of its own a mosquitto.conf takes no anonymous clients unless it says so, not
  /// even on loopback.
  void finish_anonymous() {
    Settings& settings = draft_.settings;
    if (listeners_before_ == settings.listeners.size()) return;
    if (!settings.per_listener_security && !settings.security.allow_anonymous)
      settings.security.allow_anonymous = false;
    for (std::size_t i = listeners_before_; i < settings.listeners.size(); ++i)
      if (settings.per_listener_security && !settings.listeners[i].allow_anonymous)
        settings.listeners[i].allow_anonymous = false;
  }

  void finish_tls(MosquittoListener& listener) {
    TlsSettings& tls = listener.tls;
    const bool has_certificate = !listener.certfile.empty() || !listener.keyfile.empty();
    if (has_certificate) tls.certificates = {{listener.certfile, listener.keyfile}};
    if (has_certificate || !tls.psk_hint.empty()) {
      tls.psk_file = listener.psk_file;
      listener.settings.tls = std::move(tls);
      return;
    }
    // Mosquitto 2.0 would serve in clear here, 2.1 refuses.
    if (!tls.client_ca.empty() || !tls.client_ca_dir.empty())
      complain(tls.origin.text, "cafile and capath need a certfile and a keyfile beside them");
    else if (tls.require_client_cert)
      complain(tls.origin.text, "require_certificate needs a certfile and a keyfile beside it");
    // Nothing of the rest has an effect, and no key shows it.
    std::erase_if(listener.origins,
                  [](const auto& origin) { return origin.first.compare(0, 4, "tls.") == 0; });
  }

  /// The level that lets through what the categories ask for.
  void finish_log() {
    LogSettings& log = draft_.settings.log;
    if (!draft_.log_type_written) return;
    const auto has = [&](std::string_view type) {
      return std::find(log.types.begin(), log.types.end(), type) != log.types.end();
    };
    if (has("debug") || has("internal"))
      log.level = LogLevel::debug;
    else if (has("information") || has("notice") || has("subscribe") || has("unsubscribe")
             || has("websockets"))
      log.level = LogLevel::info;
    else
      log.level = has("warning") ? LogLevel::warn : LogLevel::error;
    draft_.settings.origins["log.level"] = draft_.settings.origins["log.types"];
  }

  /// What Mosquitto has kept is read in only where it would have read it too: an old file that
  /// lies beside a configuration without persistence is forgotten there as well.
  void finish_persistence() {
    if (!draft_.persistence) return;
    Settings& settings = draft_.settings;
    settings.durability = *draft_.persistence ? Durability::commit : Durability::none;
    if (!*draft_.persistence) return;
    const std::string& folder = draft_.persistence_location;
    settings.mosquitto_db =
        folder + (folder.empty() || folder.ends_with('/') ? "" : "/") + draft_.persistence_file;
    settings.origins["store.import_mosquitto_db"] = settings.origins["store.durability"];
  }

  ConfigFiles& files_;
  std::vector<Diagnostic>& trouble_;
  MosquittoDraft draft_;
  std::size_t listeners_before_;  ///< those of a native file that imports this one
};

}  // namespace

void read_mosquitto_conf(const std::string& name, std::string_view text, ConfigFiles& files,
                         Settings& settings, std::vector<Diagnostic>& trouble) {
  Reading reading(files, settings, trouble);
  reading.read_text(name, text, true);
  reading.finish();
}

void read_mosquitto_conf_file(const std::string& path, ConfigFiles& files, Settings& settings,
                              std::vector<Diagnostic>& trouble) {
  Reading reading(files, settings, trouble);
  reading.read_file(path, true);
  reading.finish();
}

}  // namespace starling::config
