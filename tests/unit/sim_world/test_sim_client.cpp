// SimClient against a real node, a broker alone: what the standard asks of a client.
#include <boost/test/unit_test.hpp>
#include <map>

#include "simulations/world/world.hpp"

namespace starling::sim {
namespace {

using namespace std::chrono_literals;

/// Everything that clients tell.
class Ears final : public Observer {
 public:
  void on_client_connected(TimePoint, const ClientConnected& what) override {
    connected.push_back(what);
  }
  void on_client_ended(TimePoint, ClientNumber, bool in_order) override {
    ended.push_back(in_order);
  }
  void on_published(TimePoint, const Published& what) override {
    if (what.is_will)
      wills.push_back(what.number);
    else
      ++published;
  }
  void on_acknowledged(TimePoint, MessageNumber number) override {
    ++acknowledged[number];
    if (on_acknowledgement) on_acknowledgement(number);
  }
  void on_completed(TimePoint, MessageNumber number) override { ++completed[number]; }
  void on_subscribed(TimePoint, const Subscribed& what) override { granted.push_back(what.qos); }
  void on_unsubscribed(TimePoint, ClientNumber, std::string_view) override { ++unsubscribed; }
  void on_received(TimePoint, const Received& what) override {
    Received kept = what;
    kept.topic = {};
    received.push_back(kept);
    if (on_reception) on_reception(kept);
  }

  std::vector<ClientConnected> connected;
  std::vector<bool> ended;
  std::vector<MessageNumber> wills;
  std::vector<QoS> granted;
  std::vector<Received> received;
  std::map<MessageNumber, int> acknowledged;
  std::map<MessageNumber, int> completed;
  int published = 0;
  int unsubscribed = 0;
  std::function<void(MessageNumber)> on_acknowledgement;
  std::function<void(const Received&)> on_reception;
};

struct ClientFixture {
  Ears ears;
  World world{{.seed = 3}};
  NodeNumber node = world.add_node({});

