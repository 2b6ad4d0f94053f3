#include "tests/unit/tls/server_fixture.hpp"

using namespace starling;
using namespace starling::test;

namespace {

struct MutualFixture : ListenerFixture {
  MutualFixture() { require_client_certificates(); }

  /// In both versions: the server says `words`, the client hears `alert`, and no byte of the client
  /// gets through.
  void refused(const TestCertificate* certificate, const std::string& words,
               const std::string& alert, std::vector<const TestCertificate*> issuers = {},
               const std::vector<std::string>& versions = {tls12, tls13}) {
    const auto listener = open();
    for (const auto& version : versions) {
      ClientWire wire(std::make_shared<ClientProfile>(root, ClientWishes{.priorities = version,
                                                                         .certificate = certificate,
                                                                         .issuers = issuers}),
                      listener->make_server(), {});
      bool has_spoken = false;
      for (int i = 0; i < 6; ++i) {
        wire.server.feed(take_all(wire.client.wire_out));
        if (!wire.client.error) wire.client.feed(take_all(wire.server.wire_out));
        // With TLS 1.3 a client is done before the server has judged it.
        if (wire.client.channel->established() && !std::exchange(has_spoken, true))
          wire.client.send("CONNECT");
      }
      BOOST_TEST(wire.server.says(words),
                 (wire.server.error ? wire.server.error->what : "not refused"));
      BOOST_TEST(!wire.server.channel->established());
      BOOST_TEST(!wire.server.channel->identity().has_value());
      BOOST_TEST(wire.server.plain.empty());
      BOOST_TEST(wire.client.says(alert),
                 (wire.client.error ? wire.client.error->what : "no alert"));
    }
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(tls_client_certificates, MutualFixture)

BOOST_AUTO_TEST_CASE(a_client_is_known_by_the_names_in_its_certificate) {
  const TestCertificate lamp({.subject = "C=DE,O=Home,CN=lamp"}, &root);
  for (const auto& version : {tls12, tls13}) {
    const auto wire = dial({.priorities = version, .certificate = &lamp});
    BOOST_REQUIRE(wire.is_open());
    const auto identity = wire.server.channel->identity();
    BOOST_REQUIRE(identity.has_value());
    BOOST_TEST(identity->common_name == "lamp");
    // gnutls_x509_crt_set_dn takes the text as RFC 4514 has it: last in the file comes first.
    BOOST_TEST(identity->subject == "C=DE,O=Home,CN=lamp");
    BOOST_TEST(identity->psk == "");
    BOOST_TEST(!wire.server.channel->peer().has_value());
  }
}

BOOST_AUTO_TEST_CASE(nobody_is_asked_unless_a_certificate_is_required) {
  settings.require_client_cert = false;
  const TestCertificate lamp({.name = "lamp"}, &root);
  for (const auto& version : {tls12, tls13}) {
    const auto wire = dial({.priorities = version, .certificate = &lamp});
    BOOST_REQUIRE(wire.is_open());
    BOOST_TEST(!wire.server.channel->identity().has_value());
    BOOST_TEST(gnutls_certificate_client_get_request_status(wire.session()) == 0U);
  }
}

BOOST_AUTO_TEST_CASE(a_client_without_certificate_is_refused) {
  refused(nullptr, "showed no certificate", "alert 116", {}, {tls13});  // certificate_required
  refused(nullptr, "showed no certificate", "alert 40", {}, {tls12});   // handshake_failure
}

BOOST_AUTO_TEST_CASE(a_foreign_certificate_is_refused) {
  const TestCertificate other_root({.name = "Other", .is_ca = true});
  const TestCertificate lamp({.name = "lamp"}, &other_root);
  refused(&lamp, "issued by nobody this listener knows", "alert 48");  // unknown_ca
  const TestCertificate namesake({.name = "Root", .is_ca = true});
  const TestCertificate forged({.name = "lamp"}, &namesake);
  refused(&forged, "a signature that does not hold", "alert 42");  // bad_certificate
  const TestCertificate self({.name = "self"});
  refused(&self, "issued by nobody this listener knows", "alert 48");
}

BOOST_AUTO_TEST_CASE(an_expired_certificate_is_refused) {
  const TestCertificate lamp({.until = FixedTime::summer_2025 - 1}, &root);
  refused(&lamp, "has expired", "alert 45");  // certificate_expired
}

BOOST_AUTO_TEST_CASE(a_certificate_that_is_not_valid_yet_is_refused) {
  const TestCertificate lamp({.from = FixedTime::summer_2025 + 100}, &root);
  refused(&lamp, "is not valid yet", "alert 42");  // bad_certificate
}

BOOST_AUTO_TEST_CASE(a_certificate_for_servers_is_refused) {
  const TestCertificate lamp({.purpose = GNUTLS_KP_TLS_WWW_SERVER}, &root);
  refused(&lamp, "is not meant for clients", "alert 43");  // unsupported_certificate
  const TestCertificate fitting({.purpose = GNUTLS_KP_TLS_WWW_CLIENT}, &root);
  BOOST_TEST(dial({.certificate = &fitting}).is_open());
}

BOOST_AUTO_TEST_CASE(a_certificate_issued_by_a_client_is_refused) {
  const TestCertificate lamp({.name = "lamp"}, &root);
  const TestCertificate below({.name = "below"}, &lamp);
  refused(&below, "was issued by", "alert 48", {&lamp});
}

BOOST_AUTO_TEST_CASE(issuers_in_between_may_come_from_the_client_or_from_the_ca_file) {
  const TestCertificate middle({.name = "Middle", .is_ca = true}, &root);
  const TestCertificate lamp({.name = "lamp"}, &middle);
  BOOST_TEST(dial({.certificate = &lamp, .issuers = {&middle}}).is_open());
  refused(&lamp, "issued by nobody this listener knows", "alert 48");
  settings.client_ca = folder.write("both.pem", root.pem() + middle.pem());
  BOOST_TEST(dial({.certificate = &lamp}).is_open());
}

BOOST_AUTO_TEST_CASE(a_directory_of_issuers_serves_as_well_as_a_file) {
  const TestCertificate second({.name = "Second", .is_ca = true});
  settings.client_ca.clear();
  settings.client_ca_dir = folder.path("cas");
  std::filesystem::create_directory(settings.client_ca_dir);
  folder.write("cas/root.pem", root.pem());
  folder.write("cas/second.crt", second.pem());
  folder.write("cas/README", "certificates of authorities go here\n");
  folder.write("cas/.hidden.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  const TestCertificate lamp({.name = "lamp"}, &root);
  const TestCertificate bulb({.name = "bulb"}, &second);
  BOOST_TEST(dial({.certificate = &lamp}).is_open());
  BOOST_TEST(dial({.certificate = &bulb}).is_open());
}

// --- Revocation ---

BOOST_AUTO_TEST_CASE(a_revoked_certificate_is_refused_and_the_others_are_not) {
  const TestCertificate lamp({.name = "lamp"}, &root);
  const TestCertificate stolen({.name = "stolen"}, &root);
  settings.crl = folder.write("crl.pem", root.revocations({&stolen}));
  refused(&stolen, "(CN=stolen) has been revoked", "alert 44");  // certificate_revoked
  BOOST_TEST(dial({.certificate = &lamp}).is_open());
}

BOOST_AUTO_TEST_CASE(a_revocation_list_out_of_date_lets_nobody_in) {
  const TestCertificate lamp({.name = "lamp"}, &root);
  settings.crl = folder.write("crl.pem", root.revocations({}, 1'100'000'000));
  refused(&lamp, "the revocation list is out of date", "alert 42");
}

BOOST_AUTO_TEST_CASE(an_issuer_without_revocation_list_is_not_trusted_where_there_is_one) {
  const TestCertificate second({.name = "Second", .is_ca = true});
  const TestCertificate bulb({.name = "bulb"}, &second);
  settings.client_ca = folder.write("two.pem", root.pem() + second.pem());
  BOOST_TEST(dial({.certificate = &bulb}).is_open());
  settings.crl = folder.write("crl.pem", root.revocations({}));
  refused(&bulb, "there is no revocation list by its issuer", "alert 42");
  settings.crl = folder.write("crl.pem", root.revocations({}) + second.revocations({}));
  BOOST_TEST(dial({.certificate = &bulb}).is_open());
}

BOOST_AUTO_TEST_CASE(a_client_learns_nothing_about_whom_the_listener_trusts) {
  const TestCertificate lamp({.name = "lamp"}, &root);
  const auto listener = open();
  ClientWire wire(std::make_shared<ClientProfile>(
                      root, ClientWishes{.priorities = tls12, .certificate = &lamp}),
                  listener->make_server(), {});
  wire.server.feed(take_all(wire.client.wire_out));
  // The name of the issuer stands in the certificate the server sends, and nowhere else.
  const Bytes flight = take_all(wire.server.wire_out);
  const std::string_view seen = as_text(flight);
  std::size_t count = 0;
  for (std::size_t at = seen.find("Root"); at != std::string_view::npos;
       at = seen.find("Root", at + 1))
    ++count;
  BOOST_TEST(count == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
