// A broker that ends at any moment, and the next one on the same store.
#include <boost/test/unit_test.hpp>

#include <memory>
#include <numeric>

#include "starling/limits.hpp"

#include "tests/support/broker_world.hpp"

using namespace starling;
using namespace starling::test;
using namespace std::chrono_literals;
using boost::test_tools::per_element;
using boost::unit_test::label;
using Texts = std::vector<std::string>;

namespace {

BrokerSettings stored_settings() {
  BrokerSettings settings;
  settings.store_keeps_anything = true;
  return settings;
}

/// One broker after another on one disk. A turn ends only when the test says so: what happened since
/// is lost with crash().
struct House {
  explicit House(BrokerSettings with = stored_settings()) : settings(std::move(with)) { begin(); }

  void begin() {
    auto next = std::make_unique<BrokerWorld>(settings);
    next->host.hold_back = true;
    if (world) next->scheduler.run_for(world->scheduler.now() - next->scheduler.now());
    world = std::move(next);
    world->host.numbers = world->broker.restore(store);
  }
  void crash() { begin(); }
  void turn() { world->host.end_turn(store); }

  FakeClient& connect(mqtt::Connect packet) {
    FakeClient& client = world->open(packet.version);
    client.send(std::move(packet));
    turn();
    return client;
  }
  FakeClient& connect_durable(std::string_view id, ProtocolVersion version = ProtocolVersion::v5) {
    return connect(BrokerWorld::durable_packet(id, version));
  }
  FakeClient& connect_passing(std::string_view id) {
    return connect(BrokerWorld::connect_packet(id));
  }
  void subscribe(FakeClient& client, std::string_view filter, QoS qos = QoS::at_least_once) {
    mqtt::Subscription asked;
    asked.filter = filter;
    asked.qos = qos;
    client.send(mqtt::Subscribe{1, {asked}, {}});
    turn();
    client.receive();
  }
  /// A durable session with a subscription whose client has left.
  void leave_session(std::string_view id, std::string_view filter,
                     QoS qos = QoS::at_least_once) {
    FakeClient& client = connect_durable(id);
    subscribe(client, filter, qos);
    client.drop();
    turn();
  }
  void publish(std::string_view topic, std::string_view payload, QoS qos = QoS::at_least_once,
               bool retain = false) {
    FakeClient& writer = connect_passing("writer");
    if (qos == QoS::exactly_once) {
      BrokerWorld::publish_qos2(writer, topic, payload, 1, retain);
    } else {
      writer.send(BrokerWorld::message(topic, payload, qos, qos == QoS::at_most_once ? 0 : 1, retain));
    }
    turn();
    writer.drop();
    turn();
  }
  /// Everything the client is sent, each message acknowledged, until nothing more comes.
  Texts drain(FakeClient& client) {
    Texts all;
    for (bool idle = false; !idle;) {
      idle = true;
      for (const auto& packet : client.receive()) {
        if (const auto* message = packet->as<mqtt::Publish>()) {
          all.push_back(std::string(message->topic) + "=" + std::string(as_text(message->payload)));
          if (message->qos == QoS::at_least_once)
            client.send(mqtt::Puback{message->packet_id, ReasonCode::success, {}});
          if (message->qos == QoS::exactly_once)
            client.send(mqtt::Pubrec{message->packet_id, ReasonCode::success, {}});
          idle = false;
        } else if (const auto* release = packet->as<mqtt::Pubrel>()) {
          client.send(mqtt::Pubcomp{release->packet_id, ReasonCode::success, {}});
          idle = false;
        }
      }
      const bool asked = !world->host.reads.empty() || !world->host.safe.empty();
      turn();
      idle = idle && !asked;
    }
    return all;
  }