  ClientFixture() {
    world.add_observer(ears);
    world.boot(node);
  }
  SimClient& reader(const std::string& filter, QoS qos, bool keeps_session = true) {
    ClientConfig config;
    config.name = "reader";
    config.node = node;
    config.filters = {{filter, qos}};
    config.keeps_session = keeps_session;
    config.keeps_messages = true;
    return add(config);
  }
  SimClient& writer() {
    ClientConfig config;
    config.name = "writer";
    config.node = node;
    config.keeps_session = true;
    return add(config);
  }
  SimClient& add(const ClientConfig& config) {
    SimClient& client = world.add_client(config);
    BOOST_REQUIRE(world.run_until([&] { return client.is_connected() && client.is_subscribed(); }));
    return client;
  }
};

BOOST_FIXTURE_TEST_SUITE(sim_client, ClientFixture)

BOOST_AUTO_TEST_CASE(each_qos_goes_its_way_and_only_once) {
  reader("a/#", QoS::exactly_once);
  SimClient& from = writer();
  const MessageNumber zero = from.publish("a/0", QoS::at_most_once);
  const MessageNumber one = from.publish("a/1", QoS::at_least_once);
  const MessageNumber two = from.publish("a/2", QoS::exactly_once, false, 5'000);
  BOOST_TEST(from.unacknowledged() == 2);
  world.run_for(1s);
  BOOST_REQUIRE(ears.received.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    BOOST_TEST(ears.received[i].number == std::vector<MessageNumber>({zero, one, two})[i]);
    BOOST_TEST((ears.received[i].qos == static_cast<QoS>(i)));
    BOOST_TEST(ears.received[i].published_at_node == node);
    BOOST_TEST(ears.received[i].subscriptions.size() == 1);
    BOOST_TEST((!ears.received[i].dup && !ears.received[i].is_repeated_packet));
  }
  BOOST_TEST(!ears.acknowledged.contains(zero));
  BOOST_TEST((ears.acknowledged[one] == 1 && ears.acknowledged[two] == 1));
  BOOST_TEST((ears.completed.size() == 1 && ears.completed[two] == 1));
  BOOST_TEST(from.unacknowledged() == 0);
  BOOST_TEST((ears.granted == std::vector{QoS::exactly_once}));
}

BOOST_AUTO_TEST_CASE(a_session_waits_for_its_client_and_keeps_its_subscriptions) {
  SimClient& to = reader("a/#", QoS::at_least_once);
  SimClient& from = writer();
  to.disconnect();
  world.run_for(1s);
  BOOST_TEST((ears.ended == std::vector{true}));
  from.publish("a/1");
  world.run_for(1s);
  BOOST_TEST(ears.received.empty());
  to.connect();
  BOOST_REQUIRE(world.run_until([&] { return to.is_connected(); }));
  world.run_for(1s);
  BOOST_TEST(ears.received.size() == 1);
  BOOST_TEST(ears.connected.back().session_present);
  BOOST_TEST(ears.granted.size() == 1);  // not asked for again
}

BOOST_AUTO_TEST_CASE(without_a_session_it_begins_anew) {
  SimClient& to = reader("a/#", QoS::at_least_once, false);
  to.drop();
  world.run_for(1s);
  BOOST_TEST((ears.ended == std::vector{false}));
  to.connect();
  BOOST_REQUIRE(world.run_until([&] { return to.is_connected() && to.is_subscribed(); }));
  BOOST_TEST(!ears.connected.back().session_present);
  BOOST_TEST(ears.granted.size() == 2);
}

BOOST_AUTO_TEST_CASE(what_was_not_acknowledged_comes_again_marked_dup) {
  SimClient& to = reader("a/#", QoS::at_least_once);
  SimClient& from = writer();
  // The device dies with the message in its hands.
  ears.on_reception = [&](const Received&) {
    ears.on_reception = nullptr;
    to.drop();
  };
  from.publish("a/1");
  world.run_for(1s);
  BOOST_TEST(ears.received.size() == 1);
  to.connect();
  world.run_for(5s);
  BOOST_REQUIRE(ears.received.size() == 2);
  BOOST_TEST(ears.received[1].number == ears.received[0].number);
  BOOST_TEST(ears.received[1].dup);
  BOOST_TEST(!ears.received[1].is_repeated_packet);  // QoS 1 knows no repetitions
}

BOOST_AUTO_TEST_CASE(a_repeated_qos_2_packet_is_recognised) {
  SimClient& to = reader("a/#", QoS::exactly_once);
  SimClient& from = writer();
  ears.on_reception = [&](const Received&) {
    ears.on_reception = nullptr;
    to.drop();
  };
  from.publish("a/1", QoS::exactly_once);
  world.run_for(1s);
  to.connect();
  world.run_for(5s);
  BOOST_REQUIRE(ears.received.size() == 2);
  BOOST_TEST((ears.received[1].dup && ears.received[1].is_repeated_packet));
  BOOST_TEST(to.messages().size() == 1);
}

BOOST_AUTO_TEST_CASE(a_publisher_sends_again_after_a_crash_of_its_node) {
  for (const QoS qos : {QoS::at_least_once, QoS::exactly_once}) {
    SimClient& to = qos == QoS::at_least_once ? reader("a/#", QoS::exactly_once) : world.client(0);
    SimClient& from = qos == QoS::at_least_once ? writer() : world.client(1);
    const MessageNumber number = from.publish("a/1", qos);
    world.run_for(700us);  // it has reached the node, the acknowledgement has not come back
    BOOST_TEST(!ears.acknowledged.contains(number));
    world.end(node, NodeEnd::killed);
    world.run_for(1s);
    world.boot(node);
    BOOST_REQUIRE(
        world.run_until([&] { return from.unacknowledged() == 0 && to.is_connected(); }, 2min));
    world.run_for(30s);
    BOOST_TEST(ears.acknowledged[number] == 1);
    int taken = 0;
    for (const Received& each : ears.received)
      if (each.number == number && !each.is_repeated_packet) ++taken;
    BOOST_TEST(taken >= 1);
    if (qos == QoS::exactly_once) BOOST_TEST(taken == 1);
  }
}

BOOST_AUTO_TEST_CASE(keep_alive_notices_an_unplugged_node_and_the_client_comes_back) {
  ClientConfig config;
  config.node = node;
  config.keep_alive_s = 10;
  SimClient& client = add(config);
  world.run_for(60s);
  BOOST_TEST(client.is_connected());  // pings are answered
  world.end(node, NodeEnd::unplugged);
  world.run_for(5s);
  BOOST_TEST(client.is_connected());  // silence
  BOOST_TEST(world.run_until([&] { return !client.is_connected(); }, 30s));
  world.boot(node);
  BOOST_TEST(world.run_until([&] { return client.is_connected(); }, 60s));
}

BOOST_AUTO_TEST_CASE(a_will_is_for_those_who_leave_without_a_word) {
  reader("will/#", QoS::at_least_once);
  ClientConfig config;
  config.node = node;
  config.will = {.topic = "will/1", .qos = QoS::at_least_once, .retain = false, .delay_s = 0};
  SimClient& polite = add(config);
  polite.disconnect();
  world.run_for(5s);
  BOOST_TEST(ears.received.empty());
  SimClient& dead = add(config);
  dead.drop();
  world.run_for(5s);
  BOOST_REQUIRE(ears.received.size() == 1);
  BOOST_REQUIRE(ears.wills.size() == 2);
  BOOST_TEST(ears.received[0].number == ears.wills[1]);
}

BOOST_AUTO_TEST_CASE(messages_wait_for_a_connection_and_for_the_receive_maximum) {
  reader("a/#", QoS::at_least_once);
  SimClient& from = writer();
  from.drop();
  for (int i = 0; i < 300; ++i) from.publish("a/1");
  BOOST_TEST(ears.published == 0);
  from.connect();
  BOOST_TEST(world.run_until([&] { return from.unacknowledged() == 0; }, 30s));
  BOOST_TEST(ears.received.size() == 300);
  for (std::size_t i = 1; i < ears.received.size(); ++i)
    BOOST_TEST(ears.received[i].number == ears.received[i - 1].number + 1);
}

BOOST_AUTO_TEST_CASE(filters_come_and_go) {
  SimClient& to = reader("a/#", QoS::at_least_once);
  SimClient& from = writer();
  to.subscribe({"b/+", QoS::at_most_once});
  world.run_for(1s);
  BOOST_TEST(to.is_subscribed());
  from.publish("b/1");
  world.run_for(1s);
  BOOST_TEST(ears.received.size() == 1);
  to.unsubscribe("b/+");
  world.run_for(1s);
  BOOST_TEST(ears.unsubscribed == 1);
  from.publish("b/1");
  world.run_for(1s);
  BOOST_TEST(ears.received.size() == 1);
}

BOOST_AUTO_TEST_CASE(habits_are_followed_as_often_and_as_long_as_told) {
  ClientConfig config;
  config.node = node;
  config.connects_at = 1s;
  ClientHabit even;
  even.topics = {"even/{n}"};
  even.numbers = 3;
  even.every = 10s;
  even.is_even = true;
  even.begins = 100s;
  even.ends = 300s;
  ClientHabit few;
  few.topics = {"few"};
  few.every = 1s;
  few.count_max = 7;
  config.habits = {even, few};
  std::map<std::string, std::vector<Duration>> seen;
  class Topics final : public Observer {
   public:
    explicit Topics(std::map<std::string, std::vector<Duration>>& to) : to_(to) {}
    void on_published(TimePoint at, const Published& what) override {
      to_[std::string(what.topic.substr(0, 4))].push_back(at - Agenda::beginning);
      BOOST_TEST((what.topic == "few" || (what.topic >= "even/0" && what.topic <= "even/2")));
    }

   private:
    std::map<std::string, std::vector<Duration>>& to_;
  } topics(seen);
  world.add_observer(topics);
  world.add_client(config);
  world.run_for(400s);
  BOOST_TEST(seen["few"].size() == 7);
  BOOST_TEST((seen["even"].size() >= 19 && seen["even"].size() <= 20));
  for (std::size_t i = 1; i < seen["even"].size(); ++i)
    BOOST_TEST((seen["even"][i] - seen["even"][i - 1] == 10s));
  BOOST_TEST((seen["even"].front() >= 100s && seen["even"].back() < 300s));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace starling::sim
