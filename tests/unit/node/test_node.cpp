// Node without a mesh: its doors for clients, what is acknowledged when, and the farewell.
#include <boost/test/unit_test.hpp>

#include "src/log/metric_registry.hpp"
#include "src/mqtt/write_packet.hpp"
#include "src/node/node.hpp"
#include "src/store/memory_store.hpp"
#include "tests/support/broker_world.hpp"
#include "tests/support/fake_stream.hpp"
#include "tests/support/memory_files.hpp"
#include "tests/support/null_log.hpp"
#include "tests/support/virtual_scheduler.hpp"

using namespace starling;
using namespace starling::test;
using namespace std::chrono_literals;
using boost::unit_test::label;

namespace {

/// A store whose commits wait for the test.
class HeldStore final : public Store {
 public:
  void set_handlers(Handlers handlers) override { committed = std::move(handlers.committed); }
  StoreNumbers load(StoreLoader&) override { return {}; }
  void read_queue(const QueueRead&, std::function<void(std::vector<StoredDelivery>)>) override {}
  BatchNumber commit(StoreBatch) override { return ++last; }
  [[nodiscard]] bool keeps_anything() const override { return keeps; }
  void release() { committed(last); }
  std::function<void(BatchNumber)> committed;
  BatchNumber last = 0;
  bool keeps = false;
};

class CountingEntropy final : public Entropy {
 public:
  void fill(std::span<std::uint8_t> out) override {
    for (std::uint8_t& byte : out) byte = next_++;
  }

 private:
  std::uint8_t next_ = 1;
};

struct House {
  explicit House(std::size_t connections_max = 10, bool store_keeps = false) {
    store.keeps = store_keeps;
    NodeSettings settings;
    settings.broker.store_keeps_anything = store_keeps;
    settings.connections_max = connections_max;
    NodePorts ports{scheduler, entropy, log, metrics, store, files};
    settings.listeners = {ListenerPolicy{}};
    settings.listeners.front().allow_anonymous = true;
    node.emplace(std::move(settings), ports);
    node->start();
  }
  std::shared_ptr<StreamView> open() {
    auto view = std::make_shared<StreamView>();
    node->add_client(std::make_unique<FakeStream>(view),
                     ConnectionInfo{Endpoint::v4({127, 0, 0, 1}, 5)});
    return view;
  }
  void feed(StreamView& view, const Bytes& bytes) {
    view.handler->on_bytes(bytes);
    scheduler.end_turn();
  }
  void commit() {
    store.release();
    scheduler.end_turn();
  }

  VirtualScheduler scheduler;
  CountingEntropy entropy;
  RecordingLog log;
  MetricRegistry metrics;
  HeldStore store;
  MemoryFiles files;
  std::optional<Node> node;
};

template <class... Packets>
Bytes bytes_of(const Packets&... packets) {
  Bytes all;
  (mqtt::write(packets, mqtt::ProtocolVersion::v5, all), ...);
  return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(node)

BOOST_AUTO_TEST_CASE(nothing_leaves_before_connack_though_packets_came_with_connect,
                     *label("MQTT-3.2.0-1")) {
  House house(10, true);
  const auto client = house.open();
  house.feed(*client, bytes_of(BrokerWorld::durable_packet("a"), mqtt::Pingreq{}));
  BOOST_TEST(client->sent().empty());  // the store has not committed
  BOOST_TEST(client->paused);
  house.commit();
  const Bytes sent = client->sent();
  BOOST_REQUIRE(sent.size() > 4U);
  BOOST_TEST(sent[0] == 0x20);
  BOOST_TEST(sent[sent.size() - 2] == 0xD0);  // PINGRESP, behind it
  BOOST_TEST(!client->paused);
}

BOOST_AUTO_TEST_CASE(a_publication_is_acknowledged_after_its_commit_and_not_before) {
  House house(10, true);
  const auto client = house.open();
  house.feed(*client, bytes_of(BrokerWorld::connect_packet("a")));
  house.commit();
  client->sent();
  mqtt::Publish kept = BrokerWorld::message("t", "x", QoS::at_least_once, 7);
  kept.retain = true;
  house.feed(*client, bytes_of(kept));
  BOOST_TEST(client->sent().empty());
  house.commit();
  BOOST_TEST(client->sent().front() == 0x40);
}

BOOST_AUTO_TEST_CASE(connections_beyond_the_limit_are_dropped_and_said_once) {
  House house(2);
  const auto first = house.open();
  const auto second = house.open();
  BOOST_TEST(house.open()->destroyed);
  BOOST_TEST(house.open()->destroyed);
  BOOST_TEST(!second->destroyed);
  BOOST_TEST(house.log.count("clients_refused") == 1U);
  first->handler->on_closed("");
  house.scheduler.end_turn();
  BOOST_TEST(!house.open()->destroyed);
}

BOOST_AUTO_TEST_CASE(a_stopped_node_tells_its_clients_takes_no_more_and_drains) {
  House house;
  const auto client = house.open();
  house.feed(*client, bytes_of(BrokerWorld::connect_packet("a")));
  house.commit();
  client->sent();
  house.node->stop();
  house.scheduler.end_turn();
  BOOST_TEST(client->sent().front() == 0xE0);  // DISCONNECT
  BOOST_TEST(client->closing);
  BOOST_TEST(house.open()->destroyed);
  BOOST_TEST(!house.node->has_drained());
  client->handler->on_closed("closed here");
  house.scheduler.end_turn();
  BOOST_TEST(house.node->has_drained());
}

BOOST_AUTO_TEST_SUITE_END()
