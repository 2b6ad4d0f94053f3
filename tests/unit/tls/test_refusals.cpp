#include <random>

#include "starling/limits.hpp"

#include "src/tls/credentials.hpp"
#include "tests/unit/tls/tls_fixture.hpp"

using namespace starling;
using namespace starling::test;

namespace {

/// Bob accepts a peer as `wishes` has it.
Wire odd_client(GnutlsLinkChannels& bobs, OddProfile::Wishes wishes) {
  Wire wire(odd_peer(TlsRole::client, std::move(wishes)), bobs.make_server());
  wire.carry();
  return wire;
}

/// Alice dials a peer as `wishes` has it.
Wire odd_server(GnutlsLinkChannels& alices, OddProfile::Wishes wishes) {
  Wire wire(alices.make_client({}), odd_peer(TlsRole::server, std::move(wishes)));
  wire.carry();
  return wire;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(tls_refusals, NodesFixture)

BOOST_AUTO_TEST_CASE(the_odd_peer_of_these_tests_would_be_welcome_without_its_oddness) {
  Wire client = odd_client(bobs, {});
  BOOST_TEST(client.is_open());
  BOOST_TEST(client.server.channel->peer().has_value());
  Wire server = odd_server(alices, {});
  BOOST_TEST(server.is_open());
}

BOOST_AUTO_TEST_CASE(dates_of_certificates_mean_nothing) {
  OddProfile::Wishes expired;
  expired.valid_until = 1'000'000;  // January 1970
  BOOST_TEST(odd_client(bobs, expired).is_open());
  BOOST_TEST(odd_server(alices, expired).is_open());
}

BOOST_AUTO_TEST_CASE(another_application_protocol_is_refused) {
  OddProfile::Wishes web;
  web.alpn = "h2";
  const Wire as_client = odd_client(bobs, web);
  BOOST_TEST(!as_client.server.channel->established());
  BOOST_TEST(as_client.server.says("no common application protocol"));
  BOOST_TEST((as_client.server.error->code == Errc::unsupported));
  BOOST_TEST(as_client.client.says("alert 120"));  // no_application_protocol [RFC 7301 §3.2]
  const Wire as_server = odd_server(alices, web);
  BOOST_TEST(!as_server.client.channel->established());
  BOOST_TEST(as_server.client.error.has_value());
}

BOOST_AUTO_TEST_CASE(no_application_protocol_is_refused) {
  OddProfile::Wishes none;
  none.alpn = "";
  const Wire as_client = odd_client(bobs, none);
  BOOST_TEST(!as_client.server.channel->established());
  BOOST_TEST(as_client.server.says("starling/1 (ALPN)"));
  const Wire as_server = odd_server(alices, none);
  BOOST_TEST(!as_server.client.channel->established());
  BOOST_TEST(as_server.client.says("starling/1 (ALPN)"));
  BOOST_TEST((as_server.client.error->code == Errc::unsupported));
}

BOOST_AUTO_TEST_CASE(older_versions_of_tls_are_refused) {
  for (const char* version : {"NORMAL:-VERS-ALL:+VERS-TLS1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.1"}) {
    OddProfile::Wishes old;
    old.priorities = version;
    old.key = GNUTLS_PK_RSA;
    old.key_bits = 2048;
    const Wire as_client = odd_client(bobs, old);
    BOOST_TEST(!as_client.server.channel->established());
    BOOST_TEST(as_client.server.says("links need TLS 1.3"));
    BOOST_TEST((as_client.server.error->code == Errc::unsupported));
    BOOST_TEST(as_client.client.says("alert 70"));  // protocol_version
    const Wire as_server = odd_server(alices, old);
    BOOST_TEST(!as_server.client.channel->established());
    BOOST_TEST(as_server.client.says("the peer refused with TLS alert 40"));  // handshake_failure
  }
}

BOOST_AUTO_TEST_CASE(a_server_that_answers_with_an_older_version_is_refused) {
  Wire wire(alices.make_client({}), bobs.make_server());
  Bytes hello = {0x16, 0x03, 0x03, 0, 42, 0x02, 0, 0, 38, 0x03, 0x03};  // ServerHello, TLS 1.2
  hello.resize(hello.size() + 32, 0x5A);                                // random
  append(hello, Bytes{0, 0xC0, 0x2B, 0});  // no session id, ECDHE_ECDSA_AES128_GCM, no compression
  wire.client.feed(hello);
  BOOST_TEST(!wire.client.channel->established());
  BOOST_REQUIRE(wire.client.error.has_value());
  BOOST_TEST((wire.client.error->code == Errc::unsupported), wire.client.error->what);
}

BOOST_AUTO_TEST_CASE(keys_other_than_ed25519_are_refused_by_name) {
  OddProfile::Wishes rsa;
  rsa.key = GNUTLS_PK_RSA;
  rsa.key_bits = 2048;
  OddProfile::Wishes ecdsa;
  ecdsa.key = GNUTLS_PK_ECDSA;
  ecdsa.key_bits = GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1);
  for (const auto& wishes : {rsa, ecdsa}) {
    const char* name = *wishes.key == GNUTLS_PK_RSA ? "RSA" : "EC/ECDSA";
    const Wire as_client = odd_client(bobs, wishes);
    BOOST_TEST(!as_client.server.channel->established());
    BOOST_TEST(as_client.server.says(std::string("key of type ") + name),
               as_client.server.error->what);
    BOOST_TEST((as_client.server.error->code == Errc::bad_identity));
    BOOST_TEST(as_client.client.says("alert 42"));  // bad_certificate
    const Wire as_server = odd_server(alices, wishes);
    BOOST_TEST(!as_server.client.channel->established());
    BOOST_TEST(as_server.client.says("links need Ed25519"));
  }
}

BOOST_AUTO_TEST_CASE(a_peer_refused_for_its_key_gets_an_alert_and_no_ticket) {
  OddProfile::Wishes ecdsa;
  ecdsa.key = GNUTLS_PK_ECDSA;
  ecdsa.key_bits = GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1);
  Wire wire(odd_peer(TlsRole::client, ecdsa), bobs.make_server());
  wire.server.feed(take_all(wire.client.wire_out));
  wire.client.feed(take_all(wire.server.wire_out));
  wire.server.feed(take_all(wire.client.wire_out));
  BOOST_REQUIRE(wire.server.error.has_value());
  BOOST_TEST(wire.server.wire_out.size() > 0U);
  BOOST_TEST(wire.server.wire_out.size() < 50U);  // one alert; a ticket has hundreds of bytes
}

