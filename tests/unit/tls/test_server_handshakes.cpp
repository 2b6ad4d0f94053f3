#include "starling/limits.hpp"

#include "tests/unit/tls/server_fixture.hpp"

using namespace starling;
using namespace starling::test;

BOOST_FIXTURE_TEST_SUITE(tls_server_handshakes, ListenerFixture)

BOOST_AUTO_TEST_CASE(both_versions_are_spoken_and_the_newer_one_is_preferred) {
  BOOST_TEST(dial().version() == "TLS1.3");
  const auto old = dial({.priorities = tls12});
  BOOST_TEST(old.is_open());
  BOOST_TEST(old.version() == "TLS1.2");
}

BOOST_AUTO_TEST_CASE(bytes_cross_in_both_directions_in_both_versions) {
  for (const auto& version : {tls12, tls13}) {
    auto wire = dial({.priorities = version});
    BOOST_REQUIRE(wire.is_open());
    wire.client.send("CONNECT");
    wire.server.send("CONNACK");
    wire.carry();
    BOOST_TEST(text_of(wire.server.plain) == "CONNECT");
    BOOST_TEST(text_of(wire.client.plain) == "CONNACK");
    wire.client.channel->close(wire.client.wire_out);
    wire.carry();
    BOOST_TEST(wire.server.channel->peer_closed());
  }
}

BOOST_AUTO_TEST_CASE(delivery_byte_by_byte_changes_nothing) {
  const auto listener = open();
  for (const auto& version : {tls12, tls13}) {
    ClientWire wire(std::make_shared<ClientProfile>(root, ClientWishes{.priorities = version}),
                    listener->make_server(), {});
    wire.carry(1);
    BOOST_TEST(wire.is_open());
  }
}

BOOST_AUTO_TEST_CASE(a_listener_of_one_version_refuses_the_other) {
  settings.versions = "tlsv1.3";
  BOOST_TEST(dial().version() == "TLS1.3");
  const auto old = dial({.priorities = tls12});
  BOOST_TEST(old.server.says("speaks TLS 1.3 only"), old.server.error->what);
  BOOST_TEST(old.client.says("alert 70"));  // protocol_version

  settings.versions = "tlsv1.2";
  BOOST_TEST(dial().version() == "TLS1.2");
  const auto young = dial({.priorities = tls13});
  BOOST_TEST(young.server.says("this listener speaks TLS 1.2 only"), young.server.error->what);
  BOOST_TEST((young.server.error->code == Errc::unsupported));
}

