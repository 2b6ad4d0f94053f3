// InterfaceWatch, in a network namespace of the test's own: its loopback interface comes and goes.
#include <cerrno>
#include <fcntl.h>
#include <net/if.h>
#include <optional>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "src/uv/interface_addresses.hpp"
#include "src/uv/interface_watch.hpp"
#include "src/uv/unique_fd.hpp"
#include "tests/unit/uv/loop_fixture.hpp"

using namespace starling;
using namespace starling::test;

namespace {

/// This thread in a network of its own, as long as it lives.
class PrivateNetwork {
 public:
  PrivateNetwork() : before_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
    BOOST_REQUIRE(before_);
    is_inside_ = ::unshare(CLONE_NEWNET) == 0;
  }
  ~PrivateNetwork() {
    if (is_inside_) BOOST_CHECK(::setns(before_.get(), CLONE_NEWNET) == 0);
  }
  PrivateNetwork(const PrivateNetwork&) = delete;
  PrivateNetwork& operator=(const PrivateNetwork&) = delete;
  [[nodiscard]] bool is_inside() const { return is_inside_; }

  static void set_loopback(bool up) {
    const UniqueFd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    request.ifr_name[0] = 'l';
    request.ifr_name[1] = 'o';
    request.ifr_flags = static_cast<short>(up ? IFF_UP : 0);
    BOOST_REQUIRE(::ioctl(any.get(), SIOCSIFFLAGS, &request) == 0);
  }

 private:
  UniqueFd before_;
  bool is_inside_ = false;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(interface_watch)

BOOST_FIXTURE_TEST_CASE(an_interface_that_comes_or_goes_is_told_once, LoopFixture) {
  const PrivateNetwork network;
  if (!network.is_inside()) {
    BOOST_TEST_MESSAGE("skipped: a network namespace of its own needs root");
    return;
  }
  int told = 0;
  std::optional<InterfaceWatch> watch;
  watch.emplace(loop, [&] {
    ++told;
    loop.stop();
  });
  BOOST_REQUIRE(watch->is_open());
  BOOST_TEST(interface_endpoints(1).empty());
  network.set_loopback(true);
  run();
  BOOST_TEST(told == 1);
  BOOST_TEST(!interface_endpoints(1).empty());
  network.set_loopback(false);
  run();
  BOOST_TEST(told == 2);
  BOOST_TEST(interface_endpoints(1).empty());
}

BOOST_FIXTURE_TEST_CASE(a_watch_may_be_destroyed_by_what_it_tells, LoopFixture) {
  const PrivateNetwork network;
  if (!network.is_inside()) return;
  std::optional<InterfaceWatch> watch;
  watch.emplace(loop, [&] {
    watch.reset();
    loop.stop();
  });
  network.set_loopback(true);
  run();
  BOOST_TEST(!watch.has_value());
}

BOOST_AUTO_TEST_SUITE_END()
