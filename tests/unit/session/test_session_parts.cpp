// The smaller machines of a session: InboundQos, KeepAlive, TopicAliases, Will, and the translation
// of messages.
#include <boost/test/unit_test.hpp>

#include "starling/limits.hpp"

#include "src/session/inbound_qos.hpp"
#include "src/session/keep_alive.hpp"
#include "src/session/message_text.hpp"
#include "src/session/topic_alias.hpp"
#include "src/session/topic_mount.hpp"
#include "src/session/will.hpp"

using namespace starling;
using namespace std::chrono_literals;
using boost::unit_test::label;
using Arrival = InboundQos::Arrival;
using mqtt::ReasonCode;

namespace {
const TimePoint start{};
}

BOOST_AUTO_TEST_SUITE(session_parts)

BOOST_AUTO_TEST_CASE(an_open_qos2_id_is_not_delivered_again,
                     *label("MQTT-4.3.3-2") * label("MQTT5-4.3.3-10") * label("MQTT5-4.3.3-12")) {
  InboundQos inbound;
  inbound.on_connected(0);
  BOOST_TEST((inbound.on_publish(QoS::exactly_once, 7) == Arrival::fresh));
  BOOST_TEST((inbound.on_publish(QoS::exactly_once, 7) == Arrival::repeated));
  BOOST_TEST((inbound.on_publish(QoS::at_least_once, 7) == Arrival::fresh));
  inbound.on_connected(0);
  BOOST_TEST((inbound.on_publish(QoS::exactly_once, 7) == Arrival::repeated));
  BOOST_TEST(inbound.on_pubrel(7).known);
  BOOST_TEST(!inbound.on_pubrel(7).known);
  BOOST_TEST((inbound.on_publish(QoS::exactly_once, 7) == Arrival::fresh));
}

BOOST_AUTO_TEST_CASE(what_is_held_comes_back_with_its_pubrel_or_all_at_once) {
  const auto message = [](std::string_view payload) {
    return std::make_shared<Publication>(Publication{
        TopicName::parse("t").value(), SharedBytes(as_bytes(payload)), {}, false, {}, nullptr, {}});
  };
  const auto text = [](const SharedPublication& of) { return as_text(of->payload.view()); };
  InboundQos inbound;
  inbound.on_connected(0);
  for (std::uint16_t id = 1; id <= 4; ++id) {
    inbound.on_publish(QoS::exactly_once, id);
    inbound.hold(id, message(std::to_string(id)));
  }
  BOOST_TEST(text(inbound.on_pubrel(1).held) == "1");
  BOOST_TEST(text(inbound.on_pubrel(3).held) == "3");
  const auto rest = inbound.take_held();
  BOOST_TEST_REQUIRE(rest.size() == 2U);
  BOOST_TEST(text(rest[0]) == "2");
  BOOST_TEST(text(rest[1]) == "4");
  const auto released = inbound.on_pubrel(2);
  BOOST_TEST(released.known);
  BOOST_TEST((released.held == nullptr));
  BOOST_TEST(inbound.can_hold(limits::held_bytes_max));
  BOOST_TEST(!inbound.can_hold(limits::held_bytes_max + 1));
  inbound.hold(4, message("x"));
  BOOST_TEST(!inbound.can_hold(limits::held_bytes_max));
}

BOOST_AUTO_TEST_CASE(a_refused_qos2_id_is_free, *label("MQTT5-4.3.3-9")) {
  InboundQos inbound;
  inbound.on_connected(0);
  inbound.on_publish(QoS::exactly_once, 7);
  inbound.on_refused(7);
  BOOST_TEST((inbound.on_publish(QoS::exactly_once, 7) == Arrival::fresh));
}

