// Homes behind routers: which path holds between them, and what happens when it changes.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <set>
#include <string>
#include <vector>

#include "bridge/mesh/mesh.hpp"
#include "simulations/world/world.hpp"
#include "src/node/node.hpp"

namespace starling::sim {
namespace {

using namespace std::chrono_literals;

/// Public machines and homes, of one private mesh.
struct Town {
  World world;
  std::vector<HostPort> door;

  explicit Town(std::uint64_t seed = 1) : world({.seed = seed, .path = {.latency_min = 20ms}}) {}

  NodeNumber add(NodeConfig config) {
    config.meshes = {private_mesh()};
    config.bootstrap = door;
    const NodeNumber number = world.add_node(std::move(config));
    world.boot(number);
    return number;
  }
  NodeNumber hub(RelayUse relay) {
    NodeConfig config;
    config.relay = relay;
    const NodeNumber number = add(std::move(config));
    const Endpoint at = world.node(number).endpoint();
    door.push_back({at.address_text(), at.port});
    return number;
  }
  NodeNumber home(NatKind kind, RelayUse relay = RelayUse::use) {
    NodeConfig config;
    config.relay = relay;
    NatSettings router;
    router.kind = kind;
    config.site = world.network().add_site(internet, router);
    return add(std::move(config));
  }
  [[nodiscard]] MeshStatus status(NodeNumber of) const {
    return world.node(of).node()->mesh()->status();
  }
  [[nodiscard]] PeerStatus peer(NodeNumber of, NodeNumber other) const {
    const NodeId id = world.node(other).id();
    for (PeerStatus& status : this->status(of).peers)
      if (status.id == id) return status;
    return {};
  }
  [[nodiscard]] bool holds(NodeNumber of, NodeNumber other, PathKind path) const {
    const PeerStatus status = peer(of, other);
    return status.state == PeerState::linked && status.path == path;
  }
  bool wait_for(NodeNumber a, NodeNumber b, PathKind path, Duration most = 30s) {
    return world.run_until([&] { return holds(a, b, path) && holds(b, a, path); }, most);
  }
  SimClient& reader(NodeNumber at, const std::string& filter, QoS qos) {
    ClientConfig config;
    config.node = at;
    config.filters = {{.filter = filter, .qos = qos}};
    config.keeps_messages = true;
    return world.add_client(config);
  }
  SimClient& writer(NodeNumber at) {
    ClientConfig config;
    config.node = at;
    return world.add_client(config);
  }
};

std::vector<std::string> payloads(const SimClient& client) {
  std::vector<std::string> all;
  for (const SimClient::Message& message : client.messages()) all.push_back(message.payload);
  return all;
}

BOOST_AUTO_TEST_SUITE(paths)

BOOST_AUTO_TEST_CASE(an_address_that_nobody_can_dial_is_not_announced) {
  Town town;
  town.hub(RelayUse::use);
  town.hub(RelayUse::use);
  const NodeNumber home = town.home(NatKind::port_restricted);
  BOOST_TEST(town.world.run_until(
      [&] {
        const auto addresses = town.status(home).addresses;
        return !addresses.empty() && addresses[0].dialability == Dialability::undialable;
      },
      60s));
  BOOST_TEST(town.status(home).announced.empty());
  BOOST_TEST((town.status(home).addresses[0].source == AddressSource::observed));
}

BOOST_AUTO_TEST_CASE(an_address_that_all_can_dial_is_tested_and_announced) {
  Town town;
  const NodeNumber hub = town.hub(RelayUse::use);
  town.hub(RelayUse::use);
  const NodeNumber home = town.home(NatKind::full_cone);
  BOOST_TEST(town.world.run_until([&] { return town.status(home).announced.size() == 1; }, 60s));
  // So is one that was announced at once.
  BOOST_TEST(town.world.run_until(
      [&] { return town.status(hub).addresses.at(0).dialability == Dialability::dialable; }, 90s));
}

BOOST_AUTO_TEST_CASE(port_restricted_homes_meet_and_symmetric_ones_are_relayed) {
  Town town;
  const NodeNumber hub = town.hub(RelayUse::offer);
  const NodeNumber one = town.home(NatKind::port_restricted);
  const NodeNumber two = town.home(NatKind::port_restricted);
  const NodeNumber three = town.home(NatKind::symmetric);
  BOOST_TEST(town.wait_for(one, two, PathKind::met));
  BOOST_TEST(town.wait_for(one, three, PathKind::relayed));
  town.world.run_for(60s);
  BOOST_TEST(town.holds(one, three, PathKind::relayed));
  const PeerStatus relayed = town.peer(one, three);
  BOOST_TEST((relayed.relay == town.world.node(hub).id()));
  BOOST_TEST(relayed.why.find("no address that can be dialled") != std::string::npos, relayed.why);
  BOOST_TEST((town.status(three).nat_mapping != NatMapping::endpoint_independent));
}

BOOST_AUTO_TEST_CASE(without_a_relay_there_is_no_path_and_the_status_says_so) {
  Town town;
  town.hub(RelayUse::use);
  const NodeNumber one = town.home(NatKind::symmetric);
  const NodeNumber two = town.home(NatKind::symmetric);
  town.world.run_for(60s);
  BOOST_TEST(!town.world.are_linked(one, two));
  const std::string why = town.peer(one, two).why;
  BOOST_TEST(
      why.find("no member that is linked with both of us offers to relay") != std::string::npos,
      why);
}

BOOST_AUTO_TEST_CASE(a_path_that_changes_loses_and_repeats_nothing_not_even_qos_0) {
  for (const std::uint64_t seed : {1U, 2U, 3U, 4U, 5U}) {
    Town town(seed);
    town.hub(RelayUse::offer);
    const NodeNumber one = town.home(NatKind::port_restricted);
    const NodeNumber two = town.home(NatKind::port_restricted);
    SimClient& lamp = town.reader(two, "lamp", QoS::at_most_once);
    SimClient& button = town.writer(one);
    BOOST_TEST(town.wait_for(one, two, PathKind::relayed));
    std::vector<std::string> said;
    bool changed = false;
    for (int i = 0; i < 2'000; ++i) {
      said.push_back(std::to_string(i));
      button.publish_text("lamp", said.back(), QoS::at_most_once);
      town.world.run_for(5ms);
      changed = changed || town.holds(one, two, PathKind::met);
    }
    BOOST_TEST(changed, "seed " << seed << ": " << town.peer(one, two).why);
    town.world.run_for(5s);
    // What was said before the reader's filter had come is not owed.
    const std::vector<std::string> heard = payloads(lamp);
    BOOST_REQUIRE(!heard.empty());
    const auto begin = std::find(said.begin(), said.end(), heard.front());
    BOOST_TEST((heard == std::vector<std::string>(begin, said.end())), "seed " << seed);
    BOOST_TEST((begin - said.begin() < 100));
  }
}

BOOST_AUTO_TEST_CASE(a_relay_that_does_nothing_any_more_is_left_within_ten_seconds) {
  Town town;
  const NodeNumber hubs[] = {town.hub(RelayUse::offer), town.hub(RelayUse::offer)};
  const NodeNumber one = town.home(NatKind::symmetric);
  const NodeNumber two = town.home(NatKind::symmetric);
  BOOST_TEST(town.wait_for(one, two, PathKind::relayed));
  town.world.run_for(20s);
  const NodeId relay = town.peer(one, two).relay.value();
  const NodeNumber bad = town.world.node(hubs[0]).id() == relay ? hubs[0] : hubs[1];
  town.world.agenda().pause(town.world.node(bad).host());
  BOOST_TEST(town.world.run_until(
      [&] {
        const PeerStatus now = town.peer(one, two);
        return now.state == PeerState::linked && now.relay && *now.relay != relay;
      },
      12s));
}

BOOST_AUTO_TEST_CASE(what_is_said_over_a_relay_is_not_to_be_read_there) {
  Town town;
  const NodeNumber hub = town.hub(RelayUse::offer);
  const NodeNumber one = town.home(NatKind::symmetric);
  const NodeNumber two = town.home(NatKind::symmetric);
  SimClient& lamp = town.reader(two, "lamp", QoS::at_least_once);
  SimClient& button = town.writer(one);
  BOOST_TEST(town.wait_for(one, two, PathKind::relayed));
  town.world.run_for(2s);
  button.publish_text("lamp", "on");
  BOOST_TEST(town.world.run_until([&] { return !lamp.messages().empty(); }, 5s));
  // It has carried bytes, and its own broker has seen no message.
  BOOST_TEST(town.status(hub).relayed_links >= 1U);
  BOOST_TEST(town.status(hub).relayed_bytes > 0U);
  BOOST_TEST(town.peer(hub, one).messages_received == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace starling::sim
