// Agenda: what happens next in a world. Virtual time moves from one entry to the next; entries of
// one instant run in the order they were asked for. Every entry belongs to a process on a host, or
// to the world itself: it runs under that host's clocks, not while the host is paused, and never
// after the process has ended.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "starling/port/scheduler.hpp"
#include "starling/time.hpp"

namespace starling::sim {

using HostNumber = std::uint32_t;
/// Of one life of a program on a host. 0: the world's own tasks.
using ProcessNumber = std::uint32_t;

/// How a host's clocks stand to the world's time.
struct HostClock {
  Duration steady_origin{};  ///< what its monotonic clock showed when the world began
  Duration unix_error{};     ///< its calendar minus the right one
  double drift = 0;          ///< of both clocks: 100e-6 gains 100 microseconds a second
};

class Agenda {
 public:
  using Task = std::function<void()>;

  explicit Agenda(std::uint64_t seed);
  ~Agenda();
  Agenda(const Agenda&) = delete;
  Agenda& operator=(const Agenda&) = delete;

  /// The world's time; its first instant is `beginning`.
  static constexpr TimePoint beginning{std::chrono::hours{1}};
  [[nodiscard]] TimePoint now() const { return now_; }

  // --- Hosts and processes
  HostNumber add_host(const HostClock& clock);
  ProcessNumber begin_process(HostNumber host);
  /// Forgets all its tasks. Not from inside one of them.
  void end_process(ProcessNumber process);
  [[nodiscard]] bool is_alive(ProcessNumber process) const { return processes_[process].is_alive; }
  [[nodiscard]] TimePoint local_now(HostNumber host) const;
  [[nodiscard]] UnixSeconds local_unix(HostNumber host) const;
  /// From a local instant to the world's, not before it.
  [[nodiscard]] TimePoint to_world(HostNumber host, TimePoint local) const;
  /// From the world's instant to the local one.
  [[nodiscard]] TimePoint to_local(HostNumber host, TimePoint world) const;
  void set_clock_error(HostNumber host, Duration unix_error);

  /// Nothing of a paused host runs; what became due runs when it goes on, in its order.
  void pause(HostNumber host);
  void resume(HostNumber host);
  /// Each task of the host takes so long, during which it does nothing else. Zero: no time at all.
  void set_task_time(HostNumber host, Duration time);

  // --- Tasks
  WakeId add(TimePoint when, ProcessNumber process, Task task);
  void cancel(WakeId id);
  /// When the present task has returned, and those of the turn's end before it.
  void at_turn_end(ProcessNumber process, Task task);
  void at_turn_commit(ProcessNumber process, Task task);
  /// Runs `task` as a task of `process`, now: for whoever enters a host from outside. The turn's end
  /// follows with that of the present task.
  template <class Act>
  auto inside(ProcessNumber process, Act act) {
    const ProcessNumber before = enter(process);
    struct Leave {
      Agenda& agenda;
      ProcessNumber to;
      ~Leave() { agenda.enter(to); }
    } leave{*this, before};
    return act();
  }

  /// Runs the next entry and its turn's end, if it is due at `latest` or before; else time moves to
  /// `latest` and the answer is false.
  bool run_next(TimePoint latest);
  /// Of what was asked for outside of any entry.
  void end_turn();
  [[nodiscard]] std::uint64_t tasks_run() const { return tasks_run_; }

 private:
  struct Entry {
    TimePoint when;
    std::uint64_t order;
    std::uint32_t slot;
    [[nodiscard]] bool before(const Entry& other) const {
      return when != other.when ? when < other.when : order < other.order;
    }
  };
  static constexpr HostNumber nobody = ~HostNumber{0};
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  struct Slot {
    Task task;
    std::uint32_t generation = 1;
    std::uint32_t place = 0;  // in the heap
    ProcessNumber process = 0;
    bool is_used = false;
    HostNumber wakes = nobody;  // no task of its own: this host runs the first one that it holds
    // Of the same process; a process that ends walks its own tasks, not those of the whole world.
    std::uint32_t next = none;
    std::uint32_t before = none;
  };
  struct Host {
    HostClock clock;
    Duration task_time{};
    TimePoint busy_until{};
    bool is_paused = false;
    bool will_wake = false;
    std::vector<std::uint32_t> held;  // slots that became due while it could not run them, in order
  };
  struct Process {
    HostNumber host = 0;
    bool is_alive = true;
    std::uint32_t first_slot = none;
  };
  struct TurnTask {
    ProcessNumber process;
    Task task;
  };

  ProcessNumber enter(ProcessNumber process);
  void set_clocks();
  std::uint32_t take_slot(ProcessNumber process);
  /// What a host holds runs when it can.
  void wake(HostNumber host);
  void insert(TimePoint when, std::uint32_t slot);
  void remove_at(std::size_t place);
  void sift_up(std::size_t place);
  void sift_down(std::size_t place);
  void put(std::size_t place, const Entry& entry);
  void free_slot(std::uint32_t slot);
  bool run_queue(std::vector<TurnTask>& queue);

  TimePoint now_ = beginning;
  std::uint64_t last_order_ = 0;
  std::uint64_t tasks_run_ = 0;
  ProcessNumber inside_ = 0;
  std::vector<Entry> heap_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::vector<Host> hosts_;
  std::vector<Process> processes_;
  std::vector<TurnTask> turn_end_;
  std::vector<TurnTask> commits_;
};

/// The Scheduler port of one process; its destruction ends the process.
class SimScheduler final : public Scheduler {
 public:
  SimScheduler(Agenda& agenda, HostNumber host)
      : agenda_(agenda), host_(host), process_(agenda.begin_process(host)) {}
  ~SimScheduler() override { agenda_.end_process(process_); }
  SimScheduler(const SimScheduler&) = delete;
  SimScheduler& operator=(const SimScheduler&) = delete;

  [[nodiscard]] TimePoint now() const override { return agenda_.local_now(host_); }
  [[nodiscard]] UnixSeconds unix_now() const override { return agenda_.local_unix(host_); }
  WakeId wake_at(TimePoint when, Task task) override {
    return agenda_.add(agenda_.to_world(host_, when), process_, std::move(task));
  }
  void cancel(WakeId id) override { agenda_.cancel(id); }
  void at_turn_end(Task task) override { agenda_.at_turn_end(process_, std::move(task)); }
  void at_turn_commit(Task task) override { agenda_.at_turn_commit(process_, std::move(task)); }

  [[nodiscard]] ProcessNumber process() const { return process_; }
  [[nodiscard]] HostNumber host() const { return host_; }
  [[nodiscard]] Agenda& agenda() const { return agenda_; }

 private:
  Agenda& agenda_;
  HostNumber host_;
  ProcessNumber process_;
};

}  // namespace starling::sim
