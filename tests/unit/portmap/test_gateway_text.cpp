// What the daemon and the process that asks the router tell each other.
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "src/portmap/gateway_text.hpp"
#include "src/portmap/upnp.hpp"

namespace starling {
namespace {

using Outcome = GatewayAnswer::Outcome;
using Words = std::vector<std::string>;

GatewayAnswer full_answer() {
  GatewayAnswer answer;
  answer.outcome = Outcome::mapped;
  answer.external = Endpoint::parse("5.5.5.5:21884").value();
  answer.lease = std::chrono::seconds{3600};
  answer.gateway = "http://192.168.1.1:5000/rootDesc.xml";
  answer.router = "192.168.1.1";
  answer.why = "because";
  return answer;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(gateway_text)

BOOST_AUTO_TEST_CASE(a_request_comes_back_as_it_went) {
  GatewayRequest request;
  request.verb = GatewayRequest::Verb::remove;
  request.protocol = GatewayProtocol::upnp;
  request.internal_port = 21883;
  request.external_port = 65535;
  request.lease = std::chrono::seconds{7};
  for (const char* gateway : {"", "http://192.168.1.1:5000/a?b=c d"}) {
    request.gateway = gateway;
    const auto back = parse_request(words_of(request));
    BOOST_REQUIRE(back.has_value());
    BOOST_TEST((back->verb == request.verb));
    BOOST_TEST((back->protocol == request.protocol));
    BOOST_TEST(back->internal_port == request.internal_port);
    BOOST_TEST(back->external_port == request.external_port);
    BOOST_TEST(back->lease.count() == 7);
    BOOST_TEST(back->gateway == gateway);
  }
}

BOOST_AUTO_TEST_CASE(other_words_are_no_request) {
  for (const Words& words :
       {Words{}, Words{"map", "upnp", "1", "1"}, Words{"map", "upnp", "0", "1", "1"},
        Words{"map", "upnp", "1", "65536", "1"}, Words{"map", "upnp", "1", "1", "-1"},
        Words{"map", "upnp", "1", "1", "1x"}, Words{"map", "igd", "1", "1", "1"},
        Words{"unmap", "upnp", "1", "1", "1"}, Words{"map", "upnp", "1", "1", "1", "g", "h"}})
    BOOST_TEST(!parse_request(words).has_value());
}

BOOST_AUTO_TEST_CASE(an_answer_comes_back_as_it_went) {
  const GatewayAnswer answer = full_answer();
  const auto back = parse_answer(to_text(answer));
  BOOST_REQUIRE(back.has_value());
  BOOST_TEST((back->outcome == answer.outcome));
  BOOST_TEST((back->external == answer.external));
  BOOST_TEST(back->lease.count() == answer.lease.count());
  BOOST_TEST(back->gateway == answer.gateway);
  BOOST_TEST(back->router == answer.router);
  BOOST_TEST(back->why == answer.why);
  for (const Outcome outcome :
       {Outcome::removed, Outcome::conflict, Outcome::refused, Outcome::silent, Outcome::failed}) {
    GatewayAnswer bare;
    bare.outcome = outcome;
    const auto read = parse_answer(to_text(bare));
    BOOST_REQUIRE(read.has_value());
    BOOST_TEST((read->outcome == outcome));
  }
}

BOOST_AUTO_TEST_CASE(a_routers_words_are_made_harmless) {
  GatewayAnswer answer = full_answer();
  answer.why = "line\nend\n\x1b[31mred\xff" + std::string(5000, 'x');
  answer.gateway = std::string(5000, 'u');
  const std::string text = to_text(answer);
  BOOST_TEST(text.size() <= gateway_answer_bytes_max);
  const auto back = parse_answer(text);
  BOOST_REQUIRE(back.has_value());
  BOOST_TEST(back->why.size() == gateway_text_max);
  BOOST_TEST(back->why.substr(0, 17) == "line?end??[31mred");
  BOOST_TEST(back->gateway == "");  // half an address would be another one
}

BOOST_AUTO_TEST_CASE(every_cut_of_an_answer_is_refused) {
  const std::string text = to_text(full_answer());
  for (std::size_t length = 0; length < text.size(); ++length)
    BOOST_TEST(!parse_answer(text.substr(0, length)).has_value());
}

BOOST_AUTO_TEST_CASE(texts_that_are_no_answers_are_refused) {
  for (const std::string& text : std::vector<std::string>{
           "end\n", "outcome mapped\nend\n", "outcome\nend\n", "outcome lost\nend\n",
           "outcome silent\nend\nmore\n", "outcome silent\nlease x\nend\n",
           "outcome silent\nlease 4294967296\nend\n", "outcome mapped\nexternal 1.2.3:4\nend\n",
           "outcome silent\nsecret 1\nend\n", "outcome silent\nwhy \x07\nend\n",
           "outcome silent\nwhy " + std::string(300, 'x') + "\nend\n", std::string(3000, '\n')})
    BOOST_TEST(!parse_answer(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(only_neighbours_are_followed) {
  for (const char* url : {"http://192.168.1.1/", "http://10.0.0.138:49000/igddesc.xml",
                          "http://172.16.0.1", "http://100.64.0.1:80/x"})
    BOOST_TEST(leads_to_neighbour(url), url);
  for (const char* url : {"", "https://192.168.1.1/", "http://127.0.0.1/", "http://8.8.8.8/",
                          "http://router.lan/", "http://192.168.1.1@8.8.8.8/", "http://[fe80::1]/",
                          "http://192.168.1/", "file:///etc/passwd", "http://0.0.0.0/",
                          "http://192.168.1.1.evil.example/", "http:/192.168.1.1/"})
    BOOST_TEST(!leads_to_neighbour(url), url);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace starling
