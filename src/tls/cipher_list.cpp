#include "src/tls/cipher_list.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "starling/limits.hpp"

#include "src/tls/cipher_suites.hpp"
#include "src/tls/gnutls_owned.hpp"

namespace starling {
namespace {

// What OpenSSL offers beside GnuTLS' "NORMAL", last: CBC with SHA-2, and the short tags of CCM-8
// that constrained clients are told to use [RFC 7925 §4].
constexpr std::string_view default_base = "NORMAL:+AES-128-CCM-8:+AES-256-CCM-8:+SHA256:+SHA384";
constexpr std::string_view psk_exchanges = ":+ECDHE-PSK:+DHE-PSK:+PSK";
constexpr std::size_t names_told_max = 8;  // in one warning

struct Tls13Suite {
  std::string_view name;
  std::string_view cipher;
};
constexpr std::array<Tls13Suite, 5> tls13_suites = {{
    {"TLS_AES_256_GCM_SHA384", "AES-256-GCM"},
    {"TLS_CHACHA20_POLY1305_SHA256", "CHACHA20-POLY1305"},
    {"TLS_AES_128_GCM_SHA256", "AES-128-GCM"},
    {"TLS_AES_128_CCM_SHA256", "AES-128-CCM"},
    {"TLS_AES_128_CCM_8_SHA256", "AES-128-CCM-8"},
}};

/// Algorithms by GnuTLS' names, in order of preference.
struct Algorithms {
  std::vector<std::string> exchanges;
  std::vector<std::string> ciphers;
  std::vector<std::string> macs;

  static void add(std::vector<std::string>& to, std::string_view name) {
    if (std::find(to.begin(), to.end(), name) == to.end()) to.emplace_back(name);
  }
};

std::string versions_text(const TlsVersions& versions) {
  std::string text = ":-VERS-ALL";
  if (versions.v1_3) text += ":+VERS-TLS1.3";
  if (versions.v1_2) text += ":+VERS-TLS1.2";
  return text;
}

std::string exchanges_text(const KeyExchanges& exchanges) {
  std::string text = exchanges.certificate ? "" : ":-KX-ALL";
  if (exchanges.psk) text += psk_exchanges;
  return text;
}

std::string to_text(const Algorithms& algorithms, const TlsVersions& versions,
                    const KeyExchanges& exchanges) {
  std::string text = "NORMAL" + versions_text(versions);
  const auto append = [&](std::string_view none, const std::vector<std::string>& names) {
    text += none;
    for (const std::string& name : names) (text += ":+") += name;
  };
  if (algorithms.exchanges.empty()) {
    text += exchanges_text(exchanges);
  } else {
    append(":-KX-ALL", algorithms.exchanges);
  }
  append(":-CIPHER-ALL", algorithms.ciphers);
  append(":-MAC-ALL", algorithms.macs);
  return text;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < names_told_max; ++i) {
    if (i > 0) text += ", ";
    text += names[i];
  }
  if (names.size() > names_told_max)
    text += " and " + std::to_string(names.size() - names_told_max) + " more";
  return text;
}

bool can_parse(const std::string& priorities) {
  gnutls_priority_t parsed = nullptr;
  if (gnutls_priority_init(&parsed, priorities.c_str(), nullptr) < 0) return false;
  const OwnedPriorities owned{parsed};
  const unsigned* list = nullptr;
  return gnutls_priority_protocol_list(parsed, &list) > 0
         && gnutls_priority_cipher_list(parsed, &list) > 0;
}

bool offers_psk(const std::string& priorities) {
  gnutls_priority_t parsed = nullptr;
  if (gnutls_priority_init(&parsed, priorities.c_str(), nullptr) < 0) return false;
  const OwnedPriorities owned{parsed};
  const unsigned* list = nullptr;
  const int count = gnutls_priority_kx_list(parsed, &list);
  return std::any_of(list, list + std::max(count, 0), [](unsigned kx) {
    return kx == GNUTLS_KX_PSK || kx == GNUTLS_KX_DHE_PSK || kx == GNUTLS_KX_ECDHE_PSK;
  });
}

/// Chooses step by step and collects the warnings.
class Choice {
 public:
  Choice(const TlsVersions& versions, const KeyExchanges& exchanges)
      : versions_(versions), exchanges_(exchanges) {}

  CipherChoice make(const std::string& ciphers, const std::string& ciphers_tls13) {
    const std::string& list = bounded(ciphers, "ciphers");
    const std::string& list13 = bounded(ciphers_tls13, "ciphers_tls13");
    const bool is_native = !list.empty() && use_priority_string(list);
    if (!is_native) choice_.any = default_text(versions_);
    const bool split12 = !is_native && versions_.v1_2 && !list.empty() && choose_tls12(list);
    const bool split13 = versions_.v1_3 && !list13.empty() && choose_tls13(list13);
    if (split12 || split13) split(is_native, split12, split13);
    return std::move(choice_);
  }

 private:
  const std::string& bounded(const std::string& list, const std::string& name) {
    static const std::string empty;
    if (list.size() <= limits::tls_cipher_list_max) return list;
    warn(name + ": longer than " + std::to_string(limits::tls_cipher_list_max)
         + " bytes; the default is used");
    return empty;
  }

