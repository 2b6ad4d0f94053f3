#include "simulations/world/agenda.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "starling/check.hpp"

#include "simulations/world/virtual_clocks.hpp"

namespace starling::sim {
namespace {

// The calendar of every world begins here (2023-11-14), so that runs do not depend on the day.
constexpr std::chrono::seconds unix_beginning{1'700'000'000};

}  // namespace

Agenda::Agenda(std::uint64_t seed) {
  STARLING_CHECK(
      !virtual_clocks::is_running());  // the standard clocks can show one world's time only
  virtual_clocks::start(seed);
  processes_.emplace_back();  // 0: the world
  set_clocks();
}

Agenda::~Agenda() {
  virtual_clocks::stop();
}

// --- Hosts and processes

HostNumber Agenda::add_host(const HostClock& clock) {
  Host host;
  host.clock = clock;
  hosts_.push_back(std::move(host));
  return static_cast<HostNumber>(hosts_.size() - 1);
}

ProcessNumber Agenda::begin_process(HostNumber host) {
  processes_.push_back({host});
  return static_cast<ProcessNumber>(processes_.size() - 1);
}

void Agenda::end_process(ProcessNumber process) {
  STARLING_CHECK(inside_ != process && process != 0);
  processes_[process].is_alive = false;
  auto& held = hosts_[processes_[process].host].held;
  std::erase_if(held, [&](std::uint32_t slot) { return slots_[slot].process == process; });
  while (processes_[process].first_slot != none) {
    const std::uint32_t slot = processes_[process].first_slot;
    if (slots_[slot].place != none) remove_at(slots_[slot].place);
    free_slot(slot);
  }
  const auto is_of_it = [&](const TurnTask& task) { return task.process == process; };
  std::erase_if(turn_end_, is_of_it);
  std::erase_if(commits_, is_of_it);
}

TimePoint Agenda::to_local(HostNumber host, TimePoint world) const {
  const HostClock& clock = hosts_[host].clock;
  if (clock.drift == 0) return world + clock.steady_origin;
  const auto passed = static_cast<double>((world - beginning).count());
  return world + clock.steady_origin
         + Duration{static_cast<Duration::rep>(std::llround(passed * clock.drift))};
}

TimePoint Agenda::to_world(HostNumber host, TimePoint local) const {
  const HostClock& clock = hosts_[host].clock;
  const TimePoint undrifted = local - clock.steady_origin;
  if (clock.drift == 0) return undrifted;
  const auto passed = static_cast<double>((undrifted - beginning).count());
  TimePoint world =
      beginning + Duration{static_cast<Duration::rep>(std::ceil(passed / (1 + clock.drift)))};
  while (to_local(host, world) < local) world += Duration{1};  // rounding must not wake too early
  return world;
}

TimePoint Agenda::local_now(HostNumber host) const {
  return to_local(host, now_);
}

UnixSeconds Agenda::local_unix(HostNumber host) const {
  const HostClock& clock = hosts_[host].clock;
  const Duration passed = local_now(host) - clock.steady_origin - beginning;
  return std::chrono::floor<std::chrono::seconds>(unix_beginning + passed + clock.unix_error)
      .count();
}

void Agenda::set_clock_error(HostNumber host, Duration unix_error) {
  hosts_[host].clock.unix_error = unix_error;
}

void Agenda::pause(HostNumber host) {
  hosts_[host].is_paused = true;
}

void Agenda::resume(HostNumber host) {
  hosts_[host].is_paused = false;
  wake(host);
}

void Agenda::wake(HostNumber number) {
  Host& host = hosts_[number];
  if (host.will_wake || host.is_paused || host.held.empty()) return;
  host.will_wake = true;
  const std::uint32_t slot = take_slot(0);
  slots_[slot].wakes = number;
  insert(std::max(now_, host.busy_until), slot);
}

void Agenda::set_task_time(HostNumber host, Duration time) {
  hosts_[host].task_time = time;
}

ProcessNumber Agenda::enter(ProcessNumber process) {
  const ProcessNumber before = std::exchange(inside_, process);
  if (before != process) set_clocks();
  return before;
}

/// The standard clocks show what the host inside shows.
void Agenda::set_clocks() {
  if (inside_ == 0) {
    virtual_clocks::set(now_.time_since_epoch(), unix_beginning + (now_ - beginning));
    return;
  }
  const HostNumber host = processes_[inside_].host;
  const HostClock& clock = hosts_[host].clock;
  const TimePoint local = local_now(host);
  virtual_clocks::set(
      local.time_since_epoch(),
      unix_beginning + (local - clock.steady_origin - beginning) + clock.unix_error);
}

// --- Tasks

std::uint32_t Agenda::take_slot(ProcessNumber process) {
  std::uint32_t slot = 0;
  if (free_slots_.empty()) {
    slot = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  Slot& taken = slots_[slot];
  taken.is_used = true;
  taken.wakes = nobody;
  taken.process = process;
  std::uint32_t& first = processes_[process].first_slot;
  taken.before = none;
  taken.next = first;
  if (first != none) slots_[first].before = slot;
  first = slot;
  return slot;
}

WakeId Agenda::add(TimePoint when, ProcessNumber process, Task task) {
  const std::uint32_t slot = take_slot(process);
  slots_[slot].task = std::move(task);
  insert(std::max(when, now_), slot);
  return {std::uint64_t{slots_[slot].generation} << 32U | slot};
}

void Agenda::cancel(WakeId id) {
  const auto slot = static_cast<std::uint32_t>(id.value);
  if (!id || slot >= slots_.size()) return;
  Slot& found = slots_[slot];
  if (!found.is_used || found.generation != id.value >> 32U) return;
  if (found.place != none) {
    remove_at(found.place);
  } else {
    std::erase(hosts_[processes_[found.process].host].held, slot);
  }
  free_slot(slot);
}

void Agenda::free_slot(std::uint32_t slot) {
  Slot& freed = slots_[slot];
  ++freed.generation;
  freed.is_used = false;
  if (freed.next != none) slots_[freed.next].before = freed.before;
  (freed.before != none ? slots_[freed.before].next : processes_[freed.process].first_slot) =
      freed.next;
  free_slots_.push_back(slot);
  // Last: what the task owned may come back here while it dies.
  const Task task = std::exchange(freed.task, nullptr);
}

void Agenda::at_turn_end(ProcessNumber process, Task task) {
  turn_end_.push_back({process, std::move(task)});
}
void Agenda::at_turn_commit(ProcessNumber process, Task task) {
  commits_.push_back({process, std::move(task)});
}

bool Agenda::run_queue(std::vector<TurnTask>& queue) {
  if (queue.empty()) return false;
  for (TurnTask& each : std::exchange(queue, {})) {
    if (!processes_[each.process].is_alive) continue;
    enter(each.process);
    each.task();
  }
  return true;
}

void Agenda::end_turn() {
  while (run_queue(turn_end_) || run_queue(commits_)) {
  }
  enter(0);
}

bool Agenda::run_next(TimePoint latest) {
  while (!heap_.empty() && heap_.front().when <= latest) {
    const Entry first = heap_.front();
    remove_at(0);
    if (first.when > now_) {
      now_ = first.when;
      set_clocks();
    }
    std::uint32_t slot = first.slot;
    if (slots_[slot].wakes != nobody) {
      Host& host = hosts_[slots_[slot].wakes];
      free_slot(slot);
      host.will_wake = false;
      if (host.is_paused || host.held.empty()) continue;
      slot = host.held.front();
      host.held.erase(host.held.begin());
    } else if (slots_[slot].process != 0) {
      // Whatever is due later waits behind what is held.
      Host& host = hosts_[processes_[slots_[slot].process].host];
      if (host.is_paused || host.busy_until > now_ || !host.held.empty()) {
        host.held.push_back(slot);
        wake(processes_[slots_[slot].process].host);
        continue;
      }
    }
    const ProcessNumber process = slots_[slot].process;
    if (process != 0) {
      const HostNumber number = processes_[process].host;
      if (hosts_[number].task_time > Duration::zero())
        hosts_[number].busy_until = now_ + hosts_[number].task_time;
      wake(number);
    }
    const Task task = std::exchange(slots_[slot].task, nullptr);
    free_slot(slot);
    ++tasks_run_;
    enter(process);
    task();
    end_turn();
    return true;
  }
  now_ = std::max(now_, latest);
  set_clocks();
  return false;
}

// --- The heap: four children a node, the place of each entry known to its slot

void Agenda::insert(TimePoint when, std::uint32_t slot) {
  heap_.push_back({when, ++last_order_, slot});
  slots_[slot].place = static_cast<std::uint32_t>(heap_.size() - 1);
  sift_up(heap_.size() - 1);
}

void Agenda::put(std::size_t place, const Entry& entry) {
  heap_[place] = entry;
  slots_[entry.slot].place = static_cast<std::uint32_t>(place);
}

void Agenda::remove_at(std::size_t place) {
  slots_[heap_[place].slot].place = none;
  const Entry last = heap_.back();
  heap_.pop_back();
  if (place == heap_.size()) return;
  put(place, last);
  sift_up(place);
  sift_down(slots_[last.slot].place);
}

void Agenda::sift_up(std::size_t place) {
  const Entry moving = heap_[place];
  while (place > 0) {
    const std::size_t parent = (place - 1) / 4;
    if (!moving.before(heap_[parent])) break;
    put(place, heap_[parent]);
    place = parent;
  }
  put(place, moving);
}

void Agenda::sift_down(std::size_t place) {
  const Entry moving = heap_[place];
  for (;;) {
    const std::size_t first = place * 4 + 1;
    if (first >= heap_.size()) break;
    const std::size_t end = std::min(first + 4, heap_.size());
    std::size_t least = first;
    for (std::size_t child = first + 1; child < end; ++child)
      if (heap_[child].before(heap_[least])) least = child;
    if (!heap_[least].before(moving)) break;
    put(place, heap_[least]);
    place = least;
  }
  put(place, moving);
}

}  // namespace starling::sim
