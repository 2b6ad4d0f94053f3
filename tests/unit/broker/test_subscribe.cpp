// SUBSCRIBE and UNSUBSCRIBE, subscription options, overlapping and shared subscriptions, and what
// the mesh is told.
#include <boost/test/unit_test.hpp>

#include "tests/support/broker_world.hpp"

using namespace starling;
using namespace starling::test;
using boost::test_tools::per_element;
using boost::unit_test::label;
using Texts = std::vector<std::string>;

namespace {

mqtt::Subscription to(std::string_view filter, QoS qos = QoS::at_most_once) {
  mqtt::Subscription asked;
  asked.filter = filter;
  asked.qos = qos;
  return asked;
}

std::vector<int> codes(const std::vector<ReasonCode>& reasons) {
  std::vector<int> numbers;
  for (const ReasonCode reason : reasons) numbers.push_back(static_cast<int>(reason));
  return numbers;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(broker_subscribe)

BOOST_AUTO_TEST_CASE(suback_answers_each_filter_in_order,
                     *label("MQTT-3.8.4-1") * label("MQTT-3.8.4-2") * label("MQTT-3.8.4-4")
                         * label("MQTT-3.8.4-5") * label("MQTT-3.9.3-1") * label("MQTT5-3.8.4-1")
                         * label("MQTT5-3.8.4-2") * label("MQTT5-3.8.4-5") * label("MQTT5-3.8.4-6")
                         * label("MQTT5-3.8.4-7") * label("MQTT5-3.9.3-1") * label("MQTT-2.3.1-7")
                         * label("MQTT5-2.2.1-6")) {
  for (const auto version : {ProtocolVersion::v3_1_1, ProtocolVersion::v5}) {
    BrokerWorld world;
    FakeClient& client = world.connect("a", version);
    client.send(mqtt::Subscribe{
        77, {to("x", QoS::exactly_once), to("y"), to("z/#", QoS::at_least_once)}, {}});
    const auto suback = client.expect<mqtt::Suback>();
    BOOST_TEST(suback.packet_id == 77);
    BOOST_TEST(codes(suback.reasons) == (std::vector<int>{2, 0, 1}), per_element());
  }
}

BOOST_AUTO_TEST_CASE(filters_that_cannot_be_served_fail_alone,
                     *label("MQTT-3.9.3-2") * label("MQTT5-3.9.3-2")) {
  BrokerWorld world;
  const std::string deep(limits::topic_levels_max, '/');
  FakeClient& five = world.connect("five");
  five.send(mqtt::Subscribe{1, {to(deep), to("ok", QoS::at_least_once)}, {}});
  BOOST_TEST(codes(five.expect<mqtt::Suback>().reasons) == (std::vector<int>{0x8F, 1}),
             per_element());
  FakeClient& three = world.connect("three", ProtocolVersion::v3_1_1);
  three.send(mqtt::Subscribe{1, {to("$share//x"), to("ok")}, {}});
  BOOST_TEST(codes(three.expect<mqtt::Suback>().reasons) == (std::vector<int>{0x80, 0}),
             per_element());
}

BOOST_AUTO_TEST_CASE(a_subscription_to_the_same_filter_replaces,
                     *label("MQTT-3.8.4-3") * label("MQTT5-3.8.4-3")) {
  BrokerWorld world;
  FakeClient& client = world.connect("a");
  BrokerWorld::subscribe(client, "t", QoS::at_least_once);
  BrokerWorld::subscribe(client, "t", QoS::at_most_once);
  world.connect("b").send(BrokerWorld::message("t", "x", QoS::at_least_once, 1));
  const auto got = client.messages();
  BOOST_TEST_REQUIRE(got.size() == 1U);
  BOOST_TEST((got[0].qos == QoS::at_most_once));
  BOOST_TEST(world.broker.counters().subscriptions == 1);
}

BOOST_AUTO_TEST_CASE(the_qos_is_the_lesser_of_published_and_granted,
                     *label("MQTT-3.8.4-6") * label("MQTT5-3.8.4-8")) {
  BrokerWorld world;
  FakeClient& client = world.connect("a");
  BrokerWorld::subscribe(client, "one", QoS::at_least_once);
  BrokerWorld::subscribe(client, "two", QoS::exactly_once);
  FakeClient& writer = world.connect("b");
  BrokerWorld::publish_qos2(writer, "one", "", 1);
  writer.send(BrokerWorld::message("two", "", QoS::at_least_once, 2));
  const auto got = client.messages();
  BOOST_TEST((got.at(0).qos == QoS::at_least_once));
  BOOST_TEST((got.at(1).qos == QoS::at_least_once));
}

BOOST_AUTO_TEST_CASE(overlapping_subscriptions_bring_one_copy_of_the_greatest_qos,
                     *label("MQTT-3.3.5-1") * label("MQTT5-3.3.4-2") * label("MQTT5-3.3.4-3")
                         * label("MQTT5-3.3.4-4")) {
  BrokerWorld world;
  FakeClient& client = world.connect("a");
  client.send(mqtt::Subscribe{1, {to("a/#", QoS::exactly_once)}, {11, {}}});
  client.send(mqtt::Subscribe{2, {to("a/+", QoS::at_least_once)}, {12, {}}});
  client.send(mqtt::Subscribe{3, {to("#")}, {}});
  client.receive();
  BrokerWorld::publish_qos2(world.connect("b"), "a/b", "x", 1);
  const auto got = client.messages();
  BOOST_TEST_REQUIRE(got.size() == 1U);
  BOOST_TEST((got[0].qos == QoS::exactly_once));
  auto identifiers = got[0].properties.subscription_identifiers;
  std::ranges::sort(identifiers);
  BOOST_TEST(identifiers == (std::vector<std::uint32_t>{11, 12}), per_element());
}

BOOST_AUTO_TEST_CASE(subscription_identifiers_survive_waiting) {
  BrokerWorld world;
  FakeClient& client = world.connect_durable("a");
  client.send(mqtt::Subscribe{1, {to("t", QoS::at_least_once)}, {268'435'455, {}}});
  client.receive();
  client.drop();
  world.connect("b").send(BrokerWorld::message("t", "x", QoS::at_least_once, 1));
  FakeClient& back = world.open();
  back.send(BrokerWorld::durable_packet("a"));
  BOOST_TEST(back.messages().at(0).properties.subscription_identifiers
                 == std::vector<std::uint32_t>{268'435'455},
             per_element());
}

BOOST_AUTO_TEST_CASE(no_local_keeps_a_client_from_its_own_messages, *label("MQTT5-3.8.3-3")) {
  BrokerWorld world;
  FakeClient& client = world.connect("a");
  auto asked = to("t");
  asked.no_local = true;
  client.send(mqtt::Subscribe{1, {asked}, {}});
  client.receive();
  client.send(BrokerWorld::message("t", "mine"));
  BOOST_TEST(client.receive().empty());
  world.connect("b").send(BrokerWorld::message("t", "yours"));
  BOOST_TEST(client.texts() == Texts{"t=yours"}, per_element());
}

BOOST_AUTO_TEST_CASE(retain_is_shown_as_the_subscription_asks,
                     *label("MQTT-3.3.1-9") * label("MQTT5-3.3.1-12") * label("MQTT5-3.3.1-13")) {
  BrokerWorld world;
  FakeClient& plain = world.connect("plain");
  BrokerWorld::subscribe(plain, "t");
  FakeClient& asking = world.connect("asking");
  auto asked = to("t");
  asked.retain_as_published = true;
  asking.send(mqtt::Subscribe{1, {asked}, {}});
  asking.receive();
  FakeClient& writer = world.connect("writer");
  writer.send(BrokerWorld::message("t", "x", QoS::at_most_once, 0, true));
  writer.send(BrokerWorld::message("t", "y"));
  const auto to_plain = plain.messages();
  BOOST_TEST(!to_plain.at(0).retain);
  BOOST_TEST(!to_plain.at(1).retain);
  const auto to_asking = asking.messages();
  BOOST_TEST(to_asking.at(0).retain);
  BOOST_TEST(!to_asking.at(1).retain);
}

BOOST_AUTO_TEST_CASE(unsubscribing_stops_new_messages_and_is_always_answered,
                     *label("MQTT-3.10.4-1") * label("MQTT-3.10.4-2") * label("MQTT-3.10.4-4")
                         * label("MQTT-3.10.4-5") * label("MQTT-3.10.4-6") * label("MQTT5-3.10.4-1")
                         * label("MQTT5-3.10.4-2") * label("MQTT5-3.10.4-4")
                         * label("MQTT5-3.10.4-5") * label("MQTT5-3.10.4-6")
                         * label("MQTT5-3.11.3-1") * label("MQTT5-3.11.3-2")) {
  BrokerWorld world;
  FakeClient& client = world.connect("a");
  BrokerWorld::subscribe(client, "t/+");
  client.send(mqtt::Unsubscribe{8, {"t/#", "t/+", "t/+"}, {}});
  const auto unsuback = client.expect<mqtt::Unsuback>();
  BOOST_TEST(unsuback.packet_id == 8);
  BOOST_TEST(codes(unsuback.reasons) == (std::vector<int>{0x11, 0, 0x11}), per_element());
  world.connect("b").send(BrokerWorld::message("t/x", "x"));
  BOOST_TEST(client.receive().empty());
  BOOST_TEST(world.broker.counters().subscriptions == 0);

  FakeClient& old = world.connect("old", ProtocolVersion::v3_1_1);
  old.send(mqtt::Unsubscribe{9, {"nothing"}, {}});
  BOOST_TEST(old.expect<mqtt::Unsuback>().packet_id == 9);
}

BOOST_AUTO_TEST_CASE(delivery_that_has_begun_is_completed_after_unsubscribing,
                     *label("MQTT-3.10.4-3") * label("MQTT5-3.10.4-3")) {
  BrokerWorld world;
  FakeClient& client = world.connect("a");
  BrokerWorld::subscribe(client, "t", QoS::exactly_once);
  BrokerWorld::publish_qos2(world.connect("b"), "t", "x", 1);
  const std::uint16_t id = client.messages().at(0).packet_id;
  client.send(mqtt::Unsubscribe{2, {"t"}, {}});
  client.receive();
  client.send(mqtt::Pubrec{id, ReasonCode::success, {}});
  BOOST_TEST(client.expect<mqtt::Pubrel>().packet_id == id);
}

BOOST_AUTO_TEST_CASE(leading_wildcards_do_not_see_dollar_topics,
                     *label("MQTT-4.7.2-1") * label("MQTT5-4.7.2-1")) {
  BrokerWorld world;
  FakeClient& client = world.connect("a");
  BrokerWorld::subscribe(client, "#");
  BrokerWorld::subscribe(client, "+/t");
  FakeClient& writer = world.connect("b");
  writer.send(BrokerWorld::message("$private/t", "x"));
  BOOST_TEST(client.receive().empty());
}

BOOST_AUTO_TEST_CASE(names_are_compared_as_they_are_without_normalisation,
                     *label("MQTT-4.7.3-4") * label("MQTT5-4.7.3-4")) {
  BrokerWorld world;
  FakeClient& client = world.connect("a");
  const std::string composed = "caf\xC3\xA9";     // e with acute accent
  const std::string decomposed = "cafe\xCC\x81";  // e, combining acute accent
  BrokerWorld::subscribe(client, composed);
  client.send(BrokerWorld::message(decomposed, "1"));
  client.send(BrokerWorld::message("CAF\xC3\xA9", "2"));
  client.send(BrokerWorld::message(composed + "/", "3"));
  client.send(BrokerWorld::message(composed, "4"));
  BOOST_TEST(client.texts() == Texts{composed + "=4"}, per_element());
}

BOOST_AUTO_TEST_CASE(suback_comes_before_what_is_retained) {
  BrokerWorld world;
  FakeClient& client = world.connect("a");
  client.send(BrokerWorld::message("t", "x", QoS::at_most_once, 0, true));
  world.host.hold_back = true;
  client.send(mqtt::Subscribe{1, {to("t")}, {}});
  client.send(mqtt::Subscribe{2, {to("+")}, {}});
  BOOST_TEST(client.receive().empty());
  world.host.commit();
  const auto packets = client.receive();
  BOOST_TEST_REQUIRE(packets.size() == 4U);
  BOOST_TEST((packets[0]->as<mqtt::Suback>() != nullptr));
  BOOST_TEST((packets[1]->as<mqtt::Publish>() != nullptr));
  BOOST_TEST((packets[2]->as<mqtt::Suback>() != nullptr));
  BOOST_TEST((packets[3]->as<mqtt::Publish>() != nullptr));
}

BOOST_AUTO_TEST_CASE(a_replay_whose_suback_was_lost_is_not_lost_with_it) {
  BrokerWorld world;
  world.connect("writer").send(BrokerWorld::message("t", "x", QoS::at_most_once, 0, true));
  FakeClient& client = world.connect_durable("a");
  world.host.hold_back = true;
  client.send(mqtt::Subscribe{1, {to("t")}, {}});
  client.drop();
  world.host.commit();
  world.host.hold_back = false;
  FakeClient& back = world.open();
  back.send(BrokerWorld::durable_packet("a"));
  BOOST_TEST(back.texts() == Texts{"t=x"}, per_element());
}

BOOST_AUTO_TEST_CASE(bad_share_names_fail_alone, *label("MQTT5-4.8.2-1") * label("MQTT5-4.8.2-2")) {
  for (const auto version : {ProtocolVersion::v3_1_1, ProtocolVersion::v5}) {
    BrokerWorld world;
    FakeClient& client = world.connect("a", version);
    client.send(mqtt::Subscribe{
        1,
        {to("$share/g+/t"), to("$share/g#/t"), to("$share/only"), to("$share//t"), to("t")},
        {}});
    const auto suback = client.expect<mqtt::Suback>();
    BOOST_TEST_REQUIRE(suback.reasons.size() == 5U);
    for (std::size_t i = 0; i < 4; ++i) BOOST_TEST(mqtt::is_refusal(suback.reasons[i]));
    BOOST_TEST((suback.reasons[4] == ReasonCode::success));
    BOOST_TEST(!client.closed);
  }
}

// --- Shared subscriptions

BOOST_AUTO_TEST_CASE(a_shared_subscription_brings_each_message_to_one_member,
                     *label("MQTT5-4.8.2-3")) {
  for (const auto version : {ProtocolVersion::v3_1_1, ProtocolVersion::v5}) {
    BrokerWorld world;
    FakeClient& one = world.connect("one", version);
    FakeClient& two = world.connect("two", version);
    FakeClient& other_group = world.connect("three", version);
    BrokerWorld::subscribe(one, "$share/g/t/+", QoS::at_least_once);
    BrokerWorld::subscribe(two, "$share/g/t/+");
    BrokerWorld::subscribe(other_group, "$share/h/t/+");
    FakeClient& writer = world.connect("writer");
    for (std::uint16_t i = 1; i <= 10; ++i)
      writer.send(BrokerWorld::message("t/x", "m", QoS::at_least_once, i));
    const auto to_one = one.messages();
    BOOST_TEST(to_one.size() == 5U);
    BOOST_TEST((to_one.at(0).qos == QoS::at_least_once));
    BOOST_TEST((two.messages().at(0).qos == QoS::at_most_once));
    BOOST_TEST(other_group.messages().size() == 10U);
    BOOST_TEST(world.broker.counters().shared_subscriptions == 3);
  }
}

BOOST_AUTO_TEST_CASE(a_client_may_subscribe_both_ways, *label("MQTT5-3.3.4-5")) {
  BrokerWorld world;
  FakeClient& client = world.connect("a");
  client.send(mqtt::Subscribe{1, {to("$share/g/t")}, {11, {}}});
  client.send(mqtt::Subscribe{2, {to("t")}, {12, {}}});
  client.receive();
  world.connect("b").send(BrokerWorld::message("t", "x"));
  std::vector<std::uint32_t> identifiers;
  for (const mqtt::Publish& message : client.messages())
    for (const std::uint32_t id : message.properties.subscription_identifiers)
      identifiers.push_back(id);
  std::ranges::sort(identifiers);
  BOOST_TEST(identifiers == (std::vector<std::uint32_t>{11, 12}), per_element());
}

BOOST_AUTO_TEST_CASE(a_present_member_is_preferred_to_an_absent_one) {
  BrokerWorld world;
  FakeClient& away = world.connect_durable("away");
  BrokerWorld::subscribe(away, "$share/g/t", QoS::at_least_once);
  FakeClient& here = world.connect("here");
  BrokerWorld::subscribe(here, "$share/g/t", QoS::at_least_once);
  away.drop();
  FakeClient& writer = world.connect("writer");
  for (std::uint16_t i = 1; i <= 4; ++i)
    writer.send(BrokerWorld::message("t", "m", QoS::at_least_once, i));
  const auto got = here.messages();
  BOOST_TEST(got.size() == 4U);
  for (const mqtt::Publish& message : got)
    here.send(mqtt::Puback{message.packet_id, ReasonCode::success, {}});
  here.drop();
  writer.send(BrokerWorld::message("t", "late", QoS::at_least_once, 5));
  FakeClient& back = world.open();
  back.send(BrokerWorld::durable_packet("away"));
  BOOST_TEST(back.texts() == Texts{"t=late"}, per_element());
}

BOOST_AUTO_TEST_CASE(what_a_leaving_member_did_not_acknowledge_goes_to_another) {
  BrokerWorld world;
  FakeClient& first = world.connect("first");
  BrokerWorld::subscribe(first, "$share/g/t", QoS::exactly_once);
  FakeClient& writer = world.connect("writer");
  // 30 messages: 20 in the window, 10 behind it; every third of QoS 2.
  for (std::uint16_t i = 1; i <= 30; ++i)
    if (i % 3 == 0) {
      BrokerWorld::publish_qos2(writer, "t", std::to_string(i), i);
    } else {
      writer.send(BrokerWorld::message("t", std::to_string(i), QoS::at_least_once, i));
    }
  BOOST_TEST(first.messages().size() == 20U);
  FakeClient& second = world.connect("second");
  BrokerWorld::subscribe(second, "$share/g/t", QoS::exactly_once);
  first.drop();
  // QoS 2 that was sent may have arrived: nobody else gets it [MQTT5-4.8.2-5].
  std::size_t got = 0;
  for (;;) {
    const auto batch = second.messages();
    if (batch.empty()) break;
    for (const mqtt::Publish& message : batch) {
      ++got;
      BOOST_TEST(!message.dup);
      if (message.qos == QoS::at_least_once) {
        second.send(mqtt::Puback{message.packet_id, ReasonCode::success, {}});
      } else {
        second.send(mqtt::Pubrec{message.packet_id, ReasonCode::success, {}});
        second.send(mqtt::Pubcomp{message.packet_id, ReasonCode::success, {}});
      }
    }
  }
  BOOST_TEST(got == 30U - 6U);  // of 1 to 20 six were QoS 2
}

BOOST_AUTO_TEST_CASE(a_message_under_way_stays_with_its_session,
                     *label("MQTT5-4.8.2-4") * label("MQTT5-4.8.2-5")) {
  BrokerWorld world;
  FakeClient& first = world.connect_durable("first");
  BrokerWorld::subscribe(first, "$share/g/t", QoS::exactly_once);
  BrokerWorld::publish_qos2(world.connect("writer"), "t", "x", 1);
  const std::uint16_t id = first.messages().at(0).packet_id;
  FakeClient& second = world.connect("second");
  BrokerWorld::subscribe(second, "$share/g/t", QoS::exactly_once);
  first.drop();
  BOOST_TEST(second.receive().empty());
  FakeClient& back = world.open();
  back.send(BrokerWorld::durable_packet("first"));
  BOOST_TEST(back.messages().at(0).packet_id == id);
}

BOOST_AUTO_TEST_CASE(what_a_durable_member_did_not_acknowledge_is_done_by_others_if_there_are_any) {
  BrokerSettings settings;
  settings.store_keeps_anything = true;
  BrokerWorld world(settings);
  FakeClient& first = world.connect_durable("first");
  BrokerWorld::subscribe(first, "$share/g/t", QoS::at_least_once);
  BrokerWorld::subscribe(first, "own", QoS::at_least_once);
  FakeClient& writer = world.connect("writer");
  writer.send(BrokerWorld::message("t", "shared", QoS::at_least_once, 1));
  writer.send(BrokerWorld::message("own", "mine", QoS::at_least_once, 2));
  BOOST_TEST(first.messages().size() == 2U);
  first.drop();  // nobody else is there: both stay with it
  BOOST_TEST(world.host.count_changes<MessageDone>() == 0U);
  FakeClient& back = world.open();
  back.send(BrokerWorld::durable_packet("first"));
  const auto again = back.messages();
  BOOST_TEST_REQUIRE(again.size() == 2U);
  BOOST_TEST(again[0].dup);

  FakeClient& second = world.connect("second");
  BrokerWorld::subscribe(second, "$share/g/t", QoS::at_least_once);
  back.drop();
  const auto got = second.messages();
  BOOST_TEST_REQUIRE(got.size() == 1U);
  BOOST_TEST(as_text(got[0].payload) == "shared");
  BOOST_TEST(!got[0].dup);
  BOOST_TEST(world.host.count_changes<MessageDone>() == 1U);
  FakeClient& last = world.open();
  last.send(BrokerWorld::durable_packet("first"));
  BOOST_TEST(last.texts() == Texts{"own=mine"}, per_element());
}

BOOST_AUTO_TEST_CASE(a_slow_member_gets_no_more_than_it_can_take_while_others_can) {
  BrokerWorld world;
  FakeClient& slow = world.connect("slow");
  FakeClient& quick = world.connect("quick");
  for (FakeClient* member : {&slow, &quick})
    BrokerWorld::subscribe(*member, "$share/g/t", QoS::at_least_once);
  FakeClient& writer = world.connect("writer");
  slow.congested = true;
  std::size_t to_quick = 0;
  for (std::uint16_t i = 1; i <= 100; ++i) {
    writer.send(BrokerWorld::message("t", "x", QoS::at_least_once, i));
    writer.send(BrokerWorld::message("t", "y"));
    for (const mqtt::Publish& message : quick.messages()) {
      ++to_quick;
      if (message.packet_id != 0)
        quick.send(mqtt::Puback{message.packet_id, ReasonCode::success, {}});
    }
  }
  BOOST_TEST(to_quick == 200U);
  slow.drain();
  BOOST_TEST(slow.messages().empty());
}

BOOST_AUTO_TEST_CASE(with_all_members_away_messages_wait_for_one_of_them_and_qos0_is_counted) {
  BrokerWorld world;
  for (const char* id : {"a", "b"}) {
    FakeClient& member = world.connect_durable(id);
    BrokerWorld::subscribe(member, "$share/g/t", QoS::at_least_once);
    member.drop();
  }
  FakeClient& writer = world.connect("writer");
  for (std::uint16_t i = 1; i <= 10; ++i) {
    writer.send(BrokerWorld::message("t", "x", QoS::at_least_once, i));
    BOOST_TEST((writer.expect<mqtt::Puback>().reason == ReasonCode::success));
  }
  writer.send(BrokerWorld::message("t", "nobody"));
  BOOST_TEST(world.broker.counters().dropped_qos0 == 1);
  for (const char* id : {"a", "b"}) {
    FakeClient& member = world.open();
    member.send(BrokerWorld::durable_packet(id));
    BOOST_TEST(member.messages().size() == 5U);  // each its turn
  }
}

BOOST_AUTO_TEST_CASE(who_unsubscribes_from_a_share_completes_what_it_was_sent) {
  BrokerWorld world;
  FakeClient& first = world.connect("first");
  FakeClient& second = world.connect("second");
  BrokerWorld::subscribe(first, "$share/g/t", QoS::exactly_once);
  FakeClient& writer = world.connect("writer");
  BrokerWorld::publish_qos2(writer, "t", "x", 1);
  BOOST_TEST(first.messages().size() == 1U);
  BrokerWorld::subscribe(second, "$share/g/t", QoS::exactly_once);
  first.send(mqtt::Unsubscribe{2, {"$share/g/t"}, {}});
  first.receive();
  first.send(mqtt::Pubrec{1, ReasonCode::success, {}});
  BOOST_TEST((first.expect<mqtt::Pubrel>().reason == ReasonCode::success));
  BrokerWorld::publish_qos2(writer, "t", "y", 2);
  BOOST_TEST(second.texts() == Texts{"t=y"}, per_element());
}

BOOST_AUTO_TEST_CASE(a_refused_shared_message_is_discarded, *label("MQTT5-4.8.2-6")) {
  BrokerWorld world;
  FakeClient& first = world.connect("first");
  FakeClient& second = world.connect("second");
  BrokerWorld::subscribe(first, "$share/g/t", QoS::at_least_once);
  BrokerWorld::subscribe(second, "$share/g/t", QoS::at_least_once);
  world.connect("writer").send(BrokerWorld::message("t", "x", QoS::at_least_once, 1));
  const auto got = first.messages();
  BOOST_TEST_REQUIRE(got.size() == 1U);
  first.send(mqtt::Puback{got[0].packet_id, ReasonCode::quota_exceeded, {}});
  first.drop();
  BOOST_TEST(second.receive().empty());
}

BOOST_AUTO_TEST_CASE(the_last_member_takes_its_group_along) {
  BrokerWorld world;
  FakeClient& client = world.connect("a");
  BrokerWorld::subscribe(client, "$share/g/t");
  client.send(mqtt::Unsubscribe{2, {"$share/g/t"}, {}});
  BOOST_TEST(codes(client.expect<mqtt::Unsuback>().reasons) == std::vector<int>{0}, per_element());
  world.connect("b").send(BrokerWorld::message("t", "x"));
  BOOST_TEST(client.receive().empty());
  BOOST_TEST(world.broker.counters().shared_subscriptions == 0);
}

// --- What the mesh is told

BOOST_AUTO_TEST_CASE(the_mesh_hears_of_the_first_and_the_last_subscriber_only) {
  BrokerWorld world;
  FakeClient& one = world.connect("one");
  FakeClient& two = world.connect("two");
  BrokerWorld::subscribe(one, "t");
  BrokerWorld::subscribe(two, "t");
  BOOST_TEST_REQUIRE(world.host.interests.size() == 1U);
  BOOST_TEST(world.host.interests[0].wanted);
  BOOST_TEST(world.host.interests[0].interest.filter.text() == "t");
  one.drop();
  BOOST_TEST(world.host.interests.size() == 1U);
  two.drop();
  BOOST_TEST_REQUIRE(world.host.interests.size() == 2U);
  BOOST_TEST(!world.host.interests[1].wanted);
}

BOOST_AUTO_TEST_CASE(the_mesh_hears_of_a_greater_qos_and_of_durability) {
  BrokerWorld world;
  FakeClient& one = world.connect("one");
  BrokerWorld::subscribe(one, "t");
  BrokerWorld::subscribe(one, "t", QoS::at_least_once);
  FakeClient& two = world.connect_durable("two");
  BrokerWorld::subscribe(two, "t");
  BOOST_TEST_REQUIRE(world.host.interests.size() == 3U);
  BOOST_TEST((world.host.interests[1].interest.qos_max == QoS::at_least_once));
  BOOST_TEST(!world.host.interests[1].interest.durable);
  BOOST_TEST(world.host.interests[2].interest.durable);
  BOOST_TEST((world.host.interests[2].interest.qos_max == QoS::at_least_once));

  one.drop();  // the durable one wants QoS 0
  BOOST_TEST((world.host.interests.back().interest.qos_max == QoS::at_most_once));
  two.drop();  // goes on wanting while it is away
  BOOST_TEST(world.host.interests.back().wanted);
  auto not_durable = BrokerWorld::connect_packet("two");
  not_durable.clean_start = false;
  world.connect(not_durable);
  BOOST_TEST(!world.host.interests.back().interest.durable);
  BOOST_TEST(world.host.interests.back().wanted);
}

BOOST_AUTO_TEST_CASE(shared_and_plain_interest_are_told_apart) {
  BrokerWorld world;
  FakeClient& one = world.connect("one");
  BrokerWorld::subscribe(one, "$share/g/t");
  BrokerWorld::subscribe(one, "t");
  BOOST_TEST_REQUIRE(world.host.interests.size() == 2U);
  BOOST_TEST(world.host.interests[0].interest.share_group == "g");
  BOOST_TEST(world.host.interests[1].interest.share_group.empty());
  std::size_t known = 0;
  world.broker.for_each_interest([&](const Interest&) { ++known; });
  BOOST_TEST(known == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
