// SystemTopics: the $SYS tree that dashboards read, with Mosquitto's names, formats and habits
// (mosquitto(8), "BROKER STATUS"): each value is retained, and published again only when it changed.
// Values that only Starling has stand beside them under $SYS/broker/starling.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "starling/port/scheduler.hpp"

#include "src/broker/broker.hpp"

namespace starling {

/// What the broker does not know, read anew for each round.
struct SystemReadings {
  std::int64_t heap_bytes = 0;        ///< memory in use now
  std::int64_t sockets_accepted = 0;  ///< client connections since the start, also failed ones
  std::int64_t output_packets = 0;    ///< written, and waiting for slow readers' sockets now
  std::int64_t output_bytes = 0;      ///< the same
  /// More of ours: the rest of a topic below "$SYS/broker/starling/", and its value. No two alike,
  /// none that BrokerCounters gives.
  std::vector<std::pair<std::string, std::int64_t>> more;
};

class SystemTopics {
 public:
  using Read = std::function<SystemReadings()>;

  /// Scheduler and broker outlive it. `interval_s`: seconds between rounds; 0: never, then there is
  /// no $SYS at all.
  SystemTopics(Scheduler& scheduler, Broker& broker, std::uint32_t interval_s, Read read);
  ~SystemTopics();
  SystemTopics(const SystemTopics&) = delete;
  SystemTopics& operator=(const SystemTopics&) = delete;

  /// Publishes the first round at once, so that a dashboard finds every name, and goes on. Not from
  /// inside a verb of the broker. Uptime counts from here.
  void start();
  /// The settings were read again. With 0 the last values stay where they are.
  void set_interval(std::uint32_t interval_s);

 private:
  /// Per minute, averaged over 1, 5 and 15 minutes that fade exponentially.
  struct Load {
    std::int64_t counted = 0;  // the counter at the round before
    std::array<double, 3> per_minute{};
  };

  void run_round();
  void publish_clients(const BrokerCounters& counters);
  void publish_loads(const BrokerCounters& counters, std::int64_t sockets_accepted);
  void publish_traffic(const BrokerCounters& counters);
  void publish_stores(const BrokerCounters& counters, const SystemReadings& readings);
  void publish_ours(const BrokerCounters& counters, const SystemReadings& readings);

  /// `name`: below "$SYS/broker/".
  void publish_load(std::string_view name, std::int64_t counter, double seconds);
  void publish_number(std::string_view name, std::int64_t value);
  void publish_text(std::string_view name, std::string text);

  Scheduler& scheduler_;
  Broker& broker_;
  std::uint32_t interval_s_;
  Read read_;
  bool started_ = false;
  TimePoint started_at_{};
  TimePoint last_round_at_{};
  std::int64_t heap_maximum_ = 0;
  std::map<std::string, Load, std::less<>> loads_;
  std::map<std::string, std::string, std::less<>> published_;  // what stands at each name
  WakeId wake_;
};

}  // namespace starling
