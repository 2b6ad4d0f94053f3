#include "src/node/system_topics.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "starling/check.hpp"
#include "starling/version.hpp"

namespace starling {
namespace {

struct Window {
  std::string_view name;
  double seconds;
};
constexpr std::array<Window, 3> windows{{{"1min", 60.0}, {"5min", 300.0}, {"15min", 900.0}}};

std::string two_decimals(double value) {
  std::array<char, 400> text{};  // a double has at most 309 digits before the point
  const int size = std::snprintf(text.data(), text.size(), "%.2f", value);
  return {text.data(), static_cast<std::size_t>(size)};
}

std::string below(std::string_view folder, std::string_view name) {
  return std::string(folder).append("/").append(name);
}

}  // namespace

SystemTopics::SystemTopics(Scheduler& scheduler, Broker& broker, std::uint32_t interval_s,
                           Read read)
    : scheduler_(scheduler), broker_(broker), interval_s_(interval_s), read_(std::move(read)) {}

SystemTopics::~SystemTopics() {
  scheduler_.cancel(wake_);
}

void SystemTopics::start() {
  started_ = true;
  started_at_ = last_round_at_ = scheduler_.now();
  if (interval_s_ > 0) run_round();
}

void SystemTopics::set_interval(std::uint32_t interval_s) {
  if (interval_s == interval_s_) return;
  interval_s_ = interval_s;
  scheduler_.cancel(wake_);
  wake_ = {};
  if (started_ && interval_s_ > 0) run_round();
}

void SystemTopics::run_round() {
  const auto up = std::chrono::duration_cast<std::chrono::seconds>(scheduler_.now() - started_at_);
  const BrokerCounters counters = broker_.counters();  // as they were: publishing changes them
  const SystemReadings readings = read_();
  publish_text("version", std::string("starling version ") + version);
  publish_text("uptime", std::to_string(up.count()) + " seconds");
  publish_clients(counters);
  publish_loads(counters, readings.sockets_accepted);
  publish_traffic(counters);
  publish_stores(counters, readings);
  publish_ours(counters, readings);
  last_round_at_ = scheduler_.now();
  wake_ = scheduler_.wake_at(last_round_at_ + std::chrono::seconds{interval_s_},
                             [this] { run_round(); });
}

/// Mosquitto's two names of the same: "active" and "inactive" are the old ones.
void SystemTopics::publish_clients(const BrokerCounters& counters) {
  const std::int64_t away = counters.sessions - counters.clients_connected;
  publish_number("clients/total", counters.sessions);
  publish_number("clients/maximum", counters.sessions_maximum);
  publish_number("clients/connected", counters.clients_connected);
  publish_number("clients/active", counters.clients_connected);
  publish_number("clients/disconnected", away);
  publish_number("clients/inactive", away);
  publish_number("clients/expired", counters.sessions_expired);
}

void SystemTopics::publish_loads(const BrokerCounters& counters, std::int64_t sockets_accepted) {
  const double seconds = std::chrono::duration<double>(scheduler_.now() - last_round_at_).count();
  publish_load("messages/received", counters.packets_received, seconds);
  publish_load("messages/sent", counters.packets_sent, seconds);
  publish_load("publish/dropped", counters.dropped(), seconds);
  publish_load("publish/received", counters.publish_received, seconds);
  publish_load("publish/sent", counters.publish_sent, seconds);
  publish_load("bytes/received", counters.bytes_received, seconds);
  publish_load("bytes/sent", counters.bytes_sent, seconds);
  publish_load("sockets", sockets_accepted, seconds);
  publish_load("connections", counters.connections_accepted + counters.connections_refused,
               seconds);
}

/// "messages" are packets of any kind, "publish" are publications.
void SystemTopics::publish_traffic(const BrokerCounters& counters) {
  publish_number("messages/received", counters.packets_received);
  publish_number("messages/sent", counters.packets_sent);
  publish_number("bytes/received", counters.bytes_received);
  publish_number("bytes/sent", counters.bytes_sent);
  publish_number("publish/messages/received", counters.publish_received);
  publish_number("publish/messages/sent", counters.publish_sent);
  publish_number("publish/messages/dropped", counters.dropped());
  publish_number("publish/bytes/received", counters.publish_bytes_received);
  publish_number("publish/bytes/sent", counters.publish_bytes_sent);
}

void SystemTopics::publish_stores(const BrokerCounters& counters, const SystemReadings& readings) {
  const std::int64_t stored =
      counters.retained_messages + counters.queued_messages + counters.inflight_messages;
  heap_maximum_ = std::max(heap_maximum_, readings.heap_bytes);
  publish_number("messages/stored", stored);
  publish_number("store/messages/count", stored);
  publish_number("store/messages/bytes", counters.retained_bytes + counters.queued_bytes);
  publish_number("retained messages/count", counters.retained_messages);
  publish_number("subscriptions/count", counters.subscriptions);
  publish_number("shared_subscriptions/count", counters.shared_subscriptions);
  publish_number("heap/current", readings.heap_bytes);
  publish_number("heap/maximum", heap_maximum_);
  publish_number("packet/out/count", readings.output_packets);
  publish_number("packet/out/bytes", readings.output_bytes);
  publish_number("connections/socket/count", readings.sockets_accepted);
}

void SystemTopics::publish_ours(const BrokerCounters& counters, const SystemReadings& readings) {
  publish_number("starling/connections/refused", counters.connections_refused);
  publish_number("starling/connections/delayed", counters.connections_delayed);
  publish_number("starling/clients/connected/maximum", counters.clients_maximum);
  publish_number("starling/queued/count", counters.queued_messages);
  publish_number("starling/queued/bytes", counters.queued_bytes);
  publish_number("starling/inflight/count", counters.inflight_messages);
  publish_number("starling/retained/bytes", counters.retained_bytes);
  publish_number("starling/retained/refused", counters.retained_refused);
  publish_number("starling/dropped/qos0", counters.dropped_qos0);
  publish_number("starling/dropped/queue_full", counters.dropped_queue_full);
  publish_number("starling/dropped/too_large", counters.dropped_too_large);
  publish_number("starling/dropped/expired", counters.dropped_expired);
  publish_number("starling/denied/publish", counters.denied_publish);
  publish_number("starling/denied/receive", counters.denied_receive);
  publish_number("starling/refused/too_large", counters.refused_too_large);
  publish_number("starling/publishers/withheld", counters.publishers_withheld);
  publish_number("starling/readers/stalled", counters.readers_stalled);
  publish_number("starling/mesh/publish/received", counters.publish_from_mesh);
  for (const auto& [name, value] : readings.more) publish_number(below("starling", name), value);
}

void SystemTopics::publish_load(std::string_view name, std::int64_t counter, double seconds) {
  auto found = loads_.find(name);
  if (found == loads_.end()) found = loads_.emplace(std::string(name), Load{}).first;
  Load& load = found->second;
  // Mosquitto's formula: what came in this round, as a rate per minute, pulls each average towards
  // itself.
  const double rate =
      seconds > 0 ? static_cast<double>(counter - load.counted) * 60.0 / seconds : 0.0;
  load.counted = counter;
  for (std::size_t i = 0; i < windows.size(); ++i) {
    double& average = load.per_minute.at(i);
    average = rate + std::exp(-seconds / windows.at(i).seconds) * (average - rate);
    publish_text(below("load", below(name, windows.at(i).name)), two_decimals(average));
  }
}

void SystemTopics::publish_number(std::string_view name, std::int64_t value) {
  publish_text(name, std::to_string(value));
}

void SystemTopics::publish_text(std::string_view name, std::string text) {
  const auto [standing, is_new] = published_.try_emplace(std::string(name));
  if (!is_new && standing->second == text) return;
  standing->second = std::move(text);
  const auto topic = TopicName::parse(below("$SYS/broker", name));
  STARLING_CHECK(topic.ok());
  broker_.publish_system(*topic, standing->second, true);
}

}  // namespace starling
