#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <set>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "starling/limits.hpp"

#include "src/uv/bound_port.hpp"
#include "src/uv/port_holder.hpp"
#include "src/uv/socket_address.hpp"
#include "src/uv/uv_datagram.hpp"
#include "src/uv/uv_resolver.hpp"
#include "tests/unit/uv/loop_fixture.hpp"

using namespace starling;
using namespace starling::test;
using namespace std::chrono_literals;

namespace {

const Endpoint any_address{};  // [::]:0

bool host_has_ipv6() {
  const UniqueFd fd{::socket(AF_INET6, SOCK_STREAM, 0)};
  if (!fd) return false;
  try {
    bind_port(with_port(loopback_v6, 0), PortUse::tcp);
  } catch (const std::runtime_error&) {
    return false;
  }
  return true;
}

int refuse_ipv6_sockets(int family, int type, int protocol) {
  if (family == AF_INET6) {
    errno = EAFNOSUPPORT;
    return -1;
  }
  return ::socket(family, type, protocol);
}

int refuse_ipv6_addresses(int fd, const sockaddr* address, socklen_t size) {
  if (address->sa_family == AF_INET6) {
    errno = EADDRNOTAVAIL;
    return -1;
  }
  return ::bind(fd, address, size);
}

/// Two threads of a test meet here.
class Gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(uv_network, LoopFixture)

// --- Binding ---

BOOST_AUTO_TEST_CASE(a_port_in_use_is_refused_in_a_sentence_with_the_address) {
  const BoundPort first = bind_port(loopback_v4, PortUse::tcp);
  const Endpoint taken = with_port(loopback_v4, first.port);
  const std::string expected =
      "cannot listen on " + taken.to_text() + ": address already in use by " + ourselves();
  BOOST_CHECK_EXCEPTION(bind_port(taken, PortUse::tcp), std::runtime_error,
                        [&](const std::runtime_error& error) { return error.what() == expected; });
}

BOOST_AUTO_TEST_CASE(a_udp_port_in_use_is_refused_by_the_pair) {
  // The number may happen to be taken in TCP too, by anybody on this host: then another one.
  std::string told;
  std::string expected = "never tried";
  for (int attempt = 0; attempt < 20 && told != expected; ++attempt) {
    const BoundPort first = bind_port(loopback_v4, PortUse::udp);
    const Endpoint taken = with_port(loopback_v4, first.port);
    expected =
        "cannot listen on UDP " + taken.to_text() + ": address already in use by " + ourselves();
    try {
      bind_port(taken, PortUse::tcp_and_udp);
    } catch (const std::runtime_error& error) {
      told = error.what();
    }
  }
  BOOST_TEST(told == expected);
}

BOOST_AUTO_TEST_CASE(who_has_a_port_is_known_by_the_address_it_stands_in_the_way_of) {
  for (const PortUse use : {PortUse::tcp, PortUse::udp}) {
    const BoundPort v4 = bind_port(loopback_v4, use);
    BOOST_TEST(holder_of(use, with_port(loopback_v4, v4.port)) == ourselves());
    BOOST_TEST(holder_of(use, with_port(Endpoint::v4({0, 0, 0, 0}, 0), v4.port)) == ourselves());
    BOOST_TEST(holder_of(use, with_port(Endpoint::v4({127, 0, 0, 9}, 0), v4.port)) == "");
    const BoundPort v6 = bind_port(with_port(loopback_v6, 0), use);
    BOOST_TEST(holder_of(use, with_port(loopback_v6, v6.port)) == ourselves());
  }
}

BOOST_AUTO_TEST_CASE(an_address_of_nobody_here_is_refused) {
  BOOST_CHECK_EXCEPTION(bind_port(*Endpoint::parse("192.0.2.1:1"), PortUse::tcp),
                        std::runtime_error, [](const std::runtime_error& error) {
                          return std::string_view(error.what()).find("no interface of this host")
                                 != std::string_view::npos;
                        });
}

BOOST_AUTO_TEST_CASE(a_pair_has_one_number_in_both_protocols_and_families) {
  const BoundPort pair = bind_port(any_address, PortUse::tcp_and_udp);
  BOOST_TEST(pair.port != 0);
  BOOST_TEST(static_cast<bool>(pair.tcp.v4));
  BOOST_TEST(static_cast<bool>(pair.udp.v4));
  for (const UniqueFd* socket : {&pair.tcp.v4, &pair.tcp.v6, &pair.udp.v4, &pair.udp.v6}) {
    if (!*socket) continue;
    BOOST_TEST(local_endpoint_of(socket->get()).port == pair.port);
  }
}

BOOST_AUTO_TEST_CASE(a_pair_tries_again_when_udp_has_taken_the_number) {
  // Every UDP bind fails three times: only another number of the kernel helps.
  static int refusals = 0;
  refusals = 3;
  SocketCalls calls;
  calls.bind = [](int fd, const sockaddr* address, socklen_t size) {
    int type = 0;
    socklen_t type_size = sizeof type;
    ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size);
    if (type == SOCK_DGRAM && refusals-- > 0) {
      errno = EADDRINUSE;
      return -1;
    }
    return ::bind(fd, address, size);
  };
  const BoundPort pair = bind_port(loopback_v4, PortUse::tcp_and_udp, calls);
  BOOST_TEST(pair.port != 0);
  BOOST_TEST(static_cast<bool>(pair.udp.v4));
}

