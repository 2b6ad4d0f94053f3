// HeavyWork: how much of what takes long is done in one turn, and who is next. A thousand clients
// that subscribe, connect or leave at once are a second of work, in which everybody else must be
// served too.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <utility>

#include "starling/ids.hpp"
#include "starling/port/scheduler.hpp"

namespace starling {

class HeavyWork {
 public:
  using Serve = std::function<void(ConnectionId)>;

  /// Begun in one turn; a weight is about a microsecond.
  static constexpr std::size_t weight_max = 1'000;

  /// `serve` calls the client that had to wait, if it is still there. `scheduler` outlives us.
  HeavyWork(Scheduler& scheduler, Serve serve) : scheduler_(scheduler), serve_(std::move(serve)) {}
  ~HeavyWork() { scheduler_.cancel(wake_); }
  HeavyWork(const HeavyWork&) = delete;
  HeavyWork& operator=(const HeavyWork&) = delete;

  /// Whether `who` may do so much now; it counts as done. Who hears no is served in a later turn,
  /// those first who asked first, and the first question from inside serve() is answered with yes.
  bool take(ConnectionId who, std::size_t weight);

 private:
  void serve_waiting();
  void serve_in_next_turn();

  Scheduler& scheduler_;
  Serve serve_;
  std::size_t done_ = 0;  // in this turn
  std::deque<ConnectionId> waiting_;
  ConnectionId serving_;  // may take; zero: nobody
  WakeId wake_;
};

}  // namespace starling
