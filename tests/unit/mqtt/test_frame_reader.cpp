#include <boost/test/unit_test.hpp>
#include <numeric>

#include "starling/limits.hpp"

#include "src/mqtt/frame_reader.hpp"
#include "tests/support/mqtt_packets.hpp"

using namespace starling;
using namespace starling::mqtt;
using namespace starling::mqtt::testing;
using boost::unit_test::label;

namespace {

/// Everything a reader makes of a stream.
struct Taken {
  std::vector<Bytes> packets;  // first byte and body of each
  Reading next = Reading::go_on;
  Reading operator()(const Frame& frame) {
    Bytes packet{frame.first_byte};
    append(packet, frame.body);
    packets.push_back(packet);
    return next;
  }
};

Bytes three_packets() {
  Bytes stream = bytes_of("C0 00");
  append(stream, packet_of(0x30, Bytes(200, 0x61)));
  append(stream, bytes_of("40 02 0001"));
  return stream;
}

ReasonCode refusal_of(std::string_view hex, std::size_t packet_size_max = 1000) {
  FrameReader reader(packet_size_max);
  const auto read = reader.read(bytes_of(hex), [](const Frame&) { return Reading::go_on; });
  return read.ok() ? ReasonCode::success : read.error().reason;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mqtt_frame_reader)

BOOST_AUTO_TEST_CASE(whole_packets_are_taken_in_order_and_not_copied) {
  const Bytes stream = three_packets();
  FrameReader reader(1000);
  std::vector<const std::uint8_t*> places;
  const auto read = reader.read(stream, [&](const Frame& frame) {
    places.push_back(frame.body.data());
    return Reading::go_on;
  });
  BOOST_TEST(read.ok());
  BOOST_REQUIRE(places.size() == 3U);
  BOOST_TEST(places[1] == stream.data() + 5);
  BOOST_TEST(places[2] == stream.data() + stream.size() - 2);
  BOOST_TEST(reader.kept_bytes() == 0U);
}

BOOST_AUTO_TEST_CASE(any_split_of_the_stream_gives_the_same_packets,
                     *label("MQTT-6.0.0-2") * label("MQTT5-6.0.0-2")) {
  const Bytes stream = three_packets();
  Taken whole;
  BOOST_TEST(FrameReader(1000).read(stream, whole).ok());
  for (std::size_t piece = 1; piece < stream.size(); ++piece) {
    FrameReader reader(1000);
    Taken taken;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      const auto part = ByteView(stream).subspan(at, std::min(piece, stream.size() - at));
      BOOST_TEST(reader.read(part, taken).ok());
    }
    BOOST_TEST((taken.packets == whole.packets), "pieces of " << piece);
    BOOST_TEST(reader.kept_bytes() == 0U);
  }
}

BOOST_AUTO_TEST_CASE(only_the_unfinished_tail_is_kept) {
  Bytes stream = three_packets();
  append(stream, bytes_of("32 50 0003"));
  FrameReader reader(1000);
  Taken taken;
  BOOST_TEST(reader.read(stream, taken).ok());
  BOOST_TEST(taken.packets.size() == 3U);
  BOOST_TEST(reader.kept_bytes() == 4U);
}

BOOST_AUTO_TEST_CASE(what_follows_a_stop_waits_for_the_next_call) {
  const Bytes stream = three_packets();
  for (const std::size_t first : {stream.size(), std::size_t{1}, std::size_t{4}}) {
    FrameReader reader(1000);
    Taken taken;
    taken.next = Reading::stop;
    BOOST_TEST(reader.read(ByteView(stream).first(first), taken).ok());
    BOOST_TEST(reader.read(ByteView(stream).subspan(first), taken).ok());
    while (reader.kept_bytes() > 0) BOOST_TEST(reader.read({}, taken).ok());
    BOOST_TEST(taken.packets.size() == 3U, "first " << first);
  }
  FrameReader reader(1000);
  Taken taken;
  taken.next = Reading::stop;
  BOOST_TEST(reader.read(stream, taken).ok());
  BOOST_TEST(taken.packets.size() == 1U);
  BOOST_TEST(reader.kept_bytes() == stream.size() - 2);
}

BOOST_AUTO_TEST_CASE(a_packet_above_the_maximum_is_refused_before_it_is_kept,
                     *label("MQTT5-3.2.2-15")) {
  BOOST_TEST((refusal_of("30 08", 10) == ReasonCode::success));
  BOOST_TEST((refusal_of("30 09", 10) == ReasonCode::packet_too_large));
  FrameReader reader(limits::connect_packet_size_max);
  const auto read =
      reader.read(bytes_of("10 FFFFFF7F 00 04"), [](const Frame&) { return Reading::go_on; });
  BOOST_REQUIRE(!read.ok());
  BOOST_TEST((read.error().code == Errc::too_large));
  BOOST_TEST(reader.kept_bytes() == 0U);
}