BOOST_AUTO_TEST_CASE(a_host_without_ipv6_gets_ipv4_alone) {
  SocketCalls no_sockets;
  no_sockets.open = refuse_ipv6_sockets;
  SocketCalls no_addresses;
  no_addresses.bind = refuse_ipv6_addresses;
  for (const SocketCalls& calls : {no_sockets, no_addresses}) {
    const BoundPort pair = bind_port(any_address, PortUse::tcp_and_udp, calls);
    BOOST_TEST(static_cast<bool>(pair.tcp.v4));
    BOOST_TEST(static_cast<bool>(pair.udp.v4));
    BOOST_TEST(!pair.tcp.v6);
    BOOST_TEST(!pair.udp.v6);
  }
  BOOST_CHECK_THROW(bind_port(loopback_v6, PortUse::tcp, no_sockets), std::runtime_error);
}

BOOST_AUTO_TEST_CASE(a_host_without_any_family_is_refused) {
  SocketCalls calls;
  calls.open = [](int, int, int) {
    errno = EAFNOSUPPORT;
    return -1;
  };
  BOOST_CHECK_THROW(bind_port(any_address, PortUse::tcp_and_udp, calls), std::runtime_error);
}

// --- Listening and dialling ---

BOOST_AUTO_TEST_CASE(a_listener_on_the_unspecified_address_takes_both_families) {
  std::vector<std::unique_ptr<ByteStream>> accepted;
  const std::size_t expected = host_has_ipv6() ? 2 : 1;
  UvListener listener(loop, any_address, [&](std::unique_ptr<ByteStream> stream) {
    accepted.push_back(std::move(stream));
    if (accepted.size() == expected) loop.stop();
  });
  const std::uint16_t port = listener.local_endpoint().port;
  UvDialer dialer(loop);
  std::vector<std::unique_ptr<ByteStream>> dialled;
  const auto keep = [&](Result<std::unique_ptr<ByteStream>> result) {
    if (result.ok()) dialled.push_back(std::move(*result));
  };
  dialer.dial(with_port(loopback_v4, port), keep);
  dialer.dial(with_port(loopback_v6, port), keep);
  run();
  BOOST_TEST(accepted.size() == expected);
}

BOOST_AUTO_TEST_CASE(a_destroyed_listener_frees_its_port_at_once_even_from_its_own_callback) {
  std::unique_ptr<UvListener> listener;
  Endpoint at;
  listener = std::make_unique<UvListener>(loop, loopback_v4, [&](std::unique_ptr<ByteStream>) {
    listener.reset();
    loop.stop();
  });
  at = listener->local_endpoint();
  UvDialer dialer(loop);
  dialer.dial(at, [](const auto&) {});
  run();
  BOOST_TEST(bind_port(at, PortUse::tcp).port == at.port);
}

