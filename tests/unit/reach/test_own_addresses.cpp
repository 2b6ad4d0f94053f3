// Which addresses a node announces.
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "bridge/reach/own_addresses.hpp"

namespace starling {
namespace {

using namespace std::chrono_literals;

Endpoint endpoint(std::string_view text) {
  return Endpoint::parse(text).value();
}
std::vector<Endpoint> endpoints(const std::vector<std::string>& texts) {
  std::vector<Endpoint> list;
  for (const std::string& text : texts) list.push_back(endpoint(text));
  return list;
}
std::vector<std::string> texts(const std::vector<Endpoint>& list) {
  std::vector<std::string> result;
  for (const Endpoint& e : list) result.push_back(e.to_text());
  return result;
}
NodeId node(std::uint8_t number) {
  NodeId id;
  id.bytes[0] = number;
  return id;
}
std::vector<Endpoint> candidates_of(const OwnAddresses& addresses) {
  std::vector<Endpoint> list;
  for (const OwnAddresses::Candidate& candidate : addresses.candidates())
    list.push_back(candidate.endpoint);
  return list;
}
using Texts = std::vector<std::string>;
const TimePoint start = TimePoint{} + 1h;

BOOST_AUTO_TEST_CASE(configured_addresses_come_alone_and_in_their_order) {
  OwnAddresses addresses{21883};
  addresses.set_local(endpoints({"8.8.4.4:21883"}));
  addresses.set_configured(endpoints({"10.0.0.1:1", "9.9.9.9:2"}));
  BOOST_TEST(texts(candidates_of(addresses)) == (Texts{"10.0.0.1:1", "9.9.9.9:2"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(private_and_loopback_addresses_stay_at_home) {
  OwnAddresses addresses{21883};
  addresses.set_local(
      endpoints({"192.168.1.5:21883", "127.0.0.1:21883", "[fd00::1]:21883", "[fe80::1]:21883"}));
  addresses.set_bootstrap(endpoints({"8.8.8.8:21883"}));
  BOOST_TEST(candidates_of(addresses).empty());
}

BOOST_AUTO_TEST_CASE(a_loopback_bootstrap_makes_a_loopback_world) {
  OwnAddresses addresses{21883};
  addresses.set_local(endpoints({"192.168.1.5:21883", "127.0.0.1:21883", "8.8.4.4:21883"}));
  addresses.set_bootstrap(endpoints({"127.0.0.1:30000"}));
  BOOST_TEST((addresses.world() == World::loopback));
  BOOST_TEST(texts(candidates_of(addresses)) == (Texts{"127.0.0.1:21883"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_private_bootstrap_makes_a_private_world_without_loopback) {
  OwnAddresses addresses{21883};
  addresses.set_local(endpoints({"127.0.0.1:21883", "192.168.1.5:21883", "[::1]:21883"}));
  addresses.set_bootstrap(endpoints({"192.168.1.1:21883", "127.0.0.1:21883"}));
  BOOST_TEST(texts(candidates_of(addresses)) == (Texts{"192.168.1.5:21883"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(one_global_bootstrap_address_makes_the_world_global) {
  OwnAddresses addresses{21883};
  addresses.set_bootstrap(endpoints({"192.168.1.1:21883", "8.8.8.8:21883"}));
  BOOST_TEST((addresses.world() == World::global));
}

BOOST_AUTO_TEST_CASE(mapped_addresses_come_between_those_of_interfaces_and_observed_ones) {
  OwnAddresses addresses{21883};
  addresses.set_local(endpoints({"192.168.1.5:21883", "[2a00:1::1]:21883"}));
  addresses.on_observed(node(1), endpoint("9.9.9.9:4000"), endpoint("5.5.5.5:51234"), start);
  addresses.set_mapped(endpoints({"5.5.5.5:30000", "100.64.0.2:21883", "192.168.0.2:21883"}));
  BOOST_TEST(texts(candidates_of(addresses))
                 == (Texts{"[2a00:1::1]:21883", "5.5.5.5:30000", "5.5.5.5:21883"}),
             boost::test_tools::per_element());
  addresses.set_mapped({});
  BOOST_TEST(texts(candidates_of(addresses)) == (Texts{"[2a00:1::1]:21883", "5.5.5.5:21883"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_mapped_address_says_nothing_in_a_private_world) {
  OwnAddresses addresses{21883};
  addresses.set_local(endpoints({"192.168.1.5:21883"}));
  addresses.set_bootstrap(endpoints({"192.168.1.1:21883"}));
  addresses.set_mapped(endpoints({"5.5.5.5:21883"}));
  BOOST_TEST(texts(candidates_of(addresses)) == (Texts{"192.168.1.5:21883"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(global_ipv6_comes_before_ipv4_and_observed_ones_last) {
  OwnAddresses addresses{21883};
  addresses.set_local(endpoints({"8.8.4.4:21883", "[2a00:1::1]:21883", "192.168.1.5:21883"}));
  addresses.on_observed(node(1), endpoint("9.9.9.9:4000"), endpoint("5.5.5.5:51234"), start);
  BOOST_TEST(texts(candidates_of(addresses))
                 == (Texts{"[2a00:1::1]:21883", "8.8.4.4:21883", "5.5.5.5:21883"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(never_more_than_a_record_holds_and_never_one_twice) {
  OwnAddresses addresses{21883};
  addresses.set_configured(
      endpoints({"8.8.4.4:1", "8.8.4.4:1", "8.8.4.4:2", "8.8.4.4:3", "8.8.4.4:4"}));
  BOOST_TEST(texts(candidates_of(addresses)) == (Texts{"8.8.4.4:1", "8.8.4.4:2", "8.8.4.4:3"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(unspecified_addresses_and_port_zero_say_nothing) {
  OwnAddresses addresses{21883};
  addresses.set_bootstrap(endpoints({"127.0.0.1:21883"}));
  addresses.set_local(endpoints({"0.0.0.0:21883", "[::]:21883"}));
  BOOST_TEST(candidates_of(addresses).empty());
  OwnAddresses without_port{0};
  without_port.on_observed(node(1), endpoint("9.9.9.9:1"), endpoint("5.5.5.5:1"), start);
  BOOST_TEST(candidates_of(without_port).empty());
}

BOOST_AUTO_TEST_CASE(an_observed_private_address_counts_for_nothing) {
  OwnAddresses addresses{21883};
  addresses.on_observed(node(1), endpoint("9.9.9.9:4000"), endpoint("192.168.7.7:51234"), start);
  BOOST_TEST(candidates_of(addresses).empty());
}

BOOST_AUTO_TEST_CASE(where_there_are_two_networks_one_voice_is_not_enough) {
  OwnAddresses addresses{21883};
  addresses.on_observed(node(1), endpoint("9.9.1.1:1"), endpoint("5.5.5.5:1"), start);
  BOOST_TEST(candidates_of(addresses).size() == 1U);
  addresses.on_observed(node(2), endpoint("7.7.1.1:1"), endpoint("6.6.6.6:1"), start);
  BOOST_TEST(candidates_of(addresses).empty());  // each says something else
  addresses.on_observed(node(3), endpoint("4.4.1.1:1"), endpoint("6.6.6.6:2"), start);
  BOOST_TEST(texts(candidates_of(addresses)) == (Texts{"6.6.6.6:21883"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_peer_that_sees_us_elsewhere_no_longer_vouches_for_the_old_place) {
  OwnAddresses addresses{21883};
  addresses.on_observed(node(1), endpoint("9.9.1.1:1"), endpoint("5.5.5.5:1"), start);
  addresses.on_observed(node(1), endpoint("9.9.1.1:1"), endpoint("6.6.6.6:1"), start + 1min);
  BOOST_TEST(texts(candidates_of(addresses)) == (Texts{"6.6.6.6:21883"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(observations_grow_old_and_stay_few) {
  OwnAddresses addresses{21883};
  addresses.on_observed(node(1), endpoint("9.9.1.1:1"), endpoint("5.5.5.5:1"), start);
  addresses.expire(start + limits::observation_lifetime + 1s);
  BOOST_TEST(candidates_of(addresses).empty());
  for (int i = 0; i < 1'000; ++i) {
    const std::string text =
        "5.5." + std::to_string(i / 250) + "." + std::to_string(1 + i % 250) + ":1";
    addresses.on_observed(node(static_cast<std::uint8_t>(i)), endpoint("9.9.1.1:1"), endpoint(text),
                          start);
  }
  BOOST_TEST(candidates_of(addresses).size() <= limits::record_endpoints_max);
}

BOOST_AUTO_TEST_CASE(a_neighbour_is_told_private_addresses_too) {
  OwnAddresses addresses{21883};
  addresses.set_local(endpoints({"192.168.1.5:21883", "127.0.0.1:21883"}));
  BOOST_TEST(
      texts(addresses.told_to_neighbour(candidates_of(addresses))) == (Texts{"192.168.1.5:21883"}),
      boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(networks_are_compared_by_16_bits_of_ipv4_and_32_of_ipv6) {
  BOOST_TEST(network_of(endpoint("1.2.3.4:1")) == network_of(endpoint("1.2.200.4:9")));
  BOOST_TEST(network_of(endpoint("1.2.3.4:1")) != network_of(endpoint("1.3.3.4:1")));
  BOOST_TEST(network_of(endpoint("[2a00:1:2::1]:1")) == network_of(endpoint("[2a00:1:9::1]:1")));
  BOOST_TEST(network_of(endpoint("[2a00:1::1]:1")) != network_of(endpoint("[2a00:2::1]:1")));
}

}  // namespace
}  // namespace starling
