#include <boost/test/unit_test.hpp>

#include "starling/endpoint.hpp"

using namespace starling;

BOOST_AUTO_TEST_SUITE(endpoint)

BOOST_AUTO_TEST_CASE(reads_back_from_its_text) {
  for (const char* text : {"192.0.2.7:1883", "[2001:db8::1]:21883", "[::1]:1"})
    BOOST_TEST(Endpoint::parse(text)->to_text() == text);
  for (const char* wrong :
       {"", "1.2.3.4", "1.2.3.4:0", "1.2.3.4:65536", "::1:5", "host:1", "[::1]", "1.2.3.4:5x"})
    BOOST_TEST(!Endpoint::parse(wrong), wrong);
}

BOOST_AUTO_TEST_CASE(knows_what_kind_of_address_it_is) {
  const auto at = [](const char* text) { return *Endpoint::parse(text); };
  BOOST_TEST(at("127.0.0.2:1").is_loopback());
  BOOST_TEST(at("[::1]:1").is_loopback());
  for (const char* text : {"10.1.1.1:1", "172.31.0.1:1", "192.168.9.9:1", "100.64.0.1:1",
                           "169.254.1.1:1", "[fd00::1]:1", "[fe80::1]:1"})
    BOOST_TEST((at(text).is_private() && !at(text).is_global()), text);
  for (const char* text : {"172.32.0.1:1", "8.8.8.8:1", "[2001:db8::1]:1"})
    BOOST_TEST(at(text).is_global(), text);
  BOOST_TEST(at("0.0.0.0:1").is_unspecified());
  BOOST_TEST(!at("224.0.0.1:1").is_global());
}

BOOST_AUTO_TEST_CASE(host_and_port_as_people_write_them) {
  const auto parse = [](const char* text) { return HostPort::parse(text, 21883); };
  BOOST_TEST(parse("mesh.example.org")->host == "mesh.example.org");
  BOOST_TEST(parse("mesh.example.org")->port == 21883);
  BOOST_TEST(parse("h:5")->port == 5);
  BOOST_TEST(parse("[::1]:7")->host == "::1");
  BOOST_TEST(parse("[::1]:7")->port == 7);
  BOOST_TEST(parse("fe80::1")->host == "fe80::1");
  BOOST_TEST(parse("fe80::1")->to_text() == "[fe80::1]:21883");
  BOOST_TEST(parse("h:5")->to_text() == "h:5");
  for (const char* wrong : {"", ":5", "h:", "h:0", "h:x", "[::1", "[::1]7"})
    BOOST_TEST(!parse(wrong), wrong);
}

BOOST_AUTO_TEST_SUITE_END()