  [[nodiscard]] std::string default_text(const TlsVersions& versions) const {
    return std::string(default_base) + versions_text(versions) + exchanges_text(exchanges_);
  }

  /// As it is, but for versions that are never spoken.
  bool use_priority_string(const std::string& list) {
    std::string text = list + ":-VERS-SSL3.0:-VERS-TLS1.0:-VERS-TLS1.1:-VERS-DTLS-ALL";
    if (!versions_.v1_2) text += ":-VERS-TLS1.2";
    if (!versions_.v1_3) text += ":-VERS-TLS1.3";
    if (!can_parse(text)) return false;
    choice_.any = text;
    if (exchanges_.psk && !offers_psk(text)) {
      warn("ciphers: \"" + list + "\" has no key exchange with pre-shared keys, such as "
           "+ECDHE-PSK: clients cannot use theirs with TLS 1.2");
    }
    return true;
  }

  bool choose_tls12(const std::string& list) {
    const ExpandedCiphers expanded = expand_openssl_ciphers(list);
    if (!expanded.unknown.empty())
      warn("ciphers: not known here, and left out: " + joined(expanded.unknown));
    std::set<const CipherSuite*> wanted;
    for (const CipherSuite* suite : expanded.suites) {
      // RSA-PSK would need both; nobody uses it.
      const bool usable = suite->uses_psk() ? exchanges_.psk && suite->kx != GNUTLS_KX_RSA_PSK
                                            : exchanges_.certificate;
      if (!usable) continue;
      wanted.insert(suite);
      Algorithms::add(tls12_.exchanges, gnutls_kx_get_name(suite->kx));
      Algorithms::add(tls12_.ciphers, gnutls_cipher_get_name(suite->cipher));
      Algorithms::add(tls12_.macs, gnutls_mac_get_name(suite->mac));
    }
    if (wanted.empty()) {
      warn("ciphers: \"" + list + "\" names nothing that can be used here; the default is used");
      return false;
    }
    tell_extra(wanted);
    return true;
  }

  /// GnuTLS takes lists of algorithms, and offers every suite that can be made of them.
  void tell_extra(const std::set<const CipherSuite*>& wanted) {
    const auto has = [](const std::vector<std::string>& names, const char* name) {
      return std::find(names.begin(), names.end(), name) != names.end();
    };
    std::vector<std::string> extra;
    for (const CipherSuite& suite : all_cipher_suites()) {
      if (wanted.count(&suite) == 0 && has(tls12_.exchanges, gnutls_kx_get_name(suite.kx))
          && has(tls12_.ciphers, gnutls_cipher_get_name(suite.cipher))
          && has(tls12_.macs, gnutls_mac_get_name(suite.mac)))
        extra.push_back(suite.openssl_name);
    }
    if (!extra.empty())
      warn("ciphers: what is listed cannot be had without these: " + joined(extra));
  }

  bool choose_tls13(const std::string& list) {
    std::vector<std::string> unknown;
    std::string_view rest = list;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find_first_of(":,; "), rest.size());
      const std::string_view name = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (name.empty()) continue;
      const auto suite = std::find_if(tls13_suites.begin(), tls13_suites.end(),
                                      [&](const Tls13Suite& s) { return s.name == name; });
      if (suite == tls13_suites.end()) {
        unknown.emplace_back(name);
      } else {
        Algorithms::add(tls13_.ciphers, suite->cipher);
      }
    }
    if (!unknown.empty()) warn("ciphers_tls13: not known here, and left out: " + joined(unknown));
    if (tls13_.ciphers.empty()) {
      warn("ciphers_tls13: \"" + list + "\" names nothing that can be used here; the default is "
           "used");
      return false;
    }
    tls13_.macs = {"AEAD"};
    return true;
  }

  /// One string per version; a session begins with one that has the algorithms of both, since what
  /// version it will be shows only when the client has spoken.
  void split(bool is_native, bool split12, bool split13) {
    const TlsVersions only12{.v1_2 = true, .v1_3 = false};
    const TlsVersions only13{.v1_2 = false, .v1_3 = true};
    if (versions_.v1_2) {
      choice_.tls12 = split12     ? to_text(tls12_, only12, exchanges_)
                      : is_native ? choice_.any
                                  : default_text(only12);
    }
    if (versions_.v1_3)
      choice_.tls13 = split13 ? to_text(tls13_, only13, exchanges_) : default_text(only13);
    if (!versions_.v1_2 || !versions_.v1_3) {
      choice_.any = versions_.v1_2 ? choice_.tls12 : choice_.tls13;
      choice_.tls12.clear();
      choice_.tls13.clear();
    }
  }

  void warn(std::string sentence) { choice_.warnings.push_back(std::move(sentence)); }

  TlsVersions versions_;
  KeyExchanges exchanges_;
  Algorithms tls12_;
  Algorithms tls13_;
  CipherChoice choice_;
};

}  // namespace

CipherChoice choose_ciphers(const std::string& ciphers, const std::string& ciphers_tls13,
                            const TlsVersions& versions, const KeyExchanges& exchanges) {
  return Choice(versions, exchanges).make(ciphers, ciphers_tls13);
}

}  // namespace starling
