// Messages that wait for peers to be found: order, bounds, who has got what.
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "bridge/mesh/parking_lot.hpp"

namespace starling {
namespace {

using namespace std::chrono_literals;

const TimePoint start = TimePoint{} + 1h;

SharedPublication message(const std::string& topic, std::uint64_t sequence,
                          QoS qos = QoS::at_most_once, std::size_t payload_size = 1,
                          std::optional<TimePoint> expires_at = {}) {
  const Bytes payload(payload_size, 'p');
  return std::make_shared<Publication>(
      Publication{TopicName::parse(topic).value(), SharedBytes{ByteView{payload}}, qos, false,
                  expires_at, nullptr, MessageId{NodeId{}, 1, sequence}});
}
NodeId node(std::uint8_t number) {
  NodeId id;
  id.bytes[0] = number;
  return id;
}
std::vector<std::uint64_t> sequences(const std::vector<SharedPublication>& messages) {
  std::vector<std::uint64_t> list;
  for (const auto& m : messages) list.push_back(m->id.sequence);
  return list;
}
bool everything(const Publication&) {
  return true;
}
using Sequences = std::vector<std::uint64_t>;

BOOST_AUTO_TEST_CASE(a_peer_found_in_time_gets_each_message_once_and_in_order) {
  ParkingLot lot;
  for (std::uint64_t i = 1; i <= 3; ++i) BOOST_TEST(lot.park(message("a/b", i), {}, start));
  BOOST_TEST(sequences(lot.take_for(node(1), everything)) == (Sequences{1, 2, 3}),
             boost::test_tools::per_element());
  BOOST_TEST(lot.take_for(node(1), everything).empty());
  BOOST_TEST(lot.take_for(node(2), everything).size() == 3U);
}

BOOST_AUTO_TEST_CASE(a_peer_that_was_served_before_parking_gets_nothing) {
  ParkingLot lot;
  BOOST_TEST(lot.park(message("a/b", 1), {node(1)}, start));
  BOOST_TEST(lot.take_for(node(1), everything).empty());
}

BOOST_AUTO_TEST_CASE(only_wanted_messages_are_taken) {
  ParkingLot lot;
  BOOST_TEST(lot.park(message("a/b", 1), {}, start));
  BOOST_TEST(lot.park(message("a/c", 2), {}, start));
  const auto wants = [](const Publication& m) { return m.topic.text() == "a/c"; };
  BOOST_TEST(sequences(lot.take_for(node(1), wants)) == (Sequences{2}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(qos_0_waits_two_seconds_and_the_others_ten) {
  ParkingLot lot;
  BOOST_TEST(lot.park(message("a", 1, QoS::at_most_once), {}, start));
  BOOST_TEST(lot.park(message("a", 2, QoS::exactly_once), {}, start));
  BOOST_TEST((lot.next_deadline() == start + 2s));
  BOOST_TEST(lot.expire(start + 1999ms) == 0U);
  BOOST_TEST(lot.expire(start + 2s) == 1U);
  BOOST_TEST((lot.next_deadline() == start + 10s));
  BOOST_TEST(lot.expire(start + 10s) == 1U);
  BOOST_TEST(lot.empty());
  BOOST_TEST(lot.bytes() == 0U);
  BOOST_TEST(!lot.next_deadline().has_value());
}

BOOST_AUTO_TEST_CASE(a_message_does_not_outlive_its_expiry) {
  ParkingLot lot;
  BOOST_TEST(lot.park(message("a", 1, QoS::at_least_once, 1, start + 1s), {}, start));
  BOOST_TEST(lot.expire(start + 1s) == 1U);
}

BOOST_AUTO_TEST_CASE(qos_0_is_bounded_per_prefix_by_count) {
  ParkingLot lot;
  for (std::size_t i = 0; i < limits::parked_messages_max; ++i) {
    BOOST_TEST(lot.park(message("a/b/" + std::to_string(i), i), {}, start));
  }
  BOOST_TEST(!lot.park(message("a/b/more", 1'000), {}, start));
  BOOST_TEST(lot.dropped() == 1U);
  BOOST_TEST(lot.park(message("a/c", 1'001), {}, start));
  BOOST_TEST(lot.park(message("a/b/acknowledged", 1'002, QoS::at_least_once), {}, start));
  lot.expire(start + 3s);
  BOOST_TEST(lot.park(message("a/b/later", 1'003), {}, start + 3s));
}

BOOST_AUTO_TEST_CASE(qos_0_is_bounded_per_prefix_by_bytes) {
  ParkingLot lot;
  BOOST_TEST(lot.park(message("a/b", 1, QoS::at_most_once, 900'000), {}, start));
  BOOST_TEST(!lot.park(message("a/b", 2, QoS::at_most_once, 200'000), {}, start));
  BOOST_TEST(lot.park(message("a/b", 3, QoS::at_most_once, 100'000), {}, start));
}

BOOST_AUTO_TEST_CASE(a_mesh_is_bounded_as_a_whole) {
  ParkingLot lot;
  std::size_t kept = 0;
  for (std::uint64_t i = 0; i < limits::parked_prefixes_max + 10; ++i) {
    if (lot.park(message(std::to_string(i), i), {}, start)) ++kept;
  }
  BOOST_TEST(kept == limits::parked_prefixes_max);
  ParkingLot heavy;
  kept = 0;
  for (std::uint64_t i = 0; i < 40; ++i) {
    if (heavy.park(message("a", i, QoS::at_least_once, 1U << 20U), {}, start)) ++kept;
  }
  BOOST_TEST(kept == 15U);
  BOOST_TEST(heavy.bytes() <= limits::unresolved_bytes_max);
}

BOOST_AUTO_TEST_CASE(settled_messages_make_room) {
  ParkingLot lot;
  BOOST_TEST(lot.park(message("a", 1, QoS::at_least_once), {}, start));
  BOOST_TEST(lot.park(message("b", 2), {}, start));
  lot.settle([](const Publication& m) { return m.topic.text() == "a"; });
  BOOST_TEST(lot.size() == 1U);
  BOOST_TEST(sequences(lot.take_for(node(1), everything)) == (Sequences{2}),
             boost::test_tools::per_element());
}

}  // namespace
}  // namespace starling
