// UvMulticast on the loopback interface, which carries multicast though it does not say so.
#include <net/if.h>
#include <optional>
#include <string>
#include <vector>

#include "src/uv/interface_addresses.hpp"
#include "src/uv/uv_datagram.hpp"
#include "src/uv/uv_multicast.hpp"
#include "tests/unit/uv/loop_fixture.hpp"

using namespace starling;
using namespace starling::test;

namespace {

const Endpoint group_v6 = *Endpoint::parse("[ff02::5354:4c41]:1");

struct MulticastFixture : LoopFixture {
  MulticastFixture() {
    // A port that nobody has at the moment.
    UvDatagram any(loop, loopback_v4);
    group = Endpoint::v4({239, 83, 84, 76}, any.local_v4()->port);
  }
  MulticastFace loopback{::if_nametoindex("lo"), loopback_v4, "lo"};
  Endpoint group;
  std::vector<std::string> at_first;
  std::vector<std::string> at_second;
  Endpoint sender;

  UvMulticast::OnDatagram into(std::vector<std::string>& heard) {
    return [this, &heard](const Endpoint& from, ByteView bytes) {
      sender = from;
      heard.emplace_back(as_text(bytes));
    };
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(multicast)

BOOST_FIXTURE_TEST_CASE(all_on_one_host_hear_what_one_of_them_sends, MulticastFixture) {
  UvMulticast first(loop, group, group_v6, into(at_first));
  UvMulticast second(loop, group, group_v6, into(at_second));
  BOOST_TEST(first.send(as_bytes("nowhere")) == 0U);
  BOOST_REQUIRE(first.set_faces({loopback}).empty());
  BOOST_REQUIRE(second.set_faces({loopback}).empty());
  BOOST_TEST(first.send(as_bytes("hello")) == 1U);
  run_until([&] { return !at_first.empty() && !at_second.empty(); });
  BOOST_TEST(at_first == std::vector<std::string>{"hello"}, boost::test_tools::per_element());
  BOOST_TEST(at_second == std::vector<std::string>{"hello"}, boost::test_tools::per_element());
  // It comes from the address of the face, which is where the sender can be dialled.
  BOOST_TEST(sender.address_text() == "127.0.0.1");
}

BOOST_FIXTURE_TEST_CASE(what_is_sent_to_the_host_alone_does_not_come_in, MulticastFixture) {
  UvMulticast first(loop, group, group_v6, into(at_first));
  BOOST_REQUIRE(first.set_faces({loopback}).empty());
  UvDatagram stranger(loop, loopback_v4);
  stranger.send(with_port(loopback_v4, group.port), as_bytes("to you alone"));
  first.send(as_bytes("to all"));
  run_until([&] { return !at_first.empty(); });
  BOOST_TEST(at_first == std::vector<std::string>{"to all"}, boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(a_face_that_is_gone_is_left, MulticastFixture) {
  UvMulticast first(loop, group, group_v6, into(at_first));
  UvMulticast second(loop, group, group_v6, into(at_second));
  BOOST_REQUIRE(first.set_faces({loopback}).empty());
  BOOST_REQUIRE(second.set_faces({loopback}).empty());
  BOOST_REQUIRE(second.set_faces({}).empty());
  BOOST_TEST(second.send(as_bytes("nobody")) == 0U);
  first.send(as_bytes("one"));
  run_until([&] { return !at_first.empty(); });
  BOOST_TEST(at_second.empty());
  BOOST_REQUIRE(second.set_faces({loopback}).empty());
  first.send(as_bytes("two"));
  run_until([&] { return !at_second.empty(); });
  BOOST_TEST(at_second.front() == "two");
}

BOOST_FIXTURE_TEST_CASE(a_face_that_does_not_exist_is_said_to_be_trouble, MulticastFixture) {
  UvMulticast first(loop, group, group_v6, into(at_first));
  const MulticastFace gone{9999, Endpoint::v4({192, 0, 2, 1}, 0), "gone0"};
  const auto troubles = first.set_faces({gone, loopback});
  BOOST_REQUIRE(troubles.size() == 1U);
  BOOST_TEST(troubles.front().face.name == "gone0");
  BOOST_TEST(troubles.front().why == "address not available");
  BOOST_TEST(first.send(as_bytes("the others work")) == 1U);
}

BOOST_AUTO_TEST_CASE(loopback_is_no_face) {
  for (const MulticastFace& face : multicast_faces()) BOOST_TEST(!face.address.is_loopback());
}

BOOST_AUTO_TEST_SUITE_END()
