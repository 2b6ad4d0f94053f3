// Doors: layers in every order that a listener may have, who the client is behind them, and what
// happens to those who do not come through. On a whole node, streams in memory, virtual time.
#include <boost/test/unit_test.hpp>

#include "src/log/metric_registry.hpp"
#include "src/mqtt/write_packet.hpp"
#include "src/node/node.hpp"
#include "src/store/memory_store.hpp"
#include "tests/support/broker_world.hpp"
#include "tests/support/fake_channel.hpp"
#include "tests/support/fake_stream.hpp"
#include "tests/support/memory_files.hpp"
#include "tests/support/websocket_client.hpp"

using namespace starling;
using namespace starling::test;
using namespace std::chrono_literals;

namespace {

/// Runs jobs when the test says so.
class HeldWorker final : public Worker {
 public:
  void run(std::function<void()> job, std::function<void()> done) override {
    jobs.emplace_back(std::move(job), std::move(done));
  }
  void work() {
    auto all = std::move(jobs);
    jobs.clear();
    for (auto& job : all) {
      job.first();
      job.second();
    }
  }
  std::vector<std::pair<std::function<void()>, std::function<void()>>> jobs;
};

NodeConfiguration open_house() {
  NodeConfiguration configuration;
  ListenerPolicy policy;
  policy.name = "1883";
  policy.allow_anonymous = true;
  configuration.listeners = {policy};
  configuration.doors = {Door{}};
  return configuration;
}

struct House {
  explicit House(const NodeConfiguration& configuration = open_house()) {
    NodeSettings settings;
    static_cast<NodeConfiguration&>(settings) = configuration;
    NodePorts ports{scheduler, entropy, log, metrics, store, files};
    ports.worker = &worker;
    ports.heap_bytes = [this] { return heap; };
    node.emplace(std::move(settings), ports);
    node->start();
  }
  explicit House(const Door& door) : House(with(door)) {}
  static NodeConfiguration with(const Door& door) {
    NodeConfiguration configuration = open_house();
    configuration.doors = {door};
    return configuration;
  }

