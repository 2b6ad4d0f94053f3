#include "src/bench/options.hpp"

#include <algorithm>
#include <random>

#include "starling/bytes.hpp"
#include "starling/topic.hpp"

namespace starling::bench {
namespace {

constexpr std::uint64_t size_max = 268'435'455 - 65'537 - 16;  // a packet's length less a topic
constexpr std::size_t prefix_max = 60'000;                     // bytes; room for what follows

Error wrong(std::string what) {
  return {Errc::protocol_error, std::move(what)};
}

bool needs_acknowledgements(Load load) {
  return load == Load::retained || load == Load::offline_drain;
}

std::uint32_t default_clients(Load load) {
  switch (load) {
    case Load::fan_out:
    case Load::fan_in:
      return 100;
    case Load::connections:
      return 1'000;
    case Load::tls_handshakes:
      return 8;
    case Load::retained:
    case Load::offline_drain:
      return 1;
    default:
      return 10;
  }
}

/// Mosquitto as it comes closes connections with more than 20 QoS 2 messages under way.
std::uint32_t default_window(const Options& options) {
  if (options.load == Load::fan_out) return 16;
  return options.qos == QoS::exactly_once ? 20 : 100;
}

std::string fresh_run() {
  std::random_device random;
  const std::uint32_t number = random();
  const std::array<std::uint8_t, 3> bytes{static_cast<std::uint8_t>(number),
                                          static_cast<std::uint8_t>(number >> 8U),
                                          static_cast<std::uint8_t>(number >> 16U)};
  return to_hex(bytes);
}

Result<void> check_topic(const std::string& prefix) {
  if (prefix.size() > prefix_max)
    return wrong("--topic may have " + std::to_string(prefix_max) + " bytes at most");
  if (prefix.find_first_of("+#") != std::string::npos || !TopicName::parse(prefix).ok())
    return wrong("--topic \"" + prefix + "\" is not a topic name: no + and no #");
  return {};
}

Result<void> check_numbers(const Options& options) {
  if (options.size > size_max)
    return wrong("--size may be " + std::to_string(size_max) + " bytes at most");
  if (options.window > window_max)
    return wrong("--window may be " + std::to_string(window_max) + " at most");
  if (options.size < stamp_size && options.window > unstamped_window_max)
    return wrong("--window may be " + std::to_string(unstamped_window_max)
                 + " at most with payloads below 16 bytes, which carry no stamp");
  if (options.rate < 0 || options.seconds <= 0 || options.hold_s < 0
      || options.warmup_s.value_or(0) < 0)
    return wrong("--seconds must be above 0, --rate, --hold and --warmup not below");
  if (options.topics == 0 || options.connecting == 0)
    return wrong("--topics and --connecting must be 1 at least");
  if (options.load == Load::retained && options.messages > streams_max)
    return wrong("retained takes " + std::to_string(streams_max) + " --messages at most");
  if (options.messages > 0 && options.warmup_s > 0.0 && !needs_acknowledgements(options.load))
    return wrong("--warmup goes with --seconds, not with --messages");
  if (std::uint64_t{options.clients} * options.topics > streams_max)
    return wrong("--clients times --topics may be " + std::to_string(streams_max) + " at most");
  return {};
}

Result<void> check_together(const Options& options) {
  const bool is_elsewhere = options.publish_at.to_text() != options.subscribe_at.to_text();
  if (is_elsewhere && options.size < stamp_size)
    return wrong(
        "with two brokers --size must be 16 at least: smaller payloads carry no stamp, "
        "so nobody could tell when the way is open");
  if (options.load == Load::offline_drain && options.qos == QoS::at_most_once)
    return wrong("offline-drain needs --qos 1 or 2: what is QoS 0 need not wait for a session");
  if (options.filters > 0 && options.load != Load::wildcard)
    return wrong("--filters belongs to the load wildcard");
  if (options.publishers > 0 && options.load != Load::offline_drain)
    return wrong("--publishers belongs to the load offline-drain; the others take --clients");
  if (options.resume && options.load != Load::tls_handshakes)
    return wrong("--resume belongs to the load tls-handshakes");
  if (options.hold_s > 0 && options.load != Load::connections)
    return wrong("--hold belongs to the load connections");
  if (options.certificate_file.empty() != options.key_file.empty())
    return wrong("--cert and --key belong together");
  if (options.password && !options.user_name && options.protocol != mqtt::ProtocolVersion::v5)
    return wrong("-P needs -u before MQTT 5 [MQTT-3.1.2-22]");
  return {};
}

}  // namespace

const char* to_text(Load load) {
  switch (load) {
    case Load::pairs:
      return "pairs";
    case Load::fan_out:
      return "fan-out";
    case Load::fan_in:
      return "fan-in";
    case Load::wildcard:
      return "wildcard";
    case Load::publish:
      return "publish";
    case Load::retained:
      return "retained";
    case Load::offline_drain:
      return "offline-drain";
    case Load::connections:
      return "connections";
    case Load::tls_handshakes:
      return "tls-handshakes";
  }
  return "unknown";
}

const std::vector<Load>& all_loads() {
  static const std::vector<Load> all{Load::pairs,         Load::fan_out,     Load::fan_in,
                                     Load::wildcard,      Load::publish,     Load::retained,
                                     Load::offline_drain, Load::connections, Load::tls_handshakes};
  return all;
}

Result<void> complete(Options& options) {
  if (options.clients == 0) options.clients = default_clients(options.load);
  if (options.publishers == 0 && options.load == Load::offline_drain)
    options.publishers = options.clients;
  if (options.window == 0) options.window = default_window(options);
  if (!options.qos_is_asked && needs_acknowledgements(options.load))
    options.qos = QoS::at_least_once;
  if (options.messages == 0 && needs_acknowledgements(options.load))
    options.messages = options.load == Load::retained ? 100'000 : 10'000;
  if (!options.warmup_s) options.warmup_s = options.messages > 0 ? 0 : 1;
  options.run = fresh_run();
  if (options.topic.empty()) options.topic = "bench/" + options.run;
  if (options.load == Load::tls_handshakes || !options.ca_file.empty() || options.insecure
      || !options.certificate_file.empty())
    options.tls = true;
  if (auto checked = check_topic(options.topic); !checked) return checked;
  if (auto checked = check_numbers(options); !checked) return checked;
  return check_together(options);
}

}  // namespace starling::bench
