// Finding a broker and connecting to it, on loopback.
#include <arpa/inet.h>
#include <boost/test/unit_test.hpp>
#include <netinet/in.h>

#include "src/bench/exit_status.hpp"
#include "src/bench/target.hpp"

using namespace starling;
using namespace starling::bench;

namespace {

/// A socket that listens on 127.0.0.1 and accepts nobody.
struct Door {
  Door() : socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(at);
    auto* address = reinterpret_cast<sockaddr*>(&at);
    BOOST_REQUIRE(::bind(socket.get(), address, size) == 0);
    BOOST_REQUIRE(::getsockname(socket.get(), address, &size) == 0);
    port = ntohs(at.sin_port);
  }
  void listen() const { BOOST_REQUIRE(::listen(socket.get(), 16) == 0); }

  UniqueFd socket;
  std::uint16_t port = 0;
};

std::string source_of(const UniqueFd& socket) {
  sockaddr_in from{};
  socklen_t size = sizeof(from);
  BOOST_REQUIRE(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&from), &size) == 0);
  return ::inet_ntoa(from.sin_addr);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bench_target)

BOOST_AUTO_TEST_CASE(many_connections_to_loopback_come_from_many_addresses) {
  const Door door;
  door.listen();
  const Target target = find_target({"127.0.0.1", door.port});
  BOOST_TEST(target.is_loopback_v4());
  BOOST_TEST(source_of(begin_connect(target, 0)) == "127.0.0.1");
  BOOST_TEST(source_of(begin_connect(target, 19'999)) == "127.0.0.1");
  BOOST_TEST(source_of(begin_connect(target, 20'000)) == "127.0.0.2");
  BOOST_TEST(source_of(begin_connect(target, 99'999)) == "127.0.0.5");
}

BOOST_AUTO_TEST_CASE(a_name_is_looked_up_until_an_address_answers) {
  const Door door;
  door.listen();
  // localhost may be ::1 first, where nobody listens on this port.
  const Target target = find_target({"localhost", door.port});
  BOOST_TEST(target.name == "localhost:" + std::to_string(door.port));
}

BOOST_AUTO_TEST_CASE(where_nobody_listens_the_sentence_names_the_place) {
  const Door door;  // bound, so that nobody else comes there
  const std::string place = "127.0.0.1:" + std::to_string(door.port);
  BOOST_CHECK_EXCEPTION(find_target({"127.0.0.1", door.port}), TroubleError,
                        [&](const TroubleError& error) {
                          return error.trouble().status == ExitStatus::unreachable
                                 && error.trouble().what.find(place) != std::string::npos
                                 && error.trouble().what.find("refused") != std::string::npos;
                        });
}

BOOST_AUTO_TEST_CASE(more_connections_than_descriptors_are_refused_with_advice) {
  BOOST_CHECK_EXCEPTION(reserve_descriptors(std::uint64_t{1} << 40U), TroubleError,
                        [](const TroubleError& error) {
                          return error.trouble().what.find("ulimit") != std::string::npos;
                        });
}

BOOST_AUTO_TEST_SUITE_END()
