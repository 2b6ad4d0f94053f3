// Where clients come in: Unix sockets and their files, listeners by name, interface and family,
// what streams count, signals.
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "src/uv/listen_address.hpp"
#include "src/uv/process_memory.hpp"
#include "src/uv/socket_address.hpp"
#include "src/uv/uv_signals.hpp"
#include "src/uv/uv_unix_listener.hpp"
#include "tests/unit/uv/loop_fixture.hpp"

using namespace starling;
using namespace starling::test;
using namespace std::chrono_literals;

namespace {

struct Folder {
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "doors-XXXXXX").string();
    BOOST_REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  [[nodiscard]] std::string at(const char* name) const { return (path / name).string(); }
  std::filesystem::path path;
};

UniqueFd connect_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  UniqueFd fd{::socket(AF_UNIX, SOCK_STREAM, 0)};
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    fd.reset();
  return fd;
}

UniqueFd connect_tcp(const Endpoint& to) {
  UniqueFd fd{::socket(to.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM, 0)};
  const SocketAddress address{to};
  if (::connect(fd.get(), address.get(), address.size()) != 0) fd.reset();
  return fd;
}

std::string refusal_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "nothing was refused";
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

const Listener::OnStream ignore = [](std::unique_ptr<ByteStream>) {};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(uv_doors, LoopFixture)

// --- Unix sockets

BOOST_AUTO_TEST_CASE(a_unix_socket_carries_streams_both_ways) {
  const Folder folder;
  std::unique_ptr<Recorder> server;
  StreamTraffic traffic;
  const UvUnixListener listener(
      loop, folder.at("mqtt.sock"), 0660,
      [&](std::unique_ptr<ByteStream> stream) {
        server = std::make_unique<Recorder>(std::move(stream));
        server->when_bytes = [&] {
          server->send("and back");
          server->stream->close();
        };
        server->when_closed = [&] { loop.stop(); };
      },
      nullptr, StreamOptions{true, &traffic});
  const UniqueFd client = connect_unix(listener.path());
  BOOST_REQUIRE(client);
  BOOST_REQUIRE(::send(client.get(), "there", 5, 0) == 5);
  run();
  BOOST_TEST(server->received == "there");
  BOOST_TEST((server->stream->peer_endpoint() == Endpoint{}));
  char answer[16] = {};
  BOOST_TEST(::recv(client.get(), answer, sizeof answer, 0) == 8);
  BOOST_TEST(std::string(answer) == "and back");
  BOOST_TEST(::recv(client.get(), answer, sizeof answer, 0) == 0);
  BOOST_TEST(traffic.received == 5);
  BOOST_TEST(traffic.sent == 8);
}

BOOST_AUTO_TEST_CASE(a_unix_socket_has_its_mode_and_goes_with_its_listener) {
  const Folder folder;
  const std::string path = folder.at("mqtt.sock");
  for (const std::uint32_t mode : {0600U, 0666U}) {
    {
      const UvUnixListener listener(loop, path, mode, ignore);
      struct stat made {};
      BOOST_REQUIRE(::stat(path.c_str(), &made) == 0);
      BOOST_TEST((made.st_mode & 0777U) == mode);
    }
    BOOST_TEST(!std::filesystem::exists(path));
  }
}