BOOST_AUTO_TEST_CASE(a_peer_without_certificate_is_refused) {
  OddProfile::Wishes nameless;
  nameless.key = std::nullopt;
  const Wire wire = odd_client(bobs, nameless);
  BOOST_TEST(!wire.server.channel->established());
  BOOST_TEST(wire.server.says("the peer showed no certificate"));
  BOOST_TEST((wire.server.error->code == Errc::bad_identity));
}

BOOST_AUTO_TEST_CASE(showing_the_certificate_of_somebody_else_does_not_help) {
  OddProfile::Wishes thief;
  thief.stolen_certificate = make_node_certificate(key_number(9));
  const Wire as_client = odd_client(bobs, thief);
  BOOST_TEST(!as_client.server.channel->established());
  BOOST_TEST(!as_client.server.channel->peer().has_value());
  BOOST_TEST(as_client.server.says("does not hold the key"));
  const Wire as_server = odd_server(alices, thief);
  BOOST_TEST(!as_server.client.channel->established());
  BOOST_TEST(as_server.client.says("does not hold the key"));
  BOOST_TEST((as_server.client.error->code == Errc::bad_identity));
}

BOOST_AUTO_TEST_CASE(a_handshake_message_above_the_bound_is_refused) {
  OddProfile::Wishes wordy;
  wordy.chain_length = 100;  // some 300 bytes each
  const Wire wire = odd_client(bobs, wordy);
  BOOST_TEST(!wire.server.channel->established());
  BOOST_REQUIRE(wire.server.error.has_value());
  BOOST_TEST((wire.server.error->code == Errc::too_large), wire.server.error->what);
}

BOOST_AUTO_TEST_CASE(plain_text_is_told_apart_at_once) {
  for (const std::string_view text : {"GET / HTTP/1.1\r\n", "\x10\x0e", "\x16GET", "SSH-2.0-x"}) {
    End server(bobs.make_server());
    server.feed(as_bytes(text));
    BOOST_TEST(server.says("does not speak TLS"));
    BOOST_TEST((server.error->code == Errc::malformed));
  }
  Wire wire(alices.make_client({}), bobs.make_server());
  wire.client.feed(as_bytes("\x20\x02"));  // a broker's CONNACK
  BOOST_TEST(wire.client.says("does not speak TLS"));
}

BOOST_AUTO_TEST_CASE(whoever_has_been_refused_is_not_listened_to_again) {
  Wire wire = dial();
  wire.server.feed(as_bytes("GET / HTTP/1.1"));
  BOOST_REQUIRE(wire.server.error.has_value());
  const auto again = wire.server.channel->on_wire_bytes(take_all(wire.client.wire_out),
                                                        wire.server.plain, wire.server.wire_out);
  BOOST_REQUIRE(!again.ok());
  BOOST_TEST(again.error().what == wire.server.error->what);
  BOOST_TEST(wire.server.wire_out.empty());
}

