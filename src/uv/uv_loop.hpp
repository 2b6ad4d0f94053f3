// UvLoop: owns the libuv loop and says what a turn is. Callbacks run, then the tasks of the turn's
// end, then every output that was touched is written once; then the loop sleeps. Not thread-safe
// (see UvInbox).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "starling/output_buffer.hpp"
#include "starling/time.hpp"

struct uv_loop_s;

namespace starling {

class UvScheduler;

/// Something with output that leaves at the end of the turn.
class TurnOutput {
 public:
  TurnOutput() = default;
  TurnOutput(const TurnOutput&) = delete;
  TurnOutput& operator=(const TurnOutput&) = delete;
  /// Called once for each flush_later(). Must not call handlers: whoever has news tells them by
  /// at_turn_end.
  virtual void flush_turn() = 0;

 protected:
  ~TurnOutput() = default;

 private:
  friend class UvLoop;
  bool dirty_ = false;
};

class UvLoop {
 public:
  using Task = std::function<void()>;

  /// Throws std::runtime_error if the system gives no loop. From here on the process ignores
  /// SIGPIPE.
  UvLoop();
  /// Every adapter made with this loop must be gone. Drops the streams that still flush, waits for
  /// jobs of workers that run at this moment, calls nobody.
  ~UvLoop();
  UvLoop(const UvLoop&) = delete;
  UvLoop& operator=(const UvLoop&) = delete;

  /// Returns only after stop(); at once if stop() came first.
  void run();
  /// Lets run() return when the turn has ended, outputs flushed. From the loop's thread, also from
  /// callbacks.
  void stop();

  [[nodiscard]] UvScheduler& scheduler() { return *scheduler_; }

  /// How long a stream that is closed may still send (default limits::close_flush_max). Holds for
  /// closes to come: a node that is asked to end makes it short.
  void set_close_flush_max(Duration longest) { close_flush_max_ = longest; }
  [[nodiscard]] Duration close_flush_max() const { return close_flush_max_; }

  // --- For the adapters of this room ---
  [[nodiscard]] uv_loop_s* native() { return loop_.get(); }
  /// Taken at the first question of a turn.
  [[nodiscard]] TimePoint now();
  void at_turn_end(Task task) { tasks_.push_back(std::move(task)); }
  void at_turn_commit(Task task) { commits_.push_back(std::move(task)); }
  /// Calls `output.flush_turn()` when this turn ends. `output` is either flushed or taken back by
  /// forget().
  void flush_later(TurnOutput& output);
  void forget(TurnOutput& output);
  /// Of the outputs of all sockets.
  [[nodiscard]] BufferPool& buffers() { return buffers_; }
  /// The read buffer all sockets share: valid until the read callback returns.
  [[nodiscard]] std::span<std::uint8_t> scratch() { return scratch_; }
  /// Numbers the turns, and may begin anew after four billion.
  [[nodiscard]] std::uint32_t turn() const { return turn_; }
  /// The next now() asks the clock again.
  void forget_now() { now_known_ = false; }

 private:
  struct Handles;
  void end_turn();

  std::unique_ptr<uv_loop_s> loop_;
  std::unique_ptr<Handles> handles_;
  std::vector<std::uint8_t> scratch_;
  BufferPool buffers_;
  std::vector<Task> tasks_;
  std::vector<Task> tasks_running_;
  std::vector<Task> commits_;
  std::vector<TurnOutput*> dirty_;
  std::vector<TurnOutput*> dirty_flushing_;
  std::uint32_t turn_ = 1;
  TimePoint now_;
  bool now_known_ = false;
  Duration close_flush_max_;
  std::unique_ptr<UvScheduler> scheduler_;
};

}  // namespace starling
