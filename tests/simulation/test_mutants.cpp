// Worlds that break a promise are caught, end to end: real nodes, real traffic, and one thing wrong.
// Where the nodes would have to be wrong themselves, a liar stands between the world and the
// checkers and tells them what such nodes would have done.
#include <boost/test/unit_test.hpp>
#include <functional>
#include <optional>
#include <string>

#include "simulations/checkers/checkers.hpp"
#include "simulations/world/world.hpp"

namespace starling::sim {
namespace {

using namespace std::chrono_literals;

/// Tells the checkers all but what clients hear, which `hear` tells as it likes.
class Liar final : public Observer {
 public:
  using Hear = std::function<void(Checkers&, TimePoint, const Received&)>;
  Liar(Checkers& checkers, Hear hear) : to_(checkers), hear_(std::move(hear)) {}

  void on_node_started(TimePoint at, NodeNumber n) override { to_.on_node_started(at, n); }
  void on_node_ended(TimePoint at, NodeNumber n, NodeEnd how) override {
    to_.on_node_ended(at, n, how);
  }
  void on_link_up(TimePoint at, NodeNumber a, NodeNumber b) override { to_.on_link_up(at, a, b); }
  void on_link_down(TimePoint at, NodeNumber a, NodeNumber b) override {
    to_.on_link_down(at, a, b);
  }
  void on_datagram(TimePoint at, NodeNumber a, NodeNumber b, ByteView bytes) override {
    to_.on_datagram(at, a, b, bytes);
  }
  void on_client_connected(TimePoint at, const ClientConnected& what) override {
    to_.on_client_connected(at, what);
  }
  void on_client_ended(TimePoint at, ClientNumber client, bool in_order) override {
    to_.on_client_ended(at, client, in_order);
  }
  void on_subscribing(TimePoint at, const Subscribed& what) override {
    to_.on_subscribing(at, what);
  }
  void on_subscribed(TimePoint at, const Subscribed& what) override { to_.on_subscribed(at, what); }
  void on_published(TimePoint at, const Published& what) override { to_.on_published(at, what); }
  void on_acknowledged(TimePoint at, MessageNumber number) override {
    to_.on_acknowledged(at, number);
  }
  void on_completed(TimePoint at, MessageNumber number) override { to_.on_completed(at, number); }
  void on_fault_begins(TimePoint at, std::string_view what) override {
    to_.on_fault_begins(at, what);
  }
  void on_fault_ends(TimePoint at, std::string_view what) override { to_.on_fault_ends(at, what); }
  void on_second(TimePoint at, const World& world) override { to_.on_second(at, world); }
  void on_received(TimePoint at, const Received& what) override {
    if (hear_)
      hear_(to_, at, what);
    else
      to_.on_received(at, what);
  }

 private:
  Checkers& to_;
  Hear hear_;
};

// Client 0, at node 0, publishes with QoS 1 to village/one and with QoS 2 to village/two.
constexpr ClientNumber reader = 1;     // at node 1: village/#
constexpr ClientNumber lamp = 2;       // at node 2, of the same mesh: lamp/# only
constexpr ClientNumber neighbour = 3;  // at node 3, of another mesh: everything
constexpr Duration traffic_begins = 60s;
constexpr Duration ends = 170s;

NodeSharing shares(const std::string& mesh) {
  return {MeshSharing{mesh, {"#"}, {"#"}}};
}

/// What the checkers say of a run in which `hear` lies and `meddle` does something to the world.
/// The names of those whose promise was broken, joined by blanks.
std::string broken_in(const Liar::Hear& hear, const std::function<void(World&)>& meddle = {}) {
  CheckerSettings settings;
  settings.start = Agenda::beginning;
  settings.nodes = {shares("home"), shares("home"), shares("home"), shares("other")};
  settings.payload_marker = std::string(payload_mark);
  Checkers checkers(settings);
  Liar liar(checkers, hear);
  World world({.seed = 21});
  world.add_observer(liar);
  world.add_homes(3, 1s);
  NodeConfig other;
  other.meshes.push_back(private_mesh("other", 2));
  const Endpoint first = world.node(0).endpoint();
  other.bootstrap = {{first.address_text(), first.port}};
  const NodeNumber foreign = world.add_node(other);
  world.boot(foreign);

  ClientConfig config;
  config.node = 0;
  config.keeps_session = true;
  for (const QoS qos : {QoS::at_least_once, QoS::exactly_once}) {
    ClientHabit habit;
    habit.topics = {qos == QoS::at_least_once ? "village/one" : "village/two"};
    habit.qos = qos;
    habit.every = 2s;
    habit.begins = traffic_begins;
    habit.ends = 100s;
    config.habits.push_back(habit);
  }
  world.add_client(config);
  config.habits.clear();
  const std::vector<std::pair<NodeNumber, std::string>> readers = {
      {1, "village/#"}, {2, "lamp/#"}, {foreign, "#"}};
  for (const auto& [node, filter] : readers) {
    config.node = node;
    config.filters = {{filter, QoS::exactly_once}};
    world.add_client(config);
  }
  if (meddle) meddle(world);
  world.run_for(ends);
  checkers.finish(world.now(), world);
  for (const char* name : {"qos1", "qos2", "order", "filter", "isolation", "secrecy"})
    BOOST_TEST(checkers.find(name)->seen() > 0, name << " has seen nothing");
  std::string broken;
  for (const Checker* each : checkers.all())
    if (!each->is_kept()) broken += (broken.empty() ? "" : " ") + std::string(each->name());
  if (!hear && !meddle) BOOST_TEST(broken.empty(), checkers.violations_text());
  return broken;
}

bool names(const std::string& broken, std::string_view name) {
  return (" " + broken + " ").find(" " + std::string(name) + " ") != std::string::npos;
}

/// The fifth message of this QoS that the reader hears, when all has settled.
class Fifth {
 public:
  explicit Fifth(QoS qos) : qos_(qos) {}
  bool is_it(const Received& what) {
    return what.client == reader && what.qos == qos_ && ++count_ == 5;
  }