  BrokerSettings settings;
  ModelStore store;
  std::unique_ptr<BrokerWorld> world;
};

Texts numbered(int first, int last, std::string_view topic = "t") {
  Texts all;
  for (int i = first; i <= last; ++i) all.push_back(std::string(topic) + "=" + std::to_string(i));
  return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(restart)

BOOST_AUTO_TEST_CASE(a_session_its_subscriptions_and_its_queue_come_back) {
  House house;
  house.leave_session("reader", "t/#");
  house.leave_session("other", "$share/g/u");
  for (int i = 1; i <= 3; ++i) house.publish("t/a", std::to_string(i));
  house.crash();
  BOOST_TEST(house.world->broker.counters().sessions == 2);
  BOOST_TEST(house.world->broker.counters().subscriptions == 2);
  BOOST_TEST(house.world->broker.counters().queued_messages == 3);
  BOOST_TEST(house.world->host.interests.size() == 2U);  // the mesh is told
  FakeClient& back = house.connect_durable("reader");
  BOOST_TEST(house.drain(back) == numbered(1, 3, "t/a"), per_element());
  house.publish("t/b", "4");
  BOOST_TEST(house.drain(back) == Texts{"t/b=4"}, per_element());
  BOOST_TEST(house.store.find("reader")->queue.empty());
}

BOOST_AUTO_TEST_CASE(what_was_retained_comes_back_with_its_author) {
  House house;
  house.publish("kept", "1", QoS::at_least_once, true);
  house.publish("gone", "2", QoS::at_least_once, true);
  house.publish("gone", "", QoS::at_least_once, true);
  house.crash();
  BOOST_TEST(house.world->broker.retained_count() == 1U);
  mqtt::Subscription asked;
  asked.filter = "#";
  asked.no_local = true;
  FakeClient& writer = house.connect_passing("writer");
  writer.send(mqtt::Subscribe{1, {asked}, {}});
  house.turn();
  BOOST_TEST(writer.texts().empty());  // it was its own [MQTT5-3.8.3-3]
  FakeClient& other = house.connect_passing("other");
  mqtt::Subscription all;
  all.filter = "#";
  other.send(mqtt::Subscribe{1, {all}, {}});
  house.turn();
  BOOST_TEST(other.texts() == Texts{"kept=1"}, per_element());
}

BOOST_AUTO_TEST_CASE(what_was_sent_and_not_acknowledged_is_sent_again_under_its_packet_id,
                     *label("MQTT-4.4.0-1") * label("MQTT5-4.4.0-1")) {
  House house;
  FakeClient& reader = house.connect_durable("reader");
  house.subscribe(reader, "t", QoS::exactly_once);
  house.publish("t", "1");
  house.publish("t", "2", QoS::exactly_once);
  const auto sent = reader.messages();
  BOOST_TEST_REQUIRE(sent.size() == 2U);
  const std::vector<std::uint16_t> ids{sent[0].packet_id, sent[1].packet_id};
  house.crash();
  FakeClient& back = house.connect_durable("reader");
  const auto again = back.messages();
  BOOST_TEST_REQUIRE(again.size() == 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    BOOST_TEST(again[i].packet_id == ids[i]);
    BOOST_TEST(again[i].dup);
  }
}

BOOST_AUTO_TEST_CASE(after_pubrec_only_pubrel_comes_again, *label("MQTT5-4.3.3-4")) {
  House house;
  FakeClient& reader = house.connect_durable("reader");
  house.subscribe(reader, "t", QoS::exactly_once);
  house.publish("t", "1", QoS::exactly_once);
  const std::uint16_t id = reader.messages().at(0).packet_id;
  reader.send(mqtt::Pubrec{id, ReasonCode::success, {}});
  house.turn();
  BOOST_TEST(reader.expect<mqtt::Pubrel>().packet_id == id);
  house.crash();
  FakeClient& back = house.connect_durable("reader");
  const auto packets = back.receive();
  BOOST_TEST_REQUIRE(packets.size() == 2U);  // CONNACK first
  BOOST_TEST_REQUIRE(packets[1]->as<mqtt::Pubrel>() != nullptr);
  BOOST_TEST(packets[1]->as<mqtt::Pubrel>()->packet_id == id);
}

BOOST_AUTO_TEST_CASE(a_queued_message_of_qos_0_is_never_sent_twice) {
  BrokerSettings settings = stored_settings();
  settings.queue_qos0 = true;
  House house(settings);
  house.leave_session("reader", "t", QoS::at_least_once);
  house.publish("t", "0", QoS::at_most_once);
  house.publish("t", "1");
  FakeClient& reader = house.connect_durable("reader");
  BOOST_TEST(reader.texts() == (Texts{"t=0", "t=1"}), per_element());
  auto& [number, kept] = *house.store.sessions.begin();
  // The turn that said that it was sent is lost in part: the mark is there, the end is not.
  const StoredDelivery first = kept.queue.begin()->second;
  house.turn();
  kept.queue.emplace(first.position, first);
  house.crash();
  FakeClient& back = house.connect_durable("reader");
  BOOST_TEST(back.texts() == Texts{"t=1"}, per_element());
  house.turn();
  BOOST_TEST(!house.store.sessions.at(number).queue.contains(first.position));
}

BOOST_AUTO_TEST_CASE(pubrel_leaves_after_the_commit_of_what_it_rests_on) {
  House house;
  FakeClient& reader = house.connect_durable("reader");
  house.subscribe(reader, "t", QoS::exactly_once);
  house.publish("t", "1", QoS::exactly_once);
  reader.send(mqtt::Pubrec{reader.messages().at(0).packet_id, ReasonCode::success, {}});
  BOOST_TEST(reader.receive().empty());
  house.turn();
  BOOST_TEST(reader.receive().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_message_of_qos_2_is_not_sent_before_it_is_safe) {
  House house;
  FakeClient& reader = house.connect_durable("reader");
  house.subscribe(reader, "t", QoS::exactly_once);
  FakeClient& writer = house.connect_passing("writer");
  writer.receive();
  BrokerWorld::publish_qos2(writer, "t", "lost", 1);
  BOOST_TEST(reader.receive().empty());
  house.crash();  // nobody was told anything: the writer sends it again, behind another one
  FakeClient& back = house.connect_durable("reader");
  house.publish("t", "other", QoS::exactly_once);
  BOOST_TEST(house.drain(back) == Texts{"t=other"}, per_element());
}

BOOST_AUTO_TEST_CASE(an_inbound_qos_2_message_is_taken_once_over_a_crash,
                     *label("MQTT-4.3.3-2") * label("MQTT5-4.3.3-10")) {
  House house;
  house.leave_session("reader", "t", QoS::exactly_once);
  FakeClient& writer = house.connect_durable("writer");
  writer.receive();
  writer.send(BrokerWorld::message("t", "1", QoS::exactly_once, 7));
  house.turn();
  BOOST_TEST(writer.expect<mqtt::Pubrec>().packet_id == 7U);
  house.crash();
  FakeClient& again = house.connect_durable("writer");
  again.receive();
  auto repeat = BrokerWorld::message("t", "1", QoS::exactly_once, 7);
  repeat.dup = true;
  again.send(repeat);
  house.turn();
  BOOST_TEST(again.expect<mqtt::Pubrec>().packet_id == 7U);
  again.send(mqtt::Pubrel{7, ReasonCode::success, {}});
  house.turn();
  BOOST_TEST(again.expect<mqtt::Pubcomp>().packet_id == 7U);
  house.crash();
  FakeClient& reader = house.connect_durable("reader");
  BOOST_TEST(house.drain(reader) == Texts{"t=1"}, per_element());
  BOOST_TEST(house.store.find("writer")->inbound.empty());
}

BOOST_AUTO_TEST_CASE(sessions_without_expiry_leave_no_trace) {
  House house;
  FakeClient& passing = house.connect_passing("passing");
  house.subscribe(passing, "#", QoS::exactly_once);
  house.publish("t", "1", QoS::at_most_once);
  house.publish("t", "1");
  BOOST_TEST(house.store.sessions.empty());
  BOOST_TEST(house.store.numbers.session == 0U);
}

BOOST_AUTO_TEST_CASE(a_clean_start_begins_a_new_session_also_after_a_crash) {
  House house;
  house.leave_session("reader", "t");
  house.publish("t", "1");
  house.crash();
  house.connect_passing("reader").drop();
  house.turn();
  BOOST_TEST(house.store.sessions.empty());
  house.crash();
  BOOST_TEST(house.world->broker.counters().sessions == 0);
}

BOOST_AUTO_TEST_CASE(expiry_goes_on_while_the_node_is_down) {
  House house;
  FakeClient& client =
      house.connect(BrokerWorld::durable_packet("reader", ProtocolVersion::v5, 100));
  house.subscribe(client, "t");
  client.drop();
  house.turn();
  house.world->scheduler.run_for(60s);
  house.crash();
  house.world->scheduler.run_for(39s);
  BOOST_TEST(house.world->broker.counters().sessions == 1);
  house.world->scheduler.run_for(2s);
  BOOST_TEST(house.world->broker.counters().sessions == 0);
  house.turn();
  BOOST_TEST(house.store.sessions.empty());
}

BOOST_AUTO_TEST_CASE(a_replay_of_qos_2_does_not_stop_a_long_queue) {
  House house;
  for (int i = 0; i < 50; ++i)
    house.publish("kept/" + std::to_string(i), "r", QoS::exactly_once, true);
  house.leave_session("reader", "t", QoS::exactly_once);
  for (int i = 1; i <= 60; ++i) house.publish("t", std::to_string(i));
  FakeClient& reader = house.connect_durable("reader");
  mqtt::Subscription asked;
  asked.filter = "kept/#";
  asked.qos = QoS::exactly_once;
  reader.send(mqtt::Subscribe{1, {asked}, {}});
  const Texts got = house.drain(reader);
  BOOST_TEST(got.size() == 110U);
  Texts live;
  for (const std::string& text : got)
    if (text.starts_with("t=")) live.push_back(text);
  BOOST_TEST(live == numbered(1, 60), per_element());
  BOOST_TEST(house.store.find("reader")->queue.empty());
}

// --- Wills

BOOST_AUTO_TEST_CASE(a_delayed_will_comes_after_a_crash_once, *label("MQTT5-3.1.2-8")) {
  House house;
  house.leave_session("watcher", "will");
  auto mortal = BrokerWorld::durable_packet("mortal");
  mqtt::Will will;
  will.topic = "will";
  will.payload = as_bytes("gone");
  will.qos = QoS::at_least_once;
  will.properties.will_delay_interval_s = 30;
  mortal.will = will;
  FakeClient& client = house.connect(mortal);
  client.drop();
  house.turn();
  house.world->scheduler.run_for(20s);
  house.crash();
  house.world->scheduler.run_for(9s);
  BOOST_TEST(house.world->broker.counters().queued_messages == 0);
  house.world->scheduler.run_for(2s);
  house.turn();
  house.crash();
  house.world->scheduler.run_for(100s);
  house.turn();
  FakeClient& watcher = house.connect_durable("watcher");
  BOOST_TEST(house.drain(watcher) == Texts{"will=gone"}, per_element());
}

BOOST_AUTO_TEST_CASE(the_crash_itself_closes_the_connection_of_a_client_with_a_will) {
  House house;
  house.leave_session("watcher", "will");
  auto mortal = BrokerWorld::durable_packet("mortal");
  mqtt::Will will;
  will.topic = "will";
  will.payload = as_bytes("gone");
  will.qos = QoS::at_least_once;
  mortal.will = will;
  house.connect(mortal);
  house.crash();
  house.world->scheduler.run_for(1s);
  house.turn();
  FakeClient& watcher = house.connect_durable("watcher");
  BOOST_TEST(house.drain(watcher) == Texts{"will=gone"}, per_element());
}

// --- Queues longer than memory should hold

BOOST_AUTO_TEST_CASE(a_long_queue_is_on_disk_and_comes_back_in_order) {
  House house;
  house.leave_session("reader", "t");
  constexpr int count = 5'000;
  FakeClient& writer = house.connect_passing("writer");
  for (int i = 1; i <= count; ++i) {
    writer.send(BrokerWorld::message("t", std::to_string(i), QoS::at_least_once, 1));
    if (i % 100 == 0) house.turn();
  }
  BOOST_TEST(house.world->broker.counters().queued_messages == count);
  FakeClient& reader = house.connect_durable("reader");
  BOOST_TEST(house.drain(reader) == numbered(1, count), per_element());
  BOOST_TEST(house.world->broker.counters().queued_messages == 0);
  BOOST_TEST(house.world->broker.counters().queued_bytes == 0);
  BOOST_TEST(house.store.find("reader")->queue.empty());
}

BOOST_AUTO_TEST_CASE(new_messages_come_behind_those_that_are_being_read_back) {
  House house;
  house.leave_session("reader", "t");
  FakeClient& writer = house.connect_passing("writer");
  int last = 0;
  const auto send = [&](int count) {
    for (int i = 0; i < count; ++i)
      writer.send(BrokerWorld::message("t", std::to_string(++last), QoS::at_least_once, 1));
  };
  send(2'500);
  house.turn();
  house.crash();
  FakeClient& fresh = house.connect_passing("fresh");
  FakeClient& reader = house.connect_durable("reader");
  Texts got;
  while (got.size() < 4'000U) {
    for (const std::string& text : house.drain(reader)) got.push_back(text);
    if (last >= 4'000) continue;
    for (int i = 0; i < 500; ++i)
      fresh.send(BrokerWorld::message("t", std::to_string(++last), QoS::at_least_once, 1));
  }
  BOOST_TEST(got == numbered(1, 4'000), per_element());
}

BOOST_AUTO_TEST_CASE(the_bounds_of_a_queue_hold_for_what_is_on_disk) {
  BrokerSettings settings = stored_settings();
  settings.queued_messages_max = 3'000;
  House house(settings);
  house.leave_session("reader", "t");
  FakeClient& writer = house.connect_passing("writer");
  for (int i = 1; i <= 3'100; ++i)
    writer.send(BrokerWorld::message("t", std::to_string(i), QoS::at_least_once, 1));
  house.turn();
  BOOST_TEST(house.world->broker.counters().dropped_queue_full == 100);
  house.crash();
  BOOST_TEST(house.world->broker.counters().queued_messages == 3'000);
}

BOOST_AUTO_TEST_CASE(what_the_store_dropped_as_expired_waits_no_more) {
  House house;
  house.leave_session("reader", "t");
  FakeClient& writer = house.connect_passing("writer");
  for (int i = 1; i <= 1'500; ++i)
    writer.send(BrokerWorld::message("t", "x", QoS::at_least_once, 1));
  house.turn();
  const auto& [number, session] = *house.store.sessions.begin();
  house.world->broker.on_expired_in_store({{number, 1, 2}, {number, 1'400, 2}, {number, 1'401, 2}});
  // The first one is in memory, and drops out when its turn comes.
  BOOST_TEST(house.world->broker.counters().queued_messages == 1'498);
  BOOST_TEST(house.world->broker.counters().dropped_expired == 2);
}

BOOST_AUTO_TEST_CASE(packet_ids_go_round_and_are_never_used_twice) {
  BrokerSettings settings = stored_settings();
  settings.inflight_max = 3;
  House house(settings);
  FakeClient& reader = house.connect_durable("reader");
  house.subscribe(reader, "t");
  FakeClient& writer = house.connect_passing("writer");
  writer.send(BrokerWorld::message("t", "kept", QoS::at_least_once, 1));
  const std::uint16_t kept = reader.messages().at(0).packet_id;  // never acknowledged
  for (int i = 0; i < 70'000; ++i) {
    writer.send(BrokerWorld::message("t", "x", QoS::at_least_once, 1));
    const auto got = reader.messages();
    BOOST_TEST_REQUIRE(got.size() == 1U);
    BOOST_TEST_REQUIRE(got[0].packet_id != kept);
    reader.send(mqtt::Puback{got[0].packet_id, ReasonCode::success, {}});
    if (i % 1'000 == 0) {
      house.world->host.changes = {};
      house.world->host.commit();
      writer.receive();
    }
  }
}

// --- Share groups

BOOST_AUTO_TEST_CASE(what_only_the_store_has_of_an_ended_member_goes_to_another) {
  House house;
  house.leave_session("first", "$share/g/t");
  FakeClient& writer = house.connect_passing("writer");
  for (int i = 1; i <= 1'800; ++i)
    writer.send(BrokerWorld::message("t", std::to_string(i), QoS::at_least_once, 1));
  house.turn();
  house.leave_session("second", "$share/g/t");
  house.connect_passing("first").drop();  // a clean start ends the session
  for (int i = 0; i < 10; ++i) house.turn();
  BOOST_TEST(house.store.find("first") == nullptr);
  FakeClient& second = house.connect_durable("second");
  Texts got = house.drain(second);
  std::sort(got.begin(), got.end());
  Texts all = numbered(1, 1'800);
  std::sort(all.begin(), all.end());
  BOOST_TEST(got == all, per_element());
}

BOOST_AUTO_TEST_CASE(a_member_that_ends_while_its_queue_is_read_hands_over_each_message_once) {
  House house;
  house.leave_session("first", "$share/g/t");
  FakeClient& writer = house.connect_passing("writer");
  for (int i = 1; i <= 1'800; ++i)
    writer.send(BrokerWorld::message("t", std::to_string(i), QoS::at_least_once, 1));
  house.turn();
  house.crash();
  house.leave_session("second", "$share/g/t");
  FakeClient& first = house.connect_durable("first");  // all is on disk: it is being read
  BOOST_TEST(house.world->host.reads.size() == 1U);
  first.drop();
  house.world->open().send(BrokerWorld::connect_packet("first"));
  for (int i = 0; i < 10; ++i) house.turn();
  BOOST_TEST(house.world->broker.counters().queued_messages == 1'800);
  house.crash();
  BOOST_TEST(house.store.find("first") == nullptr);
  BOOST_TEST(house.world->broker.counters().queued_messages == 1'800);
}

// --- A full disk

BOOST_AUTO_TEST_CASE(a_full_store_refuses_what_needs_it_and_lets_the_rest_pass) {
  House house;
  house.leave_session("absent", "kept");
  FakeClient& watcher = house.connect_passing("watcher");
  house.subscribe(watcher, "#");
  FakeClient& modern = house.connect_passing("modern");
  FakeClient& old = house.connect(BrokerWorld::connect_packet("old", ProtocolVersion::v3_1_1));
  modern.receive();
  old.receive();
  house.world->broker.on_store_health(StoreHealth::full);
  modern.send(BrokerWorld::message("kept", "1", QoS::at_least_once, 1));
  house.turn();
  BOOST_TEST((modern.expect<mqtt::Puback>().reason == ReasonCode::quota_exceeded));
  modern.send(BrokerWorld::message("kept", "1", QoS::exactly_once, 2, true));
  house.turn();
  BOOST_TEST((modern.expect<mqtt::Pubrec>().reason == ReasonCode::quota_exceeded));
  modern.send(BrokerWorld::message("passing", "2", QoS::at_least_once, 3));
  house.turn();
  BOOST_TEST((modern.expect<mqtt::Puback>().reason == ReasonCode::success));
  BOOST_TEST(watcher.texts() == Texts{"passing=2"}, per_element());
  old.send(BrokerWorld::message("kept", "3", QoS::at_least_once, 1));  // its PUBACK waits
  BOOST_TEST(old.receive().empty());
  FakeClient& late = house.connect_durable("late");
  BOOST_TEST((late.expect<mqtt::Connack>().reason == ReasonCode::quota_exceeded));
  house.world->broker.on_store_health(StoreHealth::good);
  house.turn();
  BOOST_TEST(old.expect<mqtt::Puback>().packet_id == 1U);
  house.crash();
  FakeClient& absent = house.connect_durable("absent");
  BOOST_TEST(house.drain(absent) == Texts{"kept=3"}, per_element());
}

BOOST_AUTO_TEST_CASE(an_acknowledgement_that_waits_for_a_full_store_becomes_a_refusal) {
  House house;
  FakeClient& modern = house.connect_durable("modern");
  FakeClient& old = house.connect_durable("old", ProtocolVersion::v3_1_1);
  modern.receive();
  old.receive();
  Broker& broker = house.world->broker;
  modern.send(BrokerWorld::message("t", "1", QoS::exactly_once, 1));
  broker.on_store_health(StoreHealth::full);
  using Kind = Acknowledgement::Kind;
  BOOST_TEST(broker.answer_waiting(modern.id(), acknowledgement(Kind::pubrec, 1)));
  BOOST_TEST((modern.expect<mqtt::Pubrec>().reason == ReasonCode::quota_exceeded));
  BOOST_TEST(!broker.answer_waiting(old.id(), acknowledgement(Kind::puback, 1)));
  BOOST_TEST(!broker.answer_waiting(modern.id(), acknowledgement(Kind::pubcomp, 1)));
}

BOOST_AUTO_TEST_CASE(what_rests_on_nothing_leaves_while_the_disk_is_full) {
  House house;
  house.leave_session("absent", "kept");
  FakeClient& modern = house.connect_passing("modern");
  FakeClient& old = house.connect(BrokerWorld::connect_packet("old", ProtocolVersion::v3_1_1));
  FakeClient& lasting = house.connect_durable("lasting");
  for (FakeClient* client : {&modern, &old, &lasting}) client->receive();
  house.world->broker.on_store_health(StoreHealth::full);

  // No turn ends here: the store answers nothing.
  for (std::uint16_t id = 1; id <= 3; ++id) {
    modern.send(BrokerWorld::message("kept", "1", QoS::at_least_once, id));
    BOOST_TEST((modern.expect<mqtt::Puback>().reason == ReasonCode::quota_exceeded));
  }
  BrokerWorld::publish_qos2(modern, "passing", "2", 9);
  BOOST_TEST(modern.receive().size() == 2U);  // PUBREC and PUBCOMP
  mqtt::Subscription asked;
  asked.filter = "passing";
  modern.send(mqtt::Subscribe{1, {asked}, {}});
  BOOST_TEST((modern.expect<mqtt::Suback>().reasons[0] == ReasonCode::success));
  lasting.send(mqtt::Pingreq{});
  lasting.expect<mqtt::Pingresp>();
  lasting.drop();
  FakeClient& back = house.world->open();
  back.send(BrokerWorld::durable_packet("lasting"));
  BOOST_TEST(back.expect<mqtt::Connack>().session_present);

  old.send(BrokerWorld::message("passing", "3", QoS::at_least_once, 1));
  BOOST_TEST(old.expect<mqtt::Puback>().packet_id == 1U);
  old.send(BrokerWorld::message("kept", "4", QoS::at_least_once, 2));
  old.send(BrokerWorld::message("passing", "5", QoS::at_least_once, 3));
  old.send(mqtt::Pingreq{});
  old.expect<mqtt::Pingresp>();  // the order of PUBACKs stays: both wait
  house.world->broker.on_store_health(StoreHealth::good);
  house.turn();
  BOOST_TEST(old.receive().size() == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
