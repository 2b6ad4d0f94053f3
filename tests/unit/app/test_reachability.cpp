// When a router is asked to forward the mesh port, and what is said when it is not.
#include <boost/test/unit_test.hpp>
#include <string>

#include "src/app/reachability.hpp"

namespace starling {
namespace {

using config::NatChoice;

Endpoint endpoint(const char* text) {
  return Endpoint::parse(text).value();
}

/// A home as most are.
Surroundings home() {
  Surroundings here;
  here.bound = endpoint("[::]:21883");
  here.local = {endpoint("127.0.0.1:21883"), endpoint("192.168.1.10:21883")};
  return here;
}

std::string why(const Surroundings& here) {
  return why_no_mapping(here).value_or("asked");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(reachability)

BOOST_AUTO_TEST_CASE(a_router_is_asked_in_a_home) {
  BOOST_TEST(why(home()) == "asked");
  Surroundings v4 = home();
  v4.bound = endpoint("192.168.1.10:21883");
  BOOST_TEST(why(v4) == "asked");
  Surroundings with_v6 = home();
  with_v6.local.push_back(endpoint("[2a00:1::1]:21883"));  // IPv4 still needs it
  BOOST_TEST(why(with_v6) == "asked");
}

BOOST_AUTO_TEST_CASE(off_means_off) {
  Surroundings here = home();
  here.nat = NatChoice::off;
  BOOST_TEST(why(here) == "no router is asked: nat = \"off\" under [dht]");
}

BOOST_AUTO_TEST_CASE(who_has_a_public_address_needs_none) {
  for (const NatChoice nat : {NatChoice::automatic, NatChoice::upnp, NatChoice::nat_pmp}) {
    Surroundings here = home();
    here.nat = nat;
    here.local.push_back(endpoint("8.8.4.4:21883"));
    BOOST_TEST(why(here).find("a public IPv4 address of its own") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(what_nobody_could_forward_to_is_not_asked_for) {
  for (const char* bound : {"127.0.0.1:1", "[::1]:1", "[2a00:1::1]:1", "[fd00::1]:1"}) {
    Surroundings here = home();
    here.bound = endpoint(bound);
    here.local = {here.bound};
    BOOST_TEST(why(here).find("does not listen on an IPv4 address") != std::string::npos, bound);
  }
  Surroundings offline = home();
  offline.local = {endpoint("127.0.0.1:21883"), endpoint("[fd00::1]:21883")};
  BOOST_TEST(why(offline).find("no IPv4 address at the moment") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(in_a_world_of_its_own_only_a_wish_makes_it_ask) {
  for (const World world : {World::private_network, World::loopback}) {
    Surroundings here = home();
    here.world = world;
    BOOST_TEST(why(here).find("are in this network too") != std::string::npos);
    here.nat = NatChoice::upnp;
    BOOST_TEST(why(here) == "asked");
  }
  Surroundings early = home();
  early.waits_for_bootstrap = true;
  BOOST_TEST(why(early).find("no router is asked yet") == 0U);
  early.nat = NatChoice::nat_pmp;
  BOOST_TEST(why(early) == "asked");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace starling
