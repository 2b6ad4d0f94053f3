#include "src/uv/interface_watch.hpp"

#include <array>
#include <cerrno>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <utility>

#include "src/uv/unique_fd.hpp"
#include "src/uv/uv_core.hpp"
#include "src/uv/uv_loop.hpp"
#include "src/uv/uv_scheduler.hpp"

namespace starling {
namespace {

// One change of a network is a burst of messages: link, addresses, routes.
constexpr Duration burst_pause = std::chrono::milliseconds(100);

UniqueFd open_socket() {
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  // Links too: an address does not count before its interface runs, and then only the link changes.
  address.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
  if (fd && ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    fd.reset();
  }
  return fd;
}

/// Throws away what waits: that something has changed is all we need to know. True if there was
/// something; messages that the kernel had to drop count.
bool drain(int fd) {
  std::array<char, 8192> scratch;
  bool any = false;
  for (int rounds = 0; rounds < 64; ++rounds) {  // the rest, if it never ends, in the next turn
    const auto got = ::recv(fd, scratch.data(), scratch.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno != ENOBUFS) break;
    any = true;
  }
  return any;
}

}  // namespace

class InterfaceWatch::Core final : public UvCore {
 public:
  explicit Core(InterfaceWatch& owner) : owner_(owner) {}

  void open(UvLoop& loop) {
    fd_ = open_socket();
    if (!fd_ || uv_poll_init(loop.native(), &handle_, fd_.get()) != 0) return;
    own_handle(handle_);
    uv_unref(reinterpret_cast<uv_handle_t*>(&handle_));
    const int error = uv_poll_start(&handle_, UV_READABLE, [](uv_poll_t* handle, int, int) {
      auto& core = static_cast<Core&>(UvCore::of(handle));
      if (core.is_open() && drain(core.fd_.get())) core.owner_.tell_soon();
    });
    if (error != 0) close_handle();
  }

 private:
  InterfaceWatch& owner_;
  UniqueFd fd_;  // outlives the handle: the core dies after its close callback
  uv_poll_t handle_{};
};

InterfaceWatch::InterfaceWatch(UvLoop& loop, std::function<void()> on_change)
    : loop_(loop), on_change_(std::move(on_change)), core_(std::make_shared<Core>(*this)) {
  core_->open(loop);
}

InterfaceWatch::~InterfaceWatch() {
  loop_.scheduler().cancel(wake_);
  core_->close_handle();
}

bool InterfaceWatch::is_open() const {
  return core_->is_open();
}

void InterfaceWatch::tell_soon() {
  if (wake_) return;
  wake_ = loop_.scheduler().wake_at(loop_.now() + burst_pause, [this] {
    wake_ = {};
    const auto on_change = on_change_;  // it may destroy us
    on_change();
  });
}

}  // namespace starling
