#include "src/app/sd_notify.hpp"

#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace starling {
namespace {

std::string take_from_environment(const char* name) {
  const char* value = std::getenv(name);
  std::string text = value == nullptr ? "" : value;
  ::unsetenv(name);
  return text;
}

std::optional<std::uint64_t> to_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || read.ec != std::errc{} || read.ptr != text.data() + text.size())
    return std::nullopt;
  return number;
}

}  // namespace

SystemdNotifier::SystemdNotifier() : address_(take_from_environment("NOTIFY_SOCKET")) {
  const auto watchdog_us = to_number(take_from_environment("WATCHDOG_USEC"));
  const auto watched = to_number(take_from_environment("WATCHDOG_PID"));
  // A path, or '@' and a name outside the file system.
  const bool is_address = address_.starts_with('/') || address_.starts_with('@');
  if (!is_address || address_.size() >= sizeof(sockaddr_un::sun_path)) return;
  socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const bool meant_for_us = !watched || *watched == static_cast<std::uint64_t>(::getpid());
  if (watchdog_us && *watchdog_us > 1 && meant_for_us)
    alive_interval_ = std::chrono::microseconds(*watchdog_us / 2);
}

SystemdNotifier::~SystemdNotifier() {
  if (socket_ >= 0) ::close(socket_);
}

void SystemdNotifier::reloading() {
  std::timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const auto since = std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(since).count();
  send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(us));
}

void SystemdNotifier::status(std::string_view text) {
  const std::string_view first_line = text.substr(0, text.find('\n'));
  send(std::string("STATUS=").append(first_line));
}

void SystemdNotifier::send(std::string_view message) {
  if (socket_ < 0) return;
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, address_.data(), address_.size());
  if (to.sun_path[0] == '@') to.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  // Nobody to tell is no reason to stop.
  (void)::sendto(socket_, message.data(), message.size(), MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&to), size);
}

}  // namespace starling
