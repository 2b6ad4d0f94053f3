// Traffic before its first message: clients, subscriptions, and the proof that there is a way.
#include <algorithm>

#include "src/bench/traffic.hpp"

namespace starling::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto crossing_max = seconds(30);
constexpr auto probe_interval = milliseconds(200);
constexpr auto filter_patience = seconds(60);  // without one answer
constexpr auto probe_patience = seconds(20);
constexpr std::uint64_t filters_per_client = 1'000;

}  // namespace

void Traffic::make_clients() {
  Publisher::Listener* const hears_acks = this;
  Receiver::Listener& hears_messages = *this;
  Publisher::Plan plan;
  plan.prefix = layout_.prefix;
  plan.suffix = layout_.suffix;
  plan.qos = options_.qos;
  plan.size = options_.size;
  plan.unacked_max = options_.rate > 0 ? window_max : options_.window;
  plan.tag = tag_;
  for (std::uint32_t i = 0; i < layout_.publishers; ++i) {
    Source source;
    source.number = plan.number = i;
    source.publisher = std::make_unique<Publisher>(stage_, stage_.publish_at(),
                                                   "p" + std::to_string(i), plan, hears_acks);
    source.next_number.resize(layout_.topics);
    if (options_.messages > 0)
      source.quota = options_.messages / layout_.publishers
                     + (i < options_.messages % layout_.publishers ? 1 : 0);
    sources_.push_back(std::move(source));
  }
  for (std::uint32_t i = 0; i < layout_.subscribers; ++i) {
    Sink sink;
    sink.receiver = std::make_unique<Receiver>(stage_, stage_.subscribe_at(),
                                               "s" + std::to_string(i), i, hears_messages);
    sink.streams = layout_.streams_of(i);
    sink.checkers.resize(sink.streams.count);
    if (!is_stamped_) sink.by_order.resize(sink.streams.count);
    sinks_.push_back(std::move(sink));
  }
  const std::uint64_t idle = (options_.filters + filters_per_client - 1) / filters_per_client;
  for (std::uint64_t i = 0; i < idle; ++i)
    idle_.push_back(std::make_unique<Receiver>(stage_, stage_.subscribe_at(),
                                               "f" + std::to_string(i), layout_.subscribers + i,
                                               hears_messages));
}

void Traffic::open(Report& report) {
  std::vector<Client*> clients;
  for (Sink& sink : sinks_) clients.push_back(sink.receiver.get());
  for (Source& source : sources_) clients.push_back(source.publisher.get());
  for (auto& idle : idle_) clients.push_back(idle.get());
  reserve_descriptors(clients.size());
  stage_.show(
      [count = clients.size()] { return "connecting " + std::to_string(count) + " clients"; });
  const TimePoint began = stage_.poller().refresh_now();
  open_all(stage_, clients, options_.connecting);
  report.connections = {clients.size(),
                        std::chrono::duration<double>(stage_.now() - began).count()};
}

void Traffic::subscribe() {
  const auto subscribed = [this] {
    std::uint64_t count = 0;
    for (const Sink& sink : sinks_) count += sink.receiver->subscribed();
    return count;
  };
  std::uint64_t wanted = 0;
  for (std::uint32_t i = 0; i < sinks_.size(); ++i) {
    const std::uint64_t count = layout_.filter_count(i);
    wanted += count;
    sinks_[i].receiver->subscribe(
        count, [this, i](std::uint64_t number) { return layout_.filter_of(i, number); },
        options_.qos);
  }
  stage_.show([subscribed, wanted] {
    return "subscribing: " + std::to_string(subscribed()) + " of " + std::to_string(wanted);
  });
  wait_for(
      stage_, [&] { return subscribed() == wanted; }, subscribed, filter_patience,
      stage_.subscribe_at().name + " does not answer SUBSCRIBE");
}

void Traffic::load_idle_filters() {
  if (options_.filters == 0) return;
  const auto subscribed = [this] {
    std::uint64_t count = 0;
    for (const auto& idle : idle_) count += idle->subscribed();
    return count;
  };
  for (std::uint64_t i = 0; i < idle_.size(); ++i) {
    const std::uint64_t first = i * filters_per_client;
    idle_[i]->subscribe(
        std::min(filters_per_client, options_.filters - first),
        [this, first](std::uint64_t number) { return idle_filter(layout_.prefix, first + number); },
        options_.qos);
  }
  stage_.show([this, subscribed] {
    return "loading filters: " + std::to_string(subscribed()) + " of "
           + std::to_string(options_.filters);
  });
  wait_for(
      stage_, [&] { return subscribed() == options_.filters; }, subscribed, filter_patience,
      stage_.subscribe_at().name + " does not answer SUBSCRIBE");
}

/// With two brokers a subscription takes its time until publishers feel it: each publisher repeats a
/// probe on its first topic until everybody it is for has seen one.
void Traffic::await_crossing() {
  const auto probe_tag = static_cast<std::uint16_t>(tag_ + 1);
  const std::uint64_t wanted = std::max<std::uint64_t>(sources_.size(), sinks_.size());
  const TimePoint give_up = stage_.poller().refresh_now() + crossing_max;
  crossed_.resize(wanted);
  stage_.show([this, wanted] {
    return "waiting until messages cross: " + std::to_string(crossings_) + " of "
           + std::to_string(wanted);
  });
  TimePoint next_probe = stage_.now();
  while (crossings_ < wanted && !stage_.should_end()) {
    if (stage_.now() >= give_up)
      return stage_.fail(
          {ExitStatus::failed, "no way from " + stage_.publish_at().name + " to "
                                   + stage_.subscribe_at().name + ": of " + std::to_string(wanted)
                                   + " probes on topics " + layout_.prefix + "/# only "
                                   + std::to_string(crossings_)
                                   + " crossed in 30 s (is the topic shared or bridged? --topic)"});
    if (stage_.now() >= next_probe) {
      for (Source& source : sources_)
        if (source.publisher->has_room())
          source.publisher->publish_probe(source.number * layout_.topics, probe_tag);
      next_probe = stage_.now() + probe_interval;
    }
    stage_.turn(next_probe);
  }
  const auto unacknowledged = [this] {
    std::uint64_t count = 0;
    for (const Source& source : sources_) count += source.publisher->unacknowledged();
    return count;
  };
  wait_for(
      stage_, [&] { return unacknowledged() == 0; }, unacknowledged, probe_patience,
      stage_.publish_at().name + " does not acknowledge probes");
}

void Traffic::note_crossing(std::uint32_t publisher, std::uint32_t subscriber) {
  const std::uint32_t place =
      std::max(publisher, subscriber);  // one of them is alone, or both agree
  if (crossed_[place]) return;
  crossed_[place] = true;
  ++crossings_;
}

}  // namespace starling::bench
