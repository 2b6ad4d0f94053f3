// The client's side of MQTT over TLS, against a listener of ours in memory.
#include "src/tls/client_channels.hpp"
#include "tests/unit/tls/server_fixture.hpp"

using namespace starling;
using namespace starling::test;

namespace {

struct ClientFixture : ListenerFixture {
  TlsClientSettings wishes;

  ClientFixture() {
    wishes.server_name = "localhost";
    wishes.ca_file = folder.write("trusted.pem", root.pem());
  }

  [[nodiscard]] Wire dial_with(TlsClientChannels& clients, GnutlsServerChannels& listener,
                               ByteView ticket = {}) const {
    Wire wire(clients.make_client(ticket), listener.make_server());
    wire.greet();
    return wire;
  }
  [[nodiscard]] Wire dial_as_wished() const {
    TlsClientChannels clients(wishes);
    const auto listener = open();
    return dial_with(clients, *listener);
  }
  /// What the constructor says.
  [[nodiscard]] std::string complaint() const {
    try {
      const TlsClientChannels clients(wishes);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  }
};

bool is_refused_for(const Wire& wire, const char* reason) {
  return !wire.client.channel->established() && wire.client.error
         && wire.client.error->code == Errc::bad_identity && wire.client.says(reason);
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(tls_client_channels, ClientFixture)

BOOST_AUTO_TEST_CASE(a_server_that_is_who_it_should_be_is_spoken_to) {
  Wire wire = dial_as_wished();
  BOOST_REQUIRE(wire.is_open());
  wire.client.send("hello");
  wire.carry();
  BOOST_TEST(text_of(wire.server.plain) == "hello");
}

BOOST_AUTO_TEST_CASE(an_unknown_issuer_is_not_trusted_unless_nobody_asks) {
  const TestCertificate other({.name = "Other", .is_ca = true});
  wishes.ca_file = folder.write("other.pem", other.pem());
  BOOST_TEST(is_refused_for(dial_as_wished(), "issuer is unknown"));
  wishes.verify = false;
  BOOST_TEST(dial_as_wished().is_open());
}

BOOST_AUTO_TEST_CASE(a_certificate_for_another_name_is_not_trusted) {
  wishes.server_name = "elsewhere.example";
  BOOST_TEST(is_refused_for(dial_as_wished(), "name"));
  wishes.server_name = "127.0.0.1";
  BOOST_TEST(is_refused_for(dial_as_wished(), "name"));
}

BOOST_AUTO_TEST_CASE(an_expired_certificate_is_not_trusted) {
  FixedTime::now += 10 * 86'400;
  BOOST_TEST(is_refused_for(dial_as_wished(), "expired"));
}

BOOST_AUTO_TEST_CASE(a_certificate_for_clients_does_not_do_for_a_server) {
  const TestCertificate lamp(
      {.name = "lamp", .purpose = GNUTLS_KP_TLS_WWW_CLIENT, .dns_name = "localhost"}, &root);
  settings.certificates = {pair("lamp", lamp)};
  BOOST_TEST(is_refused_for(dial_as_wished(), "purpose"));
}

BOOST_AUTO_TEST_CASE(a_session_is_resumed_with_its_ticket) {
  TlsClientChannels clients(wishes);
  const auto listener = open();
  Wire first = dial_with(clients, *listener);
  BOOST_TEST(!first.client.channel->resumed());
  const Bytes ticket = first.client.channel->session_ticket();
  BOOST_REQUIRE(!ticket.empty());
  Wire second = dial_with(clients, *listener, ticket);
  BOOST_REQUIRE(second.is_open());
  BOOST_TEST(second.client.channel->resumed());
}

BOOST_AUTO_TEST_CASE(a_damaged_ticket_is_as_good_as_none) {
  TlsClientChannels clients(wishes);
  const auto listener = open();
  Bytes ticket = dial_with(clients, *listener).client.channel->session_ticket();
  BOOST_REQUIRE(!ticket.empty());
  ticket.back() ^= 1U;
  Wire wire = dial_with(clients, *listener, ticket);
  BOOST_REQUIRE(wire.is_open());
  BOOST_TEST(!wire.client.channel->resumed());
}

BOOST_AUTO_TEST_CASE(a_certificate_of_its_own_is_shown_where_one_is_required) {
  require_client_certificates();
  const TestCertificate lamp({.name = "lamp"}, &root);
  wishes.certificate_file = folder.write("lamp.pem", lamp.pem());
  wishes.key_file = folder.write("lamp.key", lamp.key().pem());
  Wire wire = dial_as_wished();
  BOOST_REQUIRE(wire.is_open());
  BOOST_TEST(wire.server.channel->identity()->common_name == "lamp");
}

BOOST_AUTO_TEST_CASE(files_that_cannot_be_used_are_named) {
  wishes.ca_file = folder.path("missing.pem");
  BOOST_TEST(complaint().find("missing.pem") != std::string::npos);
  wishes.ca_file = folder.write("empty.pem", "");
  BOOST_TEST(complaint().find("empty.pem") != std::string::npos);
  wishes.ca_file = folder.write("trusted.pem", root.pem());
  wishes.certificate_file = folder.path("lamp.pem");
  wishes.key_file = folder.path("lamp.key");
  BOOST_TEST(complaint().find("lamp.pem") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
