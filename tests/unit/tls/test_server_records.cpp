#include "src/tls/clear_records.hpp"
#include "tests/unit/tls/server_fixture.hpp"

using namespace starling;
using namespace starling::test;

namespace {

struct Record {
  int type;
  std::size_t size;  // of what follows the header
};

/// The headers as they lie on the wire [RFC 8446 §5.1].
std::vector<Record> records_of(ByteView wire) {
  std::vector<Record> records;
  while (wire.size() >= 5) {
    const std::size_t size = (std::size_t{wire[3]} << 8U) + wire[4];
    BOOST_REQUIRE(wire.size() >= 5 + size);
    records.push_back({wire[0], size});
    wire = wire.subspan(5 + size);
  }
  BOOST_TEST(wire.empty());
  return records;
}

// What encryption adds to the plaintext of a record at most: nonce, tag, padding, content type.
constexpr std::size_t overhead_max = 64;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(tls_server_records, ListenerFixture)

BOOST_AUTO_TEST_CASE(no_record_is_larger_than_the_client_says_it_can_take,
                     *boost::unit_test::label("RFC-8449")) {
  const TestCertificate middle({.name = "Middle", .is_ca = true}, &root);
  const TestCertificate leaf({.name = "broker"}, &middle);
  settings.certificates = {{folder.write("two.pem", leaf.pem() + middle.pem()),
                            folder.write("two.key", leaf.key().pem())}};
  const auto listener = open();
  for (const auto& version : {tls12, tls13}) {
    for (const std::size_t record_max : {512U, 1024U, 2048U, 4096U}) {
      ClientWire wire(std::make_shared<ClientProfile>(
                          root, ClientWishes{.priorities = version, .record_max = record_max}),
                      listener->make_server(), {});
      Bytes sent;
      const auto carry = [&] {
        for (int i = 0; i < 4; ++i) {
          wire.server.feed(take_all(wire.client.wire_out));
          const Bytes part = take_all(wire.server.wire_out);
          append(sent, part);
          wire.client.feed(part);
        }
      };
      carry();
      BOOST_REQUIRE(wire.is_open());
      const std::string payload(10'000, 'p');
      wire.server.send(payload);
      carry();
      BOOST_TEST((text_of(wire.client.plain) == payload));
      std::size_t largest = 0;
      for (const Record& record : records_of(sent)) largest = std::max(largest, record.size);
      BOOST_TEST(largest <= record_max + overhead_max);
      BOOST_TEST(largest + 200 > std::min<std::size_t>(record_max, 4096));  // and not much smaller
    }
  }
}

BOOST_AUTO_TEST_CASE(a_client_that_says_nothing_gets_full_records) {
  for (const auto& version : {tls12, tls13}) {
    auto wire = dial({.priorities = version});
    wire.server.send(std::string(32'768, 'p'));
    BOOST_TEST(records_of(take_all(wire.server.wire_out)).size() == 2U);
  }
}

BOOST_AUTO_TEST_CASE(
    a_client_of_tls_1_2_with_small_records_gets_no_ticket_with_its_certificate_in_it) {
  require_client_certificates();
  const TestCertificate lamp({.name = "lamp"}, &root);
  const auto listener = open();
  const auto ticket_for = [&](const std::string& version, std::size_t record_max) {
    const auto wire =
        dial(*listener, {.priorities = version, .certificate = &lamp, .record_max = record_max});
    BOOST_TEST(wire.is_open());
    return !wire.client.channel->session_ticket().empty();
  };
  BOOST_TEST(!ticket_for(tls12, 512));
  BOOST_TEST(!ticket_for(tls12, 1024));
  BOOST_TEST(ticket_for(tls12, 2048));
  BOOST_TEST(ticket_for(tls12, 0));
  BOOST_TEST(ticket_for(tls13, 512));
  settings.require_client_cert = false;
  BOOST_REQUIRE(listener->reread(settings).ok());
  BOOST_TEST(ticket_for(tls12, 512));
}

BOOST_AUTO_TEST_SUITE_END()

// --- Cutting what GnuTLS leaves too large ---

namespace {

Bytes cut(const Bytes& records, std::size_t fragment_max) {
  ClearRecords clear;
  OutputBuffer out;
  clear.write(records, fragment_max, out);
  return take_all(out);
}

Bytes record(std::uint8_t type, const Bytes& content) {
  Bytes all = {type, 3, 3, static_cast<std::uint8_t>(content.size() >> 8U),
               static_cast<std::uint8_t>(content.size())};
  append(all, content);
  return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tls_clear_records)

BOOST_AUTO_TEST_CASE(a_handshake_record_is_cut_into_fragments_of_the_size_agreed_on,
                     *boost::unit_test::label("RFC-6066")) {
  Bytes content;
  for (int i = 0; i < 1'300; ++i) content.push_back(static_cast<std::uint8_t>(i));
  const Bytes wire = cut(record(22, content), 512);
  const auto records = records_of(wire);
  BOOST_REQUIRE(records.size() == 3U);
  BOOST_TEST(records[0].size == 512U);
  BOOST_TEST(records[2].size == 276U);
  Bytes together(wire.begin() + 5, wire.begin() + 517);
  append(together, ByteView(wire).subspan(522, 512));
  append(together, ByteView(wire).subspan(1'039));
  BOOST_TEST((together == content));
  for (const auto& one : records) BOOST_TEST(one.type == 22);
}

BOOST_AUTO_TEST_CASE(what_fits_and_what_is_no_handshake_stays_as_it_is) {
  for (const Bytes& one :
       {record(22, Bytes(512, 1)), record(21, Bytes(2, 1)), record(23, Bytes(600, 1)), Bytes{}})
    BOOST_TEST((cut(one, 512) == one));
}

BOOST_AUTO_TEST_CASE(nothing_is_cut_once_it_is_encrypted) {
  Bytes wire = record(22, Bytes(100, 1));
  append(wire, record(20, {1}));
  append(wire, record(22, Bytes(600, 2)));
  BOOST_TEST((cut(wire, 512) == wire));
  ClearRecords clear;
  OutputBuffer out;
  clear.write(record(20, {1}), 512, out);
  clear.write(record(22, Bytes(600, 2)), 512, out);
  BOOST_TEST(out.size() == 6U + 605U);
}

BOOST_AUTO_TEST_SUITE_END()
