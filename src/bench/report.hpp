// Report: what a run has found out, as JSON with stable names and as text for people.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/bench/exit_status.hpp"
#include "src/bench/histogram.hpp"
#include "src/bench/options.hpp"
#include "src/bench/process_meter.hpp"

namespace starling::bench {

struct Report {
  /// Of the whole run, warm-up included.
  struct Messages {
    std::uint64_t sent = 0;
    std::uint64_t acknowledged = 0;  ///< QoS 1 and 2: of those sent
    std::uint64_t expected = 0;      ///< deliveries that are owed for what was sent
    std::uint64_t delivered = 0;     ///< each once
    std::uint64_t duplicated = 0;    ///< deliveries beyond that
    std::uint64_t reordered = 0;     ///< came after a later one of their stream
    std::uint64_t foreign = 0;       ///< of somebody else, on our topics
    [[nodiscard]] std::uint64_t lost() const {
      return expected > delivered ? expected - delivered : 0;
    }
  };
  /// Of the measured time alone. Rates are for each second.
  struct Measured {
    double seconds = 0;
    std::uint64_t sent = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t delivered = 0;
    [[nodiscard]] double per_s(std::uint64_t count) const {
      return seconds > 0 ? static_cast<double>(count) / seconds : 0;
    }
  };
  struct Connections {
    std::uint64_t made = 0;
    double seconds = 0;
  };
  struct Handshakes {
    std::uint64_t made = 0;
    std::uint64_t resumed = 0;
    double seconds = 0;
  };
  struct Retained {
    std::uint64_t published = 0;
    double publish_s = 0;
    std::uint64_t received = 0;
    double first_s = 0;  ///< from SUBSCRIBE to the first one
    double last_s = 0;   ///< from SUBSCRIBE to the last one
  };
  struct Offline {
    std::uint64_t sessions = 0;
    std::uint64_t queued = 0;
    double queue_s = 0;
    double queue_cpu_s = 0;  ///< of the processes, for that
    std::uint64_t drained = 0;
    double drain_s = 0;  ///< from the first CONNECT to the last message
  };
  struct Filters {
    std::uint64_t count = 0;
    double seconds = 0;
  };
  /// Memory of the brokers that grew with the things a load has brought.
  struct Memory {
    std::string per;  ///< "connection", "filter", "retained message", "queued message"
    std::uint64_t count = 0;
    std::uint64_t before = 0;  ///< bytes
    std::uint64_t after = 0;
    [[nodiscard]] double bytes_each() const {
      return count == 0 ? 0
                        : (static_cast<double>(after) - static_cast<double>(before))
                              / static_cast<double>(count);
    }
  };

  std::optional<Messages> messages;
  std::optional<Measured> measured;
  /// What `latency` is of: "publish to delivery", "CONNECT to CONNACK", ...; empty: of nothing.
  std::string latency_of;
  Histogram latency;
  std::optional<Connections> connections;
  std::optional<Handshakes> handshakes;
  std::optional<Retained> retained;
  std::optional<Offline> offline;
  std::optional<Filters> filters;
  std::optional<Memory> memory;
  std::vector<ProcessUsage> processes;
  /// What one CPU-second of the processes is worth: "messages" and how many of them there were.
  std::uint64_t work = 0;
  std::string work_of;
  /// What we have used ourselves in the measured time, of one core.
  double own_cpu_s = 0;
  double own_seconds = 0;
  bool interrupted = false;
  std::optional<Trouble> trouble;

  [[nodiscard]] double cpu_s() const;
  [[nodiscard]] double own_share() const { return own_seconds > 0 ? own_cpu_s / own_seconds : 0; }
  /// 0 if no process was named.
  [[nodiscard]] double work_per_cpu_s() const {
    return cpu_s() > 0 ? static_cast<double>(work) / cpu_s() : 0;
  }
};

/// One object on one line. `"schema":1`: names stay, new ones may come.
std::string to_json(const Options& options, const Report& report, const std::string& date);
/// Some lines, the last one ended.
std::string to_text(const Options& options, const Report& report);

/// Trouble's; else failed if QoS 1 or 2 messages were lost; else ok.
ExitStatus exit_status_of(const Options& options, const Report& report);

}  // namespace starling::bench