BOOST_AUTO_TEST_CASE(a_new_maximum_counts_from_the_next_packet) {
  FrameReader reader(10);
  Taken taken;
  BOOST_TEST(reader.read(bytes_of("C0 00"), taken).ok());
  reader.set_packet_size_max(1000);
  BOOST_TEST(reader.read(packet_of(0x30, Bytes(200, 0)), taken).ok());
  BOOST_TEST(taken.packets.size() == 2U);
}

BOOST_AUTO_TEST_CASE(the_remaining_length_has_its_shortest_form, *label("MQTT5-1.5.5-1")) {
  BOOST_TEST((refusal_of("30 8000") == ReasonCode::malformed_packet));
  BOOST_TEST((refusal_of("30 FF00") == ReasonCode::malformed_packet));
  BOOST_TEST((refusal_of("30 FFFF00") == ReasonCode::malformed_packet));
  BOOST_TEST((refusal_of("30 FF01") == ReasonCode::success));
}

BOOST_AUTO_TEST_CASE(the_remaining_length_has_at_most_four_bytes) {
  constexpr std::size_t any = limits::packet_size_max;
  BOOST_TEST((refusal_of("30 FFFFFF7F", any) == ReasonCode::success));
  BOOST_TEST((refusal_of("30 FFFFFF80", any) == ReasonCode::malformed_packet));
  BOOST_TEST((refusal_of("30 FFFFFFFF01", any) == ReasonCode::malformed_packet));
}

BOOST_AUTO_TEST_CASE(packet_type_zero_is_refused_at_its_first_byte) {
  BOOST_TEST((refusal_of("00") == ReasonCode::malformed_packet));
  BOOST_TEST((refusal_of("0F") == ReasonCode::malformed_packet));
}

BOOST_AUTO_TEST_CASE(packets_before_a_broken_one_are_still_taken) {
  FrameReader reader(1000);
  Taken taken;
  BOOST_TEST(!reader.read(bytes_of("C000 C000 00"), taken).ok());
  BOOST_TEST(taken.packets.size() == 2U);
}

/// A large packet between small ones, cut anywhere near its borders: the same packets come, and the
/// body of one that came in parts can be kept.
BOOST_AUTO_TEST_CASE(a_large_packet_is_gathered_where_it_can_stay) {
  Bytes large(100'000);
  std::iota(large.begin(), large.end(), std::uint8_t{0});
  Bytes stream = packet_of(0x30, Bytes(200, 0x61));
  const std::size_t begin = stream.size();
  append(stream, packet_of(0x30, large));
  const std::size_t end = stream.size();
  append(stream, bytes_of("40 02 0001"));
  for (const std::size_t border : {begin, end}) {
    for (std::size_t cut = border - 6; cut < border + 3; ++cut) {
      for (const std::size_t second : {cut + 1, cut + 70'000}) {
        FrameReader reader(200'000);
        std::vector<Bytes> bodies;
        std::size_t shared = 0;
        const auto take = [&](const Frame& frame) {
          bodies.emplace_back(frame.body.begin(), frame.body.end());
          if (frame.shared != nullptr) {
            ++shared;
            BOOST_TEST(frame.shared->data() == frame.body.data());
            BOOST_TEST(frame.shared->size() == frame.body.size());
          }
          return Reading::go_on;
        };
        const std::size_t at[] = {0, cut, std::min(second, stream.size()), stream.size()};
        for (int i = 0; i < 3; ++i)
          BOOST_REQUIRE(reader.read(ByteView(stream).subspan(at[i], at[i + 1] - at[i]), take).ok());
        BOOST_REQUIRE(bodies.size() == 3U);
        BOOST_TEST((bodies[1] == large));
        BOOST_TEST((bodies[2] == bytes_of("0001")));
        BOOST_TEST(reader.kept_bytes() == 0U);
        if (border == begin && cut > begin) BOOST_TEST(shared == 1U);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(who_stops_at_a_large_packet_gets_what_follows_later) {
  Bytes stream = packet_of(0x30, Bytes(20'000, 0x61));
  append(stream, bytes_of("40 02 0001"));
  FrameReader reader(50'000);
  Taken taken;
  BOOST_REQUIRE(reader.read(ByteView(stream).first(10'000), std::ref(taken)).ok());
  BOOST_TEST(reader.kept_bytes() == 9'996U);
  taken.next = Reading::stop;
  BOOST_REQUIRE(reader.read(ByteView(stream).subspan(10'000), std::ref(taken)).ok());
  BOOST_TEST(taken.packets.size() == 1U);
  taken.next = Reading::go_on;
  BOOST_REQUIRE(reader.read({}, std::ref(taken)).ok());
  BOOST_TEST(taken.packets.size() == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
