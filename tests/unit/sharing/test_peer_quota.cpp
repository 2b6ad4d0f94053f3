#include <boost/test/unit_test.hpp>
#include <chrono>
#include <string>

#include "bridge/sharing/peer_quota.hpp"
#include "tests/support/naive_topic.hpp"

using namespace starling;
using namespace starling::test;
using namespace std::chrono_literals;
using boost::unit_test::label;

namespace {

Publication message(std::string_view topic, bool retain = false, std::string_view payload = "x",
                    QoS qos = QoS::at_most_once) {
  Publication made{name(topic), SharedBytes(as_bytes(payload)), qos, retain, {}, {}, {}};
  return made;
}
PeerQuota quota(double rate, std::size_t retained) {
  return PeerQuota(PeerQuotaBounds{rate, 0, retained}, HashSeed{1, 2}, TimePoint{});
}

Admission admit(PeerQuota& quota, const Publication& what, TimePoint now, bool open = false) {
  return quota.admit(what, what.topic, open, now);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(peer_quota)

BOOST_AUTO_TEST_CASE(a_peer_that_is_too_fast_is_told_when_to_go_on) {
  auto bounds = quota(10, 5);
  TimePoint now{};
  for (int i = 0; i < 10; ++i)
    BOOST_TEST((admit(bounds, message("a"), now) == Admission::admitted));
  BOOST_TEST((admit(bounds, message("a"), now) == Admission::too_fast));
  const TimePoint ready = bounds.ready_at(false, now);
  BOOST_TEST((ready == now + 100ms));
  BOOST_TEST((admit(bounds, message("a"), ready) == Admission::admitted));
}

BOOST_AUTO_TEST_CASE(a_peer_may_create_so_many_retained_topics_and_change_them_at_will) {
  auto bounds = quota(1'000, 2);
  const TimePoint now{};
  BOOST_TEST((admit(bounds, message("a", true), now) == Admission::admitted));
  BOOST_TEST((admit(bounds, message("b", true), now) == Admission::admitted));
  BOOST_TEST((admit(bounds, message("c", true), now) == Admission::too_many_retained));
  BOOST_TEST((admit(bounds, message("c", false), now) == Admission::admitted));
  BOOST_TEST((admit(bounds, message("a", true, "y"), now) == Admission::admitted));
  BOOST_TEST(bounds.retained_topics() == 2U);
}

BOOST_AUTO_TEST_CASE(erasing_makes_room, *label("MQTT-3.3.1-10")) {
  auto bounds = quota(1'000, 1);
  const TimePoint now{};
  admit(bounds, message("a", true), now);
  BOOST_TEST((admit(bounds, message("a", true, ""), now) == Admission::admitted));
  BOOST_TEST((admit(bounds, message("b", true), now) == Admission::admitted));
  bounds.forget_retained(name("b"));
  BOOST_TEST((admit(bounds, message("c", true), now) == Admission::admitted));
}

BOOST_AUTO_TEST_CASE(haste_is_no_way_around_the_retained_quota) {
  auto bounds = quota(1, 2);
  const TimePoint now{};
  admit(bounds, message("a", true), now);
  // QoS 0 above the rate is dropped, so neither its topic nor its erasing counts.
  BOOST_TEST((admit(bounds, message("a", true, ""), now) == Admission::too_fast));
  BOOST_TEST((admit(bounds, message("b", true), now) == Admission::too_fast));
  BOOST_TEST(bounds.retained_topics() == 1U);
  // QoS 1 and 2 are taken, and count.
  const auto guaranteed = [](std::string_view topic) {
    return message(topic, true, "x", QoS::at_least_once);
  };
  BOOST_TEST((admit(bounds, guaranteed("c"), now) == Admission::too_fast));
  BOOST_TEST((admit(bounds, guaranteed("d"), now) == Admission::too_many_retained));
  BOOST_TEST(bounds.retained_topics() == 2U);
  BOOST_TEST((bounds.ready_at(false, now) == now + 2s));  // what was taken on credit is paid first
}

BOOST_AUTO_TEST_CASE(private_and_open_meshes_are_counted_apart) {
  PeerQuota bounds(PeerQuotaBounds{3, 2, 5}, HashSeed{1, 2}, TimePoint{});
  const TimePoint now{};
  for (int i = 0; i < 2; ++i)
    BOOST_TEST((admit(bounds, message("a"), now, true) == Admission::admitted));
  BOOST_TEST((admit(bounds, message("a"), now, true) == Admission::too_fast));
  for (int i = 0; i < 3; ++i)
    BOOST_TEST((admit(bounds, message("a"), now, false) == Admission::admitted));
  BOOST_TEST((admit(bounds, message("a"), now, false) == Admission::too_fast));
  BOOST_TEST((bounds.ready_at(true, now) == now + 500ms));
}

BOOST_AUTO_TEST_CASE(zero_is_no_bound_in_private_meshes_and_open_ones_have_one_by_default) {
  PeerQuota bounds(PeerQuotaBounds{}, HashSeed{1, 2}, TimePoint{});
  const TimePoint now{};
  const auto many = static_cast<std::size_t>(limits::open_messages_per_s);
  for (std::size_t i = 0; i < 3 * many; ++i)
    BOOST_REQUIRE((admit(bounds, message("a"), now, false) == Admission::admitted));
  BOOST_TEST((bounds.ready_at(false, now) == now));
  for (std::size_t i = 0; i < many; ++i)
    BOOST_REQUIRE((admit(bounds, message("a"), now, true) == Admission::admitted));
  BOOST_TEST((admit(bounds, message("a"), now, true) == Admission::too_fast));
}

BOOST_AUTO_TEST_SUITE_END()