 private:
  QoS qos_;
  int count_ = 0;
};

BOOST_AUTO_TEST_SUITE(mutants)

BOOST_AUTO_TEST_CASE(an_honest_world_breaks_nothing) {
  BOOST_TEST(broken_in({}) == "");
}

BOOST_AUTO_TEST_CASE(a_message_that_never_comes_breaks_qos1) {
  Fifth fifth(QoS::at_least_once);
  const std::string broken = broken_in([&](Checkers& to, TimePoint at, const Received& what) {
    if (!fifth.is_it(what)) to.on_received(at, what);
  });
  BOOST_TEST(names(broken, "qos1"), broken);
}

BOOST_AUTO_TEST_CASE(a_message_of_qos2_that_comes_twice_breaks_qos2) {
  Fifth fifth(QoS::exactly_once);
  const std::string broken = broken_in([&](Checkers& to, TimePoint at, const Received& what) {
    to.on_received(at, what);
    if (fifth.is_it(what)) to.on_received(at, what);
  });
  BOOST_TEST(names(broken, "qos2"), broken);
}

BOOST_AUTO_TEST_CASE(two_messages_in_the_wrong_order_break_order) {
  Fifth fifth(QoS::at_least_once);
  std::optional<Received> held;
  std::string topic;
  const std::string broken = broken_in([&](Checkers& to, TimePoint at, const Received& what) {
    if (fifth.is_it(what)) {
      held = what;
      topic = what.topic;
      held->topic = topic;
      return;
    }
    to.on_received(at, what);
    if (!held || what.client != reader || what.topic != held->topic) return;
    to.on_received(at, *held);
    held.reset();
  });
  BOOST_TEST(names(broken, "order"), broken);
}

BOOST_AUTO_TEST_CASE(a_message_to_somebody_who_did_not_ask_breaks_filter) {
  Fifth fifth(QoS::at_least_once);
  const std::string broken = broken_in([&](Checkers& to, TimePoint at, const Received& what) {
    to.on_received(at, what);
    if (!fifth.is_it(what)) return;
    Received astray = what;
    astray.client = lamp;
    astray.node = 2;
    to.on_received(at, astray);
  });
  BOOST_TEST(names(broken, "filter"), broken);
}

BOOST_AUTO_TEST_CASE(a_message_in_another_mesh_breaks_isolation) {
  Fifth fifth(QoS::at_least_once);
  const std::string broken = broken_in([&](Checkers& to, TimePoint at, const Received& what) {
    to.on_received(at, what);
    if (!fifth.is_it(what)) return;
    Received astray = what;
    astray.client = neighbour;
    astray.node = 3;
    to.on_received(at, astray);
  });
  BOOST_TEST(names(broken, "isolation"), broken);
  BOOST_TEST(!names(broken, "filter"), broken);  // it did ask for everything
}

// From here on nobody lies: the world itself is wrong.

BOOST_AUTO_TEST_CASE(a_node_that_puts_a_topic_into_a_datagram_breaks_secrecy) {
  const std::string broken = broken_in({}, [](World& world) {
    world.at(80s, [&world] {
      const std::string text = "lookup of village/one";
      world.network().send(world.node(1).host(), SimNode::mesh_port, world.node(2).endpoint(),
                           as_bytes(text));
    });
  });
  BOOST_TEST(broken == "secrecy");
}

BOOST_AUTO_TEST_CASE(a_node_that_puts_a_payload_into_a_datagram_breaks_secrecy) {
  const std::string broken = broken_in({}, [](World& world) {
    world.at(80s, [&world] {
      const std::string text = "xyz" + std::string(payload_mark) + "xyz";
      world.network().send(world.node(1).host(), SimNode::mesh_port, world.node(2).endpoint(),
                           as_bytes(text));
    });
  });
  BOOST_TEST(broken == "secrecy");
}

BOOST_AUTO_TEST_CASE(a_disk_that_forgets_what_waits_breaks_qos1_and_qos2) {
  const std::string broken = broken_in({}, [](World& world) {
    // A reader beside the speaker is away; its node is restarted and has lost its queue.
    ClientConfig config;
    config.node = 0;
    config.keeps_session = true;
    config.filters = {{"village/#", QoS::exactly_once}};
    const ClientNumber absent = world.add_client(config).number();
    world.at(50s, [&world, absent] { world.client(absent).disconnect(); });
    world.at(105s, [&world] {
      world.end(0, NodeEnd::stopped);
      for (auto& [number, session] : world.node(0).disk().tables.sessions) session.queue.clear();
    });
    world.at(110s, [&world] { world.boot(0); });
    world.at(120s, [&world, absent] { world.client(absent).connect(); });
  });
  BOOST_TEST(names(broken, "qos1"), broken);
}

BOOST_AUTO_TEST_CASE(the_same_disk_when_it_forgets_nothing_breaks_nothing) {
  const std::string broken = broken_in({}, [](World& world) {
    ClientConfig config;
    config.node = 0;
    config.keeps_session = true;
    config.filters = {{"village/#", QoS::exactly_once}};
    const ClientNumber absent = world.add_client(config).number();
    world.at(50s, [&world, absent] { world.client(absent).disconnect(); });
    world.at(105s, [&world] { world.end(0, NodeEnd::stopped); });
    world.at(110s, [&world] { world.boot(0); });
    world.at(120s, [&world, absent] { world.client(absent).connect(); });
  });
  BOOST_TEST(broken == "");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace starling::sim
