#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "src/app/sd_notify.hpp"

using namespace starling;
using namespace std::chrono_literals;

namespace {

/// systemd's end: a socket whose address stands in the environment.
struct Systemd {
  explicit Systemd(std::string name, char first) : address(std::move(name)) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::memcpy(at.sun_path, address.data(), address.size());
    at.sun_path[0] = first;
    socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const timeval patience{30, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
    BOOST_REQUIRE(::bind(socket, reinterpret_cast<const sockaddr*>(&at), size) == 0);
    ::setenv("NOTIFY_SOCKET", address.c_str(), 1);
  }
  ~Systemd() {
    ::close(socket);
    if (address.front() == '/') ::unlink(address.c_str());
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(name);
  }
  std::string hear() const {
    char text[256];
    const ssize_t size = ::recv(socket, text, sizeof text, 0);
    return size < 0 ? "nothing" : std::string(text, static_cast<std::size_t>(size));
  }

  std::string address;
  int socket = -1;
};

std::string some_path() {
  return (std::filesystem::temp_directory_path()
          / ("starling-notify-" + std::to_string(::getpid())))
      .string();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sd_notify)

BOOST_AUTO_TEST_CASE(systemd_hears_what_a_service_has_to_say) {
  const Systemd systemd(some_path(), '/');
  SystemdNotifier notifier;
  notifier.ready();
  BOOST_TEST(systemd.hear() == "READY=1");
  notifier.status("42 clients, 3 peers\nREADY=1");
  BOOST_TEST(systemd.hear() == "STATUS=42 clients, 3 peers");
  notifier.alive();
  BOOST_TEST(systemd.hear() == "WATCHDOG=1");
  notifier.reloading();
  BOOST_TEST(systemd.hear().starts_with("RELOADING=1\nMONOTONIC_USEC="));
  notifier.stopping();
  BOOST_TEST(systemd.hear() == "STOPPING=1");
}

BOOST_AUTO_TEST_CASE(an_address_outside_the_file_system_works_too) {
  const Systemd systemd("@starling-notify-" + std::to_string(::getpid()), '\0');
  SystemdNotifier().ready();
  BOOST_TEST(systemd.hear() == "READY=1");
}

BOOST_AUTO_TEST_CASE(children_do_not_inherit_the_address) {
  const Systemd systemd(some_path(), '/');
  const SystemdNotifier notifier;
  BOOST_TEST(std::getenv("NOTIFY_SOCKET") == nullptr);
}

BOOST_AUTO_TEST_CASE(a_watchdog_is_answered_twice_as_often_as_it_wants) {
  const Systemd systemd(some_path(), '/');
  ::setenv("WATCHDOG_USEC", "60000000", 1);
  BOOST_TEST((SystemdNotifier().alive_interval() == 30s));
  ::setenv("NOTIFY_SOCKET", systemd.address.c_str(), 1);
  ::setenv("WATCHDOG_USEC", "60000000", 1);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  BOOST_TEST((SystemdNotifier().alive_interval() == 30s));
}

BOOST_AUTO_TEST_CASE(a_watchdog_meant_for_another_process_is_not_answered) {
  const Systemd systemd(some_path(), '/');
  ::setenv("WATCHDOG_USEC", "60000000", 1);
  ::setenv("WATCHDOG_PID", "1", 1);
  BOOST_TEST(!SystemdNotifier().alive_interval().has_value());
}

BOOST_AUTO_TEST_CASE(without_systemd_nothing_happens) {
  ::unsetenv("NOTIFY_SOCKET");
  SystemdNotifier alone;
  alone.ready();
  BOOST_TEST(!alone.alive_interval().has_value());

  ::setenv("NOTIFY_SOCKET", ("/" + std::string(200, 'x')).c_str(), 1);
  SystemdNotifier too_long;
  too_long.ready();
  ::setenv("NOTIFY_SOCKET", "/nobody/listens/here", 1);
  SystemdNotifier nobody;
  nobody.ready();
}

BOOST_AUTO_TEST_SUITE_END()
