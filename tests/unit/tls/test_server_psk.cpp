#include "tests/unit/tls/server_fixture.hpp"

using namespace starling;
using namespace starling::test;

namespace {

struct PskFixture : ListenerFixture {
  PskFixture() {
    settings.certificates.clear();
    settings.psk_keys =
        TlsServerSettings::PskKeys{{"lamp", key("sixteen bytes ok")}, {"empty", {}}};
    settings.psk_hint = "ask the house";
  }
  static Bytes key(std::string_view text) { return {text.begin(), text.end()}; }

  static ClientWishes lamp(const std::string& priorities) {
    return {.priorities = priorities, .psk_identity = "lamp", .psk_key = "sixteen bytes ok"};
  }
};

const std::string psk12 = tls12 + ":-KX-ALL:+ECDHE-PSK:+DHE-PSK:+PSK";
const std::string psk13 = tls13 + ":-KX-ALL:+ECDHE-PSK:+DHE-PSK";

}  // namespace

BOOST_FIXTURE_TEST_SUITE(tls_server_psk, PskFixture)

BOOST_AUTO_TEST_CASE(a_client_that_holds_a_key_is_known_by_its_identity) {
  for (const auto& priorities : {psk13, tls12 + ":-KX-ALL:+ECDHE-PSK", tls12 + ":-KX-ALL:+DHE-PSK",
                                 tls12 + ":-KX-ALL:+PSK", tls13 + ":-KX-ALL:+PSK"}) {
    const auto wire = dial(lamp(priorities));
    BOOST_REQUIRE_MESSAGE(wire.is_open(), (wire.server.error ? wire.server.error->what : "closed")
                                              << priorities);
    const auto identity = wire.server.channel->identity();
    BOOST_REQUIRE(identity.has_value());
    BOOST_TEST(identity->psk == "lamp");
    BOOST_TEST(identity->common_name == "");
  }
}

BOOST_AUTO_TEST_CASE(the_suites_of_constrained_clients_are_there) {
  for (const char* cipher : {"AES-128-CBC", "AES-128-CCM-8", "AES-128-CCM", "AES-128-GCM"}) {
    const auto wire = dial(lamp(psk12 + ":-CIPHER-ALL:+" + cipher + ":+SHA1:+SHA256"));
    BOOST_TEST(wire.is_open(), cipher);
  }
}

BOOST_AUTO_TEST_CASE(clients_of_tls_1_2_are_shown_the_hint) {
  const auto wire = dial(lamp(psk12));
  const char* hint = gnutls_psk_client_get_hint(wire.session());
  BOOST_REQUIRE(hint != nullptr);
  BOOST_TEST(std::string(hint) == "ask the house");
}

BOOST_AUTO_TEST_CASE(a_wrong_key_and_an_unknown_identity_fail_alike) {
  for (const auto& priorities : {psk12, psk13}) {
    auto wrong = lamp(priorities);
    wrong.psk_key = "sixteen bytes no";
    const auto with_wrong_key = dial(wrong);
    auto unknown = lamp(priorities);
    unknown.psk_identity = "pmal";
    const auto with_unknown_name = dial(unknown);
    auto empty = lamp(priorities);
    empty.psk_identity = "empty";
    const auto with_empty_key = dial(empty);

    BOOST_TEST(with_wrong_key.server.says("does not hold the pre-shared key of \"lamp\""),
               with_wrong_key.server.error->what);
    BOOST_TEST(with_unknown_name.server.says("there is no pre-shared key for \"pmal\""),
               with_unknown_name.server.error->what);
    BOOST_TEST(with_empty_key.server.says("there is no pre-shared key for \"empty\""));
    for (const auto* wire : {&with_wrong_key, &with_unknown_name, &with_empty_key}) {
      BOOST_TEST((wire->server.error->code == Errc::bad_identity));
      BOOST_TEST(!wire->server.channel->established());
      BOOST_TEST(!wire->server.channel->identity().has_value());
    }
    // What the client can see:
    BOOST_REQUIRE(with_wrong_key.client.error.has_value());
    BOOST_REQUIRE(with_unknown_name.client.error.has_value());
    BOOST_TEST(with_wrong_key.client.error->what == with_unknown_name.client.error->what);
    BOOST_TEST(with_wrong_key.carried == with_unknown_name.carried);
  }
}

BOOST_AUTO_TEST_CASE(a_long_identity_is_shortened_in_the_log) {
  auto unknown = lamp(psk12);
  unknown.psk_identity = std::string(127, 'x');
  const auto wire = dial(unknown);
  BOOST_TEST(wire.server.says("\"" + std::string(64, 'x') + "\""), wire.server.error->what);
}

BOOST_AUTO_TEST_CASE(a_listener_without_certificate_refuses_clients_without_key) {
  for (const auto& version : {tls12, tls13}) {
    const auto wire = dial({.priorities = version});
    BOOST_TEST(!wire.server.channel->established());
    BOOST_TEST((wire.server.error->code == Errc::unsupported), wire.server.error->what);
  }
}

BOOST_AUTO_TEST_CASE(certificates_and_keys_work_side_by_side) {
  settings.certificates = {pair("ecdsa", ecdsa)};
  require_client_certificates();
  for (const auto& version : {tls12, tls13}) {
    const TestCertificate bulb({.name = "bulb"}, &root);
    const auto with_certificate = dial({.priorities = version, .certificate = &bulb});
    BOOST_REQUIRE(with_certificate.is_open());
    BOOST_TEST(with_certificate.server.channel->identity()->common_name == "bulb");
    // Who holds a key has proved who it is: no certificate is demanded of it as well.
    const auto with_key = dial(lamp(version + ":-KX-ALL:+ECDHE-PSK:+DHE-PSK"));
    BOOST_REQUIRE(with_key.is_open());
    BOOST_TEST(with_key.server.channel->identity()->psk == "lamp");
    const auto with_neither = dial({.priorities = version});
    BOOST_TEST(with_neither.server.says("showed no certificate"));
  }
}

BOOST_AUTO_TEST_CASE(without_keys_there_is_no_psk) {
  settings.certificates = {pair("ecdsa", ecdsa)};
  settings.psk_keys.reset();
  BOOST_TEST(!dial(lamp(psk12)).is_open());
  // A client of TLS 1.3 gets a handshake with the certificate, and shows nobody.
  const auto wire = dial(lamp(psk13));
  BOOST_TEST(wire.is_open());
  BOOST_TEST(!wire.server.channel->identity().has_value());
}

BOOST_AUTO_TEST_CASE(a_resumed_session_keeps_its_identity_until_the_keys_change) {
  for (const auto& priorities : {psk12, psk13}) {
    const auto listener = open();
    const auto first = dial(*listener, lamp(priorities));
    const Bytes ticket = first.client.channel->session_ticket();
    BOOST_REQUIRE(!ticket.empty());
    const auto second = dial(*listener, lamp(priorities), ticket);
    BOOST_REQUIRE(second.is_open());
    BOOST_TEST(second.server.channel->resumed());
    BOOST_REQUIRE(second.server.channel->identity().has_value());
    BOOST_TEST(second.server.channel->identity()->psk == "lamp");

    auto others = settings;
    others.psk_keys = TlsServerSettings::PskKeys{{"bulb", key("sixteen bytes ok")}};
    BOOST_REQUIRE(listener->reread(others).ok());
    const auto third = dial(*listener, lamp(priorities), ticket);
    BOOST_TEST(!third.server.channel->established());
  }
}

BOOST_AUTO_TEST_SUITE_END()
