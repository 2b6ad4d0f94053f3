#include "src/tls/subject_name.hpp"
#include "tests/unit/tls/test_pki.hpp"

using namespace starling;
using namespace starling::test;

namespace {

/// A certificate with these attributes in this order.
struct Named {
  explicit Named(const std::vector<std::pair<std::string, std::string>>& attributes) {
    gnutls_x509_crt_t crt = nullptr;
    gnutls_x509_crt_init(&crt);
    certificate.reset(crt);
    const TestKey key;
    const unsigned char serial = 1;
    gnutls_x509_crt_set_version(crt, 3);
    gnutls_x509_crt_set_serial(crt, &serial, 1);
    gnutls_x509_crt_set_activation_time(crt, 1);
    gnutls_x509_crt_set_expiration_time(crt, 2'000'000'000);
    for (const auto& [oid, value] : attributes) {
      BOOST_REQUIRE(gnutls_x509_crt_set_dn_by_oid(crt, oid.c_str(), 0, value.data(),
                                                  static_cast<unsigned>(value.size()))
                    == 0);
    }
    gnutls_x509_crt_set_key(crt, key.get());
    BOOST_REQUIRE(gnutls_x509_crt_sign2(crt, crt, key.get(), GNUTLS_DIG_SHA256, 0) == 0);
  }
  [[nodiscard]] std::string subject() const { return subject_of(certificate.get()); }
  [[nodiscard]] std::string common_name() const { return common_name_of(certificate.get()); }
  OwnedCertificate certificate;
};

const std::string cn = "2.5.4.3";
const std::string organisation = "2.5.4.10";

}  // namespace

BOOST_AUTO_TEST_SUITE(tls_subject_names)

// The expected texts are what "openssl x509 -subject -nameopt RFC2253" says.

BOOST_AUTO_TEST_CASE(the_last_name_comes_first) {
  const Named named({{"2.5.4.6", "DE"}, {"2.5.4.8", "Bavaria"}, {organisation, "Home"}, {cn, "x"}});
  BOOST_TEST(named.subject() == "CN=x,O=Home,ST=Bavaria,C=DE");
  BOOST_TEST(named.common_name() == "x");
}

BOOST_AUTO_TEST_CASE(attributes_have_openssls_short_names) {
  const Named named({{"0.9.2342.19200300.100.1.25", "org"},
                     {"1.2.840.113549.1.9.1", "a@example.org"},
                     {"0.9.2342.19200300.100.1.1", "u1"},
                     {"2.5.4.5", "77"}});
  BOOST_TEST(named.subject() == "serialNumber=77,UID=u1,emailAddress=a@example.org,DC=org");
  BOOST_TEST(named.common_name() == "");
}

BOOST_AUTO_TEST_CASE(special_characters_are_escaped) {
  BOOST_TEST(Named({{cn, "a,b+c\"d\\e<f>g;h=i"}}).subject() == R"(CN=a\,b\+c\"d\\e\<f\>g\;h=i)");
  BOOST_TEST(Named({{cn, "#x#"}}).subject() == R"(CN=\#x#)");
  BOOST_TEST(Named({{cn, " a b "}}).subject() == R"(CN=\ a b\ )");
  BOOST_TEST(Named({{cn, "l\xC3\xA4mp"}}).subject() == R"(CN=l\C3\A4mp)");
  BOOST_TEST(Named({{cn, "a\tb\x7F"}}).subject() == R"(CN=a\09b\7F)");
  BOOST_TEST(Named({{cn, "l\xC3\xA4mp"}}).common_name() == "l\xC3\xA4mp");
}

BOOST_AUTO_TEST_CASE(the_first_common_name_counts) {
  BOOST_TEST(Named({{cn, "one"}, {cn, "two"}}).common_name() == "one");
}

BOOST_AUTO_TEST_CASE(a_common_name_with_a_nul_is_none) {
  const Named named({{cn, std::string("admin\0.example", 14)}});
  BOOST_TEST(named.common_name() == "");
  BOOST_TEST(named.subject() == R"(CN=admin\00.example)");
}

BOOST_AUTO_TEST_CASE(no_subject_at_all) {
  BOOST_TEST(Named({}).subject() == "");
  BOOST_TEST(Named({}).common_name() == "");
}

BOOST_AUTO_TEST_SUITE_END()