BOOST_AUTO_TEST_CASE(a_socket_nobody_listens_at_is_replaced) {
  const Folder folder;
  const std::string path = folder.at("mqtt.sock");
  {
    // As a process leaves it that was killed.
    const UniqueFd old{::socket(AF_UNIX, SOCK_STREAM, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    BOOST_REQUIRE(::bind(old.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address)
                  == 0);
  }
  BOOST_REQUIRE(std::filesystem::exists(path));
  const UvUnixListener listener(loop, path, 0660, ignore);
  BOOST_TEST(static_cast<bool>(connect_unix(path)));
}

BOOST_AUTO_TEST_CASE(a_socket_somebody_listens_at_is_left_alone) {
  const Folder folder;
  const std::string path = folder.at("mqtt.sock");
  const UvUnixListener first(loop, path, 0660, ignore);
  const std::string why = refusal_of([&] { UvUnixListener(loop, path, 0660, ignore); });
  BOOST_TEST(why == "cannot listen on " + path + ": somebody listens there already");
  BOOST_TEST(static_cast<bool>(connect_unix(path)));
}

BOOST_AUTO_TEST_CASE(what_is_no_socket_is_left_alone) {
  const Folder folder;
  const std::string path = folder.at("mqtt.sock");
  std::ofstream(path) << "a letter";
  const std::string why = refusal_of([&] { UvUnixListener(loop, path, 0660, ignore); });
  BOOST_TEST(contains(why, "something else than a socket"));
  std::string text;
  std::getline(std::ifstream(path), text);
  BOOST_TEST(text == "a letter");
}

BOOST_AUTO_TEST_CASE(paths_that_cannot_be_are_refused_in_a_sentence) {
  const Folder folder;
  BOOST_TEST(contains(refusal_of([&] {
                        UvUnixListener(loop, folder.at(std::string(108, 's').c_str()), 0660,
                                       ignore);
                      }),
                      "1 to 107 bytes"));
  BOOST_TEST(contains(
      refusal_of([&] { UvUnixListener(loop, folder.at("nowhere/mqtt.sock"), 0660, ignore); }),
      "no such file or directory"));
}

BOOST_AUTO_TEST_CASE(a_socket_that_is_another_ones_by_now_is_not_removed) {
  const Folder folder;
  const std::string path = folder.at("mqtt.sock");
  auto first = std::make_unique<UvUnixListener>(loop, path, 0660, ignore);
  std::filesystem::rename(path, folder.at("moved"));
  const UvUnixListener second(loop, path, 0660, ignore);
  first.reset();
  BOOST_TEST(static_cast<bool>(connect_unix(path)));
}

// --- Names, interfaces, families

BOOST_AUTO_TEST_CASE(a_name_is_bound_at_all_its_addresses_with_one_port) {
  const UvListener listener(loop, bind_listener({"localhost", 0}), ignore);
  const auto endpoints = listener.local_endpoints();
  BOOST_REQUIRE(!endpoints.empty());
  for (const Endpoint& endpoint : endpoints) {
    BOOST_TEST(endpoint.is_loopback());
    BOOST_TEST(endpoint.port == endpoints.front().port);
    BOOST_TEST(static_cast<bool>(connect_tcp(endpoint)));
  }
}

BOOST_AUTO_TEST_CASE(an_interface_is_bound_at_its_addresses) {
  ListenAddress at;
  at.interface = "lo";
  at.family = AddressFamily::ipv4;
  const UvListener listener(loop, bind_listener(at), ignore);
  const auto endpoints = listener.local_endpoints();
  BOOST_REQUIRE(!endpoints.empty());
  for (const Endpoint& endpoint : endpoints) BOOST_TEST(endpoint.is_v4());
  BOOST_TEST(endpoints.front().is_loopback());
}

BOOST_AUTO_TEST_CASE(one_family_only_means_it) {
  const UvListener v4(loop, bind_listener({"", 0, "lo", AddressFamily::ipv4}), ignore);
  BOOST_TEST(v4.local_endpoint().is_v4());
  const UvListener wild(loop, bind_listener({"", 0, "", AddressFamily::ipv4}), ignore);
  BOOST_TEST(wild.local_endpoints().size() == 1U);
  BOOST_TEST(wild.local_endpoint().is_v4());
  BOOST_TEST(contains(refusal_of([] {
                        bind_listener({"127.0.0.1", 0, "", AddressFamily::ipv6});
                      }),
                      "it has no IPv6 address here"));
}

BOOST_AUTO_TEST_CASE(a_host_without_ipv6_serves_ipv4) {
  SocketCalls calls;
  calls.open = [](int family, int type, int protocol) {
    if (family == AF_INET6) {
      errno = EAFNOSUPPORT;
      return -1;
    }
    return ::socket(family, type, protocol);
  };
  const ListeningSockets bound = bind_listener({}, calls);
  BOOST_REQUIRE(bound.sockets.size() == 1U);
  BOOST_TEST(local_endpoint_of(bound.sockets.front().get()).is_v4());
}

BOOST_AUTO_TEST_CASE(addresses_that_cannot_be_bound_are_refused_in_a_sentence) {
  BOOST_TEST(refusal_of([] {
               bind_listener({"", 0, "no-such-if"});
             })
             == "there is no network interface \"no-such-if\"");
  BOOST_TEST(contains(refusal_of([] {
                        bind_listener({"192.0.2.7", 0});
                      }),
                      "cannot listen on 192.0.2.7:0: "));
  BOOST_TEST(contains(refusal_of([] {
                        bind_listener({"127.0.0.1", 0, "no-such-if"});
                      }),
                      "no network interface"));
  const ListeningSockets first = bind_listener({"127.0.0.1", 0});
  const Endpoint taken = local_endpoint_of(first.sockets.front().get());
  BOOST_TEST(refusal_of([&] {
               bind_listener({"127.0.0.1", taken.port});
             })
             == "cannot listen on " + taken.to_text() + ": address already in use by "
                    + ourselves());
}

// --- Beside them

BOOST_AUTO_TEST_CASE(all_signals_of_a_daemon_are_calls_on_the_loop) {
  std::vector<int> got;
  const UvSignals signals(
      loop,
      [&](int signal) {
        got.push_back(signal);
        if (got.size() == UvSignals::all().size()) loop.stop();
      },
      UvSignals::all());
  for (const int signal : UvSignals::all()) ::raise(signal);
  run();
  std::vector<int> expected = UvSignals::all();
  std::sort(got.begin(), got.end());
  std::sort(expected.begin(), expected.end());
  BOOST_TEST(got == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(memory_that_is_taken_is_seen) {
  const std::uint64_t before = heap_bytes_in_use();
  std::vector<std::uint8_t> much(64U << 20U, 1);
  BOOST_TEST(heap_bytes_in_use() >= before + (32U << 20U));
  BOOST_TEST(much.back() == 1);
}

BOOST_AUTO_TEST_SUITE_END()