BOOST_AUTO_TEST_CASE(a_refused_dial_says_where_and_why_and_never_from_inside_the_call) {
  const std::uint16_t port = bind_port(loopback_v4, PortUse::tcp).port;  // and closed again
  UvDialer dialer(loop);
  bool inside = true;
  std::string what;
  dialer.dial(with_port(loopback_v4, port), [&](Result<std::unique_ptr<ByteStream>> result) {
    BOOST_TEST(!inside);
    BOOST_REQUIRE(!result.ok());
    BOOST_TEST((result.error().code == Errc::unreachable));
    what = result.error().what;
    loop.stop();
  });
  inside = false;
  run();
  BOOST_TEST(what
             == "cannot connect to " + with_port(loopback_v4, port).to_text()
                    + ": connection refused");
}

BOOST_AUTO_TEST_CASE(an_address_that_cannot_be_dialled_at_all_is_an_error_of_the_next_turn) {
  UvDialer dialer(loop);
  bool inside = true;
  dialer.dial(*Endpoint::parse("255.255.255.255:9"), [&](const auto& result) {
    BOOST_TEST(!inside);
    BOOST_TEST(!result.ok());
    loop.stop();
  });
  inside = false;
  run();
}

BOOST_AUTO_TEST_CASE(a_dial_without_answer_ends_in_time) {
  // A listening socket whose backlog is full answers nobody.
  const UniqueFd silent{::socket(AF_INET, SOCK_STREAM, 0)};
  const BoundPort bound = bind_port(loopback_v4, PortUse::tcp);
  BOOST_REQUIRE(::listen(bound.tcp.v4.get(), 0) == 0);
  const Endpoint at = with_port(loopback_v4, bound.port);
  UvDialer dialer(loop, 50ms);
  std::vector<std::unique_ptr<ByteStream>> connected;
  std::string what;
  const TimePoint start = loop.now();
  for (int i = 0; i < 8; ++i) {
    dialer.dial(at, [&](Result<std::unique_ptr<ByteStream>> result) {
      if (result.ok()) return connected.push_back(std::move(*result));
      what = result.error().what;
      loop.stop();
    });
  }
  run();
  BOOST_TEST((loop.now() - start >= 50ms));
  BOOST_TEST(what == "cannot connect to " + at.to_text() + ": no answer within 50 ms");
}

BOOST_AUTO_TEST_CASE(a_destroyed_dialer_calls_nobody) {
  const BoundPort bound = bind_port(loopback_v4, PortUse::tcp);
  bool called = false;
  {
    UvDialer dialer(loop);
    dialer.dial(with_port(loopback_v4, bound.port), [&](const auto&) { called = true; });
    dialer.dial(*Endpoint::parse("255.255.255.255:9"), [&](const auto&) { called = true; });
  }
  loop.scheduler().wake_at(loop.now() + 5ms, [&] { loop.stop(); });
  run();
  BOOST_TEST(!called);
}

BOOST_AUTO_TEST_CASE(a_dialer_may_be_destroyed_by_the_one_it_calls) {
  const BoundPort bound = bind_port(loopback_v4, PortUse::tcp);
  auto dialer = std::make_unique<UvDialer>(loop);
  int calls = 0;
  for (int i = 0; i < 2; ++i) {
    dialer->dial(with_port(loopback_v4, bound.port), [&](const auto&) {
      ++calls;
      dialer.reset();
      loop.scheduler().wake_at(loop.now() + 3ms, [&] { loop.stop(); });
    });
  }
  run();
  BOOST_TEST(calls == 1);
}

