#include <boost/test/unit_test.hpp>

#include "src/node/peer_connections.hpp"
#include "tests/support/fake_channel.hpp"
#include "tests/support/fake_stream.hpp"
#include "tests/support/null_log.hpp"
#include "tests/support/virtual_scheduler.hpp"

namespace starling::test {
namespace {

using namespace std::chrono_literals;

class NoDialer final : public Dialer {
 public:
  void dial(const Endpoint&, OnDone) override {}
  void dial_from(std::uint16_t, const Endpoint&, OnDone) override {}
};

class FakeLinkChannels final : public LinkChannels {
 public:
  std::unique_ptr<SecureChannel> make_client(ByteView) override { return make_server(); }
  std::unique_ptr<SecureChannel> make_server() override {
    return std::make_unique<FakeChannel>(std::nullopt);
  }
};

BOOST_AUTO_TEST_SUITE(peer_connections)

// Found by the simulation "slow-peer": the handshake that had been given up went on, and its end was
// told to a mesh that knew nothing of the link any more.
BOOST_AUTO_TEST_CASE(a_handshake_that_was_given_up_reads_nothing_more) {
  VirtualScheduler scheduler;
  NoDialer dialer;
  FakeLinkChannels channels;
  NullLog log;
  PeerConnections connections(dialer, channels, scheduler, log);
  const auto wire = std::make_shared<StreamView>();
  connections.accept(LinkId{1}, std::make_unique<FakeStream>(wire));
  BOOST_TEST(connections.size() == 1U);
  scheduler.run_for(limits::link_handshake_timeout + 1s);
  BOOST_TEST(wire->closing);
  // The peer's flight comes too late: there is no mesh here that could be told of it.
  wire->handler->on_bytes(as_bytes("H"));
  wire->handler->on_closed("");
  scheduler.end_turn();
  BOOST_TEST(connections.size() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace starling::test
