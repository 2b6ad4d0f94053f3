#include <boost/test/unit_test.hpp>

#include "src/control/status_document.hpp"
#include "src/control/status_table.hpp"
#include "tests/unit/control/node_builders.hpp"

using namespace starling;
using namespace starling::control;
using starling::test::address;
using starling::test::attic;
using starling::test::linked_peer;
using starling::test::node_id;
using namespace std::chrono_literals;

namespace {

std::string page_of(const NodeStatus& node, const std::vector<Finding>& health = {}) {
  const auto text = status_text(write_status(node, health));
  BOOST_REQUIRE(text.ok());
  return *text;
}

std::string id(std::uint8_t number) {
  return node_id(number).to_short_text();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(control_status)

BOOST_AUTO_TEST_CASE(a_broker_alone_has_a_short_page) {
  NodeStatus node = attic();
  node.mesh.reset();
  node.dht.reset();
  BOOST_TEST(page_of(node)
             == "# Health: all is well\n"
                "attic-pi  " + id(1) + "  up 3d4h  42 clients  18.3 msg/s in  61.0 out\n"
                "MQTT     127.0.0.1:1883 (mqtt), [::]:8883 (mqtts)\n"
                "KEPT     50 sessions, 120 subscriptions, 7 retained, 3 queued\n"
                "TRAFFIC  123k messages in (4.8 MiB), 457k out (19 MiB)\n");
}

BOOST_AUTO_TEST_CASE(a_node_in_a_mesh_tells_of_its_peers_its_addresses_and_the_router) {
  NodeStatus node = attic();
  MeshStatus& mesh = *node.mesh;
  mesh.members_known = 5;
  mesh.links = 5;
  PeerStatus away;
  away.id = node_id(2);
  away.meshes = {"family"};
  away.why = "203.0.113.9:21883 does not answer; it was asked to dial back";
  PeerStatus relayed = linked_peer(3, PathKind::relayed, "198.51.100.4:21883");
  relayed.relay = node_id(4);
  relayed.round_trip = 84ms;
  relayed.messages_received = 1'234;
  relayed.messages_sent = 640;
  relayed.outbox_messages = 3;
  relayed.why = "both sides are behind symmetric NAT";
  PeerStatus direct = linked_peer(4, PathKind::dialled, "198.51.100.4:21883");
  direct.round_trip = 400us;
  mesh.peers = {away,
                relayed,
                direct,
                linked_peer(5, PathKind::dialled_us, "198.51.100.5:40000"),
                linked_peer(6, PathKind::dialled_back, "198.51.100.6:40000"),
                linked_peer(7, PathKind::met, "198.51.100.7:21883")};
  mesh.addresses = {
      address("203.0.113.7:21883", AddressSource::mapped, Dialability::undialable, "no answer"),
      address("192.168.1.20:21883", AddressSource::interface, Dialability::assumed)};
  mesh.nat_mapping = NatMapping::endpoint_dependent;
  mesh.reservations = {{node_id(4), true, {}}, {node_id(5), false, "it is full"}};
  mesh.relayed_links = 1;
  mesh.relayed_bytes = 3 << 20;
  node.port_mapping = PortMappingStatus{true, {}, "no router answers to UPnP or NAT-PMP"};
  const std::vector<Finding> health{
      {"dht", Verdict::ok, "112 good nodes", {}, {}},
      {"mesh", Verdict::warning, "through a relay: 1", {}, {}},
      {"port-open", Verdict::problem, "peers could not dial 203.0.113.7:21883", "why", "fix"}};
  BOOST_TEST(
      page_of(node, health)
      == "# Health: 1 problem, 1 warning (why and what to do: starling doctor)\n"
         "#  - mesh: through a relay: 1\n"
         "#  - port-open: peers could not dial 203.0.113.7:21883\n"
         "attic-pi  " + id(1) + "  up 3d4h  42 clients  18.3 msg/s in  61.0 out  dht 112 good\n"
         "MQTT     127.0.0.1:1883 (mqtt), [::]:8883 (mqtts)\n"
         "KEPT     50 sessions, 120 subscriptions, 7 retained, 3 queued\n"
         "TRAFFIC  123k messages in (4.8 MiB), 457k out (19 MiB)\n"
         "MESH     family: 5 other members known, 5 linked\n"
         "\n"
         "PEER     STATE   PATH                                  RTT     IN    OUT  WAITING  MESHES\n"
         + id(3) + "  linked  relay via " + id(4) + "                     84 ms   1.2k  640  3        family\n"
         "         both sides are behind symmetric NAT\n"
         + id(4) + "  linked  direct 198.51.100.4:21883             0.4 ms  0     0    -        family\n"
         + id(5) + "  linked  dialled us 198.51.100.5:40000         -       0     0    -        family\n"
         + id(6) + "  linked  dialled back 198.51.100.6:40000       -       0     0    -        family\n"
         + id(7) + "  linked  simultaneous open 198.51.100.7:21883  -       0     0    -        family\n"
         + id(2) + "  away    -                                     -       0     0    -        family\n"
         "         203.0.113.9:21883 does not answer; it was asked to dial back\n"
         "\n"
         "OWN ADDRESS         FROM       DIALABLE    ANNOUNCED\n"
         "203.0.113.7:21883   mapped     no          no\n"
         "                    no answer\n"
         "192.168.1.20:21883  interface  not tested  yes\n"
         "\n"
         "NAT      endpoint-dependent (\"symmetric\"): another place for each peer\n"
         "ROUTER   no router answers to UPnP or NAT-PMP\n"
         "RELAY    " + id(4) + " keeps a place for us\n"
         "RELAY    " + id(5) + " keeps no place for us: it is full\n"
         "CARRIES  1 link for others, 3.0 MiB since the start\n");
}

BOOST_AUTO_TEST_CASE(the_names_of_the_document_stay) {
  NodeStatus node = attic();
  PeerStatus peer = linked_peer(2, PathKind::relayed, "198.51.100.4:21883");
  peer.relay = node_id(3);
  peer.round_trip = 84ms;
  peer.why = "no port is open";
  node.mesh->peers = {peer};
  node.mesh->links = 1;
  node.mesh->members_known = 1;
  node.mesh->announced = {*Endpoint::parse("203.0.113.7:21883")};
  node.mesh->addresses = {
      address("203.0.113.7:21883", AddressSource::observed, Dialability::testing)};
  node.mesh->reservations = {{node_id(3), false, "it is full"}};
  BOOST_TEST(
      write_status(node, {{"mesh", Verdict::warning, "a relay", {}, {}}})
      == R"({"schema":1,"status":{"health":[{"check":"mesh","result":"warning","text":"a relay"}],)"
         R"("node":{"id":")"
             + node_id(1).to_text()
             + R"(","name":"attic-pi","version":"0.1.0",)"
               R"("process":812,"uptime_s":273600.0,"state_dir":"/var/lib/starling","mesh_port":21883},)"
               R"("listeners":[{"at":"127.0.0.1:1883","protocol":"mqtt"},{"at":"[::]:8883","protocol":"mqtts"}],)"
               R"("clients":{"connected":42,"sessions":50,"subscriptions":120,"retained":7,"queued":3},)"
               R"("traffic":{"messages_in":123456,"messages_out":456789,"bytes_in":5000000,"bytes_out":20000000,)"
               R"("messages_in_per_s":18.3,"messages_out_per_s":61.0,"rate_span_s":60.0},)"
               R"("dht":{"good_nodes":112,"dubious_nodes":3,"records_stored":9,"bootstrap":["mesh.example.org"],)"
               R"("observed":["203.0.113.7"]},)"
               R"("mesh":{"names":["family"],"members_known":1,"links":1,"parked_messages":0,)"
               R"("announced":["203.0.113.7:21883"],"nat":"unknown",)"
               R"("addresses":[{"at":"203.0.113.7:21883","from":"observed","dialable":"testing","announced":true}],)"
               R"("reservations":[{"relay":")"
             + node_id(3).to_text()
             + R"(","granted":false,"why":"it is full"}],)"
               R"("relayed_links":0,"relayed_bytes":0,)"
               R"("peers":[{"id":")"
             + node_id(2).to_text()
             + R"(","state":"linked","path":"relayed",)"
               R"("relay":")"
             + node_id(3).to_text()
             + R"(","remote":"198.51.100.4:21883","why":"no port is open",)"
               R"("round_trip_ms":84.0,"meshes":["family"],"messages_in":0,"messages_out":0,"waiting":0,)"
               R"("waiting_bytes":0,"dropped_qos0":0,"dropped_outbox":0,"interests":0}]}}})");
}