BOOST_AUTO_TEST_CASE(accepting_rests_when_descriptors_run_out_and_resumes_when_there_are_some) {
  struct WarningCount : LogSink {
    [[nodiscard]] bool wants(LogLevel) const override { return true; }
    void write(LogLevel level, std::string_view event, std::initializer_list<LogField>) override {
      if (level == LogLevel::warn && event == "accept_paused") ++count;
    }
    int count = 0;
  } log;
  std::vector<std::unique_ptr<ByteStream>> accepted;
  UvListener listener(
      loop, loopback_v4,
      [&](std::unique_ptr<ByteStream> stream) {
        accepted.push_back(std::move(stream));
        loop.stop();
      },
      &log);
  UvDialer dialer(loop);
  std::vector<std::unique_ptr<ByteStream>> dialled;
  const auto keep = [&](Result<std::unique_ptr<ByteStream>> result) {
    if (result.ok()) dialled.push_back(std::move(*result));
  };
  // Once without shortage: the sanitizers need descriptors of their own for classes new to them.
  dialer.dial(listener.local_endpoint(), keep);
  static_cast<LogSink&>(log).warn("accept_paused");
  run();
  BOOST_TEST(accepted.size() == 1U);
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  dialer.dial(listener.local_endpoint(), keep);
  // From here on no new descriptor: the limit is set below the next free one.
  const int next_free = ::dup(0);
  ::close(next_free);
  const rlimit tight{static_cast<rlim_t>(next_free), before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &tight);
  // The stream that is open goes on all the while.
  Recorder there(std::move(accepted.front()));
  Recorder here(std::move(dialled.front()));
  loop.scheduler().wake_at(loop.now() + 50ms, [&] { here.send("still served"); });
  there.when_bytes = [&] { there.send("indeed"); };
  loop.scheduler().wake_at(loop.now() + 250ms, [&] {
    BOOST_TEST(accepted.size() == 1U);
    BOOST_TEST(log.count == 2);  // one of them is ours
    BOOST_TEST(there.received == "still served");
    BOOST_TEST(here.received == "indeed");
    ::setrlimit(RLIMIT_NOFILE, &before);
  });
  run();
  ::setrlimit(RLIMIT_NOFILE, &before);
  BOOST_TEST(accepted.size() == 2U);
  BOOST_TEST(log.count == 2);  // one of them is ours
}

// --- Datagrams ---

BOOST_AUTO_TEST_CASE(datagrams_cross_in_both_families) {
  UvDatagram a(loop, any_address);
  UvDatagram b(loop, any_address);
  BOOST_REQUIRE(a.local_v4().has_value());
  BOOST_REQUIRE(b.local_v4().has_value());
  std::multiset<std::string> got;
  const bool v6 = host_has_ipv6();
  b.set_handler([&](const Endpoint& from, ByteView bytes) {
    BOOST_TEST(from.is_loopback());
    got.insert(std::string(as_text(bytes)) + (from.is_v4() ? "/4" : "/6"));
    BOOST_TEST(from.port == (from.is_v4() ? a.local_v4() : a.local_v6())->port);
    if (got.size() == (v6 ? 2U : 1U)) loop.stop();
  });
  BOOST_TEST(a.send(with_port(loopback_v4, b.local_v4()->port), as_bytes("hello")) == 0);
  if (v6) BOOST_TEST(a.send(with_port(loopback_v6, b.local_v6()->port), as_bytes("hello")) == 0);
  run();
  BOOST_TEST(got.count("hello/4") == 1U);
  BOOST_TEST(got.count("hello/6") == (v6 ? 1U : 0U));
}

BOOST_AUTO_TEST_CASE(both_families_have_one_port) {
  const UvDatagram datagram(loop, any_address);
  if (datagram.local_v6()) BOOST_TEST(datagram.local_v6()->port == datagram.local_v4()->port);
}

BOOST_AUTO_TEST_CASE(a_family_that_is_not_there_is_unreachable) {
  SocketCalls calls;
  calls.open = refuse_ipv6_sockets;
  UvDatagram datagram(loop, bind_port(any_address, PortUse::udp, calls).udp);
  BOOST_TEST(!datagram.local_v6().has_value());
  BOOST_TEST(datagram.local_v4().has_value());
  BOOST_TEST(datagram.send(with_port(loopback_v6, 9), as_bytes("x")) == ENETUNREACH);
}

