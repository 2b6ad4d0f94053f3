// ClientConnection on a stream of memory: bytes in any pieces, CONNECT in time, refusals, the end
// from either side, with a channel and without.
#include <boost/test/unit_test.hpp>

#include "src/node/clear_channel.hpp"
#include "src/node/client_connection.hpp"
#include "tests/support/broker_world.hpp"
#include "tests/support/fake_stream.hpp"

using namespace starling;
using namespace starling::test;
using namespace std::chrono_literals;
using boost::unit_test::label;

namespace {

/// "TLS" that changes nothing.
class ClearChannels final : public ServerChannels {
 public:
  std::unique_ptr<SecureChannel> make_server() override { return std::make_unique<ClearChannel>(); }
};

struct Wire : ClientConnection::Owner {
  explicit Wire(bool with_channel = false, const BrokerSettings& settings = {},
                const ClientRates& rates = {})
      : world(settings) {
    std::shared_ptr<Door> door;
    if (with_channel) {
      door = std::make_shared<Door>();
      door->tls = std::make_shared<ClearChannels>();
    }
    connection = std::make_unique<ClientConnection>(
        ConnectionId{1'000}, std::make_unique<FakeStream>(stream), std::move(door),
        ConnectionInfo{Endpoint::v4({127, 0, 0, 1}, 5)},
        ClientTerms{settings.packet_size_max, limits::connect_timeout, rates}, world.broker,
        world.scheduler, static_cast<ClientConnection::Owner&>(*this));
  }
  bool admits(const ClientConnection&) override { return true; }
  void on_failed(const ClientConnection&, std::string_view why) override { failed = why; }
  bool takes_heavy_work(ConnectionId, std::size_t weight) override {
    weights.push_back(weight);
    if (is_busy && !is_served) ++waiting;
    return !is_busy || std::exchange(is_served, false);
  }
  /// Those who had to wait, while there is still no time for more than one packet each.
  void serve_waiting() {
    for (; waiting > 0 && connection != nullptr; --waiting) {
      is_served = true;
      connection->on_heavy_turn();
      is_served = false;
    }
    world.scheduler.end_turn();
  }
  ClientConnection* find(ConnectionId) override { return connection.get(); }
  void on_ended(ConnectionId id) override {
    ended = id;
    connection.reset();
  }

  void feed(ByteView bytes) {
    // As a loop would: its scratch buffer is overwritten afterwards.
    Bytes scratch(bytes.begin(), bytes.end());
    stream->handler->on_bytes(scratch);
    world.scheduler.end_turn();
  }
  template <class Packet>
  void send(const Packet& packet, ProtocolVersion version = ProtocolVersion::v5) {
    Bytes bytes;
    mqtt::write(packet, version, bytes);
    feed(bytes);
  }
  Bytes sent() { return stream->sent(); }
  static Bytes connect_bytes(ProtocolVersion version = ProtocolVersion::v5) {
    Bytes bytes;
    mqtt::write(BrokerWorld::connect_packet("a", version), version, bytes);
    return bytes;
  }

  BrokerWorld world;
  std::shared_ptr<StreamView> stream = std::make_shared<StreamView>();
  std::optional<ConnectionId> ended;
  std::vector<std::size_t> weights;
  bool is_busy = false;
  bool is_served = false;
  std::size_t waiting = 0;
  std::optional<std::string> failed;
  std::unique_ptr<ClientConnection> connection;
};

constexpr std::uint8_t connack_byte = 0x20;

}  // namespace

BOOST_AUTO_TEST_SUITE(node_client_connection)

BOOST_AUTO_TEST_CASE(packets_may_come_in_any_pieces) {
  for (const bool with_channel : {false, true}) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{1'000}}) {
      Wire wire(with_channel);
      FakeClient& reader = wire.world.connect("reader");
      BrokerWorld::subscribe(reader, "t", QoS::at_least_once);
      Bytes all = Wire::connect_bytes();
      for (std::uint16_t i = 1; i <= 3; ++i)
        mqtt::write(BrokerWorld::message("t", "hello", QoS::at_least_once, i), ProtocolVersion::v5,
                    all);
      mqtt::write(mqtt::Pingreq{}, ProtocolVersion::v5, all);
      for (std::size_t at = 0; at < all.size(); at += piece)
        wire.feed(ByteView(all).subspan(at, std::min(piece, all.size() - at)));
      BOOST_TEST(reader.messages().size() == 3U);
      const Bytes answer = wire.sent();
      BOOST_TEST_REQUIRE(answer.size() > 2U);
      BOOST_TEST(answer.front() == connack_byte);
      BOOST_TEST(answer[answer.size() - 2] == 0xD0);  // PINGRESP comes last
    }
  }
}

