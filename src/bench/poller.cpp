#include "src/bench/poller.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>

#include "src/bench/exit_status.hpp"

namespace starling::bench {
namespace {

constexpr std::size_t scratch_size = 256U << 10U;  // bytes of one read
constexpr std::size_t events_per_turn = 256;       // then publishers fill up
constexpr unsigned long timer_slack_ns = 1'000;    // of 50 us by default: waits would end that late
constexpr auto wait_max = std::chrono::seconds(1);  // whatever the caller asks

[[noreturn]] void give_up(const char* call) {
  throw TroubleError({ExitStatus::failed, std::string(call) + ": " + std::strerror(errno)});
}

sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

Poller::Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), scratch_(scratch_size) {
  if (!epoll_) give_up("epoll_create1");
  const sigset_t set = ending_signals();
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  signals_.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) give_up("signalfd");
  control(EPOLL_CTL_ADD, signals_.get(), nullptr, false);
  ::prctl(PR_SET_TIMERSLACK, timer_slack_ns);
  refresh_now();
}

Poller::~Poller() {
  const sigset_t set = ending_signals();
  ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

TimePoint Poller::refresh_now() {
  now_ = TimePoint{std::chrono::steady_clock::now().time_since_epoch()};
  return now_;
}

void Poller::control(int how, int fd, Source* source, bool for_output) {
  epoll_event event{};
  event.events = EPOLLIN | (for_output ? EPOLLOUT : 0U);
  event.data.ptr = source;
  if (::epoll_ctl(epoll_.get(), how, fd, &event) != 0) give_up("epoll_ctl");
}

void Poller::watch(int fd, Source& source, bool for_output) {
  control(EPOLL_CTL_ADD, fd, &source, for_output);
}

void Poller::change(int fd, Source& source, bool for_output) {
  control(EPOLL_CTL_MOD, fd, &source, for_output);
}

void Poller::forget(int fd) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

void Poller::turn(TimePoint until) {
  std::array<epoll_event, events_per_turn> events;  // NOLINT: filled before it is read
  const Duration wait = std::clamp<Duration>(until - refresh_now(), Duration::zero(), wait_max);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(wait);
  const timespec timeout{seconds.count(), (wait - seconds).count()};
  const int count = ::epoll_pwait2(epoll_.get(), events.data(), static_cast<int>(events.size()),
                                   &timeout, nullptr);
  if (count < 0 && errno != EINTR) give_up("epoll_pwait2 (Linux 5.11 or later is needed)");
  refresh_now();
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.ptr == nullptr)
      take_signal();
    else
      static_cast<Source*>(event.data.ptr)->on_ready(event.events);
  }
}

void Poller::take_signal() {
  signalfd_siginfo info;  // NOLINT: filled before it is read
  if (::read(signals_.get(), &info, sizeof(info)) != sizeof(info)) return;
  interrupted_ = true;
  // Whoever presses Ctrl-C again wants no report.
  const sigset_t set = ending_signals();
  ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace starling::bench
