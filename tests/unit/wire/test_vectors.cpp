// The frames that PROTOCOL.md writes out in its appendix, octet for octet.
#include <boost/test/unit_test.hpp>

#include "tests/unit/wire/frames.hpp"

namespace starling {
namespace {

using namespace wire_test;

void check(const wire::Frame& frame, std::string_view hex) {
  BOOST_TEST(to_hex(written(frame)) == hex);
  const Bytes bytes = *from_hex(hex);
  const auto read = wire::read_frame(ByteView(bytes).subspan(wire::frame_prefix_size));
  BOOST_TEST_REQUIRE(read.ok());
  BOOST_TEST((*read == frame));
}

BOOST_AUTO_TEST_CASE(frames_are_written_as_the_protocol_shows_them) {
  check(wire::Ping{1}, "00000003920301");
  check(wire::Acknowledgement{wire::Lane::guaranteed, 300}, "00000006930802cd012c");
  check(wire::Credit{wire::Lane::best_effort, 4'096, 8U << 20U}, "0000000b940901cd1000ce00800000");
  check(wire::Bye{wire::CloseReason::shutting_down, "stop"}, "00000008930501a473746f70");
  check(
      wire::Interests{
          0, 1, wire::InterestsPart::set_last, {{interest("home/#", QoS::at_least_once), true}}},
      "0000001095060001029193a6686f6d652f23a001");
  check(wire::DialMe{0, node(0x22), node(0x11), {Endpoint::v4({192, 0, 2, 7}, 21883)}},
        "00000050950a00c420"
        "2222222222222222222222222222222222222222222222222222222222222222c420"
        "111111111111111111111111111111111111111111111111111111111111111191c406c0000207557b");
  check(wire::Publications{{wire::Lane::guaranteed, 1, MessageId{NodeId{}, 7, 3}, {NodeId{}, 7, 3}},
                           {{.topic = {0, "home/door", 0},
                             .qos = QoS::at_least_once,
                             .payload = SharedBytes(as_bytes("open")),
                             .expires_in = std::chrono::milliseconds(60'000),
                             .properties = nullptr}}},
        "00000026"
        "9807020193c00703c0070391969300a9686f6d652f646f6f72000100c4046f70656ecdea60c0");
}

}  // namespace
}  // namespace starling
