// Poller: the loop of the load generator, on epoll. Not UvLoop: here nothing may stand between the
// socket and the counters, loads decide themselves what happens between two turns, and sources are
// bound to addresses of their choice.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "starling/time.hpp"

#include "src/uv/unique_fd.hpp"

namespace starling::bench {

/// One thread. SIGINT and SIGTERM are taken while it lives: the first is told by interrupted(), the
/// second ends the process.
class Poller {
 public:
  class Source {
   public:
    Source() = default;
    Source(const Source&) = delete;
    Source& operator=(const Source&) = delete;
    /// `events`: EPOLLIN and so on. May throw; must not destroy sources.
    virtual void on_ready(std::uint32_t events) = 0;

   protected:
    ~Source() = default;
  };

  /// Throws TroubleError if the system gives no epoll.
  Poller();
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  /// Watches for input, and with `for_output` for room to write. `source` must live until forget()
  /// and may be destroyed between turns only.
  void watch(int fd, Source& source, bool for_output);
  void change(int fd, Source& source, bool for_output);
  void forget(int fd);

  /// Waits until something is ready, `until` at most, and calls who is ready.
  void turn(TimePoint until);

  /// Asked once per turn, after the wait.
  [[nodiscard]] TimePoint now() const { return now_; }
  /// Asks the clock.
  TimePoint refresh_now();
  /// Somebody has pressed Ctrl-C.
  [[nodiscard]] bool interrupted() const { return interrupted_; }
  /// Of all sources, ever: tells whether anything still comes.
  [[nodiscard]] std::uint64_t bytes_read() const { return bytes_read_; }
  void count_read(std::size_t size) { bytes_read_ += size; }
  /// What sources read into; good until on_ready() returns.
  [[nodiscard]] std::span<std::uint8_t> scratch() { return scratch_; }

 private:
  void control(int how, int fd, Source* source, bool for_output);
  void take_signal();

  UniqueFd epoll_;
  UniqueFd signals_;
  std::vector<std::uint8_t> scratch_;
  TimePoint now_;
  std::uint64_t bytes_read_ = 0;
  bool interrupted_ = false;
};

}  // namespace starling::bench