BOOST_AUTO_TEST_CASE(many_open_ids_are_told_apart) {
  InboundQos inbound;
  inbound.on_connected(0);
  for (int i = 65'535; i >= 1; i -= 2)
    inbound.on_publish(QoS::exactly_once, static_cast<std::uint16_t>(i));
  BOOST_TEST(inbound.open_ids() == 32'768U);
  BOOST_TEST((inbound.on_publish(QoS::exactly_once, 2) == Arrival::fresh));
  BOOST_TEST((inbound.on_publish(QoS::exactly_once, 3) == Arrival::repeated));
}

BOOST_AUTO_TEST_CASE(the_quota_counts_what_is_under_way_on_this_connection,
                     *label("MQTT5-3.3.4-7") * label("MQTT5-4.9.0-2")) {
  InboundQos inbound;
  inbound.on_connected(2);
  BOOST_TEST((inbound.on_publish(QoS::exactly_once, 1) == Arrival::fresh));
  BOOST_TEST((inbound.on_publish(QoS::exactly_once, 2) == Arrival::fresh));
  BOOST_TEST((inbound.on_publish(QoS::at_most_once, 0) == Arrival::fresh));
  BOOST_TEST((inbound.on_publish(QoS::exactly_once, 2) == Arrival::repeated));
  BOOST_TEST((inbound.on_publish(QoS::exactly_once, 3) == Arrival::over_quota));
  BOOST_TEST((inbound.on_publish(QoS::at_least_once, 3) == Arrival::over_quota));
  inbound.on_acknowledged(QoS::exactly_once);
  BOOST_TEST((inbound.on_publish(QoS::exactly_once, 3) == Arrival::fresh));
  inbound.on_connected(2);
  // Of a message of the connection before: never above the maximum.
  inbound.on_acknowledged(QoS::exactly_once);
  BOOST_TEST((inbound.on_publish(QoS::exactly_once, 4) == Arrival::fresh));
  BOOST_TEST((inbound.on_publish(QoS::exactly_once, 5) == Arrival::fresh));
  BOOST_TEST((inbound.on_publish(QoS::exactly_once, 6) == Arrival::over_quota));
}

BOOST_AUTO_TEST_CASE(what_waits_for_our_own_acknowledgement_is_not_held_against_the_client) {
  InboundQos inbound;
  inbound.on_connected(2);
  for (std::uint32_t i = 0; i < InboundQos::unacknowledged_max; ++i)
    BOOST_REQUIRE((inbound.on_publish(QoS::at_least_once, static_cast<std::uint16_t>(i + 1))
                   == Arrival::fresh));
  BOOST_TEST((inbound.on_publish(QoS::at_least_once, 1) == Arrival::over_quota));
  inbound.on_acknowledged(QoS::at_least_once);
  BOOST_TEST((inbound.on_publish(QoS::at_least_once, 1) == Arrival::fresh));
}

BOOST_AUTO_TEST_CASE(keep_alive_has_half_as_much_grace,
                     *label("MQTT-3.1.2-24") * label("MQTT5-3.1.2-22")) {
  KeepAlive watch(10s, start);
  BOOST_TEST((watch.next_deadline() == start + 15s));
  BOOST_TEST(!watch.has_expired(start + 14s));
  watch.on_packet(start + 14s);
  BOOST_TEST(!watch.has_expired(start + 15s));
  BOOST_TEST(watch.has_expired(start + 29s));
  BOOST_TEST(!KeepAlive(0s, start).next_deadline().has_value());
  BOOST_TEST(!KeepAlive(0s, start).has_expired(start + 24h));
}

BOOST_AUTO_TEST_CASE(aliases_stand_for_the_name_last_given_to_them, *label("MQTT5-3.3.2-12")) {
  TopicAliases aliases(2, limits::topic_levels_max);
  BOOST_TEST(aliases.resolve("a", 1)->text() == "a");
  BOOST_TEST(aliases.resolve("b", 2)->text() == "b");
  BOOST_TEST(aliases.resolve("", 1)->text() == "a");
  BOOST_TEST(aliases.resolve("c", 1)->text() == "c");
  BOOST_TEST(aliases.resolve("", 1)->text() == "c");
  BOOST_TEST(aliases.resolve("d", std::nullopt)->text() == "d");
  BOOST_TEST(aliases.resolve("d", std::nullopt)->text() == "d");
}

BOOST_AUTO_TEST_CASE(aliases_that_mean_nothing_are_refused,
                     *label("MQTT5-3.3.2-8") * label("MQTT5-3.3.2-9")) {
  TopicAliases aliases(2, limits::topic_levels_max);
  const auto reason = [&](std::string_view text, std::optional<std::uint16_t> alias) {
    auto name = aliases.resolve(text, alias);
    BOOST_REQUIRE(!name.ok());
    return name.error().reason;
  };
  BOOST_TEST((reason("a", 0) == ReasonCode::topic_alias_invalid));
  BOOST_TEST((reason("a", 3) == ReasonCode::topic_alias_invalid));
  BOOST_TEST((reason("", 2) == ReasonCode::protocol_error));
  BOOST_TEST((reason("", std::nullopt) == ReasonCode::protocol_error));
  BOOST_TEST((reason("a/#", std::nullopt) == ReasonCode::malformed_packet));
  BOOST_TEST((reason(std::string(limits::topic_levels_max, '/'), std::nullopt)
              == ReasonCode::topic_name_invalid));
}

BOOST_AUTO_TEST_CASE(a_mount_point_stands_before_every_name_but_the_brokers_own) {
  TopicAliases aliases(2, 3, "home/");
  BOOST_TEST(aliases.resolve("a", 1)->text() == "home/a");
  BOOST_TEST(aliases.resolve("", 1)->text() == "home/a");
  BOOST_TEST(aliases.resolve("a", std::nullopt)->text() == "home/a");
  BOOST_TEST(aliases.resolve("$SYS/x", std::nullopt)->text() == "$SYS/x");
  BOOST_TEST(aliases.resolve("$SYSTEM", std::nullopt)->text() == "home/$SYSTEM");
  BOOST_TEST(aliases.resolve("a/b", std::nullopt).ok());
  BOOST_TEST(!aliases.resolve("a/b/c", std::nullopt).ok());

  BOOST_TEST(unmounted("home/", "home/a").value() == "a");
  BOOST_TEST(unmounted("home/", "$SYS/x").value() == "$SYS/x");
  BOOST_TEST(!unmounted("home/", "home").has_value());
  BOOST_TEST(!unmounted("home/", "home/").has_value());
  BOOST_TEST(!unmounted("home/", "b").has_value());
  BOOST_TEST(unmounted("", "b").value() == "b");
}

BOOST_AUTO_TEST_CASE(the_first_names_get_aliases_at_once) {
  OutboundAliases aliases(2);
  const auto name = [](std::string_view text) { return TopicName::parse(text).value(); };
  const auto first = aliases.choose(name("first"));
  BOOST_TEST(first.alias == 1U);
  BOOST_TEST(!first.is_known);
  BOOST_TEST(!aliases.choose(name("first")).is_known);  // it was not sent after all
  aliases.bind(1, name("first"));
  BOOST_TEST(aliases.choose(name("first")).is_known);
  BOOST_TEST(aliases.choose(name("second")).alias == 2U);
  BOOST_TEST(aliases.choose(name("abc")).alias == 0U);  // shorter than the alias would be
  BOOST_TEST(OutboundAliases().choose(name("first")).alias == 0U);
}

BOOST_AUTO_TEST_CASE(an_alias_goes_to_a_name_that_comes_again_not_to_one_that_comes_once) {
  OutboundAliases aliases(2);
  const auto name = [](std::string_view text) { return TopicName::parse(text).value(); };
  aliases.bind(aliases.choose(name("first")).alias, name("first"));
  aliases.bind(aliases.choose(name("second")).alias, name("second"));
  for (int i = 0; i < 100; ++i)
    BOOST_TEST(aliases.choose(name("once/" + std::to_string(i))).alias == 0U);
  BOOST_TEST(aliases.choose(name("first")).is_known);
  BOOST_TEST(aliases.choose(name("again")).alias == 0U);
  const auto again = aliases.choose(name("again"));
  BOOST_TEST(again.alias == 2U);  // "second" was not used for longest
  BOOST_TEST(!again.is_known);
  aliases.bind(2, name("again"));
  BOOST_TEST(aliases.choose(name("again")).is_known);
  BOOST_TEST(!aliases.choose(name("second")).is_known);
}

BOOST_AUTO_TEST_CASE(a_will_is_due_after_its_delay_or_with_its_session, *label("MQTT5-3.1.2-8")) {
  mqtt::Will packet;
  packet.topic = "t";
  packet.properties.will_delay_interval_s = 10;
  packet.properties.message_expiry_interval_s = 5;
  const Will will = Will::from(packet, limits::topic_levels_max).value();
  BOOST_TEST((will.due_at(start, std::nullopt) == start + 10s));
  BOOST_TEST((will.due_at(start, 20s) == start + 10s));
  BOOST_TEST((will.due_at(start, 3s) == start + 3s));
  BOOST_TEST((will.publication(start + 10s).expires_at == start + 15s));
  packet.topic = "t/+";
  BOOST_TEST(!Will::from(packet, limits::topic_levels_max).ok());
}

BOOST_AUTO_TEST_CASE(the_expiry_on_the_wire_is_what_is_left, *label("MQTT5-3.3.2-6")) {
  Publication message{
      TopicName::parse("t").value(), {}, QoS::at_most_once, false, start + 10s, nullptr, {}};
  const auto left = [&](TimePoint now) {
    return make_publish(message, "t", {}, now).properties.message_expiry_interval_s.value();
  };
  BOOST_TEST(left(start) == 10U);
  BOOST_TEST(left(start + 1ms) == 10U);
  BOOST_TEST(left(start + 1s) == 9U);
  BOOST_TEST(left(start + 10s) == 0U);
  BOOST_TEST(left(start + 11s) == 0U);
  message.expires_at.reset();
  BOOST_TEST(
      !make_publish(message, "t", {}, start).properties.message_expiry_interval_s.has_value());
}

BOOST_AUTO_TEST_CASE(a_message_without_properties_costs_none) {
  BOOST_TEST((keep_properties(mqtt::PublishProperties{}) == nullptr));
  mqtt::PublishProperties some;
  some.user_properties = {{"a", "1"}};
  BOOST_TEST_REQUIRE((keep_properties(some) != nullptr));
  BOOST_TEST(keep_properties(some)->user_properties.size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