BOOST_AUTO_TEST_CASE(a_datagram_that_is_too_long_is_refused_with_its_errno) {
  UvDatagram datagram(loop, loopback_v4);
  const Bytes long_one(70'000);
  BOOST_TEST(datagram.send(with_port(loopback_v4, 9), long_one) == EMSGSIZE);
}

BOOST_AUTO_TEST_CASE(two_sockets_do_not_share_a_datagram_port) {
  const UvDatagram first(loop, loopback_v4);
  BOOST_CHECK_THROW(UvDatagram(loop, *first.local_v4()), std::runtime_error);
  // Not even with one that is ready to share.
  const UniqueFd other{::socket(AF_INET, SOCK_DGRAM, 0)};
  const int yes = 1;
  ::setsockopt(other.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const SocketAddress taken{*first.local_v4()};
  BOOST_TEST(::bind(other.get(), taken.get(), taken.size()) != 0);
}

BOOST_AUTO_TEST_CASE(a_datagram_socket_may_be_destroyed_by_its_handler) {
  UvDatagram a(loop, loopback_v4);
  auto b = std::make_unique<UvDatagram>(loop, loopback_v4);
  int calls = 0;
  b->set_handler([&](const Endpoint&, ByteView) {
    ++calls;
    b.reset();
    loop.scheduler().wake_at(loop.now() + 2ms, [&] { loop.stop(); });
  });
  const Endpoint to = *b->local_v4();
  for (int i = 0; i < 5; ++i) a.send(to, as_bytes("x"));
  run();
  BOOST_TEST(calls == 1);
}

BOOST_AUTO_TEST_CASE(an_empty_datagram_is_delivered_as_such) {
  UvDatagram a(loop, loopback_v4);
  UvDatagram b(loop, loopback_v4);
  std::size_t size = 99;
  b.set_handler([&](const Endpoint&, ByteView bytes) {
    size = bytes.size();
    loop.stop();
  });
  a.send(*b.local_v4(), {});
  run();
  BOOST_TEST(size == 0U);
}

// --- Names ---

BOOST_AUTO_TEST_CASE(literals_need_no_lookup) {
  UvResolver resolver(loop, [](const HostPort&) -> Result<std::vector<Endpoint>> {
    return Error{Errc::not_found, "nobody should have asked"};
  });
  std::string got;
  bool inside = true;
  const auto note = [&](Result<std::vector<Endpoint>> result) {
    BOOST_TEST(!inside);
    BOOST_REQUIRE(result.ok());
    got += result->front().to_text() + ' ';
    if (got.find(']') != std::string::npos) loop.stop();
  };
  resolver.resolve({"192.0.2.7", 1883}, note);
  resolver.resolve({"2001:db8::1", 21883}, note);
  inside = false;
  run();
  BOOST_TEST(got == "192.0.2.7:1883 [2001:db8::1]:21883 ");
}

BOOST_AUTO_TEST_CASE(localhost_is_found_by_the_system) {
  UvResolver resolver(loop);
  resolver.resolve({"localhost", 1883}, [&](Result<std::vector<Endpoint>> result) {
    BOOST_REQUIRE_MESSAGE(result.ok(), (result.ok() ? "" : result.error().what));
    for (const Endpoint& endpoint : *result) {
      BOOST_TEST(endpoint.is_loopback());
      BOOST_TEST(endpoint.port == 1883);
    }
    loop.stop();
  });
  run();
}

BOOST_AUTO_TEST_CASE(lookups_beyond_the_bound_wait_and_far_beyond_it_are_refused) {
  auto gate = std::make_shared<Gate>();
  UvResolver resolver(loop, [gate](const HostPort& host) -> Result<std::vector<Endpoint>> {
    gate->wait();
    return std::vector<Endpoint>{with_port(loopback_v4, host.port)};
  });
  const std::size_t all = limits::lookups_running_max + limits::lookups_waiting_max;
  std::size_t answered = 0;
  std::size_t refused = 0;
  for (std::size_t i = 0; i < all + 3; ++i) {
    resolver.resolve({"name", 1}, [&](Result<std::vector<Endpoint>> result) {
      if (result.ok())
        ++answered;
      else if (result.error().code == Errc::quota_exceeded)
        ++refused;
      if (refused == 3) gate->open();
      if (answered == all) loop.stop();
    });
  }
  run();
  BOOST_TEST(answered == all);
  BOOST_TEST(refused == 3U);
}

BOOST_AUTO_TEST_CASE(a_destroyed_resolver_calls_nobody_and_does_not_wait_for_its_threads) {
  auto gate = std::make_shared<Gate>();
  bool called = false;
  {
    UvResolver resolver(loop, [gate](const HostPort&) -> Result<std::vector<Endpoint>> {
      gate->wait();
      return std::vector<Endpoint>{};
    });
    resolver.resolve({"name", 1}, [&](const auto&) { called = true; });
  }
  gate->open();
  loop.scheduler().wake_at(loop.now() + 5ms, [&] { loop.stop(); });
  run();
  BOOST_TEST(!called);
}

BOOST_AUTO_TEST_SUITE_END()