  std::shared_ptr<StreamView> open(std::array<std::uint8_t, 4> from = {192, 0, 2, 1},
                                   ListenerIndex listener = 0) {
    auto view = std::make_shared<StreamView>();
    node->add_client(std::make_unique<FakeStream>(view),
                     ConnectionInfo{Endpoint::v4(from, 5'000), listener});
    return view;
  }
  void feed(StreamView& view, ByteView bytes) {
    const Bytes scratch(bytes.begin(), bytes.end());
    view.handler->on_bytes(scratch);
    scheduler.end_turn();
  }
  void hang_up(StreamView& view) {
    view.handler->on_closed("");
    scheduler.end_turn();
  }
  [[nodiscard]] std::int64_t connected() { return node->broker().counters().clients_connected; }

  VirtualScheduler scheduler;
  SeededRandom entropy{7};
  RecordingLog log;
  MetricRegistry metrics;
  MemoryStore store;
  MemoryFiles files;
  HeldWorker worker;
  std::uint64_t heap = 1'000;
  std::optional<Node> node;
};

Bytes connect_bytes(std::string_view id = "a") {
  Bytes bytes;
  mqtt::write(BrokerWorld::connect_packet(id), mqtt::ProtocolVersion::v5, bytes);
  return bytes;
}

Bytes text(std::string_view text) {
  const ByteView bytes = as_bytes(text);
  return Bytes(bytes.begin(), bytes.end());
}

Bytes operator+(Bytes a, const Bytes& b) {
  append(a, b);
  return a;
}

const std::string proxy_line = "PROXY TCP4 198.51.100.7 203.0.113.1 4711 1883\r\n";

Door proxied() {
  Door door;
  door.proxy_header = true;
  return door;
}

Door secured(std::optional<TlsIdentity> identity = std::nullopt) {
  auto channels = std::make_shared<FakeChannels>();
  channels->identity = std::move(identity);
  Door door;
  door.tls = std::move(channels);
  return door;
}

Door with_websocket(Door door, Door::WebSocket websocket = Door::WebSocket::always) {
  door.websocket = websocket;
  return door;
}

constexpr std::uint8_t connack = 0x20;

}  // namespace

BOOST_AUTO_TEST_SUITE(node_doors)

// --- Layers

BOOST_AUTO_TEST_CASE(mqtt_passes_every_combination_of_layers_in_pieces_of_any_size) {
  for (int bits = 0; bits < 8; ++bits) {
    Door door;
    door.proxy_header = (bits & 1) != 0;
    if ((bits & 2) != 0) door.tls = std::make_shared<FakeChannels>();
    if ((bits & 4) != 0) door.websocket = Door::WebSocket::always;

    Bytes inside = connect_bytes();
    if ((bits & 4) != 0)
      inside = text(upgrade_request()) + client_frame(ws_binary, connect_bytes());
    if ((bits & 2) != 0) inside = text("H") + turned(inside);
    if ((bits & 1) != 0) inside = text(proxy_line) + inside;

    for (const std::size_t piece : {std::size_t{1}, std::size_t{50}, std::size_t{10'000}}) {
      House house(door);
      const auto client = house.open();
      for (std::size_t at = 0; at < inside.size(); at += piece)
        house.feed(*client, ByteView(inside).subspan(at, std::min(piece, inside.size() - at)));
      BOOST_TEST_CONTEXT("layers " << bits << ", pieces of " << piece) {
        BOOST_TEST(house.connected() == 1);
        Bytes sent = client->sent();
        if ((bits & 2) != 0) {
          BOOST_TEST_REQUIRE(!sent.empty());
          BOOST_TEST(sent[0] == 'h');
          sent = turned(ByteView(sent).subspan(1));
        }
        ByteView rest = sent;
        if ((bits & 4) != 0) {
          const auto end = as_text(rest).find("\r\n\r\n");
          BOOST_TEST_REQUIRE(end != std::string_view::npos);
          rest = rest.subspan(end + 4);
          const auto frame = take_frame(rest);
          BOOST_TEST_REQUIRE(frame.has_value());
          sent = frame->payload;
          rest = sent;
        }
        BOOST_TEST_REQUIRE(!rest.empty());
        BOOST_TEST(rest[0] == connack);
      }
      // The end from our side is told to every layer.
      house.node->stop();
      house.scheduler.end_turn();
      BOOST_TEST(client->closing);
      Bytes last = client->sent();
      if ((bits & 2) != 0) {
        BOOST_TEST_REQUIRE(!last.empty());
        BOOST_TEST(last.back() == '.');
        last.pop_back();
        last = turned(last);
      }
      if ((bits & 4) != 0) {
        ByteView rest = last;
        const auto farewell = take_frame(rest);  // DISCONNECT
        const auto close = take_frame(rest);
        BOOST_TEST_REQUIRE((farewell.has_value() && close.has_value()));
        BOOST_TEST(farewell->payload.front() == 0xE0);
        BOOST_TEST(close->opcode == ws_close);
      } else {
        BOOST_TEST_REQUIRE(!last.empty());
        BOOST_TEST(last.front() == 0xE0);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(one_port_serves_http_and_mqtt) {
  for (const bool tls : {false, true}) {
    House house(with_websocket(tls ? secured() : Door{}, Door::WebSocket::recognised));
    const auto wrapped = [&](const Bytes& bytes) {
      return tls ? text("H") + turned(bytes) : bytes;
    };
    const auto plain = house.open();
    house.feed(*plain, wrapped(connect_bytes("plain")));
    const auto browser = house.open();
    house.feed(*browser, wrapped(text(upgrade_request())
                                 + client_frame(ws_binary, connect_bytes("browser"))));
    BOOST_TEST(house.connected() == 2);
    // Also later on.
    Bytes ping;
    mqtt::write(mqtt::Pingreq{}, mqtt::ProtocolVersion::v5, ping);
    plain->sent();
    house.feed(*plain, tls ? turned(ping) : ping);
    const Bytes pong = tls ? turned(plain->sent()) : plain->sent();
    BOOST_TEST(pong == (Bytes{0xD0, 0}), boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(the_broker_hears_of_a_client_when_its_layers_stand) {
  House house(with_websocket(secured()));
  const auto client = house.open();
  house.feed(*client, text("H"));
  house.feed(*client, turned(text("GET / HT")));
  BOOST_TEST(house.node->broker().counters().connections_refused == 0);
  house.hang_up(*client);
  BOOST_TEST(client->destroyed);
  BOOST_TEST(house.log.count("client_handshake_failed") == 0U);  // it just left
}

// --- Who it is

BOOST_AUTO_TEST_CASE(behind_a_proxy_the_client_is_whom_the_proxy_names) {
  House house(proxied());
  const auto client = house.open();
  house.feed(*client, text(proxy_line) + connect_bytes());
  BOOST_TEST(house.connected() == 1);
  BOOST_TEST(house.log.count("198.51.100.7:4711") >= 1U);
}

BOOST_AUTO_TEST_CASE(the_user_is_whom_the_certificate_or_key_names) {
  const TlsIdentity certificate{"sensor-1", "CN=sensor-1,O=Home", ""};
  const TlsIdentity key{"", "", "psk-1"};
  using config::CertificateUser;
  const std::vector<std::tuple<CertificateUser, TlsIdentity, std::string>> all{
      {CertificateUser::common_name, certificate, "user=sensor-1"},
      {CertificateUser::subject, certificate, "user=CN=sensor-1,O=Home"},
      {CertificateUser::common_name, key, "user=psk-1"},
  };
  for (const auto& [from, identity, expected] : all) {
    Door door = secured(identity);
    door.user_from = from;
    NodeConfiguration configuration = House::with(door);
    configuration.listeners[0].allow_anonymous = false;
    House house(configuration);
    const auto client = house.open();
    house.feed(*client, text("H") + turned(connect_bytes()));
    BOOST_TEST(house.connected() == 1);
    BOOST_TEST(house.log.count(expected) >= 1U);
  }
}

BOOST_AUTO_TEST_CASE(without_a_certificate_nobody_is_named_and_nobody_comes_in) {
  Door door = secured();
  door.user_from = config::CertificateUser::common_name;
  House house(door);
  const auto client = house.open();
  house.feed(*client, text("H") + turned(connect_bytes()));
  BOOST_TEST(house.connected() == 0);
  BOOST_TEST(client->closing);
}

// --- Those who do not come through

BOOST_AUTO_TEST_CASE(a_failed_handshake_is_answered_said_and_closed) {
  struct Case {
    Door door;
    Bytes bytes;
    std::string_view answer;
  };
  const std::vector<Case> all{
      {secured(), text("not TLS"), "alert"},
      {proxied(), connect_bytes(), ""},
      {with_websocket(Door{}), text("POST / HTTP/1.1\r\nHost: x\r\n\r\n"), "HTTP/1.1 405"},
      {with_websocket(Door{}), connect_bytes(), "HTTP/1.1 400"},
  };
  for (const Case& one : all) {
    House house(one.door);
    const auto client = house.open();
    house.feed(*client, one.bytes);
    BOOST_TEST(client->closing);
    BOOST_TEST(as_text(client->sent()).substr(0, one.answer.size()) == one.answer);
    BOOST_TEST(house.log.count("client_handshake_failed") == 1U);
    BOOST_TEST(house.node->counters().handshakes_failed == 1);
    house.feed(*client, one.bytes);  // not looked at any more
    house.hang_up(*client);
    BOOST_TEST(client->destroyed);
    BOOST_TEST(house.log.count("client_handshake_failed") == 1U);
  }
}

BOOST_AUTO_TEST_CASE(a_refusal_inside_tls_is_told_inside_tls) {
  House house(with_websocket(secured()));
  const auto client = house.open();
  house.feed(*client, text("H") + turned(text("GET / HTTP/1.1\r\nHost: x\r\n\r\n")));
  BOOST_TEST(client->closing);
  Bytes sent = client->sent();
  BOOST_TEST_REQUIRE(sent.size() > 14U);
  BOOST_TEST(sent.back() == '.');
  BOOST_TEST(as_text(turned(ByteView(sent).subspan(1, 12))) == "HTTP/1.1 426");
}

BOOST_AUTO_TEST_CASE(time_to_connect_counts_from_accept_through_all_layers) {
  House house(with_websocket(secured()));
  const auto client = house.open();
  house.scheduler.run_for(limits::connect_timeout - 2ms);
  house.feed(*client, text("H") + turned(text(upgrade_request())));
  house.scheduler.run_for(1ms);
  BOOST_TEST(!client->closing);
  house.scheduler.run_for(1ms);
  BOOST_TEST(client->closing);

  const auto silent = house.open();
  house.scheduler.run_for(limits::connect_timeout);
  BOOST_TEST(silent->closing);
  BOOST_TEST(house.log.count("the handshake before MQTT was not done in time") == 1U);
}

BOOST_AUTO_TEST_CASE(floods_of_failed_handshakes_do_not_flood_the_log) {
  House house(secured());
  for (int i = 0; i < 100; ++i) {
    const auto client = house.open();
    house.feed(*client, text("x"));
    house.hang_up(*client);
  }
  BOOST_TEST(house.log.count("client_handshake_failed") == 1U);
  house.scheduler.run_for(limits::denial_log_interval);
  house.feed(*house.open(), text("x"));
  BOOST_TEST(house.log.count("more_before=99") == 1U);
}

BOOST_AUTO_TEST_CASE(a_client_that_asks_for_answers_and_reads_none_is_closed) {
  House house(with_websocket(Door{}));
  const auto client = house.open();
  house.feed(*client, text(upgrade_request()) + client_frame(ws_binary, connect_bytes()));
  const Bytes ping = client_frame(ws_ping, Bytes(125, 'p'));
  Bytes many;
  for (int i = 0; i < 1'000; ++i) append(many, ping);
  for (int i = 0; i < 100; ++i) house.feed(*client, many);
  BOOST_TEST(!client->closing);  // it reads
  client->sent();
  client->congested = true;
  for (int i = 0; i < 100 && !client->closing; ++i) house.feed(*client, many);
  BOOST_TEST(client->closing);
}

// --- How many

BOOST_AUTO_TEST_CASE(connections_of_one_listener_are_bounded) {
  NodeConfiguration configuration = open_house();
  configuration.listeners.push_back(configuration.listeners[0]);
  configuration.doors.push_back({});
  configuration.doors[1].connections_max = 1;
  House house(configuration);
  const auto first = house.open({192, 0, 2, 1}, 1);
  BOOST_TEST(house.open({192, 0, 2, 2}, 1)->destroyed);
  BOOST_TEST(!house.open({192, 0, 2, 2}, 0)->destroyed);
  BOOST_TEST(house.log.count("clients_refused why=max_connections of the listener") == 1U);
  house.hang_up(*first);
  BOOST_TEST(!house.open({192, 0, 2, 2}, 1)->destroyed);
}

BOOST_AUTO_TEST_CASE(connections_of_one_address_are_bounded) {
  NodeConfiguration configuration = open_house();
  configuration.connections_per_address_max = 2;
  House house(configuration);
  const auto first = house.open();
  const auto second = house.open();
  BOOST_TEST(house.open()->destroyed);
  BOOST_TEST(!house.open({192, 0, 2, 9})->destroyed);
  BOOST_TEST(!second->destroyed);
  house.hang_up(*first);
  BOOST_TEST(!house.open()->destroyed);
  BOOST_TEST(house.open()->destroyed);
}

BOOST_AUTO_TEST_CASE(behind_a_proxy_the_clients_address_counts) {
  NodeConfiguration configuration = House::with(proxied());
  configuration.connections_per_address_max = 1;
  House house(configuration);
  const auto first = house.open();
  const auto second = house.open();
  house.feed(*first, text(proxy_line) + connect_bytes("a"));
  house.feed(*second, text(proxy_line) + connect_bytes("b"));
  BOOST_TEST(house.connected() == 1);
  BOOST_TEST(second->closing);
  BOOST_TEST(house.log.count("clients_refused why=too many connections of one address") == 1U);
  house.hang_up(*second);
  const auto other = house.open();
  house.feed(*other, text("PROXY TCP4 198.51.100.8 203.0.113.1 1 1\r\n") + connect_bytes("c"));
  BOOST_TEST(house.connected() == 2);
  house.hang_up(*first);
  const auto again = house.open();
  house.feed(*again, text(proxy_line) + connect_bytes("d"));
  BOOST_TEST(house.connected() == 2);
  BOOST_TEST(!again->closing);
}

BOOST_AUTO_TEST_CASE(clients_of_a_unix_socket_are_not_one_address) {
  NodeConfiguration configuration = open_house();
  configuration.connections_per_address_max = 1;
  House house(configuration);
  for (int i = 0; i < 3; ++i) {
    auto view = std::make_shared<StreamView>();
    house.node->add_client(std::make_unique<FakeStream>(view), ConnectionInfo{});
    BOOST_TEST(!view->destroyed);
  }
}

BOOST_AUTO_TEST_CASE(when_memory_is_short_new_clients_are_refused_and_old_ones_served) {
  NodeConfiguration configuration = open_house();
  configuration.memory_max = 10'000;
  House house(configuration);
  const auto old_client = house.open();
  house.feed(*old_client, connect_bytes());
  old_client->sent();
  house.heap = 10'000;
  house.scheduler.run_for(limits::memory_look_interval);
  BOOST_TEST(house.open()->destroyed);
  BOOST_TEST(house.log.count("clients_refused why=memory is short") == 1U);
  Bytes ping;
  mqtt::write(mqtt::Pingreq{}, mqtt::ProtocolVersion::v5, ping);
  house.feed(*old_client, ping);
  BOOST_TEST(!old_client->sent().empty());
  house.heap = 9'999;
  house.scheduler.run_for(limits::memory_look_interval);
  BOOST_TEST(!house.open()->destroyed);
}

// --- Passwords

namespace {

mqtt::Connect with_password(std::string_view user, std::string_view password) {
  mqtt::Connect packet = BrokerWorld::connect_packet("a");
  packet.user_name = user;
  packet.password = as_bytes(password);
  return packet;
}

Bytes bytes_of(const mqtt::Connect& packet) {
  Bytes bytes;
  mqtt::write(packet, mqtt::ProtocolVersion::v5, bytes);
  return bytes;
}

/// The password of "joe" is "secret".
NodeConfiguration guarded_house(std::string_view password = "secret") {
  NodeConfiguration configuration = open_house();
  configuration.listeners[0].allow_anonymous = false;
  SeededRandom random{3};
  auto table = std::make_shared<PasswordTable>();
  const PasswordHash hash = PasswordHash::make_pbkdf2(as_bytes(password), random);
  table->set("joe", hash, hash.to_text());
  configuration.keys = {DoorKeys{std::move(table), false}};
  configuration.failed_logins_per_minute = 3;
  return configuration;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_password_is_answered_when_it_has_been_checked) {
  House house(guarded_house());
  const auto client = house.open();
  Bytes ping;
  mqtt::write(mqtt::Pingreq{}, mqtt::ProtocolVersion::v5, ping);
  house.feed(*client, bytes_of(with_password("joe", "secret")) + ping);
  BOOST_TEST(client->sent().empty());
  BOOST_TEST(client->paused);
  house.worker.work();
  house.scheduler.end_turn();
  const Bytes sent = client->sent();
  BOOST_TEST_REQUIRE(sent.size() > 4U);
  BOOST_TEST(sent[0] == connack);
  BOOST_TEST(sent[3] == 0);
  BOOST_TEST(sent[sent.size() - 2] == 0xD0);  // PINGRESP, behind it
  BOOST_TEST(!client->paused);
}

BOOST_AUTO_TEST_CASE(a_wrong_password_and_an_unknown_user_are_refused_alike) {
  House house(guarded_house());
  for (const auto& [user, password] : {std::pair{"joe", "wrong"}, std::pair{"nobody", "secret"}}) {
    const auto client = house.open();
    house.feed(*client, bytes_of(with_password(user, password)));
    BOOST_TEST(client->sent().empty());
    house.worker.work();
    house.scheduler.end_turn();
    const Bytes sent = client->sent();
    BOOST_TEST_REQUIRE(sent.size() > 3U);
    BOOST_TEST(sent[3] == 0x87);
    BOOST_TEST(client->closing);
  }
}

BOOST_AUTO_TEST_CASE(a_client_that_leaves_while_its_password_is_checked_is_forgotten) {
  House house(guarded_house());
  const auto client = house.open();
  house.feed(*client, bytes_of(with_password("joe", "secret")));
  house.hang_up(*client);
  house.worker.work();
  house.scheduler.end_turn();
  BOOST_TEST(house.connected() == 0);
}

BOOST_AUTO_TEST_CASE(addresses_that_fail_often_must_wait_others_need_not) {
  House house(guarded_house());
  const auto reason_for = [&](std::array<std::uint8_t, 4> from, std::string_view password) {
    const auto client = house.open(from);
    house.feed(*client, bytes_of(with_password("joe", password)));
    house.worker.work();
    house.scheduler.end_turn();
    const Bytes sent = client->sent();
    BOOST_TEST_REQUIRE(sent.size() > 3U);
    return static_cast<int>(sent[3]);
  };
  for (int i = 0; i < 3; ++i) BOOST_TEST(reason_for({192, 0, 2, 1}, "wrong") == 0x87);
  BOOST_TEST(reason_for({192, 0, 2, 1}, "secret") == 0x9F);
  BOOST_TEST(reason_for({192, 0, 2, 2}, "secret") == 0);
  house.scheduler.run_for(1min);
  BOOST_TEST(reason_for({192, 0, 2, 1}, "secret") == 0);
}

BOOST_AUTO_TEST_CASE(scram_is_offered_where_it_can_be_served) {
  House house(guarded_house());
  const auto client = house.open();
  mqtt::Connect packet = BrokerWorld::connect_packet("a");
  packet.properties.authentication_method = "SCRAM-SHA-256";
  packet.properties.authentication_data = as_bytes("n,,n=joe,r=abcdefgh");
  house.feed(*client, bytes_of(packet));
  const Bytes sent = client->sent();
  BOOST_TEST_REQUIRE(sent.size() > 3U);
  BOOST_TEST(sent[0] == connack);  // this file has no entry that could serve it
  BOOST_TEST(sent[3] == 0x8C);
}

BOOST_AUTO_TEST_CASE(a_scram_exchange_is_carried_by_auth_packets_before_connack) {
  NodeConfiguration configuration = guarded_house();
  SeededRandom random{3};
  auto table = std::make_shared<PasswordTable>();
  const PasswordHash hash = PasswordHash::make_scram(as_bytes("secret"), random, 100);
  table->set("joe", hash, hash.to_text());
  configuration.keys = {DoorKeys{std::move(table), false}};
  House house(configuration);
  const auto client = house.open();
  mqtt::Connect packet = BrokerWorld::connect_packet("a");
  packet.properties.authentication_method = "SCRAM-SHA-256";
  packet.properties.authentication_data = as_bytes("n,,n=joe,r=abcdefgh");
  house.feed(*client, bytes_of(packet));
  Bytes sent = client->sent();
  BOOST_TEST_REQUIRE(!sent.empty());
  BOOST_TEST(sent[0] == 0xF0);  // AUTH, "go on"
  BOOST_TEST(!client->paused);
  mqtt::Auth wrong;
  wrong.reason = mqtt::ReasonCode::continue_authentication;
  wrong.properties.authentication_method = "SCRAM-SHA-256";
  wrong.properties.authentication_data = as_bytes("c=biws,r=abcdefgh,p=AAAA");
  Bytes bytes;
  mqtt::write(wrong, mqtt::ProtocolVersion::v5, bytes);
  house.feed(*client, bytes);
  sent = client->sent();
  BOOST_TEST_REQUIRE(sent.size() > 3U);
  BOOST_TEST(sent[0] == connack);
  BOOST_TEST(sent[3] == 0x87);
  BOOST_TEST(client->closing);
}

// --- Read again

BOOST_AUTO_TEST_CASE(a_reload_changes_doors_and_passwords_for_those_to_come_and_keeps_who_is_in) {
  House house(guarded_house());
  const auto old_client = house.open();
  mqtt::Connect of_old = with_password("joe", "secret");
  of_old.client_id = "old";
  house.feed(*old_client, bytes_of(of_old));
  house.worker.work();
  house.scheduler.end_turn();
  BOOST_TEST(house.connected() == 1);

  NodeConfiguration guarded = guarded_house();
  guarded.listeners.push_back(guarded.listeners[0]);  // a new one
  guarded.doors = {proxied(), with_websocket(Door{})};
  house.node->reload(guarded);
  Bytes ping;
  mqtt::write(mqtt::Pingreq{}, mqtt::ProtocolVersion::v5, ping);
  old_client->sent();
  house.feed(*old_client, ping);
  BOOST_TEST(old_client->sent() == (Bytes{0xD0, 0}), boost::test_tools::per_element());

  const auto direct = house.open();
  house.feed(*direct, connect_bytes());
  BOOST_TEST(direct->closing);
  const auto anonymous = house.open();
  house.feed(*anonymous, text(proxy_line) + connect_bytes());
  BOOST_TEST(anonymous->closing);
  const auto named = house.open();
  house.feed(*named, text(proxy_line) + bytes_of(with_password("joe", "secret")));
  house.worker.work();
  house.scheduler.end_turn();
  BOOST_TEST(house.connected() == 2);
  const auto browser = house.open({192, 0, 2, 1}, 1);
  house.feed(*browser, text(upgrade_request()));
  BOOST_TEST(as_text(browser->sent()).substr(0, 12) == "HTTP/1.1 101");
}

BOOST_AUTO_TEST_CASE(a_bound_per_address_that_comes_later_counts_who_is_in_already) {
  House house;
  const auto first = house.open();
  const auto second = house.open();
  NodeConfiguration bounded = open_house();
  bounded.connections_per_address_max = 2;
  house.node->reload(bounded);
  BOOST_TEST(house.open()->destroyed);
  house.hang_up(*first);
  BOOST_TEST(!house.open()->destroyed);
  house.node->reload(open_house());
  BOOST_TEST(!house.open()->destroyed);
  BOOST_TEST(!second->destroyed);
}

BOOST_AUTO_TEST_CASE(clients_in_the_middle_of_a_handshake_see_a_reload_and_a_stop) {
  House house(with_websocket(secured()));
  const auto client = house.open();
  house.feed(*client, text("H"));
  house.node->reload(open_house());
  house.feed(*client, turned(text(upgrade_request()) + client_frame(ws_binary, connect_bytes())));
  BOOST_TEST(house.connected() == 1);  // by the door it came to
  NodeConfiguration proxied_house = House::with(proxied());
  house.node->reload(proxied_house);
  const auto late = house.open();
  house.node->stop();
  house.scheduler.end_turn();
  BOOST_TEST(late->closing);
  house.hang_up(*late);
  house.hang_up(*client);
  BOOST_TEST(house.node->has_drained());
}

BOOST_AUTO_TEST_CASE(settings_of_a_listener_become_its_door) {
  config::ListenerSettings settings;
  BOOST_TEST(door_for(settings, nullptr).is_open());
  settings.protocol = config::ListenerProtocol::websockets;
  settings.websocket_origins = {"https://home.example"};
  settings.connections_max = 7;
  Door door = door_for(settings, nullptr);
  BOOST_TEST((door.websocket == Door::WebSocket::always));
  BOOST_TEST(door.websocket_origins.size() == 1U);
  BOOST_TEST(door.connections_max == 7U);
  settings.also_mqtt = true;
  settings.proxy_protocol = true;
  settings.tls.emplace().user_from = config::CertificateUser::subject;
  door = door_for(settings, std::make_shared<FakeChannels>());
  BOOST_TEST((door.websocket == Door::WebSocket::recognised));
  BOOST_TEST(door.proxy_header);
  BOOST_TEST((door.user_from == config::CertificateUser::subject));
  BOOST_TEST(!door.is_open());
}

BOOST_AUTO_TEST_SUITE_END()
