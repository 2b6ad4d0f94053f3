// What a reload does to clients that are inside: those who could not come in any more are sent
// away, as Mosquitto does.
#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/support/broker_world.hpp"

using namespace starling;
using namespace starling::test;

namespace {

FakeClient& connect(BrokerWorld& world, std::string_view id,
                    std::optional<std::string_view> user = std::nullopt,
                    ProtocolVersion version = ProtocolVersion::v5) {
  mqtt::Connect packet = BrokerWorld::connect_packet(id);
  packet.version = version;
  packet.user_name = user;
  return world.connect(packet);
}
void reload(BrokerWorld& world, bool allow_anonymous = true) {
  auto policies = BrokerWorld::policies({});
  policies[0].allow_anonymous = allow_anonymous;
  world.broker.configure({}, std::move(policies));
}
bool sent_away(FakeClient& client) {
  if (!client.closed) return false;
  if (client.version() == ProtocolVersion::v5)
    BOOST_TEST((client.expect<mqtt::Disconnect>().reason == ReasonCode::not_authorized));
  return true;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(revocation)

BOOST_AUTO_TEST_CASE(who_has_lost_his_password_is_sent_away) {
  BrokerWorld world;
  FakeClient& ann = connect(world, "a", "ann");
  FakeClient& bob = connect(world, "b", "bob");
  FakeClient& old = connect(world, "o", "bob", ProtocolVersion::v3_1_1);
  FakeClient& nobody = connect(world, "n");
  world.host.revoked = {"bob"};
  BOOST_TEST(!bob.closed);
  reload(world);
  BOOST_TEST(sent_away(bob));
  BOOST_TEST(sent_away(old));
  BOOST_TEST(!sent_away(ann));
  BOOST_TEST(!sent_away(nobody));
}

BOOST_AUTO_TEST_CASE(anonymous_clients_leave_with_the_right_to_be_anonymous) {
  BrokerWorld world;
  FakeClient& ann = connect(world, "a", "ann");
  FakeClient& nobody = connect(world, "n");
  reload(world);
  BOOST_TEST(!nobody.closed);
  reload(world, false);
  BOOST_TEST(sent_away(nobody));
  BOOST_TEST(!sent_away(ann));
}

BOOST_AUTO_TEST_CASE(whom_tls_has_named_no_password_file_sends_away) {
  BrokerWorld world;
  ConnectionInfo info;
  info.user_from_tls = true;
  info.tls_user = "bob";
  FakeClient& bob = world.open(ProtocolVersion::v5, info);
  bob.send(BrokerWorld::connect_packet("b"));
  world.host.revoked = {"bob"};
  reload(world, false);
  BOOST_TEST(!bob.closed);
}

BOOST_AUTO_TEST_CASE(a_session_outlives_its_clients_right) {
  BrokerWorld world;
  mqtt::Connect packet = BrokerWorld::connect_packet("b");
  packet.user_name = "bob";
  packet.properties.session_expiry_interval_s = 100;
  world.connect(packet);
  world.host.revoked = {"bob"};
  reload(world);
  BOOST_TEST(world.broker.counters().clients_connected == 0);
  BOOST_TEST(world.broker.counters().sessions == 1);
}

BOOST_AUTO_TEST_SUITE_END()
