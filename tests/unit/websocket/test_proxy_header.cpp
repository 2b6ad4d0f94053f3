// PROXY headers, both versions: whom they name, what they leave alone, and what is refused.
#include <boost/test/unit_test.hpp>

#include "src/websocket/proxy_header.hpp"

using namespace starling;
using namespace std::string_literals;

namespace {

struct Outcome {
  bool complete = false;
  std::optional<Errc> error;
  std::string source;  // "-": the connection's own
  std::string rest;
};

Outcome read(const std::string& bytes, std::size_t piece = SIZE_MAX) {
  ProxyHeader header;
  Outcome outcome;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t size = std::min(piece, bytes.size() - at);
    ByteView view = as_bytes(bytes).subspan(at, size);
    at += size;
    const auto done = header.read(view);
    if (!done) {
      outcome.error = done.error().code;
      return outcome;
    }
    if (*done) {
      outcome.complete = true;
      outcome.source = header.source() ? header.source()->to_text() : "-";
      outcome.rest = std::string(as_text(view)) + bytes.substr(at);
      return outcome;
    }
    BOOST_TEST(view.empty());
  }
  return outcome;
}

const std::string signature = "\r\n\r\n\0\r\nQUIT\n"s;

std::string version_2(std::uint8_t version_command, std::uint8_t family, const std::string& body) {
  std::string all = signature;
  all += static_cast<char>(version_command);
  all += static_cast<char>(family);
  all += static_cast<char>(body.size() >> 8U);
  all += static_cast<char>(body.size() & 0xFFU);
  return all + body;
}

const std::string v4_body = "\xC0\x00\x02\x07\xC6\x33\x64\x01\x13\x88\x07\x5B"s;  // 192.0.2.7:5000
const std::string v6_body = "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x01"
                            + std::string(16, '\0') + "\x13\x88\x07\x5B";

void refused(const std::string& bytes, Errc code) {
  for (const std::size_t piece : {std::size_t{1}, SIZE_MAX}) {
    const Outcome outcome = read(bytes, piece);
    BOOST_TEST_CONTEXT("header " << to_hex(as_bytes(bytes)))
    BOOST_TEST((outcome.error && *outcome.error == code));
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(websocket_proxy_header)

BOOST_AUTO_TEST_CASE(both_versions_name_the_client_and_leave_what_follows) {
  const std::string mqtt = "\x10\x0c mqtt\r\n";
  const std::vector<std::pair<std::string, std::string>> all{
      {"PROXY TCP4 192.0.2.7 198.51.100.1 5000 1883\r\n", "192.0.2.7:5000"},
      {"PROXY TCP6 2001:db8::1 ::1 5000 1883\r\n", "[2001:db8::1]:5000"},
      {"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535"},
      {"PROXY TCP4 192.0.2.7 198.51.100.1 0 0\r\n", "192.0.2.7:0"},
      {"PROXY UNKNOWN\r\n", "-"},
      {"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n", "-"},
      {version_2(0x21, 0x11, v4_body), "192.0.2.7:5000"},
      {version_2(0x21, 0x21, v6_body), "[2001:db8::1]:5000"},
      {version_2(0x21, 0x11,
                 v4_body
                     + "\x03\x00\x04"
                       "crc!\x04\x00\x00"s),
       "192.0.2.7:5000"},
      {version_2(0x21, 0x31, std::string(216, 'p')), "-"},  // a Unix socket
      {version_2(0x21, 0x00, ""), "-"},
      {version_2(0x21, 0x12, v4_body), "-"},  // a datagram, which this connection is not
      {version_2(0x20, 0x00, ""), "-"},       // LOCAL: a health check
      {version_2(0x20, 0x11, v4_body), "-"},
      {version_2(0x20, 0x00, std::string(65'535, 't')), "-"},
  };
  for (const auto& [header, source] : all) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{13}, SIZE_MAX}) {
      const Outcome outcome = read(header + mqtt, piece);
      BOOST_TEST(outcome.complete);
      BOOST_TEST(outcome.source == source);
      BOOST_TEST(outcome.rest == mqtt);
    }
  }
}

BOOST_AUTO_TEST_CASE(half_a_header_is_waited_for) {
  const std::string text = "PROXY TCP4 192.0.2.7 198.51.100.1 5000 1883\r\n";
  const std::string binary = version_2(0x21, 0x11, v4_body + "tlv");
  for (const std::string& header : {text, binary})
    for (std::size_t size = 0; size < header.size(); ++size) {
      const Outcome outcome = read(header.substr(0, size));
      BOOST_TEST(!outcome.complete);
      BOOST_TEST(!outcome.error);
    }
}

BOOST_AUTO_TEST_CASE(connections_that_begin_otherwise_are_refused_at_once) {
  refused("\x10", Errc::malformed);
  refused("GET / HTTP/1.1\r\n", Errc::malformed);
  refused("proxy TCP4 ", Errc::malformed);
  refused("PROXZ", Errc::malformed);
  refused("\r\n\r\nQUIT", Errc::malformed);
}

BOOST_AUTO_TEST_CASE(lines_with_mistakes_are_refused) {
  for (const char* line : {
           "PROXY \r\n",
           "PROXY TCP5 192.0.2.7 198.51.100.1 5000 1883\r\n",
           "PROXY TCP4 192.0.2.7 198.51.100.1 5000\r\n",
           "PROXY TCP4 192.0.2.7 198.51.100.1 5000 1883 1\r\n",
           "PROXY TCP4  192.0.2.7 198.51.100.1 5000 1883\r\n",
           "PROXY TCP4 192.0.2.256 198.51.100.1 5000 1883\r\n",
           "PROXY TCP4 2001:db8::1 ::1 5000 1883\r\n",
           "PROXY TCP6 192.0.2.7 198.51.100.1 5000 1883\r\n",
           "PROXY TCP4 192.0.2.7 198.51.100.1 65536 1883\r\n",
           "PROXY TCP4 192.0.2.7 198.51.100.1 -1 1883\r\n",
           "PROXY TCP4 192.0.2.7 198.51.100.1 05000 1883\r\n",
           "PROXY TCP4 192.0.2.7 198.51.100.1 5000 mqtt\r\n",
           "PROXY TCP4 host.example 198.51.100.1 5000 1883\r\n",
           "PROXY TCP4 192.0.2.7 198.51.100.1 5000 1883\n",
       })
    refused(line, Errc::malformed);
  refused("PROXY TCP4 192.0.2.7\0.evil 198.51.100.1 5000 1883\r\n"s, Errc::malformed);
  refused("PROXY UNKNOWN " + std::string(107, 'x'), Errc::malformed);
}

BOOST_AUTO_TEST_CASE(binary_headers_with_mistakes_are_refused) {
  refused(version_2(0x11, 0x11, v4_body), Errc::unsupported);
  refused(version_2(0x31, 0x11, v4_body), Errc::unsupported);
  refused(version_2(0x22, 0x11, v4_body), Errc::unsupported);
  refused(version_2(0x21, 0x41, v4_body), Errc::unsupported);
  refused(version_2(0x21, 0x13, v4_body), Errc::unsupported);
  refused(version_2(0x21, 0x11, v4_body.substr(1)), Errc::malformed);
  refused(version_2(0x21, 0x21, v4_body), Errc::malformed);
}

BOOST_AUTO_TEST_SUITE_END()
