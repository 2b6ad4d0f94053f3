// Full queues: publishers that wait, readers that are given up, absent sessions that drop; the door
// of the mesh; and what goes to the store.
#include <boost/test/unit_test.hpp>

#include "tests/support/broker_world.hpp"

using namespace starling;
using namespace starling::test;
using boost::test_tools::per_element;
using boost::unit_test::label;
using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

namespace {

BrokerSettings small_queues() {
  BrokerSettings settings;
  settings.inflight_max = 2;
  settings.queued_messages_max = 4;
  return settings;
}

/// Two in the window, four waiting: the seventh finds the queue full.
void fill(FakeClient& writer) {
  for (std::uint16_t i = 1; i <= 6; ++i)
    writer.send(BrokerWorld::message("t", std::to_string(i), QoS::at_least_once, i));
}

mqtt::Puback puback(std::uint16_t id) {
  return {id, ReasonCode::success, {}};
}

SharedPublication from_mesh(std::string_view topic, std::string_view payload,
                            QoS qos = QoS::at_least_once, bool retain = false) {
  Publication message{TopicName::parse(topic).value(),
                      SharedBytes(as_bytes(payload)),
                      qos,
                      retain,
                      std::nullopt,
                      nullptr,
                      {}};
  message.id.origin.bytes[0] = 9;
  message.id.sequence = 42;
  return std::make_shared<const Publication>(std::move(message));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(broker_pressure)

BOOST_AUTO_TEST_CASE(a_full_queue_withholds_the_acknowledgement_and_drops_nothing) {
  BrokerWorld world(small_queues());
  FakeClient& reader = world.connect("reader");
  BrokerWorld::subscribe(reader, "t", QoS::at_least_once);
  FakeClient& writer = world.connect("writer");
  fill(writer);
  BOOST_TEST(writer.receive().size() == 6U);
  writer.send(BrokerWorld::message("t", "7", QoS::at_least_once, 7));
  writer.send(BrokerWorld::message("elsewhere", "8", QoS::at_least_once, 8));
  BOOST_TEST(writer.receive().empty());  // 8 waits for its turn behind 7
  writer.send(mqtt::Pingreq{});
  writer.expect<mqtt::Pingresp>();  // all else goes on [MQTT5-4.9.0-3]

  Texts all;
  std::vector<int> acknowledged;
  for (;;) {
    const auto got = reader.messages();
    if (got.empty()) break;
    for (const mqtt::Publish& message : got) {
      all.emplace_back(as_text(message.payload));
      reader.send(puback(message.packet_id));
    }
    for (const auto& packet : writer.receive())
      acknowledged.push_back(packet->as<mqtt::Puback>()->packet_id);
  }
  BOOST_TEST(all == (Texts{"1", "2", "3", "4", "5", "6", "7"}), per_element());
  BOOST_TEST(acknowledged == (std::vector<int>{7, 8}), per_element());
  BOOST_TEST(world.broker.counters().publishers_withheld == 1);
  BOOST_TEST(world.broker.counters().dropped_queue_full == 0);
}

BOOST_AUTO_TEST_CASE(a_client_subscribed_to_its_own_topic_does_not_lock_itself_up) {
  for (const QoS qos : {QoS::at_least_once, QoS::exactly_once}) {
    BrokerWorld world(small_queues());
    FakeClient& self = world.connect("self", ProtocolVersion::v3_1_1);
    BrokerWorld::subscribe(self, "t", qos);
    constexpr std::uint16_t count = 12;
    for (std::uint16_t i = 1; i <= count; ++i)
      self.send(BrokerWorld::message("t", std::to_string(i), qos, i));
    self.send(mqtt::Pingreq{});
    std::size_t delivered = 0;
    std::size_t acknowledged = 0;
    bool pinged = false;
    for (;;) {
      const auto packets = self.receive();
      if (packets.empty()) break;
      for (const auto& packet : packets) {
        pinged |= packet->as<mqtt::Pingresp>() != nullptr;
        if (packet->as<mqtt::Puback>() != nullptr) ++acknowledged;
        if (const auto* pubrec = packet->as<mqtt::Pubrec>())
          self.send(mqtt::Pubrel{pubrec->packet_id, ReasonCode::success, {}});
        if (packet->as<mqtt::Pubcomp>() != nullptr) ++acknowledged;
        if (const auto* pubrel = packet->as<mqtt::Pubrel>())
          self.send(mqtt::Pubcomp{pubrel->packet_id, ReasonCode::success, {}});
        if (const auto* message = packet->as<mqtt::Publish>()) {
          ++delivered;
          if (qos == QoS::at_least_once) {
            self.send(puback(message->packet_id));
          } else {
            self.send(mqtt::Pubrec{message->packet_id, ReasonCode::success, {}});
          }
        }
      }
    }
    BOOST_TEST(delivered == count);
    BOOST_TEST(acknowledged == count);
    BOOST_TEST(pinged);
    BOOST_TEST(world.broker.counters().publishers_withheld > 0);
    world.scheduler.run_for(1min);
    BOOST_TEST(!self.closed);
  }
}

BOOST_AUTO_TEST_CASE(one_stalled_reader_does_not_stop_the_others) {
  BrokerWorld world(small_queues());
  FakeClient& stalled = world.connect("stalled");
  BrokerWorld::subscribe(stalled, "t", QoS::at_least_once);
  FakeClient& healthy = world.connect("healthy");
  BrokerWorld::subscribe(healthy, "#");
  FakeClient& writer = world.connect("writer");
  fill(writer);
  writer.send(BrokerWorld::message("t", "7", QoS::at_least_once, 7));
  FakeClient& other = world.connect("other");
  other.send(BrokerWorld::message("u", "x", QoS::at_least_once, 1));
  other.expect<mqtt::Puback>();
  BOOST_TEST(healthy.messages().size() == 8U);
}

BOOST_AUTO_TEST_CASE(a_reader_that_stays_at_its_limit_is_disconnected_and_queues_as_absent) {
  BrokerWorld world(small_queues());
  FakeClient& reader = world.connect_durable("reader");
  BrokerWorld::subscribe(reader, "t", QoS::at_least_once);
  FakeClient& writer = world.connect("writer");
  fill(writer);
  writer.send(BrokerWorld::message("t", "7", QoS::at_least_once, 7));
  writer.receive();
  world.scheduler.run_for(limits::consumer_stalled_max - 1ms);
  BOOST_TEST(!reader.closed);
  BOOST_TEST(writer.receive().empty());
  world.scheduler.run_for(1ms);
  BOOST_TEST(reader.closed);
  BOOST_TEST(writer.expect<mqtt::Puback>().packet_id == 7);
  BOOST_TEST(world.broker.counters().readers_stalled == 1);

  FakeClient& back = world.open();
  back.send(BrokerWorld::durable_packet("reader"));
  std::size_t got = 0;
  for (auto batch = back.messages(); !batch.empty(); batch = back.messages()) {
    got += batch.size();
    for (const mqtt::Publish& message : batch) back.send(puback(message.packet_id));
  }
  BOOST_TEST(got == 7U);
}

BOOST_AUTO_TEST_CASE(a_reader_that_makes_room_in_time_stays) {
  BrokerWorld world(small_queues());
  FakeClient& reader = world.connect("reader");
  BrokerWorld::subscribe(reader, "t", QoS::at_least_once);
  FakeClient& writer = world.connect("writer");
  fill(writer);
  writer.send(BrokerWorld::message("t", "7", QoS::at_least_once, 7));
  writer.receive();
  world.scheduler.run_for(19s);
  auto got = reader.messages();
  for (const mqtt::Publish& message : got) reader.send(puback(message.packet_id));
  BOOST_TEST(writer.expect<mqtt::Puback>().packet_id == 7);
  world.scheduler.run_for(1h);
  BOOST_TEST(!reader.closed);
}

BOOST_AUTO_TEST_CASE(a_queue_of_twice_its_limit_ends_at_once) {
  BrokerWorld world(small_queues());
  FakeClient& reader = world.connect("reader");
  BrokerWorld::subscribe(reader, "t", QoS::at_least_once);
  FakeClient& writer = world.connect("writer", ProtocolVersion::v3_1_1);  // knows no quota
  for (std::uint16_t i = 1; i <= 20; ++i)
    writer.send(BrokerWorld::message("t", "x", QoS::at_least_once, i));
  world.scheduler.run_for(1ms);
  BOOST_TEST(reader.closed);
  BOOST_TEST(world.broker.counters().readers_stalled == 1);
  BOOST_TEST(writer.receive().size() == 20U);
}

BOOST_AUTO_TEST_CASE(the_bytes_of_a_queue_are_bounded_too) {
  BrokerSettings settings;
  settings.inflight_max = 1;
  settings.queued_bytes_max = 10'000;
  BrokerWorld world(settings);
  FakeClient& reader = world.connect("reader");
  BrokerWorld::subscribe(reader, "t", QoS::at_least_once);
  FakeClient& writer = world.connect("writer");
  const std::string large(6'000, 'x');
  for (std::uint16_t i = 1; i <= 4; ++i)
    writer.send(BrokerWorld::message("t", large, QoS::at_least_once, i));
  BOOST_TEST(writer.receive().size() == 3U);
}

BOOST_AUTO_TEST_CASE(a_publisher_that_leaves_while_it_waits_is_forgotten) {
  BrokerWorld world(small_queues());
  FakeClient& reader = world.connect("reader");
  BrokerWorld::subscribe(reader, "t", QoS::at_least_once);
  FakeClient& writer = world.connect("writer");
  fill(writer);
  writer.send(BrokerWorld::message("t", "7", QoS::at_least_once, 7));
  writer.receive();
  writer.drop();
  for (const mqtt::Publish& message : reader.messages()) reader.send(puback(message.packet_id));
  BOOST_TEST(writer.receive().empty());
}

BOOST_AUTO_TEST_CASE(an_absent_session_drops_beyond_its_limit_and_says_so) {
  BrokerWorld world(small_queues());
  FakeClient& reader = world.connect_durable("reader");
  BrokerWorld::subscribe(reader, "t", QoS::at_least_once);
  reader.drop();
  FakeClient& writer = world.connect("writer");
  fill(writer);
  BOOST_TEST(writer.receive().size() == 6U);  // nobody waits for the absent
  BOOST_TEST(world.broker.counters().dropped_queue_full == 2);
  BOOST_TEST(world.log.count("queue_full_message_dropped client=reader") == 1U);
}

BOOST_AUTO_TEST_CASE(expired_messages_make_room_in_the_queue_of_an_absent_session) {
  BrokerWorld world(small_queues());
  FakeClient& reader = world.connect_durable("reader");
  BrokerWorld::subscribe(reader, "t", QoS::at_least_once);
  reader.drop();
  FakeClient& writer = world.connect("writer");
  for (std::uint16_t i = 1; i <= 4; ++i) {
    auto packet = BrokerWorld::message("t", "x", QoS::at_least_once, i);
    if (i == 2) packet.properties.message_expiry_interval_s = 5;
    writer.send(packet);
  }
  world.scheduler.run_for(5s);
  writer.send(BrokerWorld::message("t", "5", QoS::at_least_once, 5));
  BOOST_TEST(world.broker.counters().dropped_queue_full == 0);
  BOOST_TEST(world.broker.counters().dropped_expired == 1);
}

// --- The door of the mesh

BOOST_AUTO_TEST_CASE(a_message_from_the_mesh_reaches_clients_and_never_goes_back) {
  BrokerWorld world;
  FakeClient& reader = world.connect("reader");
  BrokerWorld::subscribe(reader, "t", QoS::exactly_once);
  BOOST_TEST((world.broker.deliver_from_mesh(from_mesh("t", "x", QoS::exactly_once, true))
              == MeshPlacement::placed));
  BOOST_TEST((reader.messages().at(0).qos == QoS::exactly_once));
  BOOST_TEST(world.host.published.empty());
  BOOST_TEST(world.broker.retained_count() == 1U);
  world.broker.deliver_from_mesh(from_mesh("t", "", QoS::at_most_once, true));
  BOOST_TEST(world.broker.retained_count() == 0U);
}

BOOST_AUTO_TEST_CASE(what_local_clients_publish_goes_to_the_mesh_once_with_its_id) {
  BrokerWorld world;
  FakeClient& writer = world.connect("writer");
  auto packet = BrokerWorld::message("t", "x", QoS::exactly_once, 1);
  writer.send(packet);
  packet.dup = true;
  writer.send(packet);
  writer.send(mqtt::Pubrel{1, ReasonCode::success, {}});
  writer.send(mqtt::Pubrel{1, ReasonCode::success, {}});
  writer.send(BrokerWorld::message("t", "y"));
  BOOST_TEST_REQUIRE(world.host.published.size() == 2U);
  BOOST_TEST(world.host.published[0]->id.sequence == 1U);
  BOOST_TEST(world.host.published[1]->id.sequence == 2U);
  BOOST_TEST((world.host.published[0]->qos == QoS::exactly_once));
}

BOOST_AUTO_TEST_CASE(a_full_queue_makes_the_mesh_wait_as_well) {
  BrokerWorld world(small_queues());
  FakeClient& reader = world.connect("reader");
  BrokerWorld::subscribe(reader, "t", QoS::at_least_once);
  for (int i = 0; i < 6; ++i)
    BOOST_TEST((world.broker.deliver_from_mesh(from_mesh("t", "x")) == MeshPlacement::placed));
  BOOST_TEST((world.broker.deliver_from_mesh(from_mesh("t", "x")) == MeshPlacement::waiting));
  BOOST_TEST(world.host.placed.empty());
  for (const mqtt::Publish& message : reader.messages()) reader.send(puback(message.packet_id));
  BOOST_TEST_REQUIRE(world.host.placed.size() == 1U);
  BOOST_TEST(world.host.placed[0].sequence == 42U);
}

BOOST_AUTO_TEST_CASE(expired_and_bottomless_messages_from_the_mesh_are_passed_over) {
  BrokerWorld world;
  FakeClient& reader = world.connect("reader");
  BrokerWorld::subscribe(reader, "#");
  auto expired = *from_mesh("t", "x");
  expired.expires_at = world.scheduler.now();
  world.broker.deliver_from_mesh(std::make_shared<const Publication>(expired));
  world.broker.deliver_from_mesh(from_mesh(std::string(limits::topic_levels_max, '/'), "x"));
  BOOST_TEST(reader.receive().empty());
}

// --- The store

BOOST_AUTO_TEST_CASE(the_batch_tells_the_story_of_a_durable_session) {
  BrokerSettings settings;
  settings.store_keeps_anything = true;
  BrokerWorld world(settings);
  FakeClient& reader = world.connect_durable("reader");
  BrokerWorld::subscribe(reader, "t", QoS::exactly_once);
  FakeClient& passing = world.connect("passing");
  BrokerWorld::subscribe(passing, "t", QoS::exactly_once);  // leaves no trace
  FakeClient& writer = world.connect_durable("writer");
  BrokerWorld::publish_qos2(writer, "t", "x", 1, true);
  BOOST_TEST(world.host.count_changes<SessionSaved>() == 2U);
  BOOST_TEST(world.host.count_changes<SubscriptionSaved>() == 1U);
  BOOST_TEST(world.host.count_changes<RetainedSet>() == 1U);
  BOOST_TEST(world.host.count_changes<MessageQueued>() == 1U);
  BOOST_TEST(world.host.count_changes<InboundIdOpened>() == 1U);
  BOOST_TEST(world.host.count_changes<MessageDone>() == 0U);

  writer.send(mqtt::Pubrel{1, ReasonCode::success, {}});
  BOOST_TEST(world.host.count_changes<InboundIdClosed>() == 1U);
  BOOST_TEST(reader.messages().empty());  // not before it is safe
  ModelStore store;
  StoreBatch told = world.host.changes;
  world.host.end_turn(store);
  world.host.changes = std::move(told);
  const std::uint16_t id = reader.messages().at(0).packet_id;
  reader.send(mqtt::Pubrec{id, ReasonCode::success, {}});
  BOOST_TEST(world.host.count_changes<MessageReceived>() == 1U);
  BOOST_TEST(world.host.count_changes<MessageDone>() == 0U);
  reader.send(mqtt::Pubcomp{id, ReasonCode::success, {}});
  BOOST_TEST(world.host.count_changes<MessageDone>() == 1U);
  reader.send(mqtt::Unsubscribe{2, {"t"}, {}});
  BOOST_TEST(world.host.count_changes<SubscriptionErased>() == 1U);
  reader.drop();
  world.scheduler.run_for(3600s);
  BOOST_TEST(world.host.count_changes<SessionErased>() == 1U);
  writer.send(BrokerWorld::message("t", "", QoS::at_most_once, 0, true));
  BOOST_TEST(world.host.count_changes<RetainedErased>() == 1U);
}

BOOST_AUTO_TEST_CASE(nothing_is_put_into_a_batch_that_nobody_keeps) {
  BrokerWorld world;
  FakeClient& reader = world.connect_durable("reader");
  BrokerWorld::subscribe(reader, "t", QoS::exactly_once);
  BrokerWorld::publish_qos2(world.connect("writer"), "t", "x", 1, true);
  reader.drop();
  BOOST_TEST(world.host.changes.empty());
}

BOOST_AUTO_TEST_CASE(an_acknowledgement_waits_for_its_batch) {
  BrokerWorld world;
  FakeClient& writer = world.connect("writer");
  world.host.hold_back = true;
  writer.send(BrokerWorld::message("t", "x", QoS::at_least_once, 1));
  writer.send(mqtt::Subscribe{2, {{"u"}}, {}});
  BOOST_TEST(writer.receive().empty());
  world.host.commit();
  BOOST_TEST(writer.receive().size() == 2U);
  writer.send(BrokerWorld::message("t", "x", QoS::at_least_once, 3));
  writer.drop();
  world.host.commit();  // to nobody
  BOOST_TEST(writer.receive().empty());
}

BOOST_AUTO_TEST_SUITE_END()
