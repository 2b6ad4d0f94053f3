// A world on virtual time for DHT engines: one agenda, one network of datagrams with latency and
// loss, nodes with the real dht::Dht in them. One seed, one thread.
#pragma once

#include <cerrno>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "starling/port/log.hpp"
#include "starling/port/scheduler.hpp"
#include "starling/port/stream.hpp"

#include "dht/opendht/dht_engine.hpp"
#include "simulations/world/virtual_clocks.hpp"

namespace starling::testing {

using namespace std::chrono_literals;

class SilentLog final : public LogSink {
 public:
  [[nodiscard]] bool wants(LogLevel) const override { return false; }
  void write(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
};

class VirtualWorld;

/// The Scheduler of one node; all of a world share one agenda, each may have a date of its own.
class VirtualScheduler final : public Scheduler {
 public:
  explicit VirtualScheduler(VirtualWorld& world) : world_(world) {}
  [[nodiscard]] TimePoint now() const override;
  [[nodiscard]] UnixSeconds unix_now() const override;
  WakeId wake_at(TimePoint when, Task task) override;
  void cancel(WakeId id) override;
  void at_turn_end(Task task) override;
  void at_turn_commit(Task task) override { at_turn_end(std::move(task)); }

  std::chrono::seconds clock_error{};  // how far this node's calendar is off

 private:
  VirtualWorld& world_;
};

class VirtualDatagram final : public Datagram {
 public:
  VirtualDatagram(VirtualWorld& world, const Endpoint& endpoint);
  ~VirtualDatagram() override;
  void set_handler(OnDatagram handler) override { handler_ = std::move(handler); }
  int send(const Endpoint& to, ByteView bytes) override;
  [[nodiscard]] std::optional<Endpoint> local_v4() const override {
    return endpoint_.is_v4() ? std::optional(endpoint_) : std::nullopt;
  }
  [[nodiscard]] std::optional<Endpoint> local_v6() const override {
    return endpoint_.is_v4() ? std::nullopt : std::optional(endpoint_);
  }
  void receive(const Endpoint& from, ByteView bytes) {
    if (handler_) handler_(from, bytes);
  }

 private:
  VirtualWorld& world_;
  Endpoint endpoint_;
  OnDatagram handler_;
};

class VirtualWorld {
 public:
  explicit VirtualWorld(std::uint64_t seed = 1) : random_(seed) {
    virtual_clocks::start(seed);
    set_time(now_);
  }
  ~VirtualWorld() { virtual_clocks::stop(); }
  VirtualWorld(const VirtualWorld&) = delete;
  VirtualWorld& operator=(const VirtualWorld&) = delete;

  /// Runs all that is due until `duration` has passed.
  void run_for(Duration duration) {
    const TimePoint end = now_ + duration;
    run_turn_ends();
    while (!agenda_.empty() && agenda_.begin()->first.first <= end) {
      const auto first = agenda_.begin();
      set_time(std::max(now_, first->first.first));
      const auto task = std::move(first->second);
      by_id_.erase(first->first.second);
      agenda_.erase(first);
      task();
      run_turn_ends();
    }
    set_time(end);
  }
  /// Runs until `condition`; false if it does not come true within `patience`.
  template <class Condition>
  bool run_until(Condition condition, Duration patience) {
    for (const TimePoint end = now_ + patience; now_ < end;) {
      if (condition()) return true;
      run_for(10ms);
    }
    return condition();
  }

  [[nodiscard]] TimePoint now() const { return now_; }
  [[nodiscard]] UnixSeconds unix_now() const {
    return unix_origin_s
           + std::chrono::duration_cast<std::chrono::seconds>(now_.time_since_epoch()).count();
  }

  double loss = 0;  // share of datagrams that vanish
  Duration latency_min = 10ms;
  Duration latency_max = 40ms;
  std::uint64_t datagrams = 0;
  std::uint64_t digest = 14'695'981'039'346'656'037U;  // FNV-1a over what was sent, when, to whom
  std::function<void(const Endpoint& from, const Endpoint& to, ByteView)> on_datagram;
  std::function<bool(const Endpoint& from, const Endpoint& to)> is_cut;

 private:
  friend class VirtualScheduler;
  friend class VirtualDatagram;
  static constexpr std::int64_t unix_origin_s = 1'700'000'000;