BOOST_AUTO_TEST_CASE(a_version_nobody_knows_is_refused_when_opening) {
  settings.versions = "tlsv1.1";
  BOOST_TEST(refusal().find("\"tlsv1.1\"") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(versions_before_1_2_are_refused) {
  for (const char* version : {"NORMAL:-VERS-ALL:+VERS-TLS1.1", "NORMAL:-VERS-ALL:+VERS-TLS1.0"}) {
    const auto wire = dial({.priorities = version});
    BOOST_TEST(!wire.server.channel->established());
    BOOST_TEST(wire.server.says("no common TLS version"), wire.server.error->what);
    BOOST_TEST(wire.client.says("alert 70"));
  }
}

BOOST_AUTO_TEST_CASE(the_client_decides_by_its_abilities_which_certificate_it_gets) {
  for (const auto& version : {tls12, tls13}) {
    const auto rsa_only = dial({.priorities = version
                                              + ":-SIGN-ECDSA-SHA256:-SIGN-ECDSA-SHA384"
                                                ":-SIGN-ECDSA-SHA512:-SIGN-ECDSA-SHA1"
                                                ":-SIGN-ECDSA-SECP256R1-SHA256"
                                                ":-ECDHE-ECDSA"});
    BOOST_REQUIRE(rsa_only.is_open());
    BOOST_TEST(rsa_only.server_key_kind() == "RSA");
    const auto ecdsa_only =
        dial({.priorities = version
                            + ":-ECDHE-RSA:-RSA:-DHE-RSA:-SIGN-ALL:+SIGN-ECDSA-SHA256"
                              ":+SIGN-ECDSA-SECP256R1-SHA256"});
    BOOST_REQUIRE(ecdsa_only.is_open());
    BOOST_TEST(ecdsa_only.server_key_kind() == "EC/ECDSA");
  }
}

BOOST_AUTO_TEST_CASE(a_certificate_alone_in_its_file_takes_its_issuers_from_the_ca_file) {
  const TestCertificate middle({.name = "Middle", .is_ca = true}, &root);
  const TestCertificate leaf({.name = "broker"}, &middle);
  settings.certificates = {pair("leaf", leaf)};
  BOOST_TEST(dial().client.says("does not hold"));  // the client misses the link in between
  settings.client_ca = folder.write("chain.pem", middle.pem() + root.pem());
  const auto wire = dial();
  BOOST_TEST(wire.is_open());
  BOOST_TEST(wire.server_chain().size() == 2U);  // without the root
}

BOOST_AUTO_TEST_CASE(a_chain_in_the_certificate_file_is_sent_as_it_is) {
  const TestCertificate middle({.name = "Middle", .is_ca = true}, &root);
  const TestCertificate leaf({.name = "broker"}, &middle);
  settings.certificates = {{folder.write("full.pem", leaf.pem() + middle.pem() + root.pem()),
                            folder.write("full.key", leaf.key().pem())}};
  const auto wire = dial();
  BOOST_TEST(wire.is_open());
  BOOST_TEST(wire.server_chain().size() == 3U);
}

BOOST_AUTO_TEST_CASE(a_handshake_with_a_chain_of_two_ecdsa_certificates_fits_4_kb) {
  const TestCertificate middle({.name = "Middle Authority", .is_ca = true}, &root);
  const TestCertificate leaf({.name = "broker.example.org", .dns_name = "broker.example.org"},
                             &middle);
  settings.certificates = {{folder.write("two.pem", leaf.pem() + middle.pem()),
                            folder.write("two.key", leaf.key().pem())}};
  const auto listener = open();
  for (const auto& version : {tls12, tls13}) {
    ClientWire wire(std::make_shared<ClientProfile>(root, ClientWishes{.priorities = version}),
                    listener->make_server(), {});
    wire.server.feed(take_all(wire.client.wire_out));
    BOOST_TEST(wire.server.wire_out.size() < 4096U);
    BOOST_TEST(wire.server.wire_out.size() > 900U);  // that is the flight with the certificates
  }
}

// --- ALPN ---

BOOST_AUTO_TEST_CASE(an_application_protocol_is_answered_but_not_demanded) {
  for (const auto& version : {tls12, tls13}) {
    BOOST_TEST(dial({.priorities = version, .alpn = {"mqtt"}}).alpn() == "mqtt");
    BOOST_TEST(dial({.priorities = version, .alpn = {"x-other", "mqtt"}}).alpn() == "mqtt");
    const auto none = dial({.priorities = version});
    BOOST_TEST(none.is_open());
    BOOST_TEST(none.alpn() == "");
    const auto other = dial({.priorities = version, .alpn = {"x-amzn-mqtt-ca"}});
    BOOST_TEST(other.is_open());
    BOOST_TEST(other.alpn() == "");
  }
  settings.alpn = {"http/1.1"};
  BOOST_TEST(dial({.alpn = {"h2", "http/1.1"}}).alpn() == "http/1.1");
}

// --- What is not TLS, or too much of it ---

BOOST_AUTO_TEST_CASE(whoever_does_not_speak_tls_is_named) {
  const auto listener = open();
  const std::vector<std::pair<std::string_view, std::string_view>> openings = {
      {std::string_view("\x10\x0C\x00\x04MQTT", 8), "it sent plain MQTT"},
      {"GET / HTTP/1.1\r\n", "plain text, as HTTP does"},
      {"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n", "plain text, as HTTP does"},
      {"\r\n\r\n", "a PROXY protocol header"},
      {std::string_view("\x80\x2E\x01\x00\x02", 5), "byte 0 of what it sent is 0x80"},
      {"\x16GET", "byte 1 of what it sent is 0x47"}};
  for (const auto& [opening, words] : openings) {
    End server(listener->make_server());
    server.feed(as_bytes(opening));
    BOOST_TEST(server.says("does not speak TLS"));
    BOOST_TEST(server.says(words), server.error->what);
    BOOST_TEST(server.wire_out.empty());
    BOOST_TEST(server.plain.empty());
  }
}

BOOST_AUTO_TEST_CASE(a_handshake_message_above_the_bound_is_refused) {
  End server(open()->make_server());
  // A ClientHello that says it will be a little too long [RFC 8446 §4].
  const std::size_t size = limits::tls_handshake_message_max + 4;
  Bytes record = {0x16,
                  0x03,
                  0x01,
                  0x40,
                  0x00,
                  0x01,
                  static_cast<std::uint8_t>(size >> 16U),
                  static_cast<std::uint8_t>(size >> 8U),
                  static_cast<std::uint8_t>(size)};
  record.resize(5 + 0x4000, 0);
  std::size_t sent = 0;
  for (; sent <= size && !server.error; sent += 0x4000) {
    server.feed(record);
    std::fill(record.begin() + 5, record.end(), 0);
  }
  BOOST_REQUIRE(server.error.has_value());
  BOOST_TEST((server.error->code == Errc::too_large), server.error->what);
  BOOST_TEST(sent <= limits::tls_handshake_message_max + 0x4000);
  BOOST_TEST(!server.channel->established());
}

BOOST_AUTO_TEST_CASE(renegotiation_is_refused) {
  auto wire = dial({.priorities = tls12});
  BOOST_REQUIRE(wire.is_open());
  // The client's next ClientHello leaves as an encrypted record of type 22.
  Bytes hello;
  gnutls_transport_set_ptr(wire.session(), &hello);
  gnutls_transport_set_vec_push_function(
      wire.session(), [](gnutls_transport_ptr_t to, const giovec_t* pieces, int count) {
        ssize_t size = 0;
        for (int i = 0; i < count; ++i) {
          append(*static_cast<Bytes*>(to),
                 {static_cast<const std::uint8_t*>(pieces[i].iov_base), pieces[i].iov_len});
          size += static_cast<ssize_t>(pieces[i].iov_len);
        }
        return size;
      });
  gnutls_transport_set_pull_function(wire.session(),
                                     [](gnutls_transport_ptr_t, void*, std::size_t) -> ssize_t {
                                       errno = EAGAIN;
                                       return -1;
                                     });
  BOOST_TEST(gnutls_handshake(wire.session()) == GNUTLS_E_AGAIN);
  BOOST_REQUIRE(!hello.empty());
  wire.server.feed(hello);
  BOOST_TEST(wire.server.says("asked for a TLS renegotiation"));
  BOOST_TEST(!wire.server.wire_out.empty());  // an alert
  BOOST_TEST(!wire.server.channel->established());
}

BOOST_AUTO_TEST_SUITE_END()