BOOST_AUTO_TEST_CASE(a_record_longer_than_tls_allows_is_refused_before_it_is_there) {
  End server(bobs.make_server());
  const Bytes head = {0x16, 0x03, 0x01, 0xFF, 0xFF, 0x01, 0x00};
  server.feed(head);
  BOOST_TEST(server.error.has_value());
}

BOOST_AUTO_TEST_CASE(garbage_in_the_dress_of_tls_is_refused_or_waited_for_but_never_welcome) {
  std::mt19937 random{11};  // NOLINT: a fixed seed on purpose
  for (int round = 0; round < 300; ++round) {
    End server(bobs.make_server());
    Bytes wire = {0x16, 0x03, 0x03};
    for (std::size_t i = random() % 600; i > 0; --i)
      wire.push_back(static_cast<std::uint8_t>(random()));
    server.feed(wire);
    BOOST_TEST(!server.channel->established());
    BOOST_TEST(server.plain.empty());
  }
}

BOOST_AUTO_TEST_CASE(one_bit_changed_on_the_way_never_makes_a_wrong_peer) {
  std::mt19937 random{13};  // NOLINT: a fixed seed on purpose
  int refused = 0;
  for (int round = 0; round < 150; ++round) {
    Wire wire = dial();
    int flips = 1;
    std::size_t flip_at = random() % 2'200;  // of all that crosses, both ways
    const auto carry = [&](End& from, End& to) {
      Bytes bytes = take_all(from.wire_out);
      if (flips > 0 && flip_at < bytes.size()) {
        bytes[flip_at] ^= static_cast<std::uint8_t>(1U << random() % 8);
        --flips;
      }
      flip_at -= std::min(flip_at, bytes.size());
      if (!to.error) to.feed(bytes);
    };
    for (int i = 0; i < 4; ++i) {
      carry(wire.client, wire.server);
      // A ticket goes with it.
      if (i == 1 && wire.server.channel->established()) wire.server.send("welcome");
      carry(wire.server, wire.client);
    }
    if (wire.client.error || wire.server.error) ++refused;
    if (wire.client.channel->established()) {
      BOOST_TEST((wire.client.channel->peer() == bob.node_id()));
    }
    if (wire.server.channel->established()) {
      BOOST_TEST((wire.server.channel->peer() == alice.node_id()));
    }
  }
  BOOST_TEST(refused > 100);
}

BOOST_AUTO_TEST_CASE(changed_bytes_after_the_handshake_end_the_channel_for_good) {
  Wire wire = dial();
  wire.carry();
  wire.client.send("important");
  Bytes bytes = take_all(wire.client.wire_out);
  bytes.back() ^= 1;
  wire.server.feed(bytes);
  BOOST_TEST((wire.server.error->code == Errc::malformed), wire.server.error->what);
  BOOST_TEST(wire.server.plain.empty());
  BOOST_TEST(!wire.server.channel->established());
  wire.client.send("more");
  const auto again = wire.server.channel->on_wire_bytes(take_all(wire.client.wire_out),
                                                        wire.server.plain, wire.server.wire_out);
  BOOST_TEST(!again.ok());
  BOOST_TEST(wire.server.plain.empty());
  OutputBuffer plain;
  plain.append(as_bytes("x"));
  BOOST_TEST(!wire.server.channel->write_plain(plain, wire.server.wire_out).ok());
}

BOOST_AUTO_TEST_CASE(the_certificate_of_a_node_names_it_has_no_end_and_is_the_same_each_time) {
  const Bytes der = make_node_certificate(alice);
  BOOST_TEST((make_node_certificate(alice) == der));
  BOOST_TEST((make_node_certificate(bob) != der));
  gnutls_x509_crt_t crt = nullptr;
  gnutls_x509_crt_init(&crt);
  const OwnedCertificate owned{crt};
  const gnutls_datum_t datum = as_datum(der);
  BOOST_REQUIRE(gnutls_x509_crt_import(crt, &datum, GNUTLS_X509_FMT_DER) == 0);
  std::array<char, 64> name{};
  std::size_t size = name.size();
  gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name.data(), &size);
  BOOST_TEST(std::string(name.data()) == alice.node_id().to_short_text());
  BOOST_TEST(gnutls_x509_crt_get_activation_time(crt) == 0);
  BOOST_TEST(gnutls_x509_crt_get_expiration_time(crt)
             == static_cast<time_t>(GNUTLS_X509_NO_WELL_DEFINED_EXPIRATION));
  BOOST_TEST(gnutls_x509_crt_check_issuer(crt, crt) == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
