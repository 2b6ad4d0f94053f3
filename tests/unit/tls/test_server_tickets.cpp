#include "starling/limits.hpp"

#include "tests/unit/tls/server_fixture.hpp"

using namespace starling;
using namespace starling::test;

namespace {

struct TicketFixture : ListenerFixture {
  TestCertificate lamp{{.name = "lamp"}, &root};
  TestCertificate bulb{{.name = "bulb"}, &root};

  TicketFixture() {
    require_client_certificates();
    settings.crl = folder.write("crl.pem", root.revocations({}));
  }
  ClientWishes as_lamp(const std::string& version) const {
    return {.priorities = version, .certificate = &lamp};
  }
  Bytes ticket_of(GnutlsServerChannels& listener, const std::string& version) const {
    const auto wire = dial(listener, as_lamp(version));
    BOOST_REQUIRE(wire.is_open());
    BOOST_TEST(!wire.server.channel->resumed());
    const Bytes ticket = wire.client.channel->session_ticket();
    BOOST_REQUIRE(!ticket.empty());
    return ticket;
  }
};

/// The lengths that the headers of TLS records in `wire` tell, in bytes.
std::vector<std::size_t> sizes_of_records(const Bytes& wire) {
  constexpr std::size_t header = 5;
  std::vector<std::size_t> sizes;
  for (std::size_t at = 0; at + header <= wire.size(); at += header + sizes.back())
    sizes.push_back((std::size_t{wire[at + 3]} << 8U) + wire[at + 4]);
  return sizes;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(tls_server_tickets, TicketFixture)

BOOST_AUTO_TEST_CASE(a_ticket_makes_the_next_handshake_short_and_the_client_is_still_known) {
  const auto listener = open();
  for (const auto& version : {tls12, tls13}) {
    const auto first = dial(*listener, as_lamp(version));
    const auto second = dial(*listener, as_lamp(version), first.client.channel->session_ticket());
    BOOST_REQUIRE(second.is_open());
    BOOST_TEST(second.server.channel->resumed());
    BOOST_REQUIRE(second.server.channel->identity().has_value());
    BOOST_TEST(second.server.channel->identity()->common_name == "lamp");
    BOOST_TEST(second.server.channel->identity()->subject == "CN=lamp");
    BOOST_TEST(second.carried < first.carried);
  }
}

BOOST_AUTO_TEST_CASE(a_resumed_session_can_be_resumed_again) {
  // GnuTLS stamps tickets of TLS 1.3 with the system's clock whatever it is told.
  FixedTime::now = std::time(nullptr);
  const Wanted for_ever{.name = "lamp", .from = 1'000'000'000, .until = 4'000'000'000};
  const TestCertificate client(for_ever, &root);
  const TestCertificate broker(for_ever, &root);
  settings.certificates = {pair("lasting", broker)};
  const auto listener = open();
  for (const auto& version : {tls12, tls13}) {
    Bytes ticket;
    for (int round = 0; round < 3; ++round) {
      const auto wire = dial(*listener, {.priorities = version, .certificate = &client}, ticket);
      BOOST_REQUIRE(wire.is_open());
      BOOST_TEST(wire.server.channel->resumed() == (round > 0));
      BOOST_TEST(wire.server.channel->identity()->common_name == "lamp");
      // TLS 1.3 gives a new one each time; with TLS 1.2 the first goes on being good.
      const Bytes next = wire.client.channel->session_ticket();
      if (version == tls13) BOOST_TEST((!next.empty() && next != ticket));
      if (!next.empty()) ticket = next;
    }
  }
}

BOOST_AUTO_TEST_CASE(a_client_gets_one_ticket_with_the_first_words_when_it_has_been_let_in) {
  const auto listener = open();
  ClientWire wire(std::make_shared<ClientProfile>(root, as_lamp(tls13)), listener->make_server(),
                  {});
  wire.carry();
  BOOST_TEST(wire.is_open());
  // A client that has not asked yet may take whatever comes for its answer.
  BOOST_TEST(wire.client.channel->session_ticket().empty());
  wire.server.send("words");
  const Bytes first = take_all(wire.server.wire_out);
  const auto records = sizes_of_records(first);
  BOOST_REQUIRE(records.size() == 2U);
  BOOST_TEST(records[0] > records[1]);  // the ticket, and then the words
  wire.client.feed(first);
  BOOST_TEST(text_of(wire.client.plain) == "words");
  BOOST_TEST(!wire.client.channel->session_ticket().empty());
  wire.server.send("more");
  BOOST_TEST(sizes_of_records(take_all(wire.server.wire_out)).size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_reload_that_changes_nothing_keeps_tickets) {
  const auto listener = open();
  for (const auto& version : {tls12, tls13}) {
    const Bytes ticket = ticket_of(*listener, version);
    BOOST_REQUIRE(listener->reread().ok());
    const auto wire = dial(*listener, as_lamp(version), ticket);
    BOOST_TEST(wire.is_open());
    BOOST_TEST(wire.server.channel->resumed());
  }
}

BOOST_AUTO_TEST_CASE(a_new_certificate_of_the_listener_keeps_tickets) {
  const auto listener = open();
  const Bytes ticket = ticket_of(*listener, tls13);
  const TestCertificate renewed({.name = "broker", .dns_name = "localhost"}, &root);
  pair("ecdsa", renewed);
  BOOST_REQUIRE(listener->reread().ok());
  BOOST_TEST(dial(*listener, as_lamp(tls13), ticket).server.channel->resumed());
}

BOOST_AUTO_TEST_CASE(a_reload_that_changes_revocations_or_issuers_makes_tickets_void) {
  const TestCertificate second_root({.name = "Second", .is_ca = true});
  const auto listener = open();
  for (const auto& version : {tls12, tls13}) {
    Bytes ticket = ticket_of(*listener, version);
    settings.crl = folder.write("crl.pem", root.revocations({&bulb}));
    BOOST_REQUIRE(listener->reread().ok());
    const auto other_crl = dial(*listener, as_lamp(version), ticket);
    BOOST_TEST(other_crl.is_open());
    BOOST_TEST(!other_crl.server.channel->resumed());

    ticket = ticket_of(*listener, version);
    folder.write("ca.pem", second_root.pem() + root.pem());
    BOOST_REQUIRE(listener->reread().ok());
    const auto other_ca = dial(*listener, as_lamp(version), ticket);
    BOOST_TEST(other_ca.is_open());
    BOOST_TEST(!other_ca.server.channel->resumed());

    folder.write("ca.pem", root.pem());
    folder.write("crl.pem", root.revocations({}));
    BOOST_REQUIRE(listener->reread().ok());
  }
}

BOOST_AUTO_TEST_CASE(a_ticket_does_not_help_a_client_that_has_been_revoked) {
  for (const auto& version : {tls12, tls13}) {
    const auto listener = open();
    const Bytes ticket = ticket_of(*listener, version);
    folder.write("crl.pem", root.revocations({&lamp}));
    BOOST_REQUIRE(listener->reread().ok());
    const auto wire = dial(*listener, as_lamp(version), ticket);
    BOOST_TEST(!wire.server.channel->established());
    BOOST_TEST(wire.server.says("has been revoked"));
    BOOST_TEST(wire.client.says("alert 44"));
    folder.write("crl.pem", root.revocations({}));
  }
}

BOOST_AUTO_TEST_CASE(the_certificate_of_a_resumed_session_is_judged_again) {
  // The ticket is good still; the certificate it stands for is not.
  const TestCertificate brief({.name = "lamp", .until = FixedTime::summer_2025 + 60}, &root);
  for (const auto& version : {tls12, tls13}) {
    FixedTime::now = FixedTime::summer_2025;
    const auto listener = open();
    const ClientWishes as_brief{.priorities = version, .certificate = &brief};
    const auto first = dial(*listener, as_brief);
    const Bytes ticket = first.client.channel->session_ticket();
    BOOST_TEST(dial(*listener, as_brief, ticket).server.channel->resumed());
    FixedTime::now += 61;
    const auto wire = dial(*listener, as_brief, ticket);
    BOOST_TEST(!wire.server.channel->established());
    BOOST_TEST(wire.server.says("has expired"), (wire.server.error ? wire.server.error->what : ""));
  }
}

BOOST_AUTO_TEST_CASE(tickets_end_with_their_lifetime_and_their_keys_rotate) {
  const TestCertificate lasting({.name = "lamp", .until = FixedTime::summer_2025 + 10 * 86'400},
                                &root);
  const TestCertificate broker({.name = "broker", .until = FixedTime::summer_2025 + 10 * 86'400},
                               &root);
  settings.certificates = {pair("lasting", broker)};
  const auto lifetime =
      std::chrono::duration_cast<std::chrono::seconds>(limits::tls_ticket_lifetime).count();
  for (const auto& version : {tls12, tls13}) {
    FixedTime::now = FixedTime::summer_2025;
    const auto listener = open();
    const ClientWishes wishes{.priorities = version, .certificate = &lasting};
    const Bytes ticket = dial(*listener, wishes).client.channel->session_ticket();
    FixedTime::now += 60;
    BOOST_TEST(dial(*listener, wishes, ticket).server.channel->resumed());
    FixedTime::now += 4 * lifetime;
    const auto late = dial(*listener, wishes, ticket);
    BOOST_TEST(!late.server.channel->resumed());
    // New ones go on being made, with another key.
    const auto fresh = dial(*listener, wishes);
    const auto again = dial(*listener, wishes, fresh.client.channel->session_ticket());
    BOOST_TEST(again.server.channel->resumed());
  }
}

BOOST_AUTO_TEST_CASE(a_ticket_of_one_listener_is_nothing_to_another) {
  const auto listener = open();
  const auto other = open();
  for (const auto& version : {tls12, tls13}) {
    const auto wire = dial(*other, as_lamp(version), ticket_of(*listener, version));
    BOOST_TEST(wire.is_open());
    BOOST_TEST(!wire.server.channel->resumed());
  }
}

BOOST_AUTO_TEST_CASE(a_ticket_from_when_nobody_was_asked_is_void_once_certificates_are_required) {
  auto lax = settings;
  lax.require_client_cert = false;
  const auto listener = std::move(GnutlsServerChannels::open(lax)).value();
  for (const auto& version : {tls12, tls13}) {
    const auto first = dial(*listener, {.priorities = version});
    BOOST_REQUIRE(first.is_open());
    BOOST_REQUIRE(listener->reread(settings).ok());
    const auto wire =
        dial(*listener, {.priorities = version}, first.client.channel->session_ticket());
    BOOST_TEST(!wire.server.channel->established());
    BOOST_REQUIRE(listener->reread(lax).ok());
  }
}

BOOST_AUTO_TEST_SUITE_END()