  void set_time(TimePoint now) {
    now_ = now;
    virtual_clocks::set(now.time_since_epoch(),
                        std::chrono::seconds(unix_origin_s) + now.time_since_epoch());
  }
  void run_turn_ends() {
    while (!turn_ends_.empty()) {
      const auto tasks = std::exchange(turn_ends_, {});
      for (const auto& task : tasks) task();
    }
  }
  std::uint64_t add(TimePoint when, std::function<void()> task) {
    const std::pair key{when, ++last_id_};
    agenda_.emplace(key, std::move(task));
    by_id_.emplace(last_id_, when);
    return last_id_;
  }
  void note(ByteView bytes) {
    for (const std::uint8_t byte : bytes) digest = (digest ^ byte) * 1'099'511'628'211U;
  }
  int send(const Endpoint& from, const Endpoint& to, ByteView bytes) {
    if (from.is_v4() != to.is_v4()) return ENETUNREACH;
    ++datagrams;
    const auto instant = static_cast<std::uint64_t>(now_.time_since_epoch().count());
    Bytes head;
    ByteWriter writer(head);
    writer.write_u64(instant);
    writer.write_bytes(to.address);
    writer.write_u16(to.port);
    note(head);
    note(bytes);
    if (on_datagram) on_datagram(from, to, bytes);
    if (is_cut && is_cut(from, to)) return 0;
    if (std::uniform_real_distribution(0.0, 1.0)(random_) < loss) return 0;
    const Duration latency(
        std::uniform_int_distribution(latency_min.count(), latency_max.count())(random_));
    add(now_ + latency, [this, from, to, copy = Bytes(bytes.begin(), bytes.end())] {
      const auto receiver = sockets_.find(to);
      if (receiver != sockets_.end()) receiver->second->receive(from, copy);
    });
    return 0;
  }

  TimePoint now_{1h};
  std::mt19937_64 random_;
  std::map<std::pair<TimePoint, std::uint64_t>, std::function<void()>> agenda_;
  std::map<std::uint64_t, TimePoint> by_id_;
  std::vector<std::function<void()>> turn_ends_;
  std::map<Endpoint, VirtualDatagram*> sockets_;
  std::uint64_t last_id_ = 0;
};

inline TimePoint VirtualScheduler::now() const {
  return world_.now();
}
inline UnixSeconds VirtualScheduler::unix_now() const {
  return world_.unix_now() + clock_error.count();
}
inline WakeId VirtualScheduler::wake_at(TimePoint when, Task task) {
  return {world_.add(std::max(when, world_.now()), std::move(task))};
}
inline void VirtualScheduler::cancel(WakeId id) {
  const auto found = world_.by_id_.find(id.value);
  if (found == world_.by_id_.end()) return;
  world_.agenda_.erase({found->second, id.value});
  world_.by_id_.erase(found);
}
inline void VirtualScheduler::at_turn_end(Task task) {
  world_.turn_ends_.push_back(std::move(task));
}

inline VirtualDatagram::VirtualDatagram(VirtualWorld& world, const Endpoint& endpoint)
    : world_(world), endpoint_(endpoint) {
  world_.sockets_[endpoint] = this;
}
inline VirtualDatagram::~VirtualDatagram() {
  world_.sockets_.erase(endpoint_);
}
inline int VirtualDatagram::send(const Endpoint& to, ByteView bytes) {
  return world_.send(endpoint_, to, bytes);
}

/// One DHT node of the world. Destroying it is pulling the plug.
struct VirtualNode {
  VirtualNode(VirtualWorld& world, const Endpoint& at, const DhtSettings& settings = {})
      : endpoint(at),
        scheduler(world),
        socket(world, at),
        engine(settings, socket, scheduler, log) {}
  Endpoint endpoint;
  SilentLog log;
  VirtualScheduler scheduler;
  VirtualDatagram socket;
  DhtEngine engine;
};

/// Addresses differ in every byte that OpenDHT's per-address bookkeeping looks at.
inline Endpoint virtual_endpoint(unsigned number) {
  return Endpoint::v4(
      {20, static_cast<std::uint8_t>(number >> 8U), static_cast<std::uint8_t>(number), 7}, 4000);
}

}  // namespace starling::testing
