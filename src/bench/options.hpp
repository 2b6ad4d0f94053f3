// What a run is asked to do. The command line fills it (src/cli); complete() puts in what depends on
// the load, and says what cannot be.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "starling/endpoint.hpp"
#include "starling/publication.hpp"
#include "starling/result.hpp"

#include "src/mqtt/packet.hpp"

namespace starling::bench {

enum class Load : std::uint8_t {
  pairs,           ///< n publishers, each with a subscriber of its own topics
  fan_out,         ///< one publisher, n subscribers of its topics
  fan_in,          ///< n publishers, one subscriber of everything
  wildcard,        ///< pairs whose subscribers ask with + and #, and filters that match nothing
  publish,         ///< n publishers, and no subscriber of ours
  retained,        ///< n retained messages to a new subscriber
  offline_drain,   ///< sessions that come back to what was queued for them
  connections,     ///< n connections, at once or at a rate, held idle
  tls_handshakes,  ///< connect, shake hands, leave; again and again
};

/// As it is written on the command line: "fan-out".
const char* to_text(Load load);
/// All of them, in the order of the help page.
const std::vector<Load>& all_loads();

struct Options {
  Load load = Load::pairs;

  // --- Where to
  HostPort publish_at{"localhost", 1883};
  HostPort subscribe_at{"localhost", 1883};
  mqtt::ProtocolVersion protocol = mqtt::ProtocolVersion::v3_1_1;
  std::optional<std::string> user_name;
  std::optional<std::string> password;
  std::uint16_t keep_alive_s = 60;  ///< 0: none

  // --- TLS
  bool tls = false;
  bool insecure = false;  ///< whoever answers is believed
  bool resume = false;    ///< tls-handshakes: come back with the ticket of the time before
  std::string ca_file;    ///< empty: those the system trusts
  std::string certificate_file;
  std::string key_file;

  // --- How much. 0: what fits the load
  std::uint32_t clients = 0;
  std::uint32_t topics = 1;      ///< per publisher
  std::uint32_t publishers = 0;  ///< offline-drain: that fill the queues; 0: one for each session
  QoS qos = QoS::at_most_once;
  bool qos_is_asked = false;       ///< else loads that need an acknowledgement take QoS 1
  std::uint64_t size = 64;         ///< bytes of payload
  double seconds = 5;              ///< measured
  std::optional<double> warmup_s;  ///< before that
  std::uint64_t messages = 0;      ///< in total; 0: for `seconds`
  std::uint32_t window = 0;        ///< messages under way per publisher, closed loop
  double rate = 0;                 ///< per second in total (messages; connections); 0: closed loop
  std::uint64_t filters = 0;       ///< wildcard: filters that match nothing
  std::uint32_t connecting = 100;  ///< connections being made at a time
  double hold_s = 0;               ///< connections: how long they idle before memory is read
  std::string topic;               ///< prefix of all topics; empty: one of this run alone

  /// Of this run alone: in client ids, and in the default of `topic`. complete() makes it.
  std::string run;

  // --- What is said
  std::vector<std::uint32_t> pids;  ///< brokers whose CPU and memory are read
  bool json = false;
  bool quiet = false;
};

/// Puts in the defaults of the load and a topic prefix of this run.
/// Errors: protocol_error, in words for the person who typed it: what cannot be together or is out
/// of its range, and what to write instead.
Result<void> complete(Options& options);

/// Payloads from here on carry who sent them, when, and as which; smaller ones are told apart by
/// topic and order.
inline constexpr std::uint64_t stamp_size = 16;               // bytes
inline constexpr std::uint32_t window_max = 30'000;           // half of the packet ids there are
inline constexpr std::uint32_t unstamped_window_max = 4'096;  // whose send times are remembered
inline constexpr std::uint32_t topic_digits = 7;              // of a stream's number in its topic
inline constexpr std::uint64_t streams_max = 4'000'000;

}  // namespace starling::bench
