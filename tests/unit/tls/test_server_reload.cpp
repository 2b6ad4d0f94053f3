#include <algorithm>

#include "tests/unit/tls/server_fixture.hpp"

using namespace starling;
using namespace starling::test;

BOOST_FIXTURE_TEST_SUITE(tls_server_reload, ListenerFixture)

BOOST_AUTO_TEST_CASE(new_channels_take_what_was_read_again_and_open_ones_stay) {
  settings.certificates.pop_back();
  const auto listener = open();
  auto before = dial(*listener);
  BOOST_REQUIRE(before.is_open());
  auto half_way = ClientWire(std::make_shared<ClientProfile>(root, ClientWishes{}),
                             listener->make_server(), {});
  half_way.server.feed(take_all(half_way.client.wire_out));

  const TestCertificate renewed({.name = "renewed"}, &root);
  pair("ecdsa", renewed);
  const auto unread = dial(*listener);
  BOOST_TEST((unread.server_chain() == before.server_chain()));
  BOOST_REQUIRE(listener->reread().ok());
  const auto after = dial(*listener);
  BOOST_TEST(after.is_open());
  BOOST_TEST((after.server_chain() != before.server_chain()));

  before.server.send("still here");
  before.carry();
  BOOST_TEST(text_of(before.client.plain) == "still here");
  half_way.carry();
  BOOST_TEST(half_way.is_open());
  BOOST_TEST((half_way.server_chain() == before.server_chain()));
}

BOOST_AUTO_TEST_CASE(a_reload_that_fails_says_why_and_changes_nothing) {
  require_client_certificates();
  const TestCertificate lamp({.name = "lamp"}, &root);
  const auto listener = open();
  const auto before = dial(*listener, {.certificate = &lamp});
  const auto still_works = [&] {
    const auto wire = dial(*listener, {.certificate = &lamp});
    return wire.is_open() && wire.server_chain() == before.server_chain();
  };
  const auto failing = [&](const std::string& name, const std::string& text) {
    std::string old;
    std::ifstream file(folder.path(name));
    std::getline(file, old, '\0');
    folder.write(name, text);
    const auto done = listener->reread();
    folder.write(name, old);
    BOOST_REQUIRE(!done.ok());
    BOOST_TEST(done.error().what.find(folder.path(name)) != std::string::npos, done.error().what);
    return done.error().what;
  };
  const TestCertificate other({.name = "other"}, &root);
  BOOST_TEST(failing("ecdsa.pem", other.pem()).find("is not that of") != std::string::npos);
  BOOST_TEST(still_works());
  BOOST_TEST(failing("rsa.key", "").find("holds no private key") != std::string::npos);
  BOOST_TEST(still_works());
  BOOST_TEST(failing("ca.pem", "nothing\n").find("holds no certificate") != std::string::npos);
  BOOST_TEST(still_works());
  BOOST_REQUIRE(listener->reread().ok());
  BOOST_TEST(still_works());
}

BOOST_AUTO_TEST_CASE(new_settings_that_fail_leave_the_old_ones_in_force) {
  const auto listener = open();
  auto others = settings;
  others.certificates[0].cert = folder.path("missing.pem");
  BOOST_TEST(!listener->reread(others).ok());
  const auto files = listener->files();
  BOOST_TEST(std::count(files.begin(), files.end(), folder.path("missing.pem")) == 0);
  BOOST_TEST(listener->reread().ok());
}

BOOST_AUTO_TEST_CASE(the_files_to_watch_are_all_that_are_read) {
  require_client_certificates();
  settings.crl = folder.write("crl.pem", root.revocations({}));
  settings.client_ca_dir = folder.path("cas");
  std::filesystem::create_directory(settings.client_ca_dir);
  const auto files = open()->files();
  const std::vector<std::string> expected = {folder.path("ecdsa.pem"), folder.path("ecdsa.key"),
                                             folder.path("rsa.pem"),   folder.path("rsa.key"),
                                             folder.path("ca.pem"),    folder.path("cas"),
                                             folder.path("crl.pem")};
  BOOST_TEST(files == expected, boost::test_tools::per_element());
}

// --- Errors of reading, one sentence each ---