BOOST_AUTO_TEST_CASE(a_line_is_enough_for_who_asks_for_no_more) {
  const auto line = status_line(write_status(attic(), {}));
  BOOST_REQUIRE(line.ok());
  BOOST_TEST(*line
             == "attic-pi  " + id(1)
                    + "  up 3d4h  42 clients  18.3 msg/s in  61.0 out  dht 112 good\n");
}

BOOST_AUTO_TEST_CASE(rates_that_are_not_known_yet_are_not_told) {
  NodeStatus node = attic();
  node.traffic.rate_span = Duration::zero();
  const auto line = status_line(write_status(node, {}));
  BOOST_TEST(*line == "attic-pi  " + id(1) + "  up 3d4h  42 clients  dht 112 good\n");
}

BOOST_AUTO_TEST_CASE(what_peers_have_written_cannot_move_the_cursor) {
  NodeStatus node = attic();
  PeerStatus peer = linked_peer(2, PathKind::dialled);
  peer.why = "\x1b]0;owned\x07\xff";
  node.mesh->peers = {peer};
  const std::string page = page_of(node);
  BOOST_TEST(page.find('\x1b') == std::string::npos);
  BOOST_TEST(page.find(" ]0;owned ?") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_another_program_answers_does_no_harm) {
  for (const char* document : {"", "7", "{}", "{\"status\":7}", "no json"})
    BOOST_TEST(status_text(document).error().what == "what the daemon answered is not understood");
  BOOST_TEST(status_text(R"({"schema":1,"error":"too many ask"})").error().what == "too many ask");
  const auto odd = status_text(
      R"({"status":{"health":7,"node":[],"listeners":[7,{"at":7}],"traffic":{"messages_in":-1e300},)"
      R"("dht":{"good_nodes":"many"},"mesh":{"peers":[{"round_trip_ms":1e300,"messages_in":1e300,"why":7}],)"
      R"("addresses":{},"reservations":[{}]}}})");
  BOOST_TEST(odd.ok());
}

BOOST_AUTO_TEST_SUITE_END()
