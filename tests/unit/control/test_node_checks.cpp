#include <boost/test/unit_test.hpp>

#include "src/control/node_checks.hpp"
#include "tests/unit/control/node_builders.hpp"

using namespace starling;
using namespace starling::control;
using starling::test::address;
using starling::test::attic;
using starling::test::linked_peer;
using namespace std::chrono_literals;

namespace {

bool says(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(control_node_checks)

BOOST_AUTO_TEST_CASE(every_check_has_a_name_that_is_known) {
  const auto names = check_names();
  for (const Finding& finding : check_node(attic()))
    BOOST_TEST((std::find(names.begin(), names.end(), finding.check) != names.end()),
               finding.check);
}

BOOST_AUTO_TEST_CASE(without_a_mesh_everything_about_it_is_skipped) {
  NodeStatus node = attic();
  node.mesh.reset();
  node.dht.reset();
  for (const Finding& finding : {check_nat_mapping(node), check_port_open(node), check_ipv6(node),
                                 check_dht(node), check_mesh(node)})
    BOOST_TEST((finding.verdict == Verdict::skipped), finding.check);
  BOOST_TEST((check_daemon(node).verdict == Verdict::ok));
}

BOOST_AUTO_TEST_CASE(listeners_say_whether_only_this_host_can_connect) {
  NodeStatus node = attic();
  BOOST_TEST(check_listeners(node).evidence == "127.0.0.1:1883 (mqtt), [::]:8883 (mqtts)");
  node.listeners.pop_back();
  BOOST_TEST(check_listeners(node).evidence
             == "127.0.0.1:1883 (mqtt); only programs of this host can connect");
  node.listeners.clear();
  BOOST_TEST((check_listeners(node).verdict == Verdict::problem));
}

BOOST_AUTO_TEST_CASE(what_is_unwise_in_the_configuration_is_told) {
  NodeStatus node = attic();
  BOOST_TEST(check_config(node).evidence == "no configuration file was read");
  node.config_file = "/etc/starling/starling.toml";
  BOOST_TEST(check_config(node).evidence == "as in /etc/starling/starling.toml");
  node.config_warnings = {"/etc/starling/acl:3: the rule matches nothing", "another"};
  BOOST_TEST((check_config(node).verdict == Verdict::warning));
  BOOST_TEST(check_config(node).evidence
             == "/etc/starling/acl:3: the rule matches nothing (and 1 more)");
}

BOOST_AUTO_TEST_CASE(a_door_without_password_matters_where_others_can_reach_it) {
  NodeStatus node = attic();
  node.listeners[0].without_password = true;  // on loopback
  BOOST_TEST((check_auth(node).verdict == Verdict::ok));
  node.listeners[1].without_password = true;
  BOOST_TEST((check_auth(node).verdict == Verdict::warning));
  BOOST_TEST(check_auth(node).evidence
             == "[::]:8883: whoever gets there comes in without a password");
  for (const Finding& finding : check_health(node)) BOOST_TEST(finding.check != "auth");
}

BOOST_AUTO_TEST_CASE(a_symmetric_router_is_a_warning_only_while_nobody_can_dial_in) {
  NodeStatus node = attic();
  BOOST_TEST((check_nat_mapping(node).verdict == Verdict::skipped));  // nobody has told yet
  node.mesh->nat_mapping = NatMapping::endpoint_independent;
  BOOST_TEST((check_nat_mapping(node).verdict == Verdict::ok));
  node.mesh->nat_mapping = NatMapping::endpoint_dependent;
  const Finding bad = check_nat_mapping(node);
  BOOST_TEST((bad.verdict == Verdict::warning));
  BOOST_TEST(says(bad.evidence, "\"symmetric\" NAT"));
  BOOST_TEST(says(bad.fix, "TCP and UDP port 21883"));
  node.mesh->addresses = {
      address("203.0.113.7:21883", AddressSource::mapped, Dialability::dialable)};
  BOOST_TEST((check_nat_mapping(node).verdict == Verdict::ok));
}

BOOST_AUTO_TEST_CASE(what_the_router_says_is_told) {
  NodeStatus node = attic();
  node.mesh->nat_mapping = NatMapping::endpoint_dependent;
  node.port_mapping =
      PortMappingStatus{true, {}, "UPnP: port 21883 is already forwarded to 192.168.1.9"};
  BOOST_TEST(says(check_nat_mapping(node).why, "forwarded to 192.168.1.9"));
  node.mesh->nat_mapping = NatMapping::unknown;
  BOOST_TEST(says(check_nat_mapping(node).evidence, "forwarded to 192.168.1.9"));
  node.port_mapping->external = Endpoint::parse("203.0.113.7:21883");
  node.port_mapping->said = "NAT-PMP: the router forwards 203.0.113.7:21883";
  BOOST_TEST((check_nat_mapping(node).verdict == Verdict::ok));
  BOOST_TEST(check_nat_mapping(node).evidence == "NAT-PMP: the router forwards 203.0.113.7:21883");
}

BOOST_AUTO_TEST_CASE(a_port_that_peers_cannot_dial_is_a_problem_when_nobody_is_linked) {
  NodeStatus node = attic();
  BOOST_TEST((check_port_open(node).verdict == Verdict::skipped));
  node.mesh->addresses = {address("203.0.113.7:21883", AddressSource::observed,
                                  Dialability::undialable, "Q4TBNWE: no answer within 3 s")};
  Finding finding = check_port_open(node);
  BOOST_TEST((finding.verdict == Verdict::problem));
  BOOST_TEST(finding.evidence == "peers could not dial 203.0.113.7:21883");
  BOOST_TEST(finding.why == "Q4TBNWE: no answer within 3 s");
  node.mesh->links = 1;
  BOOST_TEST((check_port_open(node).verdict == Verdict::warning));
  node.mesh->addresses.push_back(
      address("[2001:470::7]:21883", AddressSource::interface, Dialability::testing));
  BOOST_TEST((check_port_open(node).verdict == Verdict::skipped));
  node.mesh->addresses.back().dialability = Dialability::dialable;
  BOOST_TEST(check_port_open(node).evidence == "peers have dialled [2001:470::7]:21883");
}

BOOST_AUTO_TEST_CASE(a_public_address_and_peers_that_dialled_it_are_proof_enough) {
  NodeStatus node = attic();
  node.mesh->addresses = {
      address("203.0.114.7:21883", AddressSource::interface, Dialability::assumed)};
  BOOST_TEST((check_nat_mapping(node).verdict == Verdict::ok));
  BOOST_TEST((check_port_open(node).verdict == Verdict::skipped));
  node.mesh->peers = {linked_peer(2, PathKind::dialled_us, "192.168.1.30:40000")};  // from inside
  BOOST_TEST((check_port_open(node).verdict == Verdict::skipped));
  node.mesh->peers.push_back(linked_peer(3, PathKind::dialled_us, "198.51.100.5:40000"));
  BOOST_TEST(check_port_open(node).evidence
             == test::node_id(3).to_short_text() + " has dialled this node of its own accord");
}

BOOST_AUTO_TEST_CASE(ipv6_is_asked_for_only_where_it_is_there_and_refused) {
  NodeStatus node = attic();
  BOOST_TEST((check_ipv6(node).verdict == Verdict::ok));
  node.mesh->addresses = {
      address("[2001:470::7]:21883", AddressSource::interface, Dialability::assumed)};
  BOOST_TEST(check_ipv6(node).evidence == "[2001:470::7]:21883, not tested yet");
  node.mesh->addresses.front().dialability = Dialability::undialable;
  BOOST_TEST((check_ipv6(node).verdict == Verdict::warning));
  BOOST_TEST(says(check_ipv6(node).fix, "IPv6 firewall"));
}

BOOST_AUTO_TEST_CASE(in_a_world_of_private_addresses_there_is_no_router_to_examine) {
  NodeStatus node = attic();
  node.mesh->announced = {*Endpoint::parse("127.0.0.1:21883")};
  node.mesh->addresses = {
      address("127.0.0.1:21883", AddressSource::interface, Dialability::assumed)};
  for (const Finding& finding : {check_nat_mapping(node), check_port_open(node), check_ipv6(node)})
    BOOST_TEST((finding.verdict == Verdict::skipped), finding.check);
}

BOOST_AUTO_TEST_CASE(a_dht_that_does_not_answer_is_a_problem_after_a_while) {
  NodeStatus node = attic();
  BOOST_TEST(check_dht(node).evidence
             == "112 good nodes, 3 doubtful ones; they see this node at 203.0.113.7");
  node.dht->good_nodes = 0;
  const Finding bad = check_dht(node);
  BOOST_TEST((bad.verdict == Verdict::problem));
  BOOST_TEST(bad.why == "asked in vain: mesh.example.org");
  node.uptime = 5s;
  BOOST_TEST((check_dht(node).verdict == Verdict::skipped));
  node.dht->bootstrap.clear();  // the first node of all
  BOOST_TEST((check_dht(node).verdict == Verdict::ok));
}

BOOST_AUTO_TEST_CASE(a_mesh_without_members_is_a_warning_unless_this_node_is_the_first) {
  NodeStatus node = attic();
  BOOST_TEST((check_mesh(node).verdict == Verdict::warning));
  node.uptime = 10s;
  BOOST_TEST((check_mesh(node).verdict == Verdict::skipped));
  node.dht->bootstrap.clear();
  BOOST_TEST(check_mesh(node).evidence == "family: no other member yet");
}

BOOST_AUTO_TEST_CASE(a_mesh_in_which_nobody_is_linked_is_a_problem) {
  NodeStatus node = attic();
  node.mesh->members_known = 2;
  PeerStatus away;
  away.id = test::node_id(2);
  away.why = "203.0.113.9:21883 does not answer";
  node.mesh->peers = {away};
  const Finding finding = check_mesh(node);
  BOOST_TEST((finding.verdict == Verdict::problem));
  BOOST_TEST(finding.evidence == "0 of 2 other members linked");
  BOOST_TEST(finding.why == "203.0.113.9:21883 does not answer");
}

BOOST_AUTO_TEST_CASE(a_relay_in_use_is_a_warning_with_its_reason) {
  NodeStatus node = attic();
  node.mesh->members_known = 2;
  node.mesh->links = 2;
  node.mesh->peers = {linked_peer(2, PathKind::dialled, "203.0.113.9:21883"),
                      linked_peer(3, PathKind::dialled_us, "203.0.113.10:21883")};
  BOOST_TEST(check_mesh(node).evidence == "2 of 2 other members linked, none through a relay");
  node.mesh->peers[1].path = PathKind::relayed;
  node.mesh->peers[1].relay = test::node_id(2);
  node.mesh->peers[1].why = "both sides are behind symmetric NAT";
  const Finding finding = check_mesh(node);
  BOOST_TEST((finding.verdict == Verdict::warning));
  BOOST_TEST(finding.evidence
             == "2 of 2 other members linked, through a relay: " + test::node_id(3).to_short_text()
                    + " via " + test::node_id(2).to_short_text());
  BOOST_TEST(finding.why == "both sides are behind symmetric NAT");
}

BOOST_AUTO_TEST_SUITE_END()
