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
  return PeerQuota(PeerQuotaBounds{rate, retained}, HashSeed{1, 2}, TimePoint{});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(peer_quota)

BOOST_AUTO_TEST_CASE(a_peer_that_is_too_fast_is_told_when_to_go_on) {
  auto bounds = quota(10, 5);
  TimePoint now{};
  for (int i = 0; i < 10; ++i) BOOST_TEST((bounds.admit(message("a"), now) == Admission::admitted));
  BOOST_TEST((bounds.admit(message("a"), now) == Admission::too_fast));
  const TimePoint ready = bounds.ready_at(now);
  BOOST_TEST((ready == now + 100ms));
  BOOST_TEST((bounds.admit(message("a"), ready) == Admission::admitted));
}

BOOST_AUTO_TEST_CASE(a_peer_may_create_so_many_retained_topics_and_change_them_at_will) {
  auto bounds = quota(1'000, 2);
  const TimePoint now{};
  BOOST_TEST((bounds.admit(message("a", true), now) == Admission::admitted));
  BOOST_TEST((bounds.admit(message("b", true), now) == Admission::admitted));
  BOOST_TEST((bounds.admit(message("c", true), now) == Admission::too_many_retained));
  BOOST_TEST((bounds.admit(message("c", false), now) == Admission::admitted));
  BOOST_TEST((bounds.admit(message("a", true, "y"), now) == Admission::admitted));
  BOOST_TEST(bounds.retained_topics() == 2U);
}

BOOST_AUTO_TEST_CASE(erasing_makes_room, *label("MQTT-3.3.1-10")) {
  auto bounds = quota(1'000, 1);
  const TimePoint now{};
  bounds.admit(message("a", true), now);
  BOOST_TEST((bounds.admit(message("a", true, ""), now) == Admission::admitted));
  BOOST_TEST((bounds.admit(message("b", true), now) == Admission::admitted));
  bounds.forget_retained(name("b"));
  BOOST_TEST((bounds.admit(message("c", true), now) == Admission::admitted));
}

BOOST_AUTO_TEST_CASE(haste_is_no_way_around_the_retained_quota) {
  auto bounds = quota(1, 2);
  const TimePoint now{};
  bounds.admit(message("a", true), now);
  // QoS 0 above the rate is dropped, so neither its topic nor its erasing counts.
  BOOST_TEST((bounds.admit(message("a", true, ""), now) == Admission::too_fast));
  BOOST_TEST((bounds.admit(message("b", true), now) == Admission::too_fast));
  BOOST_TEST(bounds.retained_topics() == 1U);
  // QoS 1 and 2 are taken, and count.
  const auto guaranteed = [](std::string_view topic) {
    return message(topic, true, "x", QoS::at_least_once);
  };
  BOOST_TEST((bounds.admit(guaranteed("c"), now) == Admission::too_fast));
  BOOST_TEST((bounds.admit(guaranteed("d"), now) == Admission::too_many_retained));
  BOOST_TEST(bounds.retained_topics() == 2U);
  BOOST_TEST((bounds.ready_at(now) == now + 2s));  // what was taken on credit is paid first
}

BOOST_AUTO_TEST_SUITE_END()