BOOST_AUTO_TEST_CASE(the_version_of_connect_holds_for_what_follows) {
  Wire wire;
  FakeClient& reader = wire.world.connect("reader");
  BrokerWorld::subscribe(reader, "t");
  wire.feed(Wire::connect_bytes(ProtocolVersion::v3_1_1));
  wire.send(BrokerWorld::message("t", "x"), ProtocolVersion::v3_1_1);
  BOOST_TEST(reader.texts() == std::vector<std::string>{"t=x"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_client_without_connect_is_closed_in_time) {
  Wire wire;
  wire.feed(ByteView(Wire::connect_bytes()).first(5));  // begun, not finished
  wire.world.scheduler.run_for(limits::connect_timeout - 1ms);
  BOOST_TEST(!wire.stream->closing);
  wire.world.scheduler.run_for(1ms);
  BOOST_TEST(wire.stream->closing);
  BOOST_TEST(wire.sent().empty());
  wire.feed(ByteView(Wire::connect_bytes()).subspan(5));
  BOOST_TEST(wire.world.broker.counters().clients_connected == 0);
}

BOOST_AUTO_TEST_CASE(a_connected_client_is_not_timed_out) {
  Wire wire;
  wire.feed(Wire::connect_bytes());
  wire.world.scheduler.run_for(1h);
  BOOST_TEST(!wire.stream->closing);
}

BOOST_AUTO_TEST_CASE(nonsense_is_closed_without_a_word, *label("MQTT-4.8.0-1")) {
  Wire wire;
  wire.feed(as_bytes(
      "GET / HTTP/1.1\r\nHost: 192.0.2.7:1883\r\nUser-Agent: a browser that guessed\r\n\r\n"));
  BOOST_TEST(wire.stream->closing);
  BOOST_TEST(wire.sent().empty());
}

BOOST_AUTO_TEST_CASE(what_does_not_begin_with_connect_is_closed_at_its_first_byte,
                     *label("MQTT-3.1.0-1") * label("MQTT5-3.1.0-1")) {
  Wire wire;
  wire.feed(as_bytes("G"));  // "GET / HTTP/1.1": the second byte would be a length
  BOOST_TEST(wire.stream->closing);
  BOOST_TEST(wire.sent().empty());
}

BOOST_AUTO_TEST_CASE(nothing_is_read_after_the_first_mistake,
                     *label("MQTT-3.1.4-5") * label("MQTT5-4.13.1-1") * label("MQTT5-3.14.1-1")) {
  Wire wire;
  FakeClient& reader = wire.world.connect("reader");
  BrokerWorld::subscribe(reader, "t");
  wire.feed(Wire::connect_bytes());
  wire.sent();
  Bytes bad{0x36, 0x03, 0x00, 0x01, 't'};  // QoS 3
  mqtt::write(BrokerWorld::message("t", "x"), ProtocolVersion::v5, bad);
  wire.feed(bad);
  const Bytes answer = wire.sent();
  BOOST_TEST_REQUIRE(!answer.empty());
  BOOST_TEST(answer[0] == 0xE0);  // DISCONNECT
  BOOST_TEST(wire.stream->closing);
  BOOST_TEST(reader.receive().empty());
}

BOOST_AUTO_TEST_CASE(an_unknown_protocol_level_is_refused_as_its_version_can,
                     *label("MQTT-3.1.2-2") * label("MQTT5-3.1.2-2")) {
  Wire wire;
  Bytes connect = Wire::connect_bytes(ProtocolVersion::v3_1_1);
  connect[8] = 2;  // the protocol level
  wire.feed(connect);
  const Bytes answer = wire.sent();
  BOOST_TEST(answer == (Bytes{0x20, 2, 0, 1}), boost::test_tools::per_element());
  BOOST_TEST(wire.stream->closing);
}

BOOST_AUTO_TEST_CASE(a_packet_above_the_limit_is_refused_before_it_is_kept,
                     *label("MQTT5-3.2.2-15")) {
  BrokerSettings settings;
  settings.packet_size_max = 1'000;
  Wire wire(false, settings);
  wire.feed(Wire::connect_bytes());
  wire.sent();
  wire.feed(Bytes{0x30, 0xE9, 0x07});  // 1001 + 3 bytes are announced
  const Bytes answer = wire.sent();
  BOOST_TEST_REQUIRE(answer.size() > 2U);
  BOOST_TEST(answer[0] == 0xE0);
  BOOST_TEST(answer[2] == 0x95);  // packet too large
}

BOOST_AUTO_TEST_CASE(large_packets_are_welcome_only_after_connect) {
  Wire wire;
  Bytes all = Wire::connect_bytes();
  const std::string large(2U << 20U, 'x');
  mqtt::write(BrokerWorld::message("t", large), ProtocolVersion::v5, all);
  wire.feed(all);
  BOOST_TEST(!wire.stream->closing);
  BOOST_TEST(wire.world.broker.counters().publish_received == 1);

  Wire other;
  other.feed(Bytes{0x10, 0xFF, 0xFF, 0xFF, 0x01});  // a CONNECT of 4 MiB
  BOOST_TEST(other.stream->closing);
}

BOOST_AUTO_TEST_CASE(the_end_of_the_stream_reaches_the_broker_and_the_owner) {
  Wire wire;
  wire.feed(Wire::connect_bytes());
  wire.stream->handler->on_closed("connection reset by peer");
  BOOST_TEST(wire.world.broker.counters().clients_connected == 0);
  BOOST_TEST(wire.world.log.count("reason=connection reset by peer") == 1U);
  BOOST_TEST((wire.ended == ConnectionId{1'000}));
  BOOST_TEST(wire.stream->destroyed);
}

BOOST_AUTO_TEST_CASE(disconnect_closes_the_stream_and_the_owner_hears_when_it_has_ended,
                     *label("MQTT-3.14.4-1")) {
  for (const bool with_channel : {false, true}) {
    Wire wire(with_channel);
    wire.feed(Wire::connect_bytes());
    wire.send(mqtt::Disconnect{});
    BOOST_TEST(wire.stream->closing);
    BOOST_TEST(!wire.ended.has_value());
    wire.stream->handler->on_closed("");
    BOOST_TEST(wire.ended.has_value());
    BOOST_TEST(wire.world.log.count("client_disconnected client=a") == 1U);
  }
}

BOOST_AUTO_TEST_CASE(congestion_is_passed_to_the_broker_and_back) {
  Wire wire;
  wire.feed(Wire::connect_bytes());
  mqtt::Subscription asked;
  asked.filter = "t";
  asked.qos = QoS::at_least_once;
  wire.send(mqtt::Subscribe{1, {asked}, {}});
  wire.sent();
  wire.stream->congested = true;
  wire.world.connect("writer").send(BrokerWorld::message("t", "x", QoS::at_least_once, 1));
  BOOST_TEST(wire.sent().empty());
  wire.stream->congested = false;
  wire.stream->handler->on_writable();
  BOOST_TEST(!wire.sent().empty());
}

BOOST_AUTO_TEST_CASE(with_a_channel_a_turn_is_written_at_its_end) {
  Wire wire(true);
  Bytes connect = Wire::connect_bytes();
  wire.stream->handler->on_bytes(connect);
  BOOST_TEST(wire.stream->output.empty());
  wire.world.scheduler.end_turn();
  BOOST_TEST(!wire.stream->output.empty());
}

BOOST_AUTO_TEST_CASE(a_connection_may_go_before_its_turn_ends) {
  Wire wire(true);
  Bytes connect = Wire::connect_bytes();
  wire.stream->handler->on_bytes(connect);
  wire.stream->handler->on_closed("");
  BOOST_TEST(wire.stream->destroyed);
  wire.world.scheduler.end_turn();
}

// --- Rates

BOOST_AUTO_TEST_CASE(publications_beyond_the_rate_wait_and_none_is_lost) {
  Wire wire(false, {}, ClientRates{10, 0});
  FakeClient& reader = wire.world.connect("reader");
  BrokerWorld::subscribe(reader, "t");
  wire.feed(Wire::connect_bytes());
  wire.sent();
  Bytes all;
  for (int i = 0; i < 25; ++i)
    mqtt::write(BrokerWorld::message("t", std::to_string(i)), ProtocolVersion::v5, all);
  wire.feed(all);
  BOOST_TEST(reader.messages().size() == 10U);
  BOOST_TEST(!wire.stream->paused);  // what waits is little
  wire.world.scheduler.run_for(1s);
  BOOST_TEST(reader.messages().size() == 10U);
  wire.world.scheduler.run_for(500ms);
  BOOST_TEST(reader.texts() == (std::vector<std::string>{"t=20", "t=21", "t=22", "t=23", "t=24"}),
             boost::test_tools::per_element());
  const std::size_t asleep = wire.world.scheduler.waiting();
  wire.world.scheduler.run_for(10s);
  BOOST_TEST(wire.world.scheduler.waiting() <= asleep);  // nothing ticks on
}

/// 600 messages for 100 subscribers in one read: others get their turn in between, nothing is lost.
BOOST_AUTO_TEST_CASE(a_read_that_makes_much_work_goes_on_in_later_turns) {
  for (const bool with_channel : {false, true}) {
    Wire wire(with_channel);
    for (int i = 0; i < 100; ++i)
      BrokerWorld::subscribe(wire.world.connect("s" + std::to_string(i)), "t");
    FakeClient& reader = wire.world.connect("reader");
    BrokerWorld::subscribe(reader, "t");
    wire.feed(Wire::connect_bytes());
    Bytes all;
    std::vector<std::string> expected;
    for (int i = 0; i < 600; ++i) {
      expected.push_back("t=" + std::to_string(i));
      mqtt::write(BrokerWorld::message("t", std::to_string(i)), ProtocolVersion::v5, all);
    }
    wire.feed(all);
    std::vector<std::string> got = reader.texts();
    BOOST_TEST(got.size() == limits::read_work_max / 102 + 1);
    BOOST_TEST(wire.stream->paused);
    wire.world.scheduler.run_for(0s);
    const std::vector<std::string> rest = reader.texts();
    got.insert(got.end(), rest.begin(), rest.end());
    BOOST_TEST(got == expected, boost::test_tools::per_element());
    BOOST_TEST(!wire.stream->paused);
  }
}

/// What takes long waits while a turn has done enough; its order stays.
BOOST_AUTO_TEST_CASE(heavy_packets_wait_for_a_turn_that_has_time_for_them) {
  for (const bool with_channel : {false, true}) {
    Wire wire(with_channel);
    wire.is_busy = true;
    wire.feed(Wire::connect_bytes());
    BOOST_TEST(wire.sent().empty());
    BOOST_TEST(wire.stream->paused);
    wire.serve_waiting();
    BOOST_TEST(wire.sent()[0] == 0x20);
    BOOST_TEST(!wire.stream->paused);

    wire.is_busy = true;
    Bytes both;
    mqtt::Subscription asked;
    asked.filter = "t";
    mqtt::write(mqtt::Subscribe{1, {asked}, {}}, ProtocolVersion::v5, both);
    mqtt::write(BrokerWorld::message("t", "x"), ProtocolVersion::v5, both);
    wire.feed(both);
    BOOST_TEST(wire.sent().empty());
    wire.serve_waiting();
    const Bytes sent = wire.sent();
    BOOST_REQUIRE(!sent.empty());
    BOOST_TEST(sent[0] == 0x90);  // SUBACK, and the message behind it
    BOOST_TEST(as_text(sent).find('x') != std::string_view::npos);
  }
}

BOOST_AUTO_TEST_CASE(a_disconnect_that_waited_counts_when_the_stream_ends_before_its_turn) {
  Wire wire;
  wire.feed(Wire::connect_bytes());
  mqtt::Subscription asked;
  asked.filter = "t";
  wire.send(mqtt::Subscribe{1, {asked}, {}});
  wire.is_busy = true;
  wire.send(mqtt::Disconnect{});
  BOOST_TEST(wire.world.broker.counters().subscriptions == 1);
  wire.stream->handler->on_closed("connection reset");
  BOOST_TEST(!wire.ended.has_value());
  wire.serve_waiting();
  BOOST_TEST(wire.ended.has_value());
  BOOST_TEST(wire.world.log.count("kind=disconnected") == 1U);
  BOOST_TEST(wire.world.log.count("kind=socket_error") == 0U);
}

BOOST_AUTO_TEST_CASE(a_session_with_many_filters_ends_over_many_turns) {
  for (const bool by_disconnect : {false, true}) {
    Wire wire;
    wire.feed(Wire::connect_bytes());
    constexpr int count = 2'000;
    std::vector<std::string> filters;
    for (int i = 0; i < count; ++i) filters.push_back("many/" + std::to_string(i));
    for (const std::string& filter : filters) {
      mqtt::Subscription asked;
      asked.filter = filter;
      wire.send(mqtt::Subscribe{1, {asked}, {}});
    }
    BOOST_TEST(wire.world.broker.counters().subscriptions == count);
    wire.is_busy = true;
    if (by_disconnect)
      wire.send(mqtt::Disconnect{});
    else
      wire.stream->handler->on_closed("connection reset");
    int turns = 0;
    auto before = wire.world.broker.counters().subscriptions;
    BOOST_TEST(before == count);
    while (before > 0 && wire.waiting > 0) {
      const std::size_t waiting = std::exchange(wire.waiting, 0);
      BOOST_TEST(waiting == 1U);
      wire.is_served = true;
      wire.connection->on_heavy_turn();
      wire.is_served = false;
      const auto after = wire.world.broker.counters().subscriptions;
      BOOST_TEST(before - after <= 1'000);
      BOOST_TEST(after < before);
      before = after;
      ++turns;
    }
    BOOST_TEST(turns > 1);
    BOOST_TEST(wire.world.broker.counters().subscriptions == 0);
    BOOST_TEST(wire.world.log.count(by_disconnect ? "kind=disconnected" : "kind=socket_error")
               == 1U);
  }
}

BOOST_AUTO_TEST_CASE(the_end_of_a_session_with_filters_waits_too) {
  for (const bool closed_meanwhile : {false, true}) {
    Wire wire;
    wire.feed(Wire::connect_bytes());
    mqtt::Subscription asked;
    asked.filter = "t";
    wire.send(mqtt::Subscribe{1, {asked}, {}});
    wire.is_busy = true;
    wire.stream->handler->on_closed("connection reset");
    wire.world.scheduler.end_turn();
    BOOST_TEST(wire.weights.back() > 1U);
    BOOST_TEST(!wire.ended.has_value());
    BOOST_TEST(wire.world.broker.counters().subscriptions == 1);
    if (closed_meanwhile) wire.world.broker.stop();
    wire.serve_waiting();
    BOOST_TEST(wire.ended.has_value());
    BOOST_TEST(wire.world.broker.counters().subscriptions == 0);
  }
}

BOOST_AUTO_TEST_CASE(pings_and_acknowledgements_overtake_publications_that_wait) {
  Wire wire(false, {}, ClientRates{1, 0});
  wire.feed(Wire::connect_bytes());
  mqtt::Subscription asked;
  asked.filter = "to/me";
  asked.qos = QoS::at_least_once;
  wire.send(mqtt::Subscribe{1, {asked}, {}});
  wire.world.connect("writer").send(BrokerWorld::message("to/me", "x", QoS::at_least_once, 1));
  wire.sent();
  Bytes all;
  for (std::uint16_t i = 1; i <= 3; ++i)
    mqtt::write(BrokerWorld::message("t", "x", QoS::at_least_once, i), ProtocolVersion::v5, all);
  mqtt::write(mqtt::Pingreq{}, ProtocolVersion::v5, all);
  wire.feed(all);
  const Bytes answer = wire.sent();
  BOOST_TEST_REQUIRE(answer.size() >= 2U);
  BOOST_TEST(answer[0] == 0x40);                  // the first PUBACK
  BOOST_TEST(answer[answer.size() - 2] == 0xD0);  // PINGRESP, before the other two
  wire.world.scheduler.run_for(2s);
  BOOST_TEST(wire.sent().size() == 2 * answer.size() - 4);
}

BOOST_AUTO_TEST_CASE(nothing_is_read_while_too_much_waits_for_the_rate) {
  Wire wire(false, {}, ClientRates{5, 0});
  FakeClient& reader = wire.world.connect("reader");
  BrokerWorld::subscribe(reader, "t");
  wire.feed(Wire::connect_bytes());
  Bytes all;
  const std::string large(20'000, 'x');
  for (int i = 0; i < 20; ++i)
    mqtt::write(BrokerWorld::message("t", large), ProtocolVersion::v5, all);
  for (std::size_t at = 0; at < all.size() && !wire.stream->paused; at += 10'000)
    wire.feed(ByteView(all).subspan(at, std::min<std::size_t>(10'000, all.size() - at)));
  BOOST_TEST(wire.stream->paused);
  BOOST_TEST(reader.messages().size() == 5U);
  wire.world.scheduler.run_for(1s);
  BOOST_TEST(reader.messages().size() == 4U);  // those that had come
  BOOST_TEST(!wire.stream->paused);
}

BOOST_AUTO_TEST_CASE(what_a_client_sent_before_it_left_is_not_lost_to_its_rate) {
  Wire wire(false, {}, ClientRates{1, 0});
  FakeClient& reader = wire.world.connect("reader");
  BrokerWorld::subscribe(reader, "#");
  mqtt::Connect connect = BrokerWorld::connect_packet("a");
  connect.will = mqtt::Will{};
  connect.will->topic = "will";
  wire.send(connect);
  Bytes all;
  for (int i = 0; i < 3; ++i)
    mqtt::write(BrokerWorld::message("t", std::to_string(i)), ProtocolVersion::v5, all);
  mqtt::write(mqtt::Disconnect{}, ProtocolVersion::v5, all);
  wire.feed(all);
  BOOST_TEST(reader.messages().size() == 1U);
  wire.stream->handler->on_closed("");
  BOOST_TEST(reader.texts() == (std::vector<std::string>{"t=1", "t=2"}),  // and no will
             boost::test_tools::per_element());
  BOOST_TEST(wire.ended.has_value());
}

BOOST_AUTO_TEST_CASE(bytes_beyond_the_rate_are_not_read) {
  constexpr std::uint32_t rate = 1U << 20U;
  Wire wire(false, {}, ClientRates{0, rate});
  wire.feed(Wire::connect_bytes());
  Bytes all;
  mqtt::write(BrokerWorld::message("t", std::string(rate, 'x')), ProtocolVersion::v5, all);
  std::size_t at = 0;
  const auto feed_until_paused = [&] {
    while (at < all.size() && !wire.stream->paused) {
      const std::size_t size = std::min<std::size_t>(limits::read_scratch_size, all.size() - at);
      wire.feed(ByteView(all).subspan(at, size));
      at += size;
    }
  };
  feed_until_paused();
  BOOST_TEST(wire.stream->paused);
  wire.world.scheduler.run_for(100ms);
  BOOST_TEST(!wire.stream->paused);
  feed_until_paused();
  BOOST_TEST(wire.world.broker.counters().publish_received == 1);
}

BOOST_AUTO_TEST_CASE(connack_is_waited_for_also_when_the_rate_would_let_go) {
  Wire wire(false, {}, ClientRates{0, 1'000});
  wire.world.host.hold_back = true;
  Bytes all = Wire::connect_bytes();
  all.resize(all.size() + 2);
  all[all.size() - 2] = 0xC0;  // PINGREQ
  wire.feed(all);
  BOOST_TEST(wire.stream->paused);
  wire.world.scheduler.run_for(5s);
  BOOST_TEST(wire.stream->paused);
  BOOST_TEST(wire.sent().empty());
  wire.world.host.commit();
  wire.world.scheduler.end_turn();
  BOOST_TEST(!wire.stream->paused);
}

BOOST_AUTO_TEST_SUITE_END()
