#include "src/tls/cipher_suites.hpp"

#include <algorithm>
#include <array>
#include <tuple>

namespace starling {
namespace {

using Suite = CipherSuite;

std::string_view openssl_kx(gnutls_kx_algorithm_t kx) {
  switch (kx) {
    case GNUTLS_KX_RSA:
      return "";
    case GNUTLS_KX_DHE_RSA:
      return "DHE-RSA-";
    case GNUTLS_KX_ECDHE_RSA:
      return "ECDHE-RSA-";
    case GNUTLS_KX_ECDHE_ECDSA:
      return "ECDHE-ECDSA-";
    case GNUTLS_KX_PSK:
      return "PSK-";
    case GNUTLS_KX_DHE_PSK:
      return "DHE-PSK-";
    case GNUTLS_KX_ECDHE_PSK:
      return "ECDHE-PSK-";
    case GNUTLS_KX_RSA_PSK:
      return "RSA-PSK-";
    default:
      return "?";
  }
}

/// Empty: not one that is offered.
std::string openssl_cipher(const Suite& suite) {
  std::string name;
  switch (suite.cipher) {
    case GNUTLS_CIPHER_AES_128_GCM:
      return "AES128-GCM-SHA256";
    case GNUTLS_CIPHER_AES_256_GCM:
      return "AES256-GCM-SHA384";
    case GNUTLS_CIPHER_AES_128_CCM:
      return "AES128-CCM";
    case GNUTLS_CIPHER_AES_256_CCM:
      return "AES256-CCM";
    case GNUTLS_CIPHER_AES_128_CCM_8:
      return "AES128-CCM8";
    case GNUTLS_CIPHER_AES_256_CCM_8:
      return "AES256-CCM8";
    case GNUTLS_CIPHER_CHACHA20_POLY1305:
      return "CHACHA20-POLY1305";
    case GNUTLS_CIPHER_AES_128_CBC:
      name = suite.uses_psk() ? "AES128-CBC" : "AES128";
      break;
    case GNUTLS_CIPHER_AES_256_CBC:
      name = suite.uses_psk() ? "AES256-CBC" : "AES256";
      break;
    case GNUTLS_CIPHER_CAMELLIA_128_CBC:
      name = "CAMELLIA128";
      break;
    case GNUTLS_CIPHER_CAMELLIA_256_CBC:
      name = "CAMELLIA256";
      break;
    default:
      return {};
  }
  switch (suite.mac) {
    case GNUTLS_MAC_SHA1:
      return name + "-SHA";
    case GNUTLS_MAC_SHA256:
      return name + "-SHA256";
    case GNUTLS_MAC_SHA384:
      return name + "-SHA384";
    default:
      return {};
  }
}

std::size_t bits_of(const Suite& suite) {
  return gnutls_cipher_get_key_size(suite.cipher) * 8;
}

std::vector<Suite> make_all() {
  std::vector<Suite> all;
  gnutls_kx_algorithm_t kx{};
  gnutls_cipher_algorithm_t cipher{};
  gnutls_mac_algorithm_t mac{};
  gnutls_protocol_t version{};
  for (std::size_t i = 0;; ++i) {
    const char* name = gnutls_cipher_suite_info(i, nullptr, &kx, &cipher, &mac, &version);
    if (name == nullptr) break;
    if (version == GNUTLS_TLS1_3 || version >= GNUTLS_DTLS_VERSION_MIN) continue;
    Suite suite{{}, name, kx, cipher, mac};
    const std::string rest = openssl_cipher(suite);
    if (openssl_kx(kx) == "?" || rest.empty()) continue;
    suite.openssl_name = std::string(openssl_kx(kx)) + rest;
    all.push_back(std::move(suite));
  }
  // Ephemeral keys before fixed ones, authenticated ciphers before others, long keys before short.
  const auto rank = [](const Suite& suite) {
    constexpr std::array order = {GNUTLS_KX_ECDHE_ECDSA, GNUTLS_KX_ECDHE_RSA, GNUTLS_KX_DHE_RSA,
                                  GNUTLS_KX_ECDHE_PSK,   GNUTLS_KX_DHE_PSK,   GNUTLS_KX_PSK,
                                  GNUTLS_KX_RSA_PSK,     GNUTLS_KX_RSA};
    const auto at = std::find(order.begin(), order.end(), suite.kx) - order.begin();
    return std::make_tuple(suite.mac == GNUTLS_MAC_AEAD ? 0 : 1, at, 1'000 - bits_of(suite));
  };
  std::stable_sort(all.begin(), all.end(),
                   [&](const Suite& a, const Suite& b) { return rank(a) < rank(b); });
  return all;
}

// --- OpenSSL's keywords ---
bool is_ccm8(const Suite& s) {
  return s.cipher == GNUTLS_CIPHER_AES_128_CCM_8 || s.cipher == GNUTLS_CIPHER_AES_256_CCM_8;
}
bool is_ccm(const Suite& s) {
  return s.cipher == GNUTLS_CIPHER_AES_128_CCM || s.cipher == GNUTLS_CIPHER_AES_256_CCM
         || is_ccm8(s);
}
bool is_gcm(const Suite& s) {
  return s.cipher == GNUTLS_CIPHER_AES_128_GCM || s.cipher == GNUTLS_CIPHER_AES_256_GCM;
}
bool is_chacha(const Suite& s) {
  return s.cipher == GNUTLS_CIPHER_CHACHA20_POLY1305;
}
bool is_camellia(const Suite& s) {
  return s.cipher == GNUTLS_CIPHER_CAMELLIA_128_CBC || s.cipher == GNUTLS_CIPHER_CAMELLIA_256_CBC;
}
bool is_aes(const Suite& s) {
  return !is_camellia(s) && !is_chacha(s);
}
bool is_default(const Suite& s) {
  return !is_ccm(s) && !is_camellia(s);
}
bool has_rsa_key(const Suite& s) {
  return s.kx == GNUTLS_KX_RSA || s.kx == GNUTLS_KX_DHE_RSA || s.kx == GNUTLS_KX_ECDHE_RSA
         || s.kx == GNUTLS_KX_RSA_PSK;
}
bool is_ecdhe(const Suite& s) {
  return s.kx == GNUTLS_KX_ECDHE_RSA || s.kx == GNUTLS_KX_ECDHE_ECDSA;
}
/// The oldest version OpenSSL has a suite for is how it files it.
bool is_of_tls12(const Suite& s) {
  return s.mac == GNUTLS_MAC_AEAD || (!s.uses_psk() && s.mac != GNUTLS_MAC_SHA1);
}
bool is_of_tls10(const Suite& s) {
  return !is_of_tls12(s)
         && (is_ecdhe(s) || s.kx == GNUTLS_KX_ECDHE_PSK || s.mac != GNUTLS_MAC_SHA1);
}
bool is_of_ssl3(const Suite& s) {
  return !is_of_tls12(s) && !is_of_tls10(s);
}
bool any(const Suite&) {
  return true;
}
bool none(const Suite&) {
  return false;
}

struct Keyword {
  std::string_view word;
  bool (*holds)(const Suite&);
};

const std::array keywords = {
    Keyword{"ALL", any},
    Keyword{"HIGH", any},
    Keyword{"DEFAULT", is_default},
    Keyword{"COMPLEMENTOFDEFAULT", [](const Suite& s) { return !is_default(s); }},
    Keyword{"COMPLEMENTOFALL", none},
    // What is never offered is known all the same: lists exclude it.
    Keyword{"MEDIUM", none},
    Keyword{"LOW", none},
    Keyword{"EXP", none},
    Keyword{"EXPORT", none},
    Keyword{"EXPORT40", none},
    Keyword{"EXPORT56", none},
    Keyword{"NULL", none},
    Keyword{"eNULL", none},
    Keyword{"aNULL", none},
    Keyword{"ADH", none},
    Keyword{"AECDH", none},
    Keyword{"DSS", none},
    Keyword{"aDSS", none},
    Keyword{"aDH", none},
    Keyword{"kDHr", none},
    Keyword{"kDHd", none},
    Keyword{"kECDHr", none},
    Keyword{"kECDHe", none},
    Keyword{"aECDH", none},
    Keyword{"RC4", none},
    Keyword{"RC2", none},
    Keyword{"DES", none},
    Keyword{"3DES", none},
    Keyword{"IDEA", none},
    Keyword{"SEED", none},
    Keyword{"MD5", none},
    Keyword{"SRP", none},
    Keyword{"kSRP", none},
    Keyword{"aSRP", none},
    Keyword{"KRB5", none},
    Keyword{"GOST", none},
    Keyword{"kGOST", none},
    Keyword{"aGOST", none},
    Keyword{"aGOST01", none},
    Keyword{"ARIA", none},
    Keyword{"ARIAGCM", none},
    Keyword{"ARIA128", none},
    Keyword{"ARIA256", none},
    Keyword{"SSLv2", none},
    Keyword{"SSLv3", is_of_ssl3},
    Keyword{"TLSv1", is_of_tls10},
    Keyword{"TLSv1.0", is_of_tls10},
    Keyword{"TLSv1.2", is_of_tls12},
    Keyword{"RSA", [](const Suite& s) { return s.kx == GNUTLS_KX_RSA; }},
    Keyword{"kRSA", [](const Suite& s) { return s.kx == GNUTLS_KX_RSA; }},
    Keyword{"aRSA", has_rsa_key},
    Keyword{"ECDSA", [](const Suite& s) { return s.kx == GNUTLS_KX_ECDHE_ECDSA; }},
    Keyword{"aECDSA", [](const Suite& s) { return s.kx == GNUTLS_KX_ECDHE_ECDSA; }},
    Keyword{"ECDH", is_ecdhe},
    Keyword{"ECDHE", is_ecdhe},
    Keyword{"EECDH", is_ecdhe},
    Keyword{"kECDHE", is_ecdhe},
    Keyword{"kEECDH", is_ecdhe},
    Keyword{"DH", [](const Suite& s) { return s.kx == GNUTLS_KX_DHE_RSA; }},
    Keyword{"DHE", [](const Suite& s) { return s.kx == GNUTLS_KX_DHE_RSA; }},
    Keyword{"EDH", [](const Suite& s) { return s.kx == GNUTLS_KX_DHE_RSA; }},
    Keyword{"kDHE", [](const Suite& s) { return s.kx == GNUTLS_KX_DHE_RSA; }},
    Keyword{"kEDH", [](const Suite& s) { return s.kx == GNUTLS_KX_DHE_RSA; }},
    Keyword{"PSK", [](const Suite& s) { return s.uses_psk(); }},
    Keyword{"aPSK", [](const Suite& s) { return s.uses_psk() && s.kx != GNUTLS_KX_RSA_PSK; }},
    Keyword{"kPSK", [](const Suite& s) { return s.kx == GNUTLS_KX_PSK; }},
    Keyword{"kECDHEPSK", [](const Suite& s) { return s.kx == GNUTLS_KX_ECDHE_PSK; }},
    Keyword{"kDHEPSK", [](const Suite& s) { return s.kx == GNUTLS_KX_DHE_PSK; }},
    Keyword{"kRSAPSK", [](const Suite& s) { return s.kx == GNUTLS_KX_RSA_PSK; }},
    Keyword{"AES", is_aes},
    Keyword{"AES128", [](const Suite& s) { return is_aes(s) && bits_of(s) == 128; }},
    Keyword{"AES256", [](const Suite& s) { return is_aes(s) && bits_of(s) == 256; }},
    Keyword{"AESGCM", is_gcm},
    Keyword{"AESCCM", is_ccm},
    Keyword{"AESCCM8", is_ccm8},
    Keyword{"CHACHA20", is_chacha},
    Keyword{"CAMELLIA", is_camellia},
    Keyword{"CAMELLIA128", [](const Suite& s) { return is_camellia(s) && bits_of(s) == 128; }},
    Keyword{"CAMELLIA256", [](const Suite& s) { return is_camellia(s) && bits_of(s) == 256; }},
    Keyword{"SHA", [](const Suite& s) { return s.mac == GNUTLS_MAC_SHA1; }},
    Keyword{"SHA1", [](const Suite& s) { return s.mac == GNUTLS_MAC_SHA1; }},
    Keyword{"SHA256", [](const Suite& s) { return s.mac == GNUTLS_MAC_SHA256; }},
    Keyword{"SHA384", [](const Suite& s) { return s.mac == GNUTLS_MAC_SHA384; }},
};

/// "TLS_RSA_WITH_AES_128_CBC_SHA" as GnuTLS calls it.
std::string gnutls_name_of(std::string_view iana) {
  std::string name(iana);
  if (const auto with = name.find("_WITH_"); with != std::string::npos) name.erase(with, 5);
  const auto ends_with = [&](std::string_view end) {
    return name.size() >= end.size()
           && name.compare(name.size() - end.size(), end.size(), end) == 0;
  };
  if (ends_with("_CBC_SHA")) name += '1';
  if (ends_with("_POLY1305_SHA256")) name.resize(name.size() - 7);
  return name;
}

/// The list that the rules work on.
class Selection {
 public:
  Selection() {
    for (const Suite& suite : all_cipher_suites()) candidates_.push_back(&suite);
  }

  /// One element of the list, not empty.
  void apply(std::string_view rule) {
    if (rule == "@STRENGTH") {
      std::stable_sort(result_.suites.begin(), result_.suites.end(),
                       [](const Suite* a, const Suite* b) { return bits_of(*a) > bits_of(*b); });
      return;
    }
    // "ALL:!COMPLEMENTOFDEFAULT", as OpenSSL has it: what it leaves out is out for good.
    if (rule == "DEFAULT") {
      apply("ALL");
      apply("!COMPLEMENTOFDEFAULT");
      return;
    }
    if (rule.substr(0, 1) == "@") {
      result_.unknown.emplace_back(rule);
      return;
    }
    const char sign = rule.front();
    const bool has_sign = sign == '!' || sign == '-' || sign == '+';
    const auto chosen = select(has_sign ? rule.substr(1) : rule);
    auto& active = result_.suites;
    const auto is_chosen = [&](const Suite* suite) {
      return std::find(chosen.begin(), chosen.end(), suite) != chosen.end();
    };
    if (!has_sign) {
      for (const Suite* suite : chosen) {
        if (std::find(active.begin(), active.end(), suite) == active.end()) active.push_back(suite);
      }
    } else if (sign == '+') {
      std::stable_partition(active.begin(), active.end(),
                            [&](const Suite* suite) { return !is_chosen(suite); });
    } else {
      active.erase(std::remove_if(active.begin(), active.end(), is_chosen), active.end());
      if (sign == '!') {
        candidates_.erase(std::remove_if(candidates_.begin(), candidates_.end(), is_chosen),
                          candidates_.end());
      }
    }
  }

  [[nodiscard]] ExpandedCiphers take() { return std::move(result_); }

 private:
  /// The candidates that fit all words of "A+B+C".
  std::vector<const Suite*> select(std::string_view words) {
    std::vector<const Suite*> chosen = candidates_;
    while (!words.empty()) {
      const std::size_t end = std::min(words.find('+'), words.size());
      const std::string_view word = words.substr(0, end);
      words.remove_prefix(std::min(end + 1, words.size()));
      const auto keyword = std::find_if(keywords.begin(), keywords.end(),
                                        [&](const Keyword& k) { return k.word == word; });
      const std::string gnutls_name = gnutls_name_of(word);
      const auto fits = [&](const Suite* suite) {
        return keyword != keywords.end()
                   ? keyword->holds(*suite)
                   : suite->openssl_name == word || suite->gnutls_name == gnutls_name;
      };
      const auto& all = all_cipher_suites();
      if (keyword == keywords.end()
          && std::none_of(all.begin(), all.end(), [&](const Suite& suite) { return fits(&suite); }))
        result_.unknown.emplace_back(word);
      chosen.erase(std::remove_if(chosen.begin(), chosen.end(),
                                  [&](const Suite* suite) { return !fits(suite); }),
                   chosen.end());
    }
    return chosen;
  }

  std::vector<const Suite*> candidates_;  // those that no '!' has removed
  ExpandedCiphers result_;
};

}  // namespace

bool CipherSuite::uses_psk() const {
  return kx == GNUTLS_KX_PSK || kx == GNUTLS_KX_DHE_PSK || kx == GNUTLS_KX_ECDHE_PSK
         || kx == GNUTLS_KX_RSA_PSK;
}

const std::vector<CipherSuite>& all_cipher_suites() {
  static const std::vector<CipherSuite> all = make_all();
  return all;
}

ExpandedCiphers expand_openssl_ciphers(std::string_view list) {
  constexpr std::string_view separators = ":,; ";
  Selection selection;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find_first_of(separators), list.size());
    const std::string_view rule = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    const bool is_sign_alone = rule == "!" || rule == "-" || rule == "+";
    if (!rule.empty() && !is_sign_alone) selection.apply(rule);
  }
  return selection.take();
}

}  // namespace starling