BOOST_AUTO_TEST_CASE(a_missing_file_is_named_with_the_systems_words) {
  settings.certificates[0].cert = "/does/not/exist.pem";
  BOOST_TEST(refusal()
             == "cannot read the certificate /does/not/exist.pem: No such file or directory");
}

BOOST_AUTO_TEST_CASE(a_directory_or_a_pipe_is_no_certificate) {
  settings.certificates[0].cert = folder.path("");
  BOOST_TEST(refusal().find("not a regular file") != std::string::npos, refusal());
}

BOOST_AUTO_TEST_CASE(an_encrypted_key_is_refused_with_the_reason) {
  settings.certificates[0].key = folder.write("locked.key", ecdsa.key().encrypted_pem());
  BOOST_TEST(refusal().find("locked.key is encrypted") != std::string::npos, refusal());
}

BOOST_AUTO_TEST_CASE(a_key_of_another_certificate_is_refused) {
  settings.certificates[0].key = settings.certificates[1].key;
  BOOST_TEST(refusal().find("rsa.key is not that of the certificate") != std::string::npos,
             refusal());
}

BOOST_AUTO_TEST_CASE(damaged_files_are_refused_by_name) {
  const auto good = settings;
  settings.certificates[0].cert = folder.write("empty.pem", "");
  BOOST_TEST(refusal().find("empty.pem holds no certificate") != std::string::npos, refusal());
  const std::string damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  settings.certificates[0].cert = folder.write("damaged.pem", damaged);
  BOOST_TEST(refusal().find("damaged.pem is damaged") != std::string::npos, refusal());
  settings = good;
  settings.client_ca = folder.write("ca.pem", root.pem() + damaged);
  BOOST_TEST(refusal().find("certificate 2 of the CA file") != std::string::npos, refusal());
  settings = good;
  settings.crl = folder.write("crl.pem", root.pem());
  BOOST_TEST(refusal().find("the revocation list") != std::string::npos, refusal());
  settings.crl =
      folder.write("crl.pem", "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n");
  BOOST_TEST(refusal().find("the revocation list") != std::string::npos, refusal());
}

BOOST_AUTO_TEST_CASE(files_may_hold_more_than_they_must_and_end_their_lines_as_they_like) {
  const auto with_returns = [](const std::string& text) {
    std::string all;
    for (const char c : text) all += c == '\n' ? std::string("\r\n") : std::string(1, c);
    return all;
  };
  std::string old_label = ecdsa.pem();
  for (std::size_t at = 0; (at = old_label.find(" CERT", at)) != std::string::npos; at += 10)
    old_label.replace(at, 5, " X509 CERT");
  const std::string parameters =
      "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
  const std::vector<std::pair<std::string, std::string>> pairs = {
      {"Certificate:\n    Data: a lamp\n" + ecdsa.pem(), parameters + ecdsa.key().pem()},
      {ecdsa.pem() + ecdsa.key().pem(), ecdsa.key().pem() + ecdsa.pem()},
      {with_returns(ecdsa.pem()), with_returns(ecdsa.key().pem())},
      {old_label, ecdsa.key().pem()}};
  for (const auto& [cert, key] : pairs) {
    settings.certificates = {{folder.write("odd.pem", cert), folder.write("odd.key", key)}};
    BOOST_TEST(refusal() == "", cert);
    BOOST_TEST(dial().is_open());
  }
}

BOOST_AUTO_TEST_CASE(neither_certificate_nor_keys_is_an_error) {
  settings.certificates.clear();
  BOOST_TEST(refusal() == "TLS needs a certificate or pre-shared keys");
}

BOOST_AUTO_TEST_CASE(certificates_required_of_nobodys_issuing_are_worth_a_warning) {
  settings.require_client_cert = true;
  const auto listener = open();
  BOOST_REQUIRE(listener->warnings().size() == 1U);
  BOOST_TEST(listener->warnings()[0].find("nobody can connect") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_first_certificate_to_end_is_known) {
  const TestCertificate brief({.name = "brief", .until = FixedTime::summer_2025 + 5}, &root);
  settings.certificates.push_back(pair("brief", brief));
  BOOST_TEST(open()->certificate_expiry().value() == FixedTime::summer_2025 + 5);
}

BOOST_AUTO_TEST_SUITE_END()
