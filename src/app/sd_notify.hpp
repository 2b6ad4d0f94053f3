// What systemd wants to hear of a service of Type=notify [sd_notify(3)]: a datagram to the socket
// that NOTIFY_SOCKET names. Without systemd all of it does nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace starling {

class SystemdNotifier {
 public:
  /// Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and takes them out of the environment, so
  /// that no child speaks for us.
  SystemdNotifier();
  ~SystemdNotifier();
  SystemdNotifier(const SystemdNotifier&) = delete;
  SystemdNotifier& operator=(const SystemdNotifier&) = delete;

  /// All listeners are bound.
  void ready() { send("READY=1"); }
  /// The settings are being read again; ready() ends it.
  void reloading();
  void stopping() { send("STOPPING=1"); }
  void alive() { send("WATCHDOG=1"); }
  /// One line for `systemctl status`: "42 clients, 3 peers".
  void status(std::string_view text);

  /// How often alive() is to be called: half of what systemd waits for; nullopt: it does not watch.
  [[nodiscard]] std::optional<std::chrono::microseconds> alive_interval() const {
    return alive_interval_;
  }

 private:
  void send(std::string_view message);

  int socket_ = -1;
  std::string address_;
  std::optional<std::chrono::microseconds> alive_interval_;
};

}  // namespace starling
