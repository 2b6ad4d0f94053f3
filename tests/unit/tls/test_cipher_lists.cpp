#include <algorithm>

#include "starling/limits.hpp"

#include "src/tls/cipher_list.hpp"
#include "src/tls/cipher_suites.hpp"
#include "tests/unit/tls/server_fixture.hpp"

using namespace starling;
using namespace starling::test;

namespace {

std::vector<std::string> names_of(std::string_view list) {
  std::vector<std::string> names;
  for (const auto* suite : expand_openssl_ciphers(list).suites)
    names.push_back(suite->openssl_name);
  return names;
}
std::vector<std::string> sorted_names_of(std::string_view list) {
  auto names = names_of(list);
  std::sort(names.begin(), names.end());
  return names;
}
bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}
using Names = std::vector<std::string>;

}  // namespace

BOOST_AUTO_TEST_SUITE(tls_cipher_lists)

BOOST_AUTO_TEST_CASE(names_keep_their_order) {
  BOOST_TEST(names_of("ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384")
                 == (Names{"ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"}),
             boost::test_tools::per_element());
  BOOST_TEST(names_of("AES128-SHA AES256-SHA,AES128-SHA;PSK-AES128-CBC-SHA")
                 == (Names{"AES128-SHA", "AES256-SHA", "PSK-AES128-CBC-SHA"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(every_kind_of_suite_has_its_openssl_name) {
  for (const char* name :
       {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "DHE-RSA-AES128-SHA256",
        "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-CCM8", "DHE-RSA-AES256-CCM",
        "ECDHE-RSA-AES256-SHA384", "AES256-SHA256", "AES128-GCM-SHA256", "PSK-AES128-CCM8",
        "PSK-AES128-GCM-SHA256", "ECDHE-PSK-AES128-CBC-SHA256", "DHE-PSK-AES256-CBC-SHA384",
        "ECDHE-PSK-CHACHA20-POLY1305", "DHE-RSA-CAMELLIA128-SHA", "PSK-AES256-CBC-SHA"})
    BOOST_TEST(names_of(name) == Names{name}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(iana_names_are_understood_too) {
  BOOST_TEST(names_of("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA") == Names{"ECDHE-RSA-AES128-SHA"},
             boost::test_tools::per_element());
  BOOST_TEST(names_of("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256")
                 == Names{"ECDHE-ECDSA-CHACHA20-POLY1305"},
             boost::test_tools::per_element());
  BOOST_TEST(names_of("TLS_PSK_WITH_AES_128_CCM_8") == Names{"PSK-AES128-CCM8"},
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(words_joined_by_plus_must_all_hold) {
  BOOST_TEST(sorted_names_of("ECDHE+AESGCM")
                 == (Names{"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
                           "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384"}),
             boost::test_tools::per_element());
  BOOST_TEST(names_of("kRSA+AES128+SHA") == Names{"AES128-SHA"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(exclamation_marks_remove_for_good_and_minus_signs_do_not) {
  BOOST_TEST(!has(names_of("HIGH:!PSK:PSK"), "PSK-AES128-CBC-SHA"));
  BOOST_TEST(has(names_of("HIGH:-PSK:PSK"), "PSK-AES128-CBC-SHA"));
  BOOST_TEST(!has(names_of("HIGH:-PSK"), "PSK-AES128-CBC-SHA"));
  BOOST_TEST(has(names_of("HIGH:!aNULL:!MD5"), "ECDHE-RSA-AES128-GCM-SHA256"));
}

BOOST_AUTO_TEST_CASE(a_plus_in_front_puts_last) {
  const auto names = names_of("AES128-SHA:AES256-SHA:AES128-SHA256:+AES256");
  BOOST_TEST(names == (Names{"AES128-SHA", "AES128-SHA256", "AES256-SHA"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(strength_sorts_long_keys_first) {
  BOOST_TEST(names_of("AES128-SHA:AES256-SHA:AES128-SHA256:@STRENGTH")
                 == (Names{"AES256-SHA", "AES128-SHA", "AES128-SHA256"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_default_is_openssls) {
  const auto names = names_of("DEFAULT");
  BOOST_TEST(has(names, "ECDHE-RSA-AES128-SHA256"));
  BOOST_TEST(has(names, "PSK-AES256-GCM-SHA384"));
  BOOST_TEST(!has(names, "ECDHE-ECDSA-AES128-CCM8"));
  BOOST_TEST(!has(names, "CAMELLIA128-SHA"));
  BOOST_TEST(!has(names_of("DEFAULT:ECDHE"), "ECDHE-ECDSA-AES128-CCM8"));
}

BOOST_AUTO_TEST_CASE(what_is_not_known_is_told_and_left_out) {
  const auto expanded = expand_openssl_ciphers("AES128-SHA:NO-SUCH-THING:@SECLEVEL=0:!");
  BOOST_TEST(expanded.suites.size() == 1U);
  BOOST_TEST(expanded.unknown == (Names{"NO-SUCH-THING", "@SECLEVEL=0"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(nothing_that_is_broken_is_ever_offered) {
  for (const auto& suite : all_cipher_suites()) {
    for (const char* bad : {"NULL", "ARCFOUR", "3DES", "ANON", "SRP", "DSS", "MD5", "GOST"})
      BOOST_TEST(suite.gnutls_name.find(bad) == std::string::npos, suite.gnutls_name);
  }
  BOOST_TEST(names_of("RC4:3DES:eNULL:ADH:EXPORT").empty());
}

BOOST_AUTO_TEST_CASE(lists_of_any_kind_are_read_to_their_end) {
  for (const char* list : {"", ":", ":::", "+", "!", "-", "A+", "+A+", "++", "!!", "@", " , ;"})
    BOOST_TEST(names_of(list).empty(), list);
}

BOOST_AUTO_TEST_SUITE_END()

// --- What comes of it in a handshake ---

BOOST_FIXTURE_TEST_SUITE(tls_cipher_choice, ListenerFixture)

BOOST_AUTO_TEST_CASE(a_list_limits_tls_1_2_and_leaves_tls_1_3_alone) {
  settings.ciphers = "ECDHE-RSA-AES256-GCM-SHA384";
  const auto listener = open();
  BOOST_TEST(listener->warnings().empty());
  const auto old = dial(*listener, {.priorities = tls12});
  BOOST_REQUIRE(old.is_open());
  BOOST_TEST(old.suite() == "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384");
  BOOST_TEST(!dial(*listener, {.priorities = tls12 + ":-AES-256-GCM"}).is_open());
  BOOST_TEST(!dial(*listener, {.priorities = tls12 + ":-ECDHE-RSA"}).is_open());
  const auto young = dial(*listener, {.priorities = tls13 + ":-AES-256-GCM"});
  BOOST_TEST(young.is_open());
  BOOST_TEST(young.version() == "TLS1.3");
  BOOST_TEST(dial(*listener).version() == "TLS1.3");
}

BOOST_AUTO_TEST_CASE(a_list_for_tls_1_3_leaves_tls_1_2_alone) {
  settings.ciphers_tls13 = "TLS_CHACHA20_POLY1305_SHA256";
  const auto listener = open();
  BOOST_TEST(dial(*listener).suite() == "TLS_CHACHA20_POLY1305_SHA256");
  BOOST_TEST(!dial(*listener, {.priorities = tls13 + ":-CHACHA20-POLY1305"}).is_open());
  BOOST_TEST(dial(*listener, {.priorities = tls12 + ":-CHACHA20-POLY1305"}).is_open());
}

BOOST_AUTO_TEST_CASE(both_lists_at_once) {
  settings.ciphers = "ECDHE-ECDSA-AES128-CCM8";
  settings.ciphers_tls13 = "TLS_AES_128_CCM_8_SHA256:TLS_AES_128_GCM_SHA256";
  const auto listener = open();
  BOOST_TEST(dial(*listener, {.priorities = tls12 + ":+AES-128-CCM-8"}).suite()
             == "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8");
  BOOST_TEST(dial(*listener).suite() == "TLS_AES_128_GCM_SHA256");
  BOOST_TEST(!dial(*listener, {.priorities = tls12}).is_open());
}

BOOST_AUTO_TEST_CASE(lists_of_a_listener_of_one_version) {
  settings.versions = "tlsv1.2";
  settings.ciphers = "AES128-SHA";
  BOOST_TEST(dial().suite() == "TLS_RSA_WITH_AES_128_CBC_SHA");
  settings.versions = "tlsv1.3";
  settings.ciphers_tls13 = "TLS_AES_128_CCM_SHA256";
  BOOST_TEST(dial().suite() == "TLS_AES_128_CCM_SHA256");
}

BOOST_AUTO_TEST_CASE(what_names_nothing_gives_the_default_and_a_warning) {
  settings.ciphers = "RC4-MD5:EXPORT";
  settings.ciphers_tls13 = "TLS_NOT_YET";
  const auto listener = open();
  BOOST_TEST(listener->warnings().size() == 4U);
  BOOST_TEST(dial(*listener).is_open());
  BOOST_TEST(dial(*listener, {.priorities = tls12}).is_open());
  settings.ciphers = std::string(limits::tls_cipher_list_max + 1, 'A');
  settings.ciphers_tls13.clear();
  const auto third = open();
  BOOST_REQUIRE(third->warnings().size() == 1U);
  BOOST_TEST(third->warnings()[0].find("longer than") != std::string::npos);
  BOOST_TEST(dial(*third).is_open());
}

BOOST_AUTO_TEST_CASE(suites_that_come_along_unasked_are_told) {
  settings.ciphers = "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256";
  const auto listener = open();
  BOOST_REQUIRE(listener->warnings().size() == 1U);
  BOOST_TEST(listener->warnings()[0].find("ECDHE-RSA-AES128-GCM-SHA256") != std::string::npos);
  BOOST_TEST(listener->warnings()[0].find("ECDHE-ECDSA-AES256-GCM-SHA384") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_priority_string_of_gnutls_is_taken_as_it_is) {
  settings.ciphers = "NORMAL:-AES-256-GCM:-CHACHA20-POLY1305";
  const auto listener = open();
  BOOST_TEST(listener->warnings().empty());
  BOOST_TEST(dial(*listener).suite() == "TLS_AES_128_GCM_SHA256");
  BOOST_TEST(!dial(*listener, {.priorities = tls12 + ":-CIPHER-ALL:+AES-256-GCM"}).is_open());
  // But for versions nobody should speak.
  settings.ciphers = "LEGACY:+VERS-TLS1.0:+VERS-TLS1.1";
  BOOST_TEST(!dial({.priorities = "NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0"}).is_open());
  BOOST_TEST(dial({.priorities = tls12}).is_open());
  settings.versions = "tlsv1.3";
  BOOST_TEST(!dial({.priorities = tls12}).is_open());
}

BOOST_AUTO_TEST_CASE(the_habits_of_mosquitto_conf_are_understood) {
  for (const char* list : {"DEFAULT", "HIGH:!aNULL:!MD5", "ALL:!ADH:!LOW:!EXP:!MD5:@STRENGTH",
                           "DEFAULT:!aNULL:!eNULL:!LOW:!EXPORT:!SSLv2:@STRENGTH",
                           "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:!aNULL", "TLSv1.2:!eNULL:!aNULL",
                           "EECDH+AESGCM:EDH+AESGCM"}) {
    settings.ciphers = list;
    const auto listener = open();
    BOOST_TEST(dial(*listener, {.priorities = tls12}).is_open(), list);
    for (const auto& warning : listener->warnings())
      BOOST_TEST(warning.find("not known") == std::string::npos, warning);
  }
}

BOOST_AUTO_TEST_CASE(pre_shared_keys_obey_lists_too) {
  settings.certificates.clear();
  settings.psk_keys = TlsServerSettings::PskKeys{{"lamp", Bytes(16, 7)}};
  settings.ciphers = "PSK-AES128-CBC-SHA";
  const auto listener = open();
  const ClientWishes lamp{.priorities = tls12 + ":+PSK:+ECDHE-PSK",
                          .psk_identity = "lamp",
                          .psk_key = std::string(16, 7)};
  BOOST_TEST(dial(*listener, lamp).suite() == "TLS_PSK_WITH_AES_128_CBC_SHA");
  auto young = lamp;
  young.priorities = tls13 + ":-KX-ALL:+ECDHE-PSK";
  BOOST_TEST(dial(*listener, young).is_open());

  settings.ciphers = "ECDHE-RSA-AES128-SHA";  // of no use without a certificate
  BOOST_TEST(open()->warnings().size() == 1U);
  settings.ciphers = "NORMAL";
  BOOST_REQUIRE(open()->warnings().size() == 1U);
  BOOST_TEST(open()->warnings()[0].find("no key exchange with pre-shared keys")
             != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
